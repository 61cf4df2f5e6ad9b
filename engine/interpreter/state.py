"""The tokens, scopes and variables of one instance; what one unit of work knows of them.

Token 0 is the process itself, the root scope. A token rests on a node with a wait, or is an open scope (a sub-process, the
body of a multi-instance) with tokens below it. A State may be given in part: asking for children that were not loaded
raises NotLoaded, and `work` loads them and advances again, which is harmless because nothing here has effects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from engine.errors import NotLoaded

ROOT = 0


@dataclass(slots=True)
class Token:
    """A place in the process.

    `number` is unique in the instance and never used again; `parent` the number of its scope (None for the root). `wait` says
    what lets it go on: user, job, timer, message, signal, condition, variable, external, child, join, event (an event gateway,
    see its children), trigger, retry ... `activity` is the id of its open run in the history. `counters` is JSON: numbers that
    the rules keep (open children, rounds of a loop, arrivals), small by rule.
    """

    number: int
    parent: int | None = ROOT
    node: str | None = None
    scope: bool = False
    wait: str | None = None
    activity: str | None = None
    counters: dict[str, Any] = field(default_factory=dict)

    def copy(self) -> Token:
        return Token(
            self.number, self.parent, self.node, self.scope, self.wait, self.activity, deepcopy(self.counters) if self.counters else {}
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change while a unit advances an instance; read by expressions, scripts and handlers."""

    id: str
    definition: str  # definition id
    key: str
    starter: str | None = None
    business_key: str | None = None
    name: str | None = None
    parent: str | None = None  # the calling instance
    parent_token: int | None = None
    root: str | None = None
    tenant: str = ""
    user: str | None = None  # who does this unit
    held: bool = False  # started by a call with `completeAsync`: at its end it waits for the caller's job
    service: bool = False  # of the service API, where an error that nobody catches ends the instance instead of failing the unit


class Past(NamedTuple):
    """A variable whose scope ended in this unit, with its last value; `written` in this unit, `stored` before it."""

    number: int
    name: str
    value: Any
    written: bool
    stored: bool


@dataclass(slots=True)
class State:
    """The part of an instance that is loaded, and what changed in it.

    `variables[n]` are the variables local to token n. `complete` are the scopes whose children are all here; None: everything is.
    `written`, `dropped`, `past` (variables) and `added`, `changed`, `removed` (tokens) are what `store` has to save.
    """

    facts: Facts
    tokens: dict[int, Token] = field(default_factory=dict)
    variables: dict[int, dict[str, Any]] = field(default_factory=dict)
    next_number: int = 1
    complete: frozenset[int] | None = None
    ended: bool = False
    written: dict[tuple[int, str], bool] = field(default_factory=dict)  # -> whether it is new
    dropped: set[tuple[int, str]] = field(default_factory=set)  # by name: nothing is left of them
    past: list[Past] = field(default_factory=list)  # with their scope: they are history
    added: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    _below: dict[int, dict[int, Token]] | None = field(
        default=None, repr=False, compare=False
    )  # the tokens by parent, made when first asked for

    def copy(self) -> State:
        """An independent copy to advance; loaded values are shared, for nobody changes a value in place."""
        return State(
            self.facts,
            {n: t.copy() for n, t in self.tokens.items()},
            {n: dict(v) for n, v in self.variables.items()},
            self.next_number,
            self.complete,
            self.ended,
            dict(self.written),
            set(self.dropped),
            list(self.past),
            set(self.added),
            set(self.changed),
            set(self.removed),
        )

    # -- tokens
    def add(self, *, parent: int | None = ROOT, node: str | None = None, scope: bool = False) -> Token:
        """A new token in a scope."""
        token = Token(self.next_number, parent, node, scope)
        self.next_number += 1
        self.tokens[token.number] = token
        self.added.add(token.number)
        if self._below is not None and parent is not None:
            self._below.setdefault(parent, {})[token.number] = token
        return token

    def move(self, token: Token, parent: int) -> None:
        """Put a token into another scope."""
        if self._below is not None and token.parent is not None:
            self._below[token.parent].pop(token.number, None)
            self._below.setdefault(parent, {})[token.number] = token
        token.parent = parent
        self.touch(token)

    def touch(self, token: Token) -> Token:
        """Mark a token as changed."""
        if token.number not in self.added:
            self.changed.add(token.number)
        return token

    def remove(self, token: Token, *, traceless: bool = False) -> None:
        """Take a token away, with the variables local to it; `traceless`: they leave nothing in the history."""
        if traceless:
            for name in list(self.variables.get(token.number, ())):
                self.drop(token.number, name)
        self.close(token.number)
        self.variables.pop(token.number, None)
        del self.tokens[token.number]
        if self._below is not None and token.parent is not None:
            self._below[token.parent].pop(token.number, None)
        self.changed.discard(token.number)
        if token.number in self.added:
            self.added.discard(token.number)
        else:
            self.removed.add(token.number)

    def forget(self, number: int) -> None:
        """Take a resting token away that need not be loaded (an arrival at a join, whose scope knows its number)."""
        if number in self.tokens:
            self.remove(self.tokens[number])
        else:
            self.removed.add(number)

    def finish(self) -> None:
        """End the instance: no token is left, the variables of the process stay as they were last, for the history."""
        for token in list(self.tokens.values()):
            if token.number != ROOT:
                self.remove(token)
        self.tokens.clear()
        self.changed.discard(ROOT)
        if ROOT in self.added:
            self.added.discard(ROOT)
        else:
            self.removed.add(ROOT)
        self.ended = True

    def children(self, scope: int) -> list[Token]:
        """The tokens directly in a scope, oldest first; raises NotLoaded where not all of them are here."""
        if self.complete is not None and scope not in self.complete and scope not in self.added:
            raise NotLoaded(scope)
        if self._below is None:
            self._below = {}
            for token in self.tokens.values():
                if token.parent is not None:
                    self._below.setdefault(token.parent, {})[token.number] = token
        return list(self._below.get(scope, {}).values())

    def ancestors(self, token: Token) -> Iterator[Token]:
        """The scopes around a token, innermost first, the root last."""
        while token.parent is not None:
            token = self.tokens[token.parent]
            yield token

    # -- variables
    def chain(self, token: Token) -> Iterator[Token]:
        """A token and the scopes around it."""
        yield token
        yield from self.ancestors(token)

    def owner(self, token: Token, name: str) -> int | None:
        """The number of the nearest scope that has a variable of this name."""
        return next((t.number for t in self.chain(token) if name in self.variables.get(t.number, ())), None)

    def get(self, token: Token, name: str) -> Any:
        """The value seen from a token; raises KeyError."""
        owner = self.owner(token, name)
        if owner is None:
            raise KeyError(name)
        return self.variables[owner][name]

    def visible(self, token: Token) -> dict[str, Any]:
        """All that is seen from a token, the nearest first."""
        seen: dict[str, Any] = {}
        for t in self.chain(token):
            seen = {**self.variables.get(t.number, {}), **seen}
        return seen

    def set(self, token: Token, name: str, value: Any) -> None:
        """Write where the variable lives, else in the root (Flowable's setVariable)."""
        owner = self.owner(token, name)
        self.set_local(ROOT if owner is None else owner, name, value)

    def set_local(self, number: int, name: str, value: Any) -> None:
        """Write a variable of one token or scope."""
        mine = self.variables.setdefault(number, {})
        fresh = name not in mine
        if not fresh and mine[name] is value:
            return
        key = (number, name)
        if key in self.dropped:
            self.dropped.discard(key)
            fresh = False
        self.written[key] = self.written.get(key, fresh)
        mine[name] = value

    def set_all(self, token: Token, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self.set(token, name, value)

    def drop(self, number: int, name: str) -> None:
        """Remove a variable of one token or scope."""
        self.variables[number].pop(name)
        if self.written.pop((number, name), False):
            return  # made in this unit: never stored
        self.dropped.add((number, name))

    def close(self, number: int) -> None:
        """End the variables of one token or scope: they are history, with their last values."""
        mine = self.variables.get(number, {})
        for name in list(mine):
            place = (number, name)
            written = place in self.written
            fresh = self.written.pop(place, False)
            self.past.append(Past(number, name, mine.pop(name), written, stored=not fresh))
