"""A step that failed for good is left out: its token goes on behind the node as if it had been done, and the dead letter is gone."""

from __future__ import annotations

from engine.errors import Conflict
from engine.interpreter.journal import Ran
from engine.models import Job, Ledger
from engine.runtime import access, work


def skip(job: Job, *, user: access.User = None) -> None:
    """Leave out the step of a dead letter; raises Forbidden, Conflict where it is none or was not about to begin a step."""
    access.check_operate(user)
    if job.kind != Job.Kind.ASYNC or job.instance_id is None or job.token is None:
        raise Conflict(f"{job.name or job.node or job.kind} cannot be skipped: it is no step that could not begin")

    def guard() -> None:
        if not Job.objects.filter(pk=job.pk, state=Job.State.DEAD).delete()[0]:
            raise Conflict(f"job {job.pk} is no dead letter any more")

    subject = f"skip {job.name or job.node}"[:255]
    wish = Ran(job.token, Job.Kind.ASYNC_LEAVE)
    work.run(work.Order(job.instance_id, wish, Ledger.Trigger.JOB, subject, job.node, access.name(user)), guard=guard)
