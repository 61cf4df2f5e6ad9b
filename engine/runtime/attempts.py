"""One attempt at one claimed job: begun and counted, run as a unit of work, then done, tried again later, or a dead letter.

The job's row goes in the very transaction that does its work, fenced by its lease; a failure is written down in the transaction
that follows the rollback. What is no failure of the job (its database went away, its instance was suspended) is not held against it.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from django.db import Error as DatabaseTrouble
from django.db import InterfaceError, OperationalError, connection, transaction

from engine import tracing
from engine.errors import Conflict, LeaseLost, NotFound, TechnicalError, UnrecoverableError
from engine.interpreter.journal import Ran
from engine.models import Definition, Instance, Ledger
from engine.models.fields import uuid7
from engine.runtime import delayed, deliveries, external, policies, requests, retention, start_timers, work
from engine.runtime.store import claims
from engine.runtime.store.claims import Claimed

LOG = logging.getLogger("towpath.jobs")
FORGIVEN = 10  # attempts at one job that may be lost to the database before they count as its own failures
FORGIVEN_FULL = 120  # where the disk is full, for which no job is to blame: that is an hour


class WorkerLost(TechnicalError):
    """The worker died while it ran the job."""


class TimedOut(BaseException):
    """The job ran longer than ENGINE_JOB_TIMEOUT; no Exception, so that no handler takes it for an error of its own."""


# -- what each kind of job does -------------------------------------------------------------------------------------------
Runner = Callable[[Claimed, work.Guard, Callable[[BaseException], None]], None]


def _step(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Carry the token on that waits for this job."""
    if job.instance is None or job.token is None:
        raise UnrecoverableError(f"job {job.id} of kind {job.kind} belongs to no token")
    order = work.Order(
        job.instance,
        Ran(job.token, job.kind, job.data, claims.was_due(job)),
        Ledger.Trigger.TIMER if job.kind == "timer" else Ledger.Trigger.JOB,
        (job.name or job.node or "")[:255],
        job.node,
        job=job.id,
        attempt=job.attempts + 1,
        lease=job.lease,
    )
    work.run(order, guard=guard, on_failure=on_failure)


def _answered(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Carry the token on with what an external worker answered."""
    _step(replace(job, data=external.answered(job.data)), guard, on_failure)


RUNNERS: dict[str, Runner] = {
    **dict.fromkeys(("async", "async-leave", "async-call", "timer"), _step),
    "external": _answered,
    "deliver": deliveries.run,
    "request": requests.run,
    "start-timer": start_timers.run,
    "cleanup": retention.run,
    "variables": delayed.write,
    **dict.fromkeys(delayed.SWITCHES, delayed.switch),
}


def _unknown(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    raise UnrecoverableError(f"this version cannot run jobs of kind {job.kind}")


# -- an attempt -----------------------------------------------------------------------------------------------------------
def begin(job: Claimed) -> Claimed | None:
    """Count the attempt; None if there is none to make: the lease is lost, or lost workers have used up all attempts."""
    if not job.begun:
        return job if claims.begin(job) else None
    with transaction.atomic():
        charged = charge(job)
        return charged if charged and claims.begin(charged) else None


def charge(job: Claimed) -> Claimed | None:
    """Count the attempt whose worker was lost; None if it was the last, and the job is a dead letter now."""
    error = WorkerLost(f"the worker was lost that began this at {job.begun:%Y-%m-%d %H:%M:%S} UTC")
    verdict = policies.after_failure(job, error)
    _note(job, Ledger.Outcome.ROLLED_BACK, str(error))
    if verdict.state == "dead":
        LOG.error("job %s (%s) is a dead letter: %s", job.id, job.name or job.node, error)
        claims.fail(job, state="dead", wait=0, retries=0, error=str(error), traceback="")
        requests.buried(job, error)
        return None
    LOG.warning("job %s (%s) begins anew: %s", job.id, job.name or job.node, error)
    claims.charge(job, verdict.retries, str(error))
    return replace(job, retries=verdict.retries, error=str(error), begun=None)


class Attempt:
    """A job that was begun, and the one that follows it in the batch."""

    def __init__(self, job: Claimed, following: Claimed | None = None) -> None:
        self.job, self.fence = job, claims.Fence(job, following)
        self.error: BaseException | None = None  # what it failed with
        self.cause: BaseException | None = None  # what made the unit of work roll back
        self.noted: BaseException | None = None  # the same, once it was written down

    @property
    def follows(self) -> bool:
        """Whether the following job is begun."""
        return self.error is None and self.fence.follows

    def run(self) -> None:
        """Run the job. What it fails with is written down and kept in `error`; only what ends the process is raised."""
        with tracing.call(tracing.current() or self.job.data.get(tracing.MARK)):
            try:
                RUNNERS.get(self.job.kind, _unknown)(self.job, self.fence, self._on_failure)
            except BaseException as error:
                self.error = error
                self._failed(error)
                if isinstance(error, SystemExit | KeyboardInterrupt):
                    raise

    def _on_failure(self, error: BaseException) -> None:
        """In the transaction that follows the rollback."""
        self.cause = error
        settle(self.job, error)
        self.noted = error

    def _failed(self, error: BaseException) -> None:
        """After all: what could not be written down with the rollback is written down now, or as soon as it can be."""
        LOG.warning("job %s (%s) failed: %s", self.job.id, self.job.name or self.job.node, error or type(error).__name__)
        if self.noted is not error:
            owe(self.job, self.cause or error)


# -- what follows a failure -----------------------------------------------------------------------------------------------
def settle(job: Claimed, error: BaseException) -> None:
    """Write down what becomes of a job that did not come to its end; within a transaction."""
    if isinstance(error, LeaseLost):
        return
    if isinstance(error, work.Gone) or (isinstance(error, NotFound) and _orphaned(job)):
        if claims.drop(job):
            _note(job, Ledger.Outcome.OVERTAKEN, str(error))
    elif isinstance(error, Conflict) and (instance := _instance(job)) and instance.suspended:
        claims.park(job)
    elif (isinstance(error, Conflict) or is_interruption(error)) and job.attempts < (FORGIVEN_FULL if is_full(error) else FORGIVEN):
        claims.postpone(job, min(30.0 if is_full(error) else 5.0, 0.1 * 2**job.attempts))
    else:
        _failed(job, error)


def _failed(job: Claimed, error: BaseException) -> None:
    verdict = policies.after_failure(job, error)
    said = str(error) or type(error).__name__
    trace = "".join(traceback.format_exception(error))
    claims.fail(job, state=verdict.state, wait=verdict.wait, retries=verdict.retries, error=said, traceback=trace)
    if verdict.state == "dead":
        requests.buried(job, error)


def _orphaned(job: Claimed) -> bool:
    """Whether what the job belongs to was deleted."""
    if job.instance is not None:
        return _instance(job) is None
    return job.definition is not None and not Definition.objects.filter(pk=job.definition).exists()


def _instance(job: Claimed) -> Instance | None:
    return Instance.objects.filter(pk=job.instance).first() if job.instance else None


def _note(job: Claimed, outcome: str, error: str) -> None:
    """A row of the ledger for an attempt that `work` knows nothing of."""
    instance = _instance(job)
    Ledger.objects.create(
        instance_id=job.instance, definition=job.definition or "", number=instance.revision + 1 if instance else 1,
        attempt=instance.attempts + 1 if instance else 1, trigger=Ledger.Trigger.TIMER if job.kind == "timer" else Ledger.Trigger.JOB,
        subject=(job.name or job.node or "")[:255], node=job.node, job=job.id, at=job.begun or datetime.now(UTC), outcome=outcome,
        error=error, work=uuid7(),
    )  # fmt: skip
    if instance:
        Instance.objects.filter(pk=instance.pk).update(attempts=instance.attempts + 1)


# SQLSTATE classes that say nothing about the job: connection, deadlock, resources (disk full), operator intervention (shutdown).
_NOT_ITS_FAULT = ("08", "40", "53", "57")
_NOT_ITS_FAULT_EITHER = ("locked", "busy", "disk is full", "disk i/o", "unable to open")  # SQLite has only words


def is_interruption(error: BaseException) -> bool:
    """Whether the database failed the job, and not the job itself; no answer at all has no SQLSTATE."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    if connection.vendor != "postgresql":
        return any(word in str(error).lower() for word in _NOT_ITS_FAULT_EITHER)
    state = getattr(error.__cause__, "sqlstate", None)
    return state is None or state.startswith(_NOT_ITS_FAULT)


def is_full(error: BaseException) -> bool:
    """Whether the disk is full."""
    if connection.vendor != "postgresql":
        return "disk is full" in str(error).lower()
    return getattr(error.__cause__, "sqlstate", None) == "53100"


# -- what could not be written down ---------------------------------------------------------------------------------------
_OWED: dict[UUID, tuple[Claimed, BaseException]] = {}


def owe(job: Claimed, error: BaseException) -> None:
    """Settle a job whose failure the database could not take; should this process die first, its lease runs out instead."""
    _OWED[job.id] = job, error
    pay()


def pay() -> bool:
    """Try to settle what is owed; whether nothing is left. A worker asks before it claims more."""
    for key, (job, error) in list(_OWED.items()):
        try:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
            with transaction.atomic():
                settle(job, error)
        except DatabaseTrouble as trouble:
            LOG.error("the end of job %s cannot be written down yet: %s", key, trouble)
            connection.close()
            return False
        del _OWED[key]
    return True
