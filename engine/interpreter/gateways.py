"""Gateways: one way or all of them; waiting for the branches that come together; letting the first event decide (BPMN 2.0, 13.4)."""

from __future__ import annotations

from engine.bpmn.graph import Graph
from engine.interpreter import advance, listeners, scopes
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def exclusive(run: Run, token: Token) -> None:
    """Choose the first flow whose condition holds; it is chosen now even if the gateway leaves asynchronously (BPMN 2.0, 13.4.2)."""
    node = run.node(token)
    run.plan("leave", token, advance.first_chosen(run, token, node).id if node.outgoing else None)


def parallel(run: Run, token: Token) -> None:
    """Wait until as many tokens have arrived as flows lead here, then go on as one along all flows (BPMN 2.0, 13.4.1)."""
    node = run.node(token)
    if len(node.incoming) < 2:
        run.ended(token)
        run.plan("leave", token)
    elif arrive(run, token) >= len(node.incoming):
        join(run, token)


def inclusive(run: Run, token: Token) -> None:
    """Wait for every branch that can still reach this gateway (BPMN 2.0, 13.4.3); looked at when nothing else moves, see `settle`."""
    if len(run.node(token).incoming) < 2:
        run.ended(token)
        run.plan("leave", token)
    else:
        arrive(run, token)


def arrive(run: Run, token: Token) -> int:
    """Let a token rest at a join, where its run is over; tells how many do now. The scope knows their numbers: they need not be loaded."""
    assert token.parent is not None
    assert token.node is not None
    scope = run.state.tokens[token.parent]
    run.ended(token)
    run.rest(token, "join")
    joins = scope.counters.setdefault("joins", {})
    joins.setdefault(token.node, []).append(token.number)
    run.state.touch(scope)
    return len(joins[token.node])


def join(run: Run, token: Token) -> None:
    """Melt all tokens that rest at a join into one of them."""
    assert token.parent is not None
    assert token.node is not None
    scope = run.state.tokens[token.parent]
    arrived = scope.counters["joins"].pop(token.node)
    for number in arrived:
        if number != token.number:
            run.state.forget(number)
    run.count("open", 1 - len(arrived), scope)
    token.wait = None
    run.state.touch(token)
    run.plan("leave", token)


# -- inclusive joins
def settle(run: Run) -> None:
    """When nothing moves any more: let those inclusive joins go on that no other token can reach."""
    for scope in list(run.state.tokens.values()):
        for node in list(scope.counters.get("joins", ())):
            if run.graph.nodes[node].type == "inclusiveGateway" and not awaited(run, scope, node):
                number = scope.counters["joins"][node][-1]
                join(run, resting(run, scope, number))
                return


def resting(run: Run, scope: Token, number: int) -> Token:
    """The token of that number in a scope."""
    return next(t for t in run.state.children(scope.number) if t.number == number)


def awaited(run: Run, scope: Token, join: str) -> bool:
    """Whether a token of the scope can still come to a join: by reachability along the flows, not by block structure."""
    here = set(scope.counters["joins"][join])
    others = {t.node for t in run.state.children(scope.number) if t.number not in here and not scopes.listens(run, scope, t)}
    return any(node is not None and (node == join or reaches(run.graph, node, join)) for node in others)


def reaches(graph: Graph, start: str, goal: str) -> bool:
    """Whether flows lead from a node to another; ways out by boundary events do not count (as in Flowable)."""
    seen, ahead = {start}, [start]
    while ahead:
        node = graph.nodes[ahead.pop()]
        targets = [graph.flows[f].target for f in node.outgoing]
        if goal in targets:
            return True
        ahead += [t for t in targets if t not in seen]
        seen.update(targets)
    return False


# -- events decide
def event_based(run: Run, token: Token) -> None:
    """Let all events behind the gateway wait; the first that happens goes on, the others are cancelled (BPMN 2.0, 13.4.4)."""
    node = run.node(token)
    listeners.call(run, token, node.listeners, "end")
    run.ended(token)
    run.rest(token, "event")
    for one in node.outgoing:
        flow = run.graph.flows[one]
        rival = run.state.add(parent=token.number)
        run.plan("follow", rival, flow)


def decided(run: Run, winner: Token) -> None:
    """An event behind an event gateway happened: it takes the gateway's place, its rivals go."""
    assert winner.parent is not None
    gateway = run.state.tokens[winner.parent]
    assert gateway.parent is not None
    for rival in run.state.children(gateway.number):
        if rival is not winner:
            scopes.cancel(run, rival, f"event based gateway cancel ({winner.node})")
    run.state.move(winner, gateway.parent)
    run.wake(gateway)
    run.state.remove(gateway)
