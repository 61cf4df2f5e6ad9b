"""Compensation: finished steps are remembered with their handlers, and undone newest first (BPMN 2.0, 13.5.5; Flowable's ScopeUtil).

A remembered step is a resting token beside what is open. A sub-process that ends keeps what it remembers, with its variables
as they were, in one token of its own. The throwing event waits until every handler is done, also one with a user task.
"""

from __future__ import annotations

from engine.bpmn.graph import Event, Node
from engine.interpreter import listeners, scopes
from engine.interpreter.journal import CreateSubscription
from engine.interpreter.run import Run
from engine.interpreter.state import Token


# -- remembering
def handler_of(run: Run, node: Node) -> str | None:
    """The activity that undoes a node: where its compensation boundary event leads."""
    return next((h for b in node.boundary if (h := run.graph.nodes[b].compensated_by)), None)


def home_of(run: Run, token: Token) -> Token:
    """The scope in which a finished step is remembered: the one around it, or around all its rounds."""
    assert token.parent is not None
    above = run.state.tokens[token.parent]
    if not scopes.is_round(run, token):
        return above
    assert above.parent is not None
    return run.state.tokens[above.parent]


def remember(run: Run, token: Token, node: Node) -> None:
    """Remember a step that has just finished, if it has a handler; what is local to it stays for the handler."""
    if node.boundary and handler_of(run, node) is not None:
        step = put_by(run, home_of(run, token), node)
        for name, value in run.state.variables.get(token.number, {}).items():
            run.state.set_local(step.number, name, value)


def put_by(run: Run, home: Token, node: Node) -> Token:
    """A resting token that stands for a step to be undone."""
    step = run.state.add(parent=home.number, node=node.id)
    run.rest(step, "compensation")
    run.count("undo", 1, home)
    run.effect(CreateSubscription(run.env.new_id(), "compensate", None, step.number, node.id))
    return step


def keep(run: Run, scope: Token) -> None:
    """Keep what a finished sub-process remembers, and its variables, beside it; its own handler stands instead of that."""
    node = run.node(scope)
    if not scope.counters.get("undo") or handler_of(run, node) is not None or node.triggered_by_event:
        return
    steps = remembered(run, scope)
    kept = put_by(run, home_of(run, scope), node)
    kept.scope = True
    for name, value in run.state.variables.get(scope.number, {}).items():
        run.state.set_local(kept.number, name, value)
    for step in steps:
        run.state.move(step, kept.number)


def remembered(run: Run, scope: Token, activity: str | None = None) -> list[Token]:
    """The steps remembered in a scope, or those of one activity, the newest first."""
    found = [t for t in run.state.children(scope.number) if t.wait == "compensation" and activity in (None, t.node)]
    return sorted(found, key=lambda t: -t.number)


# -- undoing
def throw(run: Run, token: Token, event: Event) -> None:
    """Undo the steps of the scope around the event, or those of one activity; the event waits, unless it says not to."""
    steps = wanted(run, token, event)
    thrower = token
    if not event.wait:
        assert token.parent is not None
        thrower = scopes.branch(run, run.state.tokens[token.parent])
        thrower.node = token.node
        run.plan("leave", token)
    undo(run, thrower, steps, then="leave" if event.wait else "branch ended")


def wanted(run: Run, token: Token, event: Event) -> list[Token]:
    """What an event undoes: looked for in its scope and, from an event sub-process or for one activity, in those around it."""
    for scope in run.state.ancestors(token):
        found = remembered(run, scope, event.activity) if scope.counters.get("undo") else []
        outward = event.activity is not None or (scope.node is not None and run.node(scope).triggered_by_event)
        if found or not outward:
            return found
    return []


def undo(run: Run, thrower: Token, steps: list[Token], then: str) -> None:
    """Let a token undo steps one after the other, as their scope meanwhile; `then` is the operation that follows."""
    for step in steps:
        assert step.parent is not None
        run.count("undo", -1, run.state.tokens[step.parent])
        run.state.move(step, thrower.number)
    thrower.scope = True
    thrower.counters = {**thrower.counters, "queue": [t.number for t in steps], "then": then, "open": 0}
    run.rest(thrower, "compensating")
    run.plan("compensate next", thrower)


def undo_next(run: Run, thrower: Token) -> None:
    """Undo the next step, or go on if none is left; a kept sub-process undoes its own steps first."""
    queue = thrower.counters["queue"]
    run.state.touch(thrower)
    if not queue:
        undone(run, thrower)
        return
    step = next(t for t in run.state.children(thrower.number) if t.number == queue[0])
    del queue[0]
    run.count("open", 1, thrower)
    run.wake(step)
    handler = handler_of(run, run.node(step))
    if step.scope:
        undo(run, step, remembered(run, step), then="branch ended")
    elif handler is not None:
        run.plan("enter", step, handler)


def undone(run: Run, thrower: Token) -> None:
    """All steps are undone: the thrower is a plain token again and goes on."""
    then = thrower.counters["then"]
    thrower.scope = False
    for counter in ("queue", "then", "open", "undo"):
        thrower.counters.pop(counter, None)
    run.wake(thrower)
    run.plan(then, thrower)


# -- transactions
def cancel_transaction(run: Run, token: Token) -> None:
    """A cancel end event ends all else in its transaction, undoes what was done, and leaves by the boundary event (BPMN 2.0, 13.5.6)."""
    steps = []
    for transaction in rounds_of(run, token):
        for child in run.state.children(transaction.number):
            if child.wait == "compensation":
                steps.append(child)
            elif child is not token and not scopes.on_boundary(run, transaction, child):
                scopes.cancel(run, child, "transaction canceled", within=True)
        transaction.counters["open"] = 1
        transaction.counters.pop("joins", None)
        run.state.touch(transaction)
    undo(run, token, sorted(steps, key=lambda t: -t.number), then="transaction cancelled")


def rounds_of(run: Run, token: Token) -> list[Token]:
    """The transaction around a token, with its other rounds if it has several: they are cancelled together."""
    assert token.parent is not None
    transaction = run.state.tokens[token.parent]
    if not scopes.is_round(run, transaction):
        return [transaction]
    assert transaction.parent is not None
    return [t for t in run.state.children(transaction.parent) if t.node == transaction.node]


def transaction_cancelled(run: Run, token: Token) -> None:
    """Everything is undone: the cancel boundary event takes the transaction's place; without one the flow ends here."""
    assert token.parent is not None
    host = run.state.tokens[token.parent]
    listeners.call(run, token, run.node(token).listeners, "end")
    run.ended(token)
    if scopes.is_round(run, host):
        assert host.parent is not None
        host = run.state.tokens[host.parent]
    for listener in run.state.children(host.number):
        event = run.node(listener).event
        if run.node(listener).type == "boundaryEvent" and event is not None and event.kind == "cancel":
            run.plan("boundary happened", listener, run.node(listener))
            return
    run.plan("branch ended", token)
