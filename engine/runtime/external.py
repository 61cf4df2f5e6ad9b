"""Work for external workers: they acquire jobs of a topic under a lease of theirs, and complete, fail or give them back.

An answer does not carry the process on by itself: it turns the job into a ready one, with the same id, that the cluster runs; so
the worker is answered at once and a failure of the next step is not his. Of the exclusive jobs of an instance one is held at a time.
Source: Flowable's external-job-api.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from engine import tracing
from engine.errors import BadInput, Forbidden, NotFound
from engine.models import Instance, Job
from engine.runtime import access
from engine.runtime.instances import identify, known
from engine.runtime.queries.variables import visible
from engine.runtime.store import claims
from engine.runtime.store.values import decoded, encoded

State = Job.State
PAUSE = 0.2  # seconds between two looks for a worker that waits
MOST, LONGEST = 100, timedelta(days=30)  # jobs at once, and how long they may be kept
INPUT, ANSWER = "variables", "answer"  # in a job's data: what the model gives to the worker, and what he answered
NO_REASON = "the external worker gave no reason"


def waiting(user: access.User = None) -> QuerySet[Job]:
    """The jobs that wait for external workers."""
    access.check_operate(user)
    return Job.objects.filter(state=State.EXTERNAL)


def acquire(
    topic: str,
    worker: str,
    duration: timedelta,
    *,
    most: int = 1,
    retries: int = 5,
    wait: timedelta = timedelta(),
    user: access.User = None,
) -> list[Job]:
    """Lease the oldest free jobs of a topic to a worker; `retries` is how often it is tried again if another was faster.

    With `wait` it is looked for so long until there is one. Raises Forbidden, BadInput.
    """
    _check_lease(duration)
    if not 1 <= most <= MOST:
        raise BadInput(f"numberOfTasks must be 1 to {MOST}", "numberOfTasks")
    until = time.monotonic() + wait.total_seconds()
    while not (rows := _acquired(topic, worker, duration, most, retries, user)) and time.monotonic() < until:
        time.sleep(min(PAUSE, max(0.0, until - time.monotonic())))
    return rows


def _acquired(topic: str, worker: str, duration: timedelta, most: int, retries: int, user: access.User) -> list[Job]:
    for _ in range(max(1, min(retries, 10))):
        with transaction.atomic():
            now = datetime.now(UTC)
            free = _free(topic, now, user)
            locked = free.select_for_update(skip_locked=_skips(), of=("self",) if _skips() else ())
            rows = _exclusively(list(locked.order_by("created", "pk")[:most]), now)
            Job.objects.filter(pk__in=[row.pk for row in rows]).update(lease_owner=worker, lease_until=now + duration)
        if rows or not free.exists():
            break
    for row in rows:
        row.lease_owner, row.lease_until = worker, now + duration
    return rows


def _free(topic: str, now: datetime, user: access.User) -> QuerySet[Job]:
    """What nobody holds; of an instance's exclusive jobs the oldest, while no other of them is held."""
    mine = Job.objects.filter(state=State.EXTERNAL, exclusive=True, instance=OuterRef("instance"))
    free = Q(lease_until=None) | Q(lease_until__lt=now)
    older = Q(created__lt=OuterRef("created")) | Q(created=OuterRef("created"), pk__lt=OuterRef("pk"))
    first = ~Exists(mine.filter(_held(now))) & ~Exists(mine.filter(free, older, topic=topic))
    return waiting(user).filter(free, Q(exclusive=False) | Q(instance=None) | first, topic=topic)


def _held(now: datetime) -> Q:
    return Q(lease_owner__isnull=False, lease_until__gte=now)


def _exclusively(rows: list[Job], now: datetime) -> list[Job]:
    """Those that may be held, with the instances of exclusive ones locked: workers of two topics must not both get one."""
    wanted = sorted({row.instance_id for row in rows if row.exclusive and row.instance_id})
    if not wanted:
        return rows
    locked = set(Instance.objects.select_for_update(skip_locked=_skips()).filter(pk__in=wanted).order_by("pk").values_list("pk", flat=True))
    busy = set(Job.objects.filter(_held(now), state=State.EXTERNAL, exclusive=True, instance__in=locked).values_list("instance", flat=True))
    return [row for row in rows if not row.exclusive or row.instance_id is None or row.instance_id in locked - busy]


def _skips() -> bool:
    return bool(connection.features.has_select_for_update_skip_locked)


def _check_lease(duration: timedelta) -> None:
    if not timedelta(0) < duration <= LONGEST:
        raise BadInput(f"lockDuration must be more than nothing and at most {LONGEST.days} days", "lockDuration")


def inputs(rows: Iterable[Job]) -> dict[Any, dict[str, Any]]:
    """What each job's worker gets to see: the variables that its node names, or all that its token sees."""
    return {row.pk: _inputs(row) for row in rows}


def _inputs(row: Job) -> dict[str, Any]:
    if INPUT in row.data:
        return decoded(row.data[INPUT])
    return visible(row.instance_id, row.token or 0) if row.instance_id else {}


# -- answers --------------------------------------------------------------------------------------------------------------
def _mine(job_id: Any, worker: str, user: access.User) -> Job:
    """The job, leased to this worker; within a transaction. Raises NotFound, Forbidden."""
    found = waiting(user).select_for_update().filter(pk=identify(job_id, "external job")).first()
    if found is None:
        raise NotFound(f"there is no external job {job_id}")
    if found.lease_owner != worker:
        raise Forbidden(f"the job is not held by {worker[:60]!r}")
    return found


def complete(job_id: Any, worker: str, variables: Mapping[str, Any] | None = None, *, user: access.User = None) -> None:
    """The work is done: its variables come in when the cluster runs the job; raises NotFound, Forbidden, BadInput."""
    _answer(job_id, worker, {ANSWER: encoded(known(variables))}, user)


def bpmn_error(job_id: Any, worker: str, code: str, variables: Mapping[str, Any] | None = None, *, user: access.User = None) -> None:
    """The work ended in a business error, for the error events of the model; raises NotFound, Forbidden, BadInput."""
    _answer(job_id, worker, {ANSWER: encoded(known(variables)), "error": code}, user)


def _answer(job_id: Any, worker: str, data: Mapping[str, Any], user: access.User) -> None:
    with transaction.atomic():
        job = _mine(job_id, worker, user)
        ready = {
            "state": State.READY,
            "due": datetime.now(UTC),
            "lease_owner": None,
            "lease_until": None,
            "data": tracing.marked({**job.data, **data}),
        }
        Job.objects.filter(pk=job.pk).update(**ready)
        claims.announce()


def fail(
    job_id: Any, worker: str, message: str | None, *, details: str | None = None, retries: int | None = None,
    wait: timedelta | None = None, user: access.User = None,
) -> None:  # fmt: skip
    """The work failed: it is offered again (after `wait`) while attempts are left, then a dead letter; raises NotFound, Forbidden."""
    with transaction.atomic():
        job = _mine(job_id, worker, user)
        left = job.retries - 1 if retries is None or retries < 0 else retries
        kept = None if left <= 0 or wait is None else datetime.now(UTC) + wait
        state = State.EXTERNAL if left > 0 else State.DEAD
        said = {"error": (message or NO_REASON)[: claims.LONGEST_ERROR], "traceback": details}
        Job.objects.filter(pk=job.pk).update(
            state=state, retries=max(left, 0), attempts=job.attempts + 1, lease_owner=None, lease_until=kept, **said
        )


def renew(job_id: Any, worker: str, duration: timedelta, *, user: access.User = None) -> None:
    """Hold a job for longer; raises NotFound, Forbidden, BadInput."""
    _check_lease(duration)
    with transaction.atomic():
        Job.objects.filter(pk=_mine(job_id, worker, user).pk).update(lease_until=datetime.now(UTC) + duration)


def release(job_id: Any, worker: str, *, user: access.User = None) -> None:
    """Give a job back undone; raises NotFound, Forbidden."""
    with transaction.atomic():
        Job.objects.filter(pk=_mine(job_id, worker, user).pk).update(lease_owner=None, lease_until=None)


def release_all(worker: str, *, user: access.User = None) -> int:
    """Give all jobs of a worker back."""
    return waiting(user).filter(lease_owner=worker).update(lease_owner=None, lease_until=None)


def answered(data: Mapping[str, Any]) -> dict[str, Any]:
    """A job's data as the interpreter takes it: the worker's variables as values."""
    return {**data, INPUT: decoded(data.get(ANSWER, ()))}
