"""The ledger in words: each transaction as rows of *user did, engine did, what became of the transaction*.

The words follow from the journal alone: what was entered and left was executed, what was entered and not left is a wait state, and a
flow that was taken to a node that was not entered led to an asynchronous step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engine.bpmn.graph import Graph
from engine.models import Instance, Job, Ledger
from engine.runtime import definitions

MOST_LINES = 12  # of steps within one transaction
NOT_TOLD = {"sequenceFlow", "startEvent", "endEvent", "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"}


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table; an empty text where nobody did anything."""

    user: str
    engine: str
    transaction: str


@dataclass(frozen=True, slots=True)
class Row:
    """One transaction. `label` is T1, T2 ...; `outcome` committed, rolled back or overtaken; `error` is not for everybody's eyes."""

    number: int
    label: str
    attempt: int
    outcome: str
    trigger: str
    who: str | None
    at: datetime
    took: float
    error: str | None
    traceback: str | None
    rows: tuple[Line, ...]

    @property
    def undone(self) -> bool:
        return self.outcome == Ledger.Outcome.ROLLED_BACK


def ledger_rows(instance: Instance) -> list[Row]:
    """The transactions of an instance, attempts that were rolled back too, in the order in which they happened."""
    entries = Ledger.objects.filter(instance=instance).order_by("number", "attempt", "at")
    graph = definitions.graph(instance.definition)
    jobs = {j.pk: j for j in Job.objects.filter(instance=instance).only("state", "retries")}
    return [_row(entry, graph, jobs) for entry in entries]


def _row(entry: Ledger, graph: Graph, jobs: dict[UUID, Job]) -> Row:
    lines = list(_lines(entry, _Told.of(entry, graph), jobs))
    return Row(
        number=entry.number,
        label=str(entry),
        attempt=entry.attempt,
        outcome=entry.outcome,
        trigger=entry.trigger,
        who=entry.who,
        at=entry.at,
        took=entry.took,
        error=entry.error,
        traceback=entry.traceback,
        rows=tuple(lines),
    )


# -- what the journal tells -----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Told:
    """What a unit did, by name: steps executed in order, user tasks created, other waits, asynchronous steps reached, and its end."""

    executed: list[str]
    failing: str
    user_tasks: list[str]
    waits: list[str]
    asynchronous: list[str]
    ended: str | None

    @classmethod
    def of(cls, entry: Ledger, graph: Graph) -> _Told:
        journal = [[*fact, None][:5] for fact in entry.journal if len(fact) >= 4]
        resting = _resting(journal)
        executed = [_named(f) for f in journal if f[0] == "entered" and f not in resting and f[3] not in NOT_TOLD]
        undone = entry.outcome == Ledger.Outcome.ROLLED_BACK
        return cls(
            executed,
            failing=_named(resting[-1]) if undone and resting else "",
            user_tasks=[_named(f) for f in resting if f[3] == "userTask"],
            waits=[_named(f) for f in resting if f[3] != "userTask" and f[3] not in NOT_TOLD],
            asynchronous=_reached(journal, graph),
            ended=next((str(f[4]) for f in journal if f[0] == "ended"), None),
        )


def _named(fact: list[Any]) -> str:
    return str(fact[2] or fact[1] or "")


def _resting(journal: list[list[Any]]) -> list[list[Any]]:
    """What was entered and not left."""
    still: list[list[Any]] = []
    for fact in journal:
        if fact[0] == "entered":
            still.append(fact)
        elif fact[0] == "left":
            found = next((f for f in reversed(still) if f[1] == fact[1]), None)
            still = [f for f in still if f is not found]
    return still


def _reached(journal: list[list[Any]], graph: Graph) -> list[str]:
    """The asynchronous steps at which a token arrived without entering them."""
    entered = {f[1] for f in journal if f[0] == "entered"}
    flows = [graph.flows[f[1]] for f in journal if f[0] == "taken" and f[1] in graph.flows]
    targets = [graph.nodes[flow.target] for flow in flows if flow.target not in entered and flow.target in graph.nodes]
    return list(dict.fromkeys(node.name or node.id for node in targets if node.asynchronous))


# -- lines ----------------------------------------------------------------------------------------------------------------
def _lines(entry: Ledger, told: _Told, jobs: dict[UUID, Job]) -> Iterator[Line]:
    label = str(entry)
    again = _("%(label)s begins again: attempt %(attempt)d") % {"label": label, "attempt": entry.attempt}
    begins = _("%s begins") % label if entry.attempt == 1 else again
    yield Line(_user_did(entry), _engine_began(entry), begins)
    still = _("%s is still open") % label
    yield from (Line("", text, still) for text in _executed(told.executed))
    yield from OUTCOMES[Ledger.Outcome(entry.outcome)](entry, told, jobs)


def _executed(names: list[str]) -> Iterator[str]:
    yield from (_("Executes %s. Goes on to the next step.") % name for name in names[:MOST_LINES])
    if (more := len(names) - MOST_LINES) > 0:
        yield ngettext("Executes %d more step.", "Executes %d more steps.", more) % more


USER_DID = {
    Ledger.Trigger.START: gettext_lazy("%(who)s starts the process"),
    Ledger.Trigger.TASK: gettext_lazy("%(who)s completes %(subject)s"),
    Ledger.Trigger.MESSAGE: gettext_lazy("%(who)s sends the message %(subject)s"),
    Ledger.Trigger.SIGNAL: gettext_lazy("%(who)s sends the signal %(subject)s"),
    Ledger.Trigger.TRIGGER: gettext_lazy("%(who)s triggers %(subject)s"),
    Ledger.Trigger.VARIABLES: gettext_lazy("%(who)s changes variables"),
    Ledger.Trigger.ABORT: gettext_lazy("%(who)s cancels the request"),
}
ENGINE_BEGAN = {
    Ledger.Trigger.START: gettext_lazy("Creates a new process. Goes to the next step."),
    Ledger.Trigger.TASK: gettext_lazy("Completes %(subject)s and goes on."),
    Ledger.Trigger.JOB: gettext_lazy("The job executor finds the job %(subject)s and continues the process there."),
    Ledger.Trigger.TIMER: gettext_lazy("The timer %(subject)s is due: the process continues there."),
    Ledger.Trigger.MESSAGE: gettext_lazy("Receives the message %(subject)s and goes on."),
    Ledger.Trigger.SIGNAL: gettext_lazy("Receives the signal %(subject)s and goes on."),
    Ledger.Trigger.TRIGGER: gettext_lazy("Goes on from %(subject)s."),
    Ledger.Trigger.VARIABLES: gettext_lazy("Stores the variables."),
    Ledger.Trigger.CALL: gettext_lazy("A called process comes back: goes on from %(subject)s."),
    Ledger.Trigger.ABORT: gettext_lazy("Ends every step that is open."),
}


def _user_did(entry: Ledger) -> str:
    text = USER_DID.get(Ledger.Trigger(entry.trigger))
    return str(text) % _parts(entry) if text else ""


def _engine_began(entry: Ledger) -> str:
    return str(ENGINE_BEGAN[Ledger.Trigger(entry.trigger)]) % _parts(entry)


def _parts(entry: Ledger) -> dict[str, str]:
    return {"who": entry.who or _("A program"), "subject": entry.subject or entry.node or ""}


# -- how it came out ------------------------------------------------------------------------------------------------------
def _committed(entry: Ledger, told: _Told, jobs: dict[UUID, Job]) -> Iterator[Line]:
    label = str(entry)
    ends = list(_rests(told, label))
    if told.ended is not None:
        ends.append((_("The end is reached: the process is %s.") % _(told.ended), _("%s is committed: the process has ended") % label))
    if not ends:
        ends = [(_("Nothing more can be done here now."), _("%s is committed") % label)]
    still = _("%s is still open") % label
    for text, _outcome in ends[:-1]:
        yield Line("", text, still)
    yield Line("", *ends[-1])


def _rests(told: _Told, label: str) -> Iterator[tuple[str, str]]:
    """What the engine does where it comes to rest, and what the commit then makes visible."""
    for name in told.waits:
        yield _("Comes to %s, a wait state, and waits there.") % name, _("%s is committed") % label
    for name in told.asynchronous:
        yield (
            _("Comes to %s, which is asynchronous: instead of executing it, the engine writes a job and answers at once.") % name,
            _("%s is committed: it holds the state of the process and the job") % label,
        )
    for name in told.user_tasks:
        yield (
            _("Creates the user task %s. Since this is a wait state, the engine stops here and waits.") % name,
            _("%s is committed: the user task can be seen") % label,
        )


def _rolled_back(entry: Ledger, told: _Told, jobs: dict[UUID, Job]) -> Iterator[Line]:
    undone = _("%s is rolled back: nothing of it is stored") % entry
    name = told.failing or entry.subject or entry.node or ""
    yield Line("", _("Executes %s, which does not succeed.") % name, undone)
    if entry.trigger == Ledger.Trigger.TASK:
        who = _("%s sees the form again, still filled in, with an error") % _parts(entry)["who"]
        yield Line(who, _("Everything is as it was before: %s is open again.") % entry.subject, "")
    elif entry.job:
        yield Line("", _after_attempt(jobs.get(entry.job)), "")


def _after_attempt(job: Job | None) -> str:
    if job and job.state == Job.State.DEAD:
        return _("Everything is as it was before. The attempts are used up: the job is kept for an administrator.")
    return _("Everything is as it was before. The job is kept, and tried again after a while.")


def _overtaken(entry: Ledger, told: _Told, jobs: dict[UUID, Job]) -> Iterator[Line]:
    yield Line("", _("Another transaction was first: there is nothing left to do here."), _("%s is dropped") % entry)


OUTCOMES: dict[Ledger.Outcome, Callable[[Ledger, _Told, dict[UUID, Job]], Iterator[Line]]] = {
    Ledger.Outcome.COMMITTED: _committed,
    Ledger.Outcome.ROLLED_BACK: _rolled_back,
    Ledger.Outcome.OVERTAKEN: _overtaken,
}
