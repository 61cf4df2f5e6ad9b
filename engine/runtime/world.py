"""The interpreter's environment in a unit of work: time, ids, expressions, calls, and the answers that are remembered.

After a conflict the unit advances again from fresh rows. What was done outside the transaction is not done again: its answer
(or business error) is remembered by instance, token, node and visit. What a transactional handler did was rolled back with
the transaction, so it is called again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any
from uuid import UUID, uuid5

from django.utils.timezone import get_default_timezone

from engine.errors import BpmnError
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter.journal import Answer, Invocation, Lookup
from engine.models.fields import uuid7_text
from engine.runtime.handlers.calls import Unit, carry_out, is_pure, is_transactional, with_beans
from engine.runtime.handlers.execution import Execution

_Key = tuple[Any, ...]


@dataclass(slots=True)
class Memory:
    """The answers of one unit of work, over all its looks at the rows, and the ids it gave out: a child keeps its id."""

    ids: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)  # of the ids among them
    outside: dict[_Key, Answer | BpmnError] = field(default_factory=dict)
    inside: dict[_Key, Answer | BpmnError] = field(default_factory=dict)


@dataclass(slots=True)
class World:
    """`engine.interpreter.journal.Environment` for one look; `cause` is what the unit was begun by, the same for every attempt.

    `begun` is the id of the instance that the unit starts, if it does.
    """

    unit: Unit
    memory: Memory
    cause: UUID
    begun: str = ""
    moment: datetime = field(default_factory=lambda: datetime.now(UTC))
    given: int = 0

    @property
    def zone(self) -> tzinfo:
        """The site's own, whoever is logged in."""
        return get_default_timezone()

    def now(self) -> datetime:
        """The time of the step: it goes on only while something outside the interpreter runs."""
        return self.moment

    def new_id(self) -> str:
        """The same ids in the same order at every look, for what was done outside is remembered by them."""
        if self.given == len(self.memory.ids):
            self.memory.ids.append(uuid7_text())
            self.memory.places[self.memory.ids[-1]] = self.given
        self.given += 1
        return self.memory.ids[self.given - 1]

    def evaluate(self, source: str, lookup: Lookup) -> Any:
        return evaluate(parse(source), with_beans(lookup, self.unit), now=self.now)

    def invoke(self, call: Invocation) -> Answer:
        if is_pure(call):
            return carry_out(call, self.unit)
        key = (call.facts.id, *call.key, call.kind, call.implementation, call.listener)
        known = self.memory.outside.get(key) or self.memory.inside.get(key)
        if known is None:
            known = self._carried_out(call)
            (self.memory.inside if is_transactional(call) else self.memory.outside)[key] = known
            self.moment = datetime.now(UTC)
        if isinstance(known, BpmnError):
            raise known
        return known

    def _carried_out(self, call: Invocation) -> Answer | BpmnError:
        try:
            return carry_out(call, self.unit)
        except BpmnError as error:
            return error

    def idempotency_key(self, call: Invocation) -> str:
        """The same for every attempt of a step, other for every other step and round: from what began the unit, token, node and visit."""
        return str(uuid5(self.cause, f"{self._whose(call)} {call.token} {call.node} {call.key[2]} {call.listener or ''}"))

    def _whose(self, call: Invocation) -> str:
        """The instance, by its id; one that this very unit makes would have another at the next attempt, so by its place."""
        instance = call.facts.id
        return "begun" if instance == self.begun else str(self.memory.places.get(instance, instance))

    def execution(self, call: Invocation, attempt: int) -> Execution:
        return Execution(call, idempotency_key=self.idempotency_key(call), attempt=attempt)
