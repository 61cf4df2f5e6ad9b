"""The timers of start events: each time one is due it starts an instance, and plans its next time in the same transaction.

While its definition is suspended a timer starts nothing, and a cycle goes on (as in Flowable's TimerStartEventJobHandler).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from django.db import transaction
from django.utils.timezone import get_default_timezone

from engine.errors import UnrecoverableError
from engine.interpreter import timers
from engine.interpreter.journal import Begin
from engine.models import Definition, Ledger
from engine.models.fields import uuid7
from engine.runtime import definitions, work
from engine.runtime.store import claims, starting
from engine.runtime.store.claims import Claimed


def run(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Start an instance at the timer's start event; nobody is its starter."""
    if job.definition is None:
        raise UnrecoverableError(f"job {job.id} of kind {job.kind} belongs to no process definition")
    definition = definitions.get(job.definition)

    def fence() -> None:
        guard()
        _plan(job, definition)

    if definition.suspended:
        with transaction.atomic():
            fence()
        return
    order = work.Order(
        uuid7(), Begin(node=job.node), Ledger.Trigger.TIMER, (job.name or job.node or "")[:255], job.node, job=job.id,
        start=work.Start(definition, tenant=definition.tenant), attempt=job.attempts + 1, lease=job.lease,
    )  # fmt: skip
    work.run(order, guard=fence, on_failure=on_failure)


def _plan(job: Claimed, definition: Definition) -> None:
    """Make the job of a cycle's next time, if there is one."""
    now = datetime.now(UTC)
    node = definitions.graph(definition).nodes[job.node or ""]
    starting.plan(definition.pk, definition.tenant, node, timers.again(job.data, claims.was_due(job), now, get_default_timezone()), now)
