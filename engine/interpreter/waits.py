"""How an event waits: a job for a timer, a subscription for a message, a signal or a variable; conditions look only when told to.

Errors, escalations and cancellations are silent: they find who catches them by themselves.
"""

from __future__ import annotations

from engine.bpmn.graph import Event, Node
from engine.interpreter import names, timers
from engine.interpreter.journal import CreateSubscription
from engine.interpreter.run import Run
from engine.interpreter.state import Token

SILENT = {"error", "escalation", "cancel", "compensate"}


def wait_for(run: Run, token: Token, node: Node) -> None:
    """Let a token wait for the event of a node."""
    event = node.event
    assert event is not None
    match event.kind:
        case "timer":
            timers.start(run, token, node)
        case "message" | "signal" | "variable":
            run.rest(token, event.kind)
            subscribe(run, token, node, event)
        case "conditional":
            run.rest(token, "condition")
        case _:
            run.rest(token, "armed")


def subscribe(run: Run, token: Token, node: Node, event: Event) -> None:
    """Announce what the token waits for; names of messages and signals may be expressions, evaluated now."""
    name = event_name(run, token, event)
    data = {"local": True} if event.local else {}
    run.effect(CreateSubscription(run.env.new_id(), event.kind, name, token.number, node.id, data))
    if event.kind == "variable":
        run.count("listening", 1)


def event_name(run: Run, token: Token, event: Event) -> str | None:
    """The name of a message or signal, as it is at this moment."""
    if event.name is None or event.kind == "variable":
        return event.name
    return str(names.evaluate(run, token, event.name))
