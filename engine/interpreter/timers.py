"""Timers are jobs with a due date: a date, a duration from now, or a cycle that makes its next job each time it fires (BPMN 2.0, 10.5.5).

Dates and clock times without an offset are local to the site's zone, and so are the days of a duration (as at Flowable).
A due date in the past still waits for its job to be run. What is left of a cycle travels in the job's data: its text, and how
often it has fired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import Any

from engine.bpmn.graph import Node, Timer
from engine.errors import BadInput, ExpressionError
from engine.expressions import times
from engine.interpreter import names
from engine.interpreter.journal import CreateJob, Ran
from engine.interpreter.run import Run
from engine.interpreter.state import Token

Due = tuple[datetime, dict[str, Any]]  # when a timer is due, and the data of its job


# -- when
def schedule(timer: Timer, evaluate: Callable[[str], Any], now: datetime, zone: tzinfo) -> Due | None:
    """When a timer is due for the first time, None for never; raises ExpressionError where the model's texts give no time."""
    written = evaluate(timer.text)
    if timer.kind != "cycle":
        return moment(written, now, zone), {}
    try:
        cycle = times.parse_cycle(str(written), now, zone, end=evaluate(timer.end) if timer.end else None)
        due = cycle.next_after(now)
    except BadInput as error:
        raise ExpressionError(f"the timer {timer.text!r}: {error}") from None
    return None if due is None else (due, {"cycle": cycle.text, "fired": 0})


def again(data: Mapping[str, Any], due: datetime | None, now: datetime, zone: tzinfo) -> Due | None:
    """When a timer is due the next time after it fired; None where it is spent or does not repeat."""
    if "cycle" not in data:
        return None
    fired = data["fired"] + 1
    coming = times.parse_cycle(data["cycle"], now, zone).next_after(max(due or now, now), fired)
    return None if coming is None else (coming, {"cycle": data["cycle"], "fired": fired})


def moment(value: Any, now: datetime, zone: tzinfo) -> datetime:
    """A moment from a value: a date as it is, or a duration from now; raises ExpressionError."""
    try:
        return times.due_date(value, now, zone)
    except BadInput as error:
        raise ExpressionError(str(error)) from None


# -- waiting
def start(run: Run, token: Token, node: Node) -> None:
    """Let a token wait for the timer of its node."""
    assert node.event is not None
    assert node.event.timer is not None
    run.rest(token, "timer")
    create(run, token, node, schedule(node.event.timer, lambda text: names.evaluate(run, token, text), run.now, run.env.zone))


def create(run: Run, token: Token, node: Node, coming: Due | None) -> None:
    """Make the job of a timer, if it is ever due."""
    if coming is None:
        return
    due, data = coming
    run.effect(
        CreateJob(
            run.env.new_id(),
            "timer",
            token.number,
            node.id,
            name=node.name,
            due=due,
            exclusive=node.exclusive,
            retry=node.retry,
            category=None if node.category is None else str(names.evaluate(run, token, node.category)),
            data=data,
        )
    )


def fired(run: Run, token: Token, ran: Ran) -> None:
    """A timer's job is run: one that listens on, beside what it starts, gets its next job if it repeats."""
    node = run.node(token)
    if node.type in ("boundaryEvent", "startEvent") and not node.interrupting:
        create(run, token, node, again(ran.data, ran.due, run.now, run.env.zone))
