"""The same activity several times: multi-instance, sequential or parallel, and the standard loop (BPMN 2.0, 13.3.7 and 13.3.6).

The token that arrives becomes the body; every round is a token below it. The body has no run of its own in the history, and
an activity of no rounds leaves no trace there; execution listeners are called for the body and for every round (as in Flowable).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.bpmn.graph import Loop
from engine.interpreter import advance, listeners, names, scopes, variables
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def loop_of(run: Run, token: Token) -> Loop:
    """The loop characteristics of the node a token stands on."""
    loop = run.node(token).loop
    assert loop is not None
    return loop


def begin(run: Run, token: Token) -> None:
    """Make a token the body of its activity's rounds, and begin the first one (sequential) or all of them."""
    node, loop = run.node(token), loop_of(run, token)
    listeners.call(run, token, node.listeners, "start")
    count = None if loop.standard else rounds_to_do(run, token, loop)
    if count == 0 or (loop.standard and loop.test_before and not wanted(run, token, loop, 0)):
        advance.move_on(run, token)
        return
    token.scope = True
    token.counters = {"rounds": {"of": count, "begun": 0, "done": 0}, "open": 0}
    run.state.touch(token)
    scopes.arm_boundary(run, token, node)
    tell_numbers(run, token)
    for _ in range(1 if count is None or loop.sequential else count):
        begin_round(run, token)
    tell_numbers(run, token)


def rounds_to_do(run: Run, token: Token, loop: Loop) -> int:
    """How many rounds: the cardinality, or the size of the collection; raises TechnicalError for what is no number of rounds."""
    if loop.cardinality is None:
        return len(collection(run, token, loop))
    value = names.evaluate(run, token, loop.cardinality)
    try:
        count = int(value)
    except (TypeError, ValueError):
        raise scopes.stuck(run, run.node(token), f"The loop cardinality {loop.cardinality!r} gives {value!r}, which is no number") from None
    if count < 0:
        raise scopes.stuck(run, run.node(token), f"Invalid number of instances: must be a non-negative integer, but was {count}")
    return count


def collection(run: Run, token: Token, loop: Loop) -> Sequence[Any]:
    """The elements to go through: an expression, or the name of a variable that holds a list."""
    written = loop.collection or ""
    try:
        value = names.evaluate(run, token, written) if "{" in written else variables.read(run, token, written)
    except KeyError:
        raise scopes.stuck(run, run.node(token), f"Variable {written!r} was not found") from None
    if isinstance(value, str):
        value = variables.visible(run, token).get(value)
    if not isinstance(value, list | tuple):
        raise scopes.stuck(run, run.node(token), f"The collection {written!r} is no list")
    return value


# -- rounds
def begin_round(run: Run, body: Token) -> None:
    """Begin the next round: its number and element are variables of its own."""
    loop, rounds = loop_of(run, body), body.counters["rounds"]
    number = rounds["begun"]
    rounds["begun"] += 1
    one = scopes.branch(run, body)
    one.node = body.node
    one.counters = {"round": number}
    if loop.collection is not None and loop.element:
        elements = collection(run, body, loop)
        if number >= len(elements):
            raise scopes.stuck(run, run.node(body), f"The collection {loop.collection!r} has no element {number} any more")
        variables.write_local(run, one.number, loop.element, elements[number])
    variables.write_local(run, one.number, loop.index or "loopCounter", number)
    run.plan("enter once", one)


def round_ended(run: Run, one: Token) -> None:
    """A round is done: the activity is, too, if its condition holds or no round is left; else the next one begins, if one by one."""
    assert one.parent is not None
    body = run.state.tokens[one.parent]
    loop, rounds = loop_of(run, body), body.counters["rounds"]
    rounds["done"] += 1
    gather(run, one, body, loop)
    run.count("open", -1, body)
    tell_numbers(run, body)
    done = enough(run, body, loop)
    run.state.remove(one, traceless=loop.sequential and not done)  # of rounds one by one the last alone is remembered (as at Flowable)
    if done:
        finish(run, body)
    elif loop.sequential or loop.standard:
        begin_round(run, body)
        tell_numbers(run, body)


def enough(run: Run, body: Token, loop: Loop) -> bool:
    """Whether the activity is done with all its rounds (BPMN 2.0, completionCondition; loopCondition of a standard loop)."""
    rounds = body.counters["rounds"]
    if loop.standard:
        return not wanted(run, body, loop, rounds["done"])
    if loop.completion is not None and names.holds(run, body, loop.completion, "completion condition"):
        return True
    return bool(rounds["done"] >= rounds["of"])


def wanted(run: Run, token: Token, loop: Loop, done: int) -> bool:
    """Whether a standard loop goes on: below its maximum, and as long as its condition holds."""
    if loop.maximum is not None and done >= loop.maximum:
        return False
    return loop.condition is None or names.holds(run, token, loop.condition, "loop condition")


def finish(run: Run, body: Token, reason: str | None = None) -> None:
    """End all rounds and leave the activity; rounds still open are cancelled."""
    listeners.call(run, body, run.node(body).listeners, "end")
    if body.counters["open"]:
        for child in run.state.children(body.number):
            if child.node == body.node:
                scopes.cancel(run, child, reason, within=True)
    hand_out(run, body, loop_of(run, body))
    run.state.close(body.number)
    body.scope = False
    body.counters = {}
    run.state.touch(body)
    run.plan("leave", body)


def tell_numbers(run: Run, body: Token) -> None:
    """Write the loop variables of a multi-instance where its rounds see them; of rounds one by one there is always one active."""
    rounds = body.counters["rounds"]
    active = 1 if loop_of(run, body).sequential else body.counters["open"]
    if rounds["of"] is not None:
        run.state.set_local(body.number, "nrOfInstances", rounds["of"])
        run.state.set_local(body.number, "nrOfCompletedInstances", rounds["done"])
        run.state.set_local(body.number, "nrOfActiveInstances", active)


def gather(run: Run, one: Token, body: Token, loop: Loop) -> None:
    """Add what a round made to the aggregated variables: a list of one object a round, in order (Flowable's variableAggregation)."""
    find = names.lookup(run, one)
    number = one.counters["round"]
    for aggregation in loop.aggregations:
        there = [p for p in aggregation.variables if p.expression is not None or names.known(p.source or "", find)]
        made = {names.text(run, one, p.target): names.parameter(run, one, p, find) for p in there}  # what is missing is left out
        gathered = list(run.state.variables.get(body.number, {}).get(aggregation.target, ()))
        gathered += [None] * (number + 1 - len(gathered))
        gathered[number] = made
        variables.write_local(run, body.number, aggregation.target, gathered)


def hand_out(run: Run, body: Token, loop: Loop) -> None:
    """Put the aggregated variables where the activity's scope sees them, without the rounds that never ended."""
    assert body.parent is not None
    scope = run.state.tokens[body.parent]
    mine = run.state.variables.get(body.number, {})
    for target in [a.target for a in loop.aggregations if a.target in mine]:
        gathered = [made for made in mine[target] if made is not None]
        run.state.drop(body.number, target)
        variables.write(run, scope, target, gathered)
