"""The ledger in words: each transaction as rows of *user did, engine did, what became of the transaction*."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engine.models import Instance, Job, Ledger
from engine.runtime import definitions
from engine.runtime.progress.telling import Told, tell

MOST_LINES = 12  # of steps within one transaction


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
    """The transactions of an instance, attempts that were rolled back too, in the order in which they happened; two queries."""
    entries = Ledger.objects.filter(instance=instance).order_by("number", "attempt", "at")
    graph = definitions.graph(instance.definition)
    dead = set(Job.objects.filter(instance=instance, state=Job.State.DEAD).values_list("pk", flat=True))
    tries: Counter[tuple[object, ...]] = Counter()
    return [_row(tell(entry, graph, tries, dead)) for entry in entries]


def _row(told: Told) -> Row:
    entry = told.entry
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
        rows=tuple(_lines(told)),
    )


# -- lines ----------------------------------------------------------------------------------------------------------------
def _lines(told: Told) -> Iterator[Line]:
    label = str(told.entry)
    again = _("%(label)s begins again: attempt %(attempt)d") % {"label": label, "attempt": told.tried}
    yield Line(_user_did(told.entry), _engine_began(told.entry), _("%s begins") % label if told.tried == 1 else again)
    still = _("%s is still open") % label
    yield from (Line("", text, still) for text in _executed(told))
    yield from OUTCOMES[Ledger.Outcome(told.entry.outcome)](told)


def _executed(told: Told) -> Iterator[str]:
    behind_a_user = told.entry.trigger in (Ledger.Trigger.TASK, Ledger.Trigger.START)
    text = (
        _("%s is synchronous: it is executed at once. Goes on to the next step.")
        if behind_a_user
        else _("Executes %s. Goes on to the next step.")
    )
    yield from (text % name for name in told.executed[:MOST_LINES])
    if (more := len(told.executed) - MOST_LINES) > 0:
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
CANCELLED = gettext_lazy("The process is cancelled.")
ENDED: Mapping[str, Any] = {
    Instance.State.COMPLETED: gettext_lazy("The end is reached: the process is completed."),
    Instance.State.TERMINATED: gettext_lazy("A terminate event ends the process."),
    Instance.State.ERROR: gettext_lazy("An error that nothing catches ends the process."),
}


def _committed(told: Told) -> Iterator[Line]:
    label = str(told.entry)
    ends = list(_rests(told, label))
    if told.ended is not None:
        ends.append((str(ENDED.get(told.ended, CANCELLED)), _("%s is committed: the process has ended") % label))
    if not ends:
        ends = [(_("Nothing more can be done here now."), _("%s is committed") % label)]
    still = _("%s is still open") % label
    yield from (Line("", text, still) for text, _outcome in ends[:-1])
    yield Line("", *ends[-1])


def _rests(told: Told, label: str) -> Iterator[tuple[str, str]]:
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


def _rolled_back(told: Told) -> Iterator[Line]:
    entry = told.entry
    name = told.failing or entry.subject or entry.node or ""
    yield Line("", _("Executes %s, which does not succeed.") % name, _("%s is rolled back: nothing of it is stored") % entry)
    if entry.trigger == Ledger.Trigger.TASK:
        who = _("%s sees the form again, still filled in, with an error") % _parts(entry)["who"]
        yield Line(who, _("Everything is as it was before: %s is open again.") % entry.subject, "")
    elif entry.job:
        yield Line("", _after_attempt(told.left), "")


def _after_attempt(left: int | None) -> str:
    if left is None:
        return _("Everything is as it was before. The job is kept, and tried again after a while.")
    if left == 0:
        return _("Everything is as it was before. No attempt is left: the job is kept for an administrator.")
    text = ngettext(
        "Everything is as it was before. The job is kept, and tried again after a while; %d attempt is left.",
        "Everything is as it was before. The job is kept, and tried again after a while; %d attempts are left.",
        left,
    )
    return text % left


def _overtaken(told: Told) -> Iterator[Line]:
    yield Line("", _("Another transaction was first: there is nothing left to do here."), _("%s is dropped") % told.entry)


OUTCOMES: dict[Ledger.Outcome, Callable[[Told], Iterator[Line]]] = {
    Ledger.Outcome.COMMITTED: _committed,
    Ledger.Outcome.ROLLED_BACK: _rolled_back,
    Ledger.Outcome.OVERTAKEN: _overtaken,
}
