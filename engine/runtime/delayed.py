"""What is asked for now and done by a job later: variables written, a process suspended or activated at a date.

Source: Flowable's SetVariablesAsyncCmd and TimerChangeProcessDefinitionSuspensionStateJobHandler. What is so already when a
suspension or activation falls due is left so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from engine import tracing
from engine.conf import settings as conf
from engine.errors import NotFound, UnrecoverableError
from engine.models import Definition, Instance, Job, Ledger
from engine.models.fields import uuid7
from engine.runtime import access, work
from engine.runtime.instances import identify, known, suspend_definition
from engine.runtime.store import claims
from engine.runtime.store.claims import Claimed
from engine.runtime.store.values import decoded, encoded

State = Job.State


def _job(kind: Job.Kind, state: State, due: datetime, data: Mapping[str, Any], **about: Any) -> Job:
    key = uuid7()
    return Job(
        pk=key, kind=kind, state=state, due=due, retries=conf.JOB_RETRIES, data=tracing.marked(data), correlation=key,
        created=datetime.now(UTC), **about,
    )  # fmt: skip


# -- variables ------------------------------------------------------------------------------------------------------------
def set_variables(instance_id: Any, values: Mapping[str, Any], *, token: int = 0, local: bool = False, user: access.User = None) -> Job:
    """Have variables written by a job, where they live as seen from `token` or at it if `local`.

    Raises NotFound, BadInput.
    """
    data = {"values": encoded(known(values)), "local": local, "user": access.name(user)}
    with transaction.atomic():
        instance = Instance.objects.select_for_update().filter(pk=identify(instance_id), ended=None).first()
        if instance is None:
            raise NotFound(f"there is no running process instance {instance_id}")
        about = {"definition_id": instance.definition_id, "tenant": instance.tenant, "token": token, "name": ", ".join(values)[:255]}
        job = _job(Job.Kind.VARIABLES, State.READY, datetime.now(UTC), data, instance=instance, **about)
        if instance.suspended:
            job.state, job.resumes_as = State.SUSPENDED, State.READY
        job.save(force_insert=True)
        claims.announce()
    return job


def write(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Write the variables of a job; Gone where their scope has ended."""
    if job.instance is None:
        raise UnrecoverableError(f"job {job.id} of kind {job.kind} belongs to no instance")
    wish = work.SetVariables(job.token or 0, decoded(job.data["values"]), bool(job.data["local"]), ())
    order = work.Order(
        job.instance, wish, Ledger.Trigger.VARIABLES, (job.name or "")[:255], None, job.data.get("user"), job=job.id,
        attempt=job.attempts + 1, lease=job.lease,
    )  # fmt: skip
    work.run(order, guard=guard, on_failure=on_failure)


# -- definitions ----------------------------------------------------------------------------------------------------------
SWITCHES: Mapping[str, bool] = {Job.Kind.SUSPEND: True, Job.Kind.ACTIVATE: False}


def switch_definition(definition: Definition, suspended: bool, at: datetime, *, instances: bool = False, user: access.User = None) -> Job:
    """Have a definition suspended or activated at a moment, with `instances` its running ones too."""
    access.check_operate(user)
    kind = next(kind for kind, meant in SWITCHES.items() if meant == suspended)
    job = _job(
        Job.Kind(kind), State.WAITING, at, {"instances": instances}, definition=definition, tenant=definition.tenant, name=definition.key,
        exclusive=False,
    )  # fmt: skip
    with transaction.atomic():
        job.save(force_insert=True)
        claims.announce()
    return job


def switch(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """The date has come."""
    if job.definition is None:
        raise UnrecoverableError(f"job {job.id} of kind {job.kind} belongs to no process definition")
    with transaction.atomic():
        guard()
        suspend_definition(job.definition, SWITCHES[job.kind], instances=bool(job.data["instances"]), again=True)
