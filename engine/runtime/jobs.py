"""What operators do with jobs: run one now, let it run again, bury, plan anew, delete, one or many at once.

Each is one conditional UPDATE or DELETE, so whatever a worker does in the same moment wins or loses as a whole. A job that is being
run is left alone (Conflict). Nothing here says anything to a user; that is for the doors.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, NotFound
from engine.models import Instance, Job
from engine.runtime import access, attempts
from engine.runtime.heartbeat import keeping
from engine.runtime.instances import identify
from engine.runtime.store import claims, leases

State = Job.State
AT_ONCE = 500  # rows a statement; 10,000 jobs are 20 statements in one transaction
TIMERS = (Job.Kind.TIMER, Job.Kind.START_TIMER, Job.Kind.SUSPEND, Job.Kind.ACTIVATE)
LEASED = Q(lease_owner__isnull=False, lease_until__gte=Now())


def get(job_id: Any) -> Job:
    """A job; raises NotFound."""
    found = Job.objects.filter(pk=identify(job_id, "job")).first()
    if found is None:
        raise NotFound(f"there is no job {job_id}")
    return found


# -- run now --------------------------------------------------------------------------------------------------------------
def run_now(job_id: Any, *, user: access.User = None) -> None:
    """Run a job in the caller's thread, due or not: claimed as a worker does, its end or failure committed, its failure raised.

    Raises NotFound; Conflict when it or its instance is leased, suspended, or waits for an external worker.
    """
    access.check_operate(user)
    row = get(job_id)
    claimed = claims.claim_jobs(f"run-{os.urandom(8).hex()}:1", lane="one", id=row.pk)
    if not claimed:
        raise _refusal(row.pk)
    job = claimed[0]
    try:
        if (ready := attempts.begin(job)) is None:
            raise Conflict(f"job {job.id} is a dead letter: its workers were lost")
        attempt = attempts.Attempt(ready)
        with keeping(ready):
            attempt.run()
    finally:
        leases.release_instances(job.worker, claims.exclusive([job]))
        claims.announce()  # an exclusive successor could not be claimed until now
    if attempt.error is not None:
        raise attempt.error


# -- one or many ----------------------------------------------------------------------------------------------------------
def move(job_id: Any, *, user: access.User = None) -> None:
    """Let a waiting, dead or suspended job run as soon as a worker is free; a dead one gets all its attempts again."""
    _one(move_all, job_id, user=user)


def move_all(ids: Iterable[Any], *, user: access.User = None) -> int:
    """`move` for many; returns how many were moved, the others were not in a state for it."""
    access.check_operate(user)
    fresh: dict[str, Any] = {"state": State.READY, "retries": conf.JOB_RETRIES, "due": Now(), "begun": None}
    suspended = Instance.objects.filter(suspended=True).values("pk")

    def change(rows: QuerySet[Job]) -> int:
        return (
            rows.filter(state=State.DEAD, kind=Job.Kind.EXTERNAL)
            .exclude(data__has_key="answer")
            .update(**(fresh | {"state": State.EXTERNAL}))
            + rows.filter(state=State.DEAD).update(**fresh)
            + rows.filter(state=State.WAITING, kind__in=TIMERS).update(state=State.READY)
            + rows.filter(state=State.WAITING).update(state=State.READY, due=Now())
            + rows.filter(state=State.SUSPENDED).exclude(instance__in=suspended).update(state=State.READY, resumes_as=None)
        )

    return _many(ids, change, wake=True)


def bury(job_id: Any, *, user: access.User = None) -> None:
    """Make a job a dead letter, which nobody runs until it is moved back."""
    _one(bury_all, job_id, user=user)


def bury_all(ids: Iterable[Any], *, user: access.User = None) -> int:
    """`bury` for many; returns how many were."""
    access.check_operate(user)
    living = (State.READY, State.WAITING, State.EXTERNAL)
    return _many(ids, lambda rows: rows.filter(state__in=living).update(state=State.DEAD, retries=0))


def reschedule(job_id: Any, due: datetime, *, user: access.User = None) -> None:
    """Give a waiting job another time."""
    _one(reschedule_all, job_id, due, user=user)


def reschedule_all(ids: Iterable[Any], due: datetime, *, user: access.User = None) -> int:
    """`reschedule` for many; returns how many were."""
    access.check_operate(user)
    return _many(ids, lambda rows: rows.filter(state=State.WAITING).update(due=due))


def set_retries(job_id: Any, retries: int, *, user: access.User = None) -> None:
    """Say how many attempts a job has left; raises BadInput below 0."""
    _one(set_retries_all, job_id, retries, user=user)


def set_retries_all(ids: Iterable[Any], retries: int, *, user: access.User = None) -> int:
    """`set_retries` for many; returns how many were changed."""
    access.check_operate(user)
    if retries < 0:
        raise BadInput("a job cannot have fewer than 0 attempts left", "retries")
    return _many(ids, lambda rows: rows.update(retries=retries))


def delete(job_id: Any, *, user: access.User = None) -> None:
    """Delete a job: what it had to do will not happen, and its token stays where it is."""
    _one(delete_all, job_id, user=user)


def delete_all(ids: Iterable[Any], *, user: access.User = None) -> int:
    """`delete` for many; returns how many were."""
    access.check_operate(user)
    return _many(ids, lambda rows: rows.delete()[0])


def _many(ids: Iterable[Any], change: Callable[[QuerySet[Job]], int], *, wake: bool = False) -> int:
    """All or nothing: a change of those among these jobs that nobody runs at the moment."""
    keys = sorted({identify(key, "job") for key in ids})
    with transaction.atomic():
        changed = sum(change(Job.objects.filter(pk__in=part).exclude(LEASED)) for part in _parts(keys))
        if changed and wake:
            claims.announce()
    return changed


def _parts(keys: list[UUID]) -> Iterable[list[UUID]]:
    return (keys[i : i + AT_ONCE] for i in range(0, len(keys), AT_ONCE))


def _one(verb: Callable[..., int], job_id: Any, *arguments: Any, user: access.User) -> None:
    """Do to one job what is done to many; raises NotFound, Conflict."""
    if not verb([job_id], *arguments, user=user):
        raise _refusal(get(job_id).pk)


def _refusal(job_id: UUID) -> Conflict:
    """Why nothing could be done to a job."""
    job = get(job_id)
    if Job.objects.filter(LEASED, pk=job_id).exists():
        return Conflict(f"job {job_id} is being run")
    if Instance.objects.filter(LEASED, pk=job.instance_id).exists() and job.exclusive:
        return Conflict(f"job {job_id} must wait: another job of its instance is being run")
    return Conflict(f"job {job_id} is not in the state for this: it is {job.get_state_display()}")
