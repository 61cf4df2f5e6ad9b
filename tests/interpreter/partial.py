"""Advances instances from a part of their state, as the store loads it: the acting token and what is around it, more only when asked for."""

from __future__ import annotations

from typing import Any

import pytest

from engine import interpreter
from engine.errors import NotLoaded
from engine.interpreter import journal as j
from engine.interpreter.state import ROOT, State
from engine.testing.things import Case
from engine.testing.unit import Unit


def part_of(whole: State, acting: int, scopes: frozenset[int]) -> State:
    """The acting token, those around it, and all that is below the scopes asked for."""
    chosen = {ROOT}
    number: int | None = acting if acting in whole.tokens else None
    while number is not None:
        chosen.add(number)
        number = whole.tokens[number].parent
    complete, ahead = set(scopes), list(scopes)
    while ahead:  # a scope may have a higher number than what is in it
        scope = ahead.pop()
        below = [t.number for t in whole.tokens.values() if t.parent == scope]
        chosen |= set(below)
        complete |= set(below)
        ahead += below
    return State(
        whole.facts,
        {n: t.copy() for n, t in whole.tokens.items() if n in chosen},
        {n: dict(v) for n, v in whole.variables.items() if n in chosen},
        whole.next_number,
        frozenset(complete),
    )


def merged(whole: State, part: State) -> State:
    """The whole after a unit advanced a part of it, by what the part says has changed."""
    new = whole.copy()
    if part.ended:
        new.tokens.clear()
    for number in part.removed:
        new.tokens.pop(number, None)
        if number != ROOT:
            new.variables.pop(number, None)
    for number in part.added | part.changed:
        new.tokens[number] = part.tokens[number].copy()
    for number, name in (*part.dropped, *((one.number, one.name) for one in part.past)):
        new.variables.get(number, {}).pop(name, None)
    for number, name in part.written:
        new.variables.setdefault(number, {})[name] = part.variables[number][name]
    new.next_number, new.ended = part.next_number, part.ended
    return new


def advance_in_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let every unit begin with the least of its instance; gives a list that grows by one for each time more was asked for."""
    asked: list[int] = []

    def advance(self: Unit, case: Case, input: j.Input) -> j.Change:
        graph = case.definition.graph
        if isinstance(input, j.Begin):
            return interpreter.start(graph, case.state.facts, input, self.world)
        verb: Any = {j.Received: interpreter.deliver, j.Evaluate: interpreter.deliver, j.Cancel: interpreter.cancel}.get(
            type(input), interpreter.resume
        )
        scopes: frozenset[int] = frozenset()
        while True:
            try:
                change = verb(graph, part_of(case.state, getattr(input, "token", ROOT), scopes), input, self.world)
            except NotLoaded as error:
                missing = error.scope
            else:
                change.state = merged(case.state, change.state)
                return change
            assert missing not in scopes, "asked for what was given"
            asked.append(missing)
            scopes |= {missing}

    monkeypatch.setattr(Unit, "advance", advance)
    return asked
