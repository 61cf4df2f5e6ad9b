"""Scopes: the process, sub-processes, and hosts of boundary events; how they open, are interrupted and end.

A scope counts its open branches (`open`), so that the end of one need not look at the others: at none, the scope ends
(BPMN 2.0, 13.3.4). What only listens (boundary events, starts of event sub-processes, compensation) is not counted.
"""

from __future__ import annotations

from engine.bpmn.graph import Node
from engine.errors import TechnicalError
from engine.interpreter import compensation, listeners, names, waits
from engine.interpreter.journal import CancelChild, Ended, EndUserTask, TellParent
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def is_body(token: Token) -> bool:
    """Whether a token is the body of a multi-instance, around its rounds."""
    return "rounds" in token.counters


def is_round(run: Run, token: Token) -> bool:
    """Whether a token is one round of a multi-instance."""
    if token.parent is None:
        return False
    body = run.state.tokens[token.parent]
    return is_body(body) and body.node == token.node


def scope_node(run: Run, scope: Token) -> str | None:
    """The sub-process whose inside a scope token is; None for the process."""
    return None if scope.number == ROOT else scope.node


# -- opening
def open_scope(run: Run, token: Token, start: Node | None) -> None:
    """Make a token the scope of the sub-process it stands on: data objects, event sub-processes, and a branch at the start event."""
    node = run.node(token)
    token.scope = True
    token.counters["open"] = 0
    run.state.touch(token)
    for declared in node.data:
        names.set_local(run, token.number, declared.name, declared.value)
    if start is not None:
        run.plan("enter", branch(run, token), start.id)
    arm_event_subprocesses(run, token)


def branch(run: Run, scope: Token) -> Token:
    """A new open branch in a scope."""
    run.count("open", 1, scope)
    return run.state.add(parent=scope.number)


def arm_event_subprocesses(run: Run, scope: Token) -> None:
    """Let the starts of the event sub-processes of a scope listen; errors and escalations find theirs without listening."""
    for subprocess in run.graph.event_subprocesses(scope_node(run, scope)):
        for start in run.graph.starts(subprocess.id):
            if start.event is not None and start.event.kind not in waits.SILENT:
                listener = run.state.add(parent=scope.number, node=start.id)
                waits.wait_for(run, listener, start)


def arm_boundary(run: Run, host: Token, node: Node) -> None:
    """Let the boundary events of an activity listen, each as a token below it (all but compensation, as in Flowable)."""
    if is_round(run, host):
        return
    for one in node.boundary:
        boundary = run.graph.nodes[one]
        if boundary.event is not None and boundary.event.kind != "compensate":
            listener = run.state.add(parent=host.number, node=boundary.id)
            run.began(listener)
            waits.wait_for(run, listener, boundary)


def disarm_boundary(run: Run, host: Token, node: Node) -> None:
    """End the listening of the boundary events of an activity that is left."""
    if node.boundary and not is_round(run, host):
        for listener in run.state.children(host.number):
            if run.node(listener).attached_to == node.id:
                drop(run, listener, None)


def listens(run: Run, scope: Token, token: Token) -> bool:
    """Whether a token below a scope is no branch in it: a boundary event of it, the start of an event sub-process, a remembered step."""
    node = run.node(token) if token.node is not None else None
    if token.wait is None or node is None:
        return False
    return token.wait == "compensation" or node.type == "startEvent" or on_boundary(run, scope, token)


def on_boundary(run: Run, scope: Token, token: Token) -> bool:
    """Whether a token below a scope is an armed boundary event of it, and so not inside."""
    return token.wait is not None and token.node is not None and scope.node is not None and run.node(token).attached_to == scope.node


def disarm_event_subprocesses(run: Run, scope: Token) -> None:
    """Let the starts of event sub-processes listen no more."""
    for child in run.state.children(scope.number):
        if child.wait is not None and child.node is not None and run.node(child).type == "startEvent":
            drop(run, child, None)


# -- interruption
def cancel(run: Run, token: Token, reason: str | None) -> None:
    """Take a token away with all below it, the innermost first; what was open ends in the history with the reason."""
    doomed = [token]
    for one in doomed:
        if may_hold(run, one):
            doomed.extend(run.state.children(one.number))
    for one in reversed(doomed):
        drop(run, one, reason)


def may_hold(run: Run, token: Token) -> bool:
    """Whether there can be tokens below a token: asked before children are looked for, which may have to be loaded."""
    return token.scope or token.wait == "event" or (token.node is not None and bool(run.node(token).boundary))


def cancel_inside(run: Run, scope: Token, reason: str | None, spare: Token | None = None) -> None:
    """Take away all that is in a scope, but not the scope itself nor `spare`."""
    for child in run.state.children(scope.number):
        if child is not spare and not on_boundary(run, scope, child):
            cancel(run, child, reason)
    scope.counters["open"] = 0
    for counter in ("joins", "beside", "undo"):
        scope.counters.pop(counter, None)
    run.state.touch(scope)


def drop(run: Run, token: Token, reason: str | None) -> None:
    """Take one token away, with what it waits for."""
    if token.wait == "user":
        run.effect(EndUserTask(token.number, run.now, completed=False, reason=reason))
    elif token.wait == "child":
        run.effect(CancelChild(token.number, reason))
    run.wake(token)
    run.ended(token, reason)
    run.state.remove(token)


# -- ending
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
        disarm_event_subprocesses(run, scope)  # only event sub-processes are open: no further one may begin (as in Flowable)


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
        run.plan("leave", scope)


def end_process(run: Run, root: Token, last: str | None) -> None:
    """End the instance, unless its caller wants it to be held until a job of his own has run (`completeAsync`)."""
    facts = run.state.facts
    if facts.held and facts.parent is not None and facts.parent_token is not None and root.wait != "held":
        run.rest(root, "held")
        root.node = last
        run.effect(TellParent(facts.parent, facts.parent_token, "ended", variables=names.visible(run, root)))
    else:
        end_instance(run, last)


def close(run: Run, scope: Token, reason: str | None) -> None:
    """Make a scope a plain token again: its listeners go, its finished steps stay known for compensation, its variables vanish."""
    if has_listeners(run, scope) or scope.counters.get("open"):
        compensation.keep(run, scope)
        cancel_inside(run, scope, reason)
    for name in list(run.state.variables.get(scope.number, ())) if not is_round(run, scope) else ():
        run.state.drop(scope.number, name)
    scope.scope = False
    for counter in ("open", "joins", "beside", "undo"):
        scope.counters.pop(counter, None)
    run.state.touch(scope)


def has_listeners(run: Run, scope: Token) -> bool:
    """Whether something may listen or be remembered in a scope, so that its end has to look."""
    inside = scope_node(run, scope)
    return bool(run.graph.event_subprocesses(inside)) or bool(scope.counters.get("undo"))


def end_instance(run: Run, last: str | None, state: str = "completed", reason: str | None = None, tell: bool = True) -> None:
    """End the instance: the process's end listeners run, the caller is told (unless not `tell`); what still listens goes with it."""
    root = run.state.tokens[ROOT]
    if state != "cancelled":  # a deleted instance has no say any more
        listeners.call(run, root, run.graph.listeners, "end")
    run.fact(Ended(last, run.now, state, reason))
    facts = run.state.facts
    if facts.parent is not None and facts.parent_token is not None and tell:
        run.effect(TellParent(facts.parent, facts.parent_token, "ended", variables=names.visible(run, root)))
    run.forget_waits()
    run.state.finish()
    run.agenda.clear()


def stuck(run: Run, node: Node, why: str) -> TechnicalError:
    """The error of a node that cannot go on."""
    return TechnicalError(f"{why} (element {node.id!r}, line {node.line})")
