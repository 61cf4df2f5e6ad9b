"""Terminate end events: they end their scope, all rounds around them, or everything up to the first caller.

(BPMN 2.0, 13.5.6; the three reaches are Flowable's.)
"""

from __future__ import annotations

from engine.bpmn.graph import Event
from engine.interpreter import endings, loops, scopes
from engine.interpreter.journal import TellParent
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def terminate(run: Run, token: Token, event: Event) -> None:
    """End what the event reaches: by default the scope it lies in, the process or a sub-process."""
    node = run.node(token)
    assert token.parent is not None
    run.ended(token)
    reason = f"terminate end event ({node.id})"
    rounds = next((t for t in run.state.ancestors(token) if scopes.is_body(t)), None)
    if event.terminate_all:
        everything(run, node.id)
    elif event.terminate_multi_instance and rounds is not None:
        loops.finish(run, rounds, reason)
    elif event.terminate_multi_instance and run.state.facts.parent is not None:
        process(run, node.id, "terminate-rounds")
    else:
        scope = run.state.tokens[token.parent]
        scopes.cancel_inside(run, scope, reason)
        finish_scope(run, scope, node.id, reason)


def finish_scope(run: Run, scope: Token, last: str, reason: str) -> None:
    """Leave a terminated sub-process as usual, or end the process; its caller goes on."""
    if scope.number == ROOT:
        endings.end_instance(run, last, "terminated", reason)
    else:
        run.plan("scope ended", scope, last)


def everything(run: Run, last: str | None) -> None:
    """End the process and, through them, all its callers (Flowable's terminateAll)."""
    process(run, last, "terminate")


def rounds_of_call(run: Run, token: Token) -> None:
    """A called process ended all rounds of its call; a call that has no rounds is left (Flowable's terminateMultiInstance)."""
    body = run.state.tokens[token.parent] if token.parent is not None and scopes.is_round(run, token) else None
    if body is not None:
        loops.finish(run, body, "terminate end event")
    else:
        run.wake(token)
        run.plan("leave", token)


def process(run: Run, last: str | None, outcome: str) -> None:
    """End the process at once, and tell its caller what that means for him."""
    facts = run.state.facts
    reason = f"terminate end event ({last})"
    scopes.cancel_inside(run, run.state.tokens[ROOT], reason)
    endings.end_instance(run, last, "terminated", reason, tell=False)
    if facts.parent is not None and facts.parent_token is not None:
        run.effect(TellParent(facts.parent, facts.parent_token, outcome))
