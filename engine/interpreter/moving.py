"""An operator's hand: a branch that begins where none would, and one that is taken away.

Who takes the last branch of a scope away has not ended it: it stands until another begins in it, or it is itself taken away.
"""

from __future__ import annotations

from engine.bpmn.graph import Node
from engine.errors import BadInput, Conflict
from engine.interpreter import events, scopes
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token

REASON = "taken away by an operator"


def enter_beside(run: Run, wanted: str) -> None:
    """Begin a branch at a node, in its scope, which must be open once."""
    node = run.graph.nodes.get(wanted)
    if node is None:
        raise BadInput(f"The process {run.graph.key!r} has no node {wanted!r} to begin at", "node")
    if node.attached_to or node.for_compensation or node.triggered_by_event or (node.type == "startEvent" and node.event):
        raise Conflict(f"{wanted} is begun by its event alone")
    run.plan("enter", scopes.branch(run, scope_of(run, node)), node.id)


def scope_of(run: Run, node: Node) -> Token:
    """The open scope that a node lies in; raises Conflict where it is none, or open several times."""
    if node.parent is None:
        return run.state.tokens[ROOT]
    found = [t for t in run.state.tokens.values() if t.scope and t.node == node.parent and "open" in t.counters and not scopes.is_body(t)]
    if len(found) != 1:
        raise Conflict(f"{node.parent}, in which {node.id} lies, is open {len(found)} times, and should be once")
    return found[0]


def drop(run: Run, number: int, *, again: bool) -> None:
    """Take a token away; of rivals behind an event gateway all, and the gateway is entered again."""
    token = run.state.tokens.get(number)
    if token is not None and token.parent is not None and events.behind_event_gateway(run, token):
        token = run.state.tokens[token.parent]
    if token is None or token.parent is None or token.node is None:
        raise Conflict("nothing stands there any more")
    scope, node = run.state.tokens[token.parent], run.node(token)
    if scopes.listens(run, scope, token) or scopes.is_round(run, token) or "queue" in scope.counters:
        raise Conflict(f"{node.id} is no branch of its own: take away what it belongs to")
    if again and node.triggered_by_event:
        raise Conflict(f"{node.id} is begun by its event alone")
    scopes.cancel(run, token, REASON, within=True)
    if again:
        run.plan("enter", run.state.add(parent=scope.number), node.id)
        return
    run.count("open", -1, scope)
    if node.triggered_by_event and scope.counters.get("beside"):
        run.count("beside", -1, scope)
