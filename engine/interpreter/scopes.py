"""Scopes: the process, sub-processes, and hosts of boundary events; how they open, who listens in them, and how they are interrupted.

A scope counts its open branches (`open`), so that the end of one need not look at the others. What only listens (boundary
events, starts of event sub-processes, remembered steps) is not counted.
"""

from __future__ import annotations

from engine.bpmn.graph import Node
from engine.errors import TechnicalError
from engine.interpreter import variables, waits
from engine.interpreter.journal import CancelChild, EndUserTask
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
        variables.write_local(run, token.number, declared.name, declared.value)
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
    if not node.boundary or is_round(run, host):
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
def cancel(run: Run, token: Token, reason: str | None, *, within: bool = False) -> None:
    """Take a token away with all below it, the innermost first; what was open ends in the history with the reason.

    Delete listeners hear of user tasks within what is interrupted, not of one that is itself the host of the event (as in Flowable).
    """
    doomed = [token]
    for one in doomed:
        if may_hold(run, one):
            doomed.extend(run.state.children(one.number))
    for one in reversed(doomed):
        if one.wait == "user" and (within or one is not token):
            run.operations["task deleted"](run, one)
        drop(run, one, reason)


def may_hold(run: Run, token: Token) -> bool:
    """Whether there can be tokens below a token: asked before children are looked for, which may have to be loaded."""
    return token.scope or token.wait == "event" or (token.node is not None and bool(run.node(token).boundary))


def cancel_inside(run: Run, scope: Token, reason: str | None, *, steps: bool = True) -> None:
    """Take away all that is in a scope, but not the scope itself; finished steps stay remembered unless `steps` go, too."""
    for child in run.state.children(scope.number):
        if not on_boundary(run, scope, child) and (steps or child.wait != "compensation"):
            cancel(run, child, reason)
    scope.counters["open"] = 0
    for counter in ("joins", "beside", *(("undo",) if steps else ())):
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


def stuck(run: Run, node: Node, why: str) -> TechnicalError:
    """The error of a node that cannot go on."""
    return TechnicalError(f"{why} (element {node.id!r}, line {node.line})")
