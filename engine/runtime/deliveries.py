"""Events delivered later: one `deliver` job for each who waits when it is thrown, so that none is held up by another's failure.

Who began to wait afterwards gets nothing; who waits no more when his job runs is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from engine.errors import UnrecoverableError
from engine.interpreter.journal import Begin, Received, Throw
from engine.models import Job, Ledger, Subscription
from engine.models.fields import uuid7
from engine.models.prepared import Prepared
from engine.runtime import access, definitions, work
from engine.runtime.instances import known
from engine.runtime.store import claims, receivers
from engine.runtime.store.claims import Claimed
from engine.runtime.store.sending import send
from engine.runtime.store.statements import insert
from engine.runtime.store.values import decoded


def signal(name: str, variables: Mapping[str, Any] | None = None, *, user: access.User = None, tenant: str = "") -> int:
    """Broadcast a signal by jobs to all who wait for it now; answers how many. Raises Forbidden."""
    access.check_operate(user)
    throw = Throw("signal", name, "", known(variables), asynchronous=True)
    now = datetime.now(UTC)
    with transaction.atomic():
        everybody = receivers.everybody("signal", name, tenant)
        send(insert(Job, [receivers.delivery(one, throw, tenant, access.name(user), now) for one in everybody]))
        if everybody:
            claims.announce()
    return len(everybody)


def run(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Deliver to the one receiver; the job ends in the same transaction."""
    kind, name, values = job.data["event"], job.data["name"], decoded(job.data["variables"])
    about: dict[str, Any] = {
        "trigger": Ledger.Trigger(kind), "subject": name[:255], "node": job.node, "user": job.data.get("user"), "job": job.id,
        "lease": job.lease, "attempt": job.attempts + 1,
    }  # fmt: skip
    if job.instance is not None:
        _check_waits(job, kind, name)
        wish: work.Wish = Received(job.token or 0, kind, name, values)
        work.run(work.Order(job.instance, wish, **about), guard=guard, on_failure=on_failure)
    elif job.definition is not None:
        definition = definitions.get(job.definition)
        start = work.Start(definition, tenant=definition.tenant)
        order = work.Order(uuid7(), Begin(values, node=job.node), start=start, **about)
        work.run(order, guard=guard, on_failure=on_failure)
    else:
        raise UnrecoverableError(f"job {job.id} has nobody to deliver to")


def _subscription(instance: UUID, token: int, kind: str, name: str) -> QuerySet[Subscription]:
    return Subscription.objects.filter(instance=instance).filter(token=token).filter(kind=kind).filter(name=name).order_by()


_waiting = Prepared(lambda: Subscription, _subscription)


def _check_waits(job: Claimed, kind: str, name: str) -> None:
    """Raises Gone where the receiver waits no more."""
    if _waiting.first(job.instance, job.token or 0, kind, name) is None:
        raise work.Gone(f"nobody waits for {kind} {name} at {job.node} any more")
