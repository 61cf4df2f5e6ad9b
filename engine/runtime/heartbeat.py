"""A thread beside the work: it renews the leases of what is held, says that the worker is alive, and sees to what takes too long.

It has its own connection, survives every error of the database, and never touches what the main thread is at: a lease that could
not be renewed is found lost by the fence when the job is to be saved.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from django.db import Error as DatabaseTrouble
from django.db import connection

from engine.conf import settings as conf
from engine.models import Worker
from engine.runtime.pulse import pulse
from engine.runtime.store import claims, leases
from engine.runtime.store.claims import Claimed

LOG = logging.getLogger("towpath.jobs")
TICK, RETRY = 0.25, 1.0  # seconds
SLOW = 1.0  # a job that takes longer does not keep the rest of its batch waiting
STUCK = 2.0  # an idle worker takes an offer in milliseconds
SURE = 3  # looks in a row: a process that got no time for so long takes the offer before its heart has beaten so often again
GRACE = 5.0  # what a job that ran out of time may take to end


@dataclass(frozen=True, slots=True)
class Held:
    """What a worker holds at a moment: the job that runs, those that it claimed and has not begun, and leased instances."""

    running: Claimed | None = None
    since: float = 0
    rest: tuple[Claimed, ...] = ()
    instances: frozenset[UUID] = frozenset()

    @property
    def jobs(self) -> tuple[Claimed, ...]:
        return (self.running, *self.rest) if self.running else self.rest


@dataclass(slots=True)
class Heart:
    """The beat of one worker; `held` is replaced as a whole by the main thread, and read by this one."""

    owner: str
    held: Held = field(default_factory=Held)
    idle: float = field(default_factory=time.monotonic)  # since when it waits for an offer; 0: it is at work
    done: int = 0
    failed: int = 0
    _beaten: float = 0
    _starved: int = 0  # looks in a row at which an offer had not reached this worker for too long
    _given: Held | None = None  # of which the rest was handed back; renewing that by its old lease touches nothing
    _stop: threading.Event = field(default_factory=threading.Event)
    _begun: datetime = field(default_factory=lambda: datetime.now(UTC))
    _parent: int = field(default_factory=os.getppid)

    def start(self, *, worker: bool = True) -> threading.Thread:
        """Beat until `stop`; a `worker` process also shows itself and looks after its cluster."""
        duties = [self._hand_back, self._beat] if worker else [self._renew]
        watch = [self._check_parent, self._check_time, self._check_offers] if worker else []
        if worker:
            self._appear()
        thread = threading.Thread(target=self._run, args=(watch, duties), name="heartbeat", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        self._stop.set()

    def _run(self, watch: list[Callable[[], None]], duties: list[Callable[[], None]]) -> None:
        missed = 0  # beats in a row that the database did not take
        while not self._stop.wait(TICK if not missed else RETRY):
            try:
                for do in (*watch, *duties):
                    do()
                if missed:
                    LOG.info("heartbeat of %s: the database is back", self.owner)
                missed = 0
            except MemoryError:
                missed += 1  # a job took all that there is; it will end, or its time will
            except DatabaseTrouble as error:
                if not missed:
                    LOG.warning("heartbeat of %s: %s", self.owner, error)
                missed += 1
                connection.close()
        connection.close()

    # -- leases
    def _due(self) -> bool:
        return time.monotonic() - self._beaten >= conf.JOB_LEASE / 3

    def _renew(self) -> None:
        if self._due() and not self._overdue(self.held):
            held = self.held
            leases.renew(self.owner, held.jobs, held.instances)
            self._beaten = time.monotonic()

    def _appear(self) -> None:
        """Be seen before anything is claimed: by their rows those are missed who die, and what they held is freed at once."""
        try:
            self._beat()
        except DatabaseTrouble as error:
            LOG.warning("heartbeat of %s: %s", self.owner, error)
            connection.close()

    def _beat(self) -> None:
        if self._due():
            self._renew()
            seen = {"seen": datetime.now(UTC), "done": self.done, "failed": self.failed}
            if not Worker.objects.filter(pk=self.owner).update(**seen):
                Worker.objects.create(id=self.owner, host=socket.gethostname()[:255], pid=os.getpid(), started=self._begun, **seen)

    def _hand_back(self) -> None:
        """The rest of a batch does not wait for a slow job. The main thread begins no job that is another's by then."""
        held = self.held
        if held.rest and held.running and held is not self._given and time.monotonic() - held.since > SLOW:
            if leases.release(held.rest):
                mine = claims.exclusive([held.running])
                leases.release_instances(self.owner, held.instances - mine)
                claims.announce()
            self._given = held

    @staticmethod
    def _overdue(held: Held) -> bool:
        """Whether a job has run out of all its time. Outside of a worker nobody can end it, but its lease may run out."""
        return held.running is not None and time.monotonic() - held.since > conf.JOB_TIMEOUT + GRACE

    # -- the process and its cluster
    def _check_parent(self) -> None:
        """Without its guard a worker would never be told to stop."""
        if os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGKILL)

    def _check_time(self) -> None:
        """A job that did not even end when its time was up, because it swallowed that or waits outside Python, ends with its process."""
        held = self.held
        if self._overdue(held) and held.running:
            LOG.critical("job %s (%s) does not stop: its worker ends", held.running.id, held.running.name or held.running.node)
            os.kill(os.getpid(), signal.SIGKILL)

    def _check_offers(self) -> None:
        """A process that is killed while it reads the queue keeps the queue's lock for ever; who starves beside it tells."""
        idle, offered = self.idle, pulse.offered
        starves = idle and offered and time.monotonic() - max(idle, offered) > STUCK and not pulse.stopping
        self._starved = self._starved + 1 if starves else 0
        if self._starved >= SURE:
            pulse.report_stuck()


@contextmanager
def keeping(job: Claimed) -> Iterator[None]:
    """Keep the lease of one job that is run outside a worker."""
    instances = frozenset(claims.exclusive([job]))
    heart = Heart(job.worker, Held(job, time.monotonic(), (), instances), _beaten=time.monotonic())
    heart.start(worker=False)
    try:
        yield
    finally:
        heart.stop()
