"""Events delivered later: one `deliver` job for each who waits when it is thrown, so that none is held up by another's failure.

Who began to wait afterwards gets nothing; who waits no more when his job runs is passed by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from engine.conf import settings as conf
from engine.errors import UnrecoverableError
from engine.interpreter.journal import Begin, Received
from engine.models import Job, Ledger, Subscription
from engine.models.fields import uuid7
from engine.runtime import access, definitions, work
from engine.runtime.external import decoded, encoded
from engine.runtime.instances import known
from engine.runtime.store import claims, receivers
from engine.runtime.store.claims import Claimed


def signal(name: str, variables: Mapping[str, Any] | None = None, *, user: access.User = None, tenant: str = "") -> int:
    """Broadcast a signal by jobs to all who wait for it now; answers how many. Raises Forbidden."""
    access.check_operate(user)
    with transaction.atomic():
        rows = jobs("signal", name, known(variables), tenant=tenant, user=access.name(user))
        Job.objects.bulk_create(rows)
        if rows:
            claims.announce()
    return len(rows)


def jobs(kind: str, name: str, variables: Mapping[str, Any], *, tenant: str = "", user: str | None = None) -> list[Job]:
    """A job, not saved yet, for each token and each start event that waits for an event."""
    now = datetime.now(UTC)
    data = {"event": kind, "name": name, "variables": encoded(variables), "user": user}
    columns = ("instance_id", "definition_id", "token", "node")
    waiting = Subscription.objects.filter(kind=kind, name=name, instance__isnull=False, tenant=tenant, instance__suspended=False)
    tokens = list(waiting.order_by("pk").values(*columns))
    starts = [{"definition_id": definition.pk, "node": node} for definition, node in receivers.starts(kind, name, tenant)]
    return [_job({**about, "data": data, "name": name[:255], "tenant": tenant}, now) for about in [*tokens, *starts]]


def _job(about: dict[str, Any], now: datetime) -> Job:
    key = uuid7()
    return Job(pk=key, correlation=key, kind=Job.Kind.DELIVER, due=now, created=now, retries=conf.JOB_RETRIES, **about)


def run(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Deliver to the one receiver; the job ends in the same transaction."""
    kind, name, values = job.data["event"], job.data["name"], decoded(job.data["variables"])
    about = {"trigger": Ledger.Trigger(kind), "subject": name[:255], "node": job.node, "user": job.data.get("user"), "job": job.id}
    if job.instance is not None:
        wish: work.Wish = Received(job.token or 0, kind, name, values)
        work.run(work.Order(job.instance, wish, attempt=job.attempts + 1, **about), guard=guard, on_failure=on_failure)
    elif job.definition is not None:
        start = work.Start(definitions.get(job.definition))
        order = work.Order(uuid7(), Begin(values, node=job.node), start=start, attempt=job.attempts + 1, **about)
        work.run(order, guard=guard, on_failure=on_failure)
    else:
        raise UnrecoverableError(f"job {job.id} has nobody to deliver to")
