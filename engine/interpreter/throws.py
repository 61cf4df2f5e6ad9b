"""Events that are thrown, on the way or at an end (BPMN 2.0, 13.5.5 and 13.5.6)."""

from __future__ import annotations

from engine.bpmn.graph import Event, Node
from engine.errors import BpmnError
from engine.interpreter import compensation, listeners, names, propagation, scopes, terminate, waits
from engine.interpreter.journal import TellParent, Throw, Yield
from engine.interpreter.run import Run
from engine.interpreter.state import Token


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
            let_receive(run, token)
        case event:
            send(run, token, node, event)
            let_receive(run, token)


def send(run: Run, token: Token, node: Node, event: Event) -> None:
    """Throw a signal or message to whoever waits for it, with what its out parameters name."""
    find = names.lookup(run, token)
    carried = {names.text(run, token, p.target): names.parameter(run, token, p, find) for p in event.outs}
    name = waits.event_name(run, token, event) or ""
    run.effect(Throw(event.kind, name, node.id, carried, event.local, event.asynchronous))


def let_receive(run: Run, token: Token) -> None:
    """Go on after those who receive what was thrown: some may be beyond this instance, and one may interrupt the token."""
    if any(isinstance(e, Throw | TellParent) for e in run.change.effects[-1:]):
        run.rest(token, "yield")
        run.effect(Yield(token.number))
    else:
        run.plan("leave", token)


def jump(run: Run, token: Token, node: Node, event: Event) -> None:
    """A link leads to the catching link of the same name in the same scope (BPMN 2.0, 10.5.5)."""
    target = next(
        (
            n
            for n in run.graph.inside(node.parent)
            if n.type == "intermediateCatchEvent" and n.event and (n.event.kind, n.event.name) == ("link", event.name)
        ),
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
            find = names.lookup(run, token)
            carried = {names.text(run, token, p.target): names.parameter(run, token, p, find) for p in event.outs}
            raise BpmnError(event.name or "", f"error end event {node.id!r}", carried)
        case Event(kind="terminate") as event:
            terminate.terminate(run, token, event)
        case Event(kind="cancel"):
            compensation.cancel_transaction(run, token)
        case _:
            throw(run, token)
