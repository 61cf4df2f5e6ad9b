"""What happened to an instance, as a story for people: who did which step when, and what is being done now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from engine.models import Activity, Instance, Job, Ledger, UserTask
from engine.runtime.progress.standing import attempt_of

LONGEST = 200  # steps shown: the newest
SILENT = {"sequenceFlow", "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"}
WORDS = {  # of elements that have no name
    "startEvent": gettext_noop("Start"),
    "endEvent": gettext_noop("End"),
    "userTask": gettext_noop("Task"),
    "boundaryEvent": gettext_noop("Event"),
    "intermediateCatchEvent": gettext_noop("Event"),
    "intermediateThrowEvent": gettext_noop("Event"),
    "subProcess": gettext_noop("Sub-process"),
    "eventSubProcess": gettext_noop("Sub-process"),
    "callActivity": gettext_noop("Called process"),
}
EVENTS = {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}


@dataclass(frozen=True, slots=True)
class Step:
    """One step: `state` is done, active, failed or gone (cancelled); `who` a user, None for the engine itself."""

    at: datetime
    title: str
    text: str
    state: str
    who: str | None = None


def timeline(instance: Instance) -> list[Step]:
    """The steps in the order in which they began, the newest 200; four queries."""
    runs = list(Activity.objects.filter(instance=instance).exclude(type__in=SILENT).order_by("-number")[:LONGEST])[::-1]
    jobs = list(Job.objects.filter(instance=instance, node__isnull=False).defer("traceback", "data"))
    ledger = {row.number: row for row in Ledger.objects.filter(instance=instance, outcome=Ledger.Outcome.COMMITTED).defer("journal")}
    tasks = {task.activity: task for task in UserTask.objects.filter(instance=instance, activity__isnull=False)}
    steps = [_step(run, ledger, tasks) for run in runs]
    steps += [_working(job) for job in jobs if job.kind in (Job.Kind.ASYNC, Job.Kind.ASYNC_LEAVE) or job.state == Job.State.DEAD]
    return steps + list(_cancelled(instance, ledger))


def _step(run: Activity, ledger: dict[int, Ledger], tasks: dict[UUID | None, UserTask]) -> Step:
    title = run.name or _(WORDS.get(run.type, gettext_noop("Step")))
    task = tasks.get(run.pk)
    if run.ended is None:
        who = (task.assignee if task else None) or None
        return Step(run.started, title, _("waits for %s") % who if who else _("is waiting"), "active", who)
    if run.reason is not None:
        return Step(run.started, title, _("was cancelled"), "gone", None)
    done_in = ledger.get(run.ended_in or run.began_in)
    who = task.completed_by if task and task.completed_by else done_in.who if done_in else None
    return Step(run.ended, title, "" if run.type in EVENTS else _("completed"), "done", who)


def _working(job: Job) -> Step:
    """A step whose history only begins when its job succeeds."""
    title = job.name or job.node or ""
    if job.state == Job.State.DEAD:
        text = ngettext(
            "could not be done in %d attempt and is being looked after",
            "could not be done in %d attempts and is being looked after",
            job.attempts,
        )
        return Step(job.created, title, text % job.attempts, "failed")
    number = attempt_of(job)
    return Step(job.created, title, _("is being processed") if number == 1 else _("is being processed, attempt %d") % number, "active")


def _cancelled(instance: Instance, ledger: dict[int, Ledger]) -> Iterator[Step]:
    if instance.state != Instance.State.CANCELLED or instance.ended is None:
        return
    who = next((r.who for r in ledger.values() if r.trigger == Ledger.Trigger.ABORT), None)
    yield Step(instance.ended, _("Cancelled"), instance.reason or "", "gone", who)
