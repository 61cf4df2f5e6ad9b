"""What a clock that was set back leaves in the future: work that was due already, retries, and the order in which work is taken up.

A timer is a moment of the calendar, and waits until the clock has reached it again; but one that had fallen due is not put off.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q

from engine.models import Delivery, Job
from engine.runtime.store.claims import DUE

State, Kind = Job.State, Job.Kind
NOTICED = timedelta(seconds=10)  # a jump is noticed sooner; what was made since then goes by the new clock
_DATES = Q(kind__in=[Kind.TIMER, Kind.START_TIMER, Kind.SUSPEND, Kind.ACTIVATE], error=None) & ~Q(data__has_key=DUE)


@transaction.atomic
def repair(now: datetime, before: datetime) -> int:
    """Where the clock showed `before` it shows `now`, which is earlier: due dates follow it. Returns how many were wrong.

    Where two clusters notice the same jump it is done twice, and then a retry may come at once.
    """
    back = before - now
    lately = Q(created__range=(now - NOTICED, now + NOTICED))
    jobs, deliveries = Job.objects.filter(due__gt=now), Delivery.objects.filter(state=Delivery.State.PENDING, due__gt=now)
    return (
        jobs.filter(state=State.WAITING, due__lte=before).exclude(_DATES & lately).update(state=State.READY)
        + jobs.filter(state=State.READY).exclude(_DATES).update(due=now)  # a later one would be taken up before it
        + jobs.filter(state=State.WAITING, due__gt=before).exclude(_DATES).update(due=F("due") - back)
        + deliveries.filter(due__lte=before).update(due=now)
        + deliveries.filter(due__gt=before).update(due=F("due") - back)
        + Delivery.objects.filter(lease_until__gt=before).update(lease_until=F("lease_until") - back)
    )
