"""Timers are jobs with a due date: a date, a duration from now, or a cycle that makes its next job each time it fires (BPMN 2.0, 10.5.5).

A due date in the past still waits for its job to be run. What is left of a cycle travels in the job's data.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from engine.bpmn.graph import Node, Timer
from engine.errors import BadInput, ExpressionError
from engine.expressions.durations import parse_duration
from engine.interpreter import names
from engine.interpreter.journal import CreateJob, Ran
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def start(run: Run, token: Token, node: Node) -> None:
    """Let a token wait for the timer of its node; raises ExpressionError where the model's texts give no time."""
    assert node.event is not None and node.event.timer is not None
    run.rest(token, "timer")
    due, repeat = first(run, token, node.event.timer)
    if due is not None:
        create(run, token, node, due, repeat)


def create(run: Run, token: Token, node: Node, due: datetime, repeat: str | None) -> None:
    """Make the job of a timer."""
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
            data={"repeat": repeat} if repeat else {},
        )
    )


def first(run: Run, token: Token, timer: Timer) -> tuple[datetime | None, str | None]:
    """When a timer is due for the first time, and what it repeats."""
    value = names.evaluate(run, token, timer.text)
    if timer.kind == "cycle":
        raise ExpressionError("cycles are not supported yet")
    return moment(value, run.now), None


def fired(run: Run, token: Token, ran: Ran) -> None:
    """A timer's job is run; a cycle that goes on makes its next job."""


def moment(value: Any, now: datetime) -> datetime:
    """A moment from a value: a date as it is, an ISO 8601 date, or a duration from now; raises ExpressionError."""
    try:
        match value:
            case datetime():
                return value if value.tzinfo else value.replace(tzinfo=UTC)
            case date():
                return datetime(value.year, value.month, value.day, tzinfo=UTC)
            case str() if value.lstrip("+-").startswith("P"):
                return parse_duration(value).after(now)
            case str():
                return moment(datetime.fromisoformat(value.strip()), now)
    except (BadInput, ValueError) as error:
        raise ExpressionError(f"{value!r} is neither a date nor a duration: {error}") from None
    raise ExpressionError(f"{value!r} is neither a date nor a duration")
