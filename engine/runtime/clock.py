"""Notices that the clock of the leases was set back, and puts right what that leaves in the future.

Who is alive renews his leases within a third of one, by the new clock. So after a whole lease, on the machine's monotonic clock, what
still ends in a far future is nobody's. Retries and work that was due follow the clock at once.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime, timedelta

from engine.conf import settings as conf
from engine.runtime.store import jumps, leases

LOG = logging.getLogger("towpath.cluster")
JUMP = 1.0  # seconds; a clock that is slowed down to be corrected loses less between two looks


class Clock:
    """The clock as one process sees it; the first look counts as a jump, for nobody knows what happened before."""

    def __init__(self) -> None:
        self.last: tuple[datetime, float] | None = None
        self.settled: float | None = None  # when, on the monotonic clock, all who live have renewed their leases

    def saw(self, now: datetime) -> None:
        """Take in what time it is for the leases; puts right what a jump left behind, when it is time for that.

        An error of the database leaves the jump to be noticed at the next look.
        """
        here = time.monotonic()
        if self._jumped(now, here):
            self._repair(now, here)
            self.settled = here + conf.JOB_LEASE
        self.last = now, here
        if self.settled is not None and here >= self.settled:
            freed = leases.release_far()
            self.settled = None
            if freed:
                LOG.warning("the clock was set back: %s jobs of workers that are gone are free again", freed)

    def _jumped(self, now: datetime, here: float) -> bool:
        return self.last is None or (self._expected(here) - now).total_seconds() > JUMP

    def _expected(self, here: float) -> datetime:
        """What the clock would show if nobody had touched it."""
        assert self.last
        then, there = self.last
        return then + timedelta(seconds=here - there)

    def _repair(self, now: datetime, here: float) -> None:
        if self.last:
            before = self._expected(here)
            changed = jumps.repair(now, before)
            LOG.warning("the clock was set back by %.0f s: %s due dates follow it", (before - now).total_seconds(), changed)
