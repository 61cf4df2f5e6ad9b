"""Events that happen (catching, boundary, event sub-processes) and events that are thrown (BPMN 2.0, 13.5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Event, Node
from engine.errors import BpmnError
from engine.interpreter import compensation, gateways, listeners, names, propagation, scopes, terminate, waits
from engine.interpreter.invoke import invoke
from engine.interpreter.journal import Throw
from engine.interpreter.run import Run
from engine.interpreter.state import Token


# -- catching
def catch(run: Run, token: Token) -> None:
    """An intermediate event begins to wait; a catching link is only passed."""
    node = run.node(token)
    if node.event is None or node.event.kind == "link":
        run.plan("leave", token)
    else:
        waits.wait_for(run, token, node)


def happened(run: Run, token: Token, variables: Mapping[str, Any]) -> None:
    """The event a token waits for happened."""
    node = run.node(token)
    bring_in(run, token, node, variables)
    match node.type:
        case "boundaryEvent":
            boundary(run, token, node)
        case "startEvent":
            assert token.parent is not None
            event_subprocess(run, run.state.tokens[token.parent], node, token)
        case _:
            if behind_event_gateway(run, token):
                gateways.decided(run, token)
            run.wake(token)
            run.plan("leave", token)


def bring_in(run: Run, token: Token, node: Node, variables: Mapping[str, Any]) -> None:
    """Write what an event brings: all of it, or only what its in parameters name."""
    if node.event is not None and node.event.ins:
        find = names.lookup(run, token, extra=variables)
        variables = {names.text(run, token, p.target): names.parameter(run, token, p, find) for p in node.event.ins}
    names.set_variables(run, token, variables)


def behind_event_gateway(run: Run, token: Token) -> bool:
    """Whether a token waits beside rivals behind an event gateway."""
    return token.parent is not None and run.state.tokens[token.parent].wait == "event"


def boundary(run: Run, listener: Token, node: Node) -> None:
    """A boundary event happened: it takes its host's place, or a new branch begins beside the host (BPMN 2.0, 13.5.3)."""
    assert listener.parent is not None
    host = run.state.tokens[listener.parent]
    assert host.parent is not None
    scope = run.state.tokens[host.parent]
    going = listener
    if node.interrupting:
        run.wake(listener)
        run.state.move(listener, scope.number)
        scopes.cancel(run, host, f"boundary event ({node.id})")
    else:
        going = scopes.branch(run, scope)
        going.node = node.id
        run.began(going)
    listeners.call(run, going, node.listeners, "start")
    run.plan("leave", going)


def event_subprocess(run: Run, scope: Token, start: Node, listener: Token | None) -> None:
    """An event sub-process begins beside what its scope does, or instead of it (BPMN 2.0, 13.5.4)."""
    assert start.parent is not None
    if start.interrupting:
        if listener is not None:
            scopes.drop(run, listener, None)
        scopes.cancel_inside(run, scope, f"event subprocess ({start.id})")
    else:
        run.count("beside", 1, scope)
    inside = scopes.branch(run, scope)
    inside.node = start.parent
    node = run.node(inside)
    run.began(inside)
    listeners.call(run, inside, node.listeners, "start")
    scopes.open_scope(run, inside, None)
    first = scopes.branch(run, inside)
    first.node = start.id
    run.began(first)
    listeners.call(run, first, start.listeners, "start")
    run.plan("leave", first)


# -- throwing
def throw(run: Run, token: Token) -> None:
    """An intermediate event throws and the token goes on; none is only passed."""
    node = run.node(token)
    match node.event:
        case None:
            run.plan("leave", token)
        case Event(kind="compensate") as event:
            compensation.throw(run, token, event)
        case Event(kind="link") as event:
            jump(run, token, node, event)
        case Event(kind="escalation") as event:
            propagation.throw_escalation(run, token, event.name, {})
            run.plan("leave", token)
        case event:
            send(run, token, node, event)
            run.plan("leave", token)


def send(run: Run, token: Token, node: Node, event: Event) -> None:
    """Throw a signal or message to whoever waits for it, with what its out parameters name."""
    find = names.lookup(run, token)
    carried = {names.text(run, token, p.target): names.parameter(run, token, p, find) for p in event.outs}
    name = waits.event_name(run, token, event) or ""
    run.effect(Throw(event.kind, name, node.id, carried, event.local, event.asynchronous))


def jump(run: Run, token: Token, node: Node, event: Event) -> None:
    """A link leads to the catching link of the same name in the same scope (BPMN 2.0, 10.5.5)."""
    target = next(
        (n for n in run.graph.inside(node.parent) if n.type == "intermediateCatchEvent" and n.event and (n.event.kind, n.event.name) == ("link", event.name)),
        None,
    )
    if target is None:
        raise scopes.stuck(run, node, f"There is no catching link event {event.name!r}")
    listeners.call(run, token, node.listeners, "end")
    run.ended(token)
    run.plan("enter", token, target.id)


def end(run: Run, token: Token) -> None:
    """An end event ends its branch, and does what its definition says (BPMN 2.0, 13.5.6)."""
    node = run.node(token)
    match node.event:
        case None:
            run.plan("leave", token)
        case Event(kind="error") as event:
            listeners.call(run, token, node.listeners, "end")
            raise BpmnError(event.name or "", f"error end event {node.id!r}")
        case Event(kind="terminate") as event:
            terminate.terminate(run, token, event)
        case Event(kind="cancel"):
            compensation.cancel_transaction(run, token)
        case _:
            throw(run, token)


def condition_holds(run: Run, token: Token, event: Event) -> bool:
    """Whether the condition of a conditional event holds: an expression, or a script that gives true."""
    if event.language:
        return bool(invoke(run, token, "script", event.condition or "", language=event.language).value)
    return event.condition is None or names.holds(run, token, event.condition, "condition")
