"""What the processes of one cluster tell each other, in memory that they share and without a lock that a killed one could keep.

The broker offers work, a worker says that it took it; the guard of the cluster says that it is alive; whoever finds the
cluster stuck says so. Made before the processes are forked, so it is the same for all of them.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.sharedctypes import RawArray
from uuid import uuid4

_OFFERED, _GUARDED, _STOPPING, _STUCK = range(4)
TAKEN, DONE, NOTHING = b".", b"d", b"0"  # a worker took an offer; it is through with it; it found nothing that it could claim


class Pulse:
    """Moments on the machine's monotonic clock, 0 for never, and a pipe from the workers to the broker."""

    def __init__(self) -> None:
        self.cluster = uuid4().hex[:8]
        self.queues: tuple[str, ...] = ()  # job categories and process keys that this cluster serves; none: all
        self._at = RawArray("d", 4)
        self._heard, self._say = os.pipe()
        os.set_blocking(self._heard, False)
        os.set_blocking(self._say, False)

    # -- between broker and workers
    def offer(self, open_: bool) -> None:
        """The broker has an offer open that nobody took yet, or has none."""
        if not open_:
            self._at[_OFFERED] = 0
        elif not self._at[_OFFERED]:
            self._at[_OFFERED] = time.monotonic()

    @property
    def offered(self) -> float:
        """Since when an offer is open; 0 if none is."""
        return float(self._at[_OFFERED])

    def say(self, what: bytes) -> None:
        """A worker tells the broker; a full pipe has nobody who listens."""
        with suppress(BlockingIOError):
            os.write(self._say, what)

    def hear(self) -> bytes:
        """All that the workers have said since."""
        with suppress(BlockingIOError):
            return os.read(self._heard, 65_536)
        return b""

    def wait(self, seconds: float, others: Sequence[int] = ()) -> None:
        """Wait until a worker says something, or one of the other file descriptors can be read."""
        select.select([self._heard, *others], [], [], max(0.0, seconds))

    # -- for who watches over the cluster
    def guard(self) -> None:
        """The sentinel is alive."""
        self._at[_GUARDED] = time.monotonic()

    @property
    def guarded(self) -> float:
        return float(self._at[_GUARDED])

    def stop(self) -> None:
        """Workers are to begin no further job."""
        self._at[_STOPPING] = time.monotonic()

    @property
    def stopping(self) -> bool:
        return bool(self._at[_STOPPING])

    def report_stuck(self) -> None:
        """A worker is idle, and the work that is offered does not reach it."""
        self._at[_STUCK] = time.monotonic()

    @property
    def stuck(self) -> bool:
        return bool(self._at[_STUCK])

    def reset(self) -> None:
        """A new set of processes begins."""
        self.hear()
        for index in range(len(self._at)):
            self._at[index] = 0


pulse = Pulse()
