"""How a branch, a scope and the instance end: with its last branch a sub-process is left, and the process is over.

(BPMN 2.0, 13.3.4 and 13.5.6.)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.interpreter import compensation, listeners, scopes, variables
from engine.interpreter.journal import Ended, TellParent
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def branch_ended(run: Run, token: Token) -> None:
    """A branch has come to its end: the token goes, and with the last one its scope ends (BPMN 2.0, 13.3.4 and 13.5.6)."""
    assert token.parent is not None
    scope = run.state.tokens[token.parent]
    last = token.node
    beside = last is not None and run.node(token).triggered_by_event
    run.state.remove(token)
    if beside and scope.counters.get("beside"):
        run.count("beside", -1, scope)
    left = run.count("open", -1, scope)
    if left == 0 or is_adhoc(run, scope):
        run.plan("scope ended", scope, last)
    elif not beside and left == scope.counters.get("beside"):
        scopes.disarm_event_subprocesses(run, scope)  # only event sub-processes are open: no further one may begin (as in Flowable)


def is_adhoc(run: Run, scope: Token) -> bool:
    """Whether a scope is an ad-hoc sub-process, which may end while branches are open, and rest while none is."""
    return scope.number != ROOT and "queue" not in scope.counters and run.node(scope).type == "adHocSubProcess"


def scope_ended(run: Run, scope: Token, last: str | None) -> None:
    """Nothing is open in a scope any more: the process ends, a sub-process is left, the next step is compensated."""
    if scope.number == ROOT:
        end_process(run, scope, last)
    elif "queue" in scope.counters:
        run.plan("compensate next", scope)
    elif is_adhoc(run, scope):
        run.plan("adhoc ended", scope)
    else:
        close(run, scope, None)
        if run.node(scope).async_leave:
            run.ended(scope)  # its run is over before its leave job, unlike a task's (as in Flowable)
        run.plan("leave", scope)


def end_process(run: Run, root: Token, last: str | None) -> None:
    """End the instance, unless its caller wants it to be held until a job of his own has run (`completeAsync`)."""
    facts = run.state.facts
    if facts.held and facts.parent is not None and facts.parent_token is not None and root.wait != "held":
        run.rest(root, "held")
        root.node = last
        run.effect(TellParent(facts.parent, facts.parent_token, "ended", variables=variables.visible(run, root)))
    else:
        end_instance(run, last)


def close(run: Run, scope: Token, reason: str | None) -> None:
    """Make a scope a plain token again: its listeners go, its finished steps stay known for compensation, its variables vanish."""
    if has_listeners(run, scope) or scope.counters.get("open"):
        compensation.keep(run, scope)
        scopes.cancel_inside(run, scope, reason)
    if not scopes.is_round(run, scope):
        run.state.close(scope.number)
    scope.scope = False
    for counter in ("open", "joins", "beside", "undo"):
        scope.counters.pop(counter, None)
    run.state.touch(scope)


def has_listeners(run: Run, scope: Token) -> bool:
    """Whether something may listen or be remembered in a scope, so that its end has to look."""
    inside = scopes.scope_node(run, scope)
    return bool(run.graph.event_subprocesses(inside)) or bool(scope.counters.get("undo"))


def end_instance(
    run: Run,
    last: str | None,
    state: str = "completed",
    reason: str | None = None,
    tell: bool = True,
    data: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """End the instance: the process's end listeners run, the caller is told (unless not `tell`); what still listens goes with it."""
    root = run.state.tokens[ROOT]
    if state in ("completed", "terminated"):  # one that is deleted or broken has no say any more
        listeners.call(run, root, run.graph.listeners, "end")
    run.fact(Ended(last, run.now, state, reason, data))
    facts = run.state.facts
    if facts.parent is not None and facts.parent_token is not None and tell:
        run.effect(TellParent(facts.parent, facts.parent_token, "ended", variables=variables.visible(run, root)))
    run.forget_waits()
    run.state.finish()
    run.agenda.clear()
