"""One unit of work in memory: a loop over an agenda of operations, first in first out, until every token rests or has ended.

Operations are named, and found in a table: no behaviour calls the next node's, so neither 500 nodes in a row nor 10,000 rounds
of a loop deepen the stack. What happens is written into the Change as facts and effects; nothing here touches the world.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.bpmn.graph import Graph, Node
from engine.errors import BpmnError, TechnicalError
from engine.interpreter.journal import (
    Change,
    CreateJob,
    CreateSubscription,
    Effect,
    Entered,
    Environment,
    Fact,
    Left,
    Noted,
    Withdraw,
)
from engine.interpreter.state import ROOT, State, Token

STEPS = 2_000_000
WITHDRAWN = {"job", "timer", "message", "signal", "condition", "variable", "external", "compensation"}  # these waits have rows of their own
Operation = Callable[..., None]


@dataclass(slots=True)
class Run:
    """What the operations of one unit share.

    `operations` is the table of names; `limit` the number of operations after which the unit is taken for one that never rests.
    """

    graph: Graph
    env: Environment
    change: Change
    operations: Mapping[str, Operation]
    limit: int = STEPS
    user: str | None = None
    state: State = field(init=False)
    now: datetime = field(init=False)
    first: int = field(init=False)  # the number of the first token that is new in this unit
    agenda: deque[tuple[str, Token, tuple[Any, ...]]] = field(default_factory=deque)
    transient: dict[int, dict[str, Any]] = field(default_factory=dict)
    visits: Counter[tuple[int, str]] = field(default_factory=Counter)
    waits: dict[int, list[int]] = field(default_factory=dict)  # token -> where its pending jobs and subscriptions stand in the effects
    altered: list[tuple[int, str, str]] = field(default_factory=list)  # what variable listeners have not heard of yet

    def __post_init__(self) -> None:
        self.state, self.now = self.change.state, self.env.now()
        self.first = self.state.next_number

    def node(self, token: Token) -> Node:
        """The node a token stands on."""
        assert token.node is not None
        return self.graph.nodes[token.node]

    # -- the loop
    def plan(self, operation: str, token: Token, *arguments: Any) -> None:
        """Put an operation at the end of the agenda; it is dropped if its token is gone by then."""
        self.agenda.append((operation, token, arguments))

    def go(self) -> None:
        """Work the agenda off; raises TechnicalError after `limit` operations."""
        for _ in range(self.limit):
            if not self.agenda:
                self.operations["settle"](self)
                if not self.agenda:
                    return
            operation, token, arguments = self.agenda.popleft()
            if self.state.tokens.get(token.number) is token:
                self._perform(operation, token, arguments)
        raise TechnicalError(f"The process did not come to rest within {self.limit} steps: does it loop for ever without a wait state?")

    def _perform(self, operation: str, token: Token, arguments: tuple[Any, ...]) -> None:
        try:
            self.operations[operation](self, token, *arguments)
        except BpmnError as error:
            self.operations["throw error"](self, token, error)

    # -- writing down what happened
    def fact(self, fact: Fact) -> None:
        self.change.journal.append(fact)

    def note(self, what: str, node: str | None, about: str = "") -> None:
        self.fact(Noted(what, node, about))

    def began(self, token: Token) -> None:
        """A run of the token's node begins in the history."""
        token.activity = self.env.new_id()
        self.state.touch(token)
        self.fact(Entered(token.activity, token.node or "", token.number, self.now))

    def ended(self, token: Token, reason: str | None = None) -> None:
        """The token's open run ends in the history, if there is one."""
        if token.activity is not None:
            self.fact(Left(token.activity, token.node or "", self.now, reason))
            token.activity = None
            self.state.touch(token)

    def effect(self, effect: Effect) -> None:
        """Ask for something to be carried out when this unit is saved."""
        if isinstance(effect, CreateJob | CreateSubscription):
            self.waits.setdefault(effect.token, []).append(len(self.change.effects))
        self.change.effects.append(effect)

    def rest(self, token: Token, wait: str) -> None:
        """Let a token rest until its wait is over."""
        token.wait = wait
        self.state.touch(token)

    def wake(self, token: Token) -> None:
        """End a token's wait: its jobs and subscriptions go, and those of this unit are never made."""
        for index in self.waits.pop(token.number, ()):
            self.change.effects[index] = Withdraw(token.number)
        if token.wait in WITHDRAWN and token.number < self.first:
            self.change.effects.append(Withdraw(token.number))
        if token.wait == "variable":
            self.count("listening", -1)
        token.wait = None
        self.state.touch(token)

    def forget_waits(self) -> None:
        """Make no job or subscription of this unit: the instance has ended."""
        for number, indexes in self.waits.items():
            for index in indexes:
                self.change.effects[index] = Withdraw(number)
        self.waits.clear()

    def count(self, what: str, by: int, scope: Token | None = None) -> int:
        """Change a counter of a scope (else of the process), and tell its new value."""
        scope = scope or self.state.tokens[ROOT]
        scope.counters[what] = scope.counters.get(what, 0) + by
        self.state.touch(scope)
        return int(scope.counters[what])

    def tidy(self) -> Change:
        """The Change without withdrawals of what was never made."""
        done: set[int] = set()
        kept: list[Effect] = []
        for effect in self.change.effects:
            if isinstance(effect, Withdraw):
                if effect.token >= self.first or effect.token in done:
                    continue
                done.add(effect.token)
            kept.append(effect)
        self.change.effects = kept
        return self.change

    def visit(self, token: Token) -> int:
        """The number of this call from this node by this token within the unit."""
        key = (token.number, token.node or "")
        self.visits[key] += 1
        return self.visits[key]
