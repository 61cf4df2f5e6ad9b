"""Embedded, transaction and ad-hoc sub-processes (BPMN 2.0, 13.3.4 and 13.3.5)."""

from __future__ import annotations

from engine.bpmn.graph import AdHoc, Node
from engine.errors import Conflict
from engine.interpreter import endings, names, scopes
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def embedded(run: Run, token: Token) -> None:
    """Begin a sub-process at its plain start event."""
    scopes.open_scope(run, token, start_of(run, token))


def start_of(run: Run, token: Token) -> Node:
    """The start event of a sub-process, else its first node that no flow leads to."""
    starts = run.graph.starts(token.node)
    plain = next((n for n in starts if n.event is None), None)
    if plain is None:
        raise scopes.stuck(run, run.node(token), "The sub-process has no plain start event")
    return plain


# -- ad-hoc
def adhoc(run: Run, token: Token) -> None:
    """An ad-hoc sub-process waits until somebody begins one of its activities."""
    scopes.open_scope(run, token, None)
    run.rest(token, "adhoc")


def begin_activity(run: Run, token: Token, name: str | None) -> None:
    """Begin an activity of an ad-hoc sub-process by hand, or end the sub-process (no name); raises Conflict for what is not enabled."""
    detail = adhoc_of(run, token)
    if name is None:
        if token.counters["open"]:
            raise Conflict(f"The ad-hoc sub-process {token.node!r} has running activities")
        finish(run, token)
        return
    enabled = {n.id for n in run.graph.inside(token.node) if not n.incoming and n.type not in ("startEvent", "boundaryEvent")}
    if name not in enabled or (detail.sequential and token.counters["open"]):
        raise Conflict(f"The activity {name!r} of the ad-hoc sub-process {token.node!r} is not enabled")
    run.plan("enter", scopes.branch(run, token), name)


def adhoc_of(run: Run, token: Token) -> AdHoc:
    """What the ad-hoc sub-process says that a token stands on."""
    detail = run.node(token).detail
    return detail if isinstance(detail, AdHoc) else AdHoc()


def adhoc_ended(run: Run, token: Token) -> None:
    """A branch inside ended: the sub-process ends if its condition holds, and nothing is open or the rest is cancelled."""
    detail = adhoc_of(run, token)
    if detail.completion is None or not names.holds(run, token, detail.completion, "completion condition"):
        return
    if detail.cancel_remaining or not token.counters["open"]:
        finish(run, token)


def finish(run: Run, token: Token) -> None:
    """End an ad-hoc sub-process with all that is still open in it."""
    run.wake(token)
    scopes.cancel_inside(run, token, None)
    endings.close(run, token, None)
    run.plan("leave", token)
