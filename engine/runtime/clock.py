"""Notices that the clock of the leases was set back. Then a lease of a dead worker would end an hour too late, or never.

Who is alive renews his leases within a third of one, by the new clock. So after a whole lease, on the machine's monotonic clock, what
still ends in a far future is nobody's. Due dates are moments of the calendar: set back, the clock has to reach them again.
"""

from __future__ import annotations

import logging
import time
from datetime import datetime

from engine.conf import settings as conf
from engine.runtime.store import leases

LOG = logging.getLogger("towpath.cluster")
JUMP = 1.0  # seconds; a clock that is slowed down to be corrected loses less between two looks


class Clock:
    """The clock as one process sees it; the first look counts as a jump, for nobody knows what happened before."""

    def __init__(self) -> None:
        self.last: tuple[datetime, float] | None = None
        self.settled: float | None = None  # when, on the monotonic clock, all who live have renewed their leases

    def saw(self, now: datetime) -> None:
        """Take in what time it is for the leases; frees what a jump left behind, when it is time for that."""
        here = time.monotonic()
        if self._jumped(now, here):
            self.settled = here + conf.JOB_LEASE
        self.last = now, here
        if self.settled is not None and here >= self.settled:
            self.settled = None
            if freed := leases.release_far():
                LOG.warning("the clock was set back: %s jobs of workers that are gone are free again", freed)

    def _jumped(self, now: datetime, here: float) -> bool:
        if self.last is None:
            return True
        then, there = self.last
        return (now - then).total_seconds() < here - there - JUMP
