"""How the queue stands: for the dashboard, for monitoring, and for who waits on a terminal. Reads, and changes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.utils import timezone

from engine.conf import settings as conf
from engine.models import Job, Ledger, Worker

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Standing:
    """The queue at a moment. `overdue` is for how many seconds the oldest job has been due that nobody runs; 0 if there is none.

    That, and not the number of processes, tells whether the queue is served. `last_minute` counts units by outcome.
    """

    counts: Mapping[tuple[str, str], int]
    overdue: float
    workers: tuple[Worker, ...]
    last_minute: Mapping[str, int]

    def count(self, state: str) -> int:
        """Jobs in a state, of whatever kind."""
        return sum(number for (s, _), number in self.counts.items() if s == state)


def standing(now: datetime | None = None) -> Standing:
    """Four SELECTs; for a queue of a million jobs the count is the slow one."""
    now = now or timezone.now()
    counts = Job.objects.order_by().values_list("state", "kind").annotate(n=Count("pk"))
    return Standing({(state, kind): n for state, kind, n in counts}, overdue(now), alive(now), _last_minute(now))


def overdue(now: datetime | None = None) -> float:
    """For how long the oldest job has been due that could be claimed and is not; in seconds."""
    now = now or timezone.now()
    free = Job.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now))
    oldest = [
        free.filter(state=state, due__lte=now).order_by("due").values_list("due", flat=True).first()
        for state in (Job.State.READY, Job.State.WAITING)
    ]
    return max(((now - due).total_seconds() for due in oldest if due), default=0.0)


def alive(now: datetime | None = None) -> tuple[Worker, ...]:
    """The workers whose heart has beaten within a lease."""
    since = (now or timezone.now()) - timedelta(seconds=conf.JOB_LEASE)
    return tuple(Worker.objects.filter(seen__gte=since).order_by("host", "pid"))


def _last_minute(now: datetime) -> dict[str, int]:
    rows = Ledger.objects.filter(at__gte=now - MINUTE, trigger__in=(Ledger.Trigger.JOB, Ledger.Trigger.TIMER))
    return dict(rows.order_by().values_list("outcome").annotate(n=Count("pk")))
