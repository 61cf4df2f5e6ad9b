"""Events that happen: intermediate catching, boundary, and event sub-processes (BPMN 2.0, 13.5.2 to 13.5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Event, Node
from engine.interpreter import advance, gateways, listeners, names, scopes, variables, waits
from engine.interpreter.invoke import invoke
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def catch(run: Run, token: Token) -> None:
    """An intermediate event begins to wait; a catching link is only passed."""
    node = run.node(token)
    if node.event is None or node.event.kind == "link":
        run.plan("leave", token)
    else:
        waits.wait_for(run, token, node)


def happened(run: Run, token: Token, brought: Mapping[str, Any]) -> None:
    """The event a token waits for happened."""
    node = run.node(token)
    bring_in(run, token, node, brought)
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


def bring_in(run: Run, token: Token, node: Node, brought: Mapping[str, Any]) -> None:
    """Write what an event brings: all of it, or only what its in parameters name."""
    if node.event is not None and node.event.ins:
        find = names.lookup(run, token, extra=brought)
        brought = {names.text(run, token, p.target): names.parameter(run, token, p, find) for p in node.event.ins}
    variables.write_all(run, token, brought)


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
    set_out(run, going, node)


def set_out(run: Run, token: Token, node: Node) -> None:
    """Go on from an event that happened; if it is flagged async, in a job behind it, since it cannot wait before itself."""
    listeners.call(run, token, node.listeners, "start")
    if node.asynchronous and not node.async_leave:
        advance.create_job(run, token, "async-leave")
    else:
        run.plan("leave", token)


def event_subprocess(run: Run, scope: Token, start: Node, listener: Token | None) -> None:
    """An event sub-process begins beside what its scope does, or instead of it (BPMN 2.0, 13.5.4)."""
    assert start.parent is not None
    if start.interrupting:
        if listener is not None:
            scopes.drop(run, listener, None)
        scopes.cancel_inside(run, scope, f"event subprocess ({start.id})", steps=False)
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
    set_out(run, first, start)


def condition_holds(run: Run, token: Token, event: Event) -> bool:
    """Whether the condition of a conditional event holds: an expression, or a script that gives true."""
    if event.language:
        return bool(invoke(run, token, "script", event.condition or "", language=event.language).value)
    return event.condition is None or names.holds(run, token, event.condition, "condition")
