"""The world around the interpreter: four callables through which it tells the time, makes ids, evaluates, and has things carried out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any, Protocol

Lookup = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call of something that is not the interpreter's: a script, a handler, a listener, a mail.

    `kind`: script, class, delegateExpression, expression, mail, http ...; `key` = (token, node, visit) names this call within the
    unit, so that after a conflict its answer is remembered instead of calling twice; `fields` are evaluated already.
    """

    kind: str
    implementation: str
    key: tuple[int, str, int]
    node: str
    node_name: str | None
    token: int
    facts: Any  # state.Facts
    variables: Mapping[str, Any]
    lookup: Lookup
    fields: Mapping[str, Any] = field(default_factory=dict)
    language: str = ""
    listener: str | None = None  # the listener's event, when it is one
    task: Mapping[str, Any] | None = None
    local: frozenset[str] = frozenset()  # names of variables local to the token


@dataclass(frozen=True, slots=True)
class Answer:
    """What an invocation did: `value` is its result, `set` where the variable lives or in the root, `local` at its token.

    `task` are changes to the user task (assignee, owner, due ...) that a task listener made, `printed` what a script said,
    `globals` the names a script assigned at its top level (for autoStoreVariables).
    """

    value: Any = None
    set: Mapping[str, Any] = field(default_factory=dict)
    local: Mapping[str, Any] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    globals: Mapping[str, Any] = field(default_factory=dict)
    transient: Mapping[str, Any] = field(default_factory=dict)
    printed: tuple[str, ...] = ()
    task: Mapping[str, Any] = field(default_factory=dict)


class Environment(Protocol):
    """The four callables through which the interpreter reaches the world, and where on it the site is."""

    @property
    def zone(self) -> tzinfo:
        """The time zone in which dates without an offset are meant."""
        ...

    def now(self) -> datetime:
        """The moment this unit happens at, in UTC; the same for the whole unit."""
        ...

    def new_id(self) -> str:
        """A fresh id (UUID v7 as text)."""
        ...

    def evaluate(self, source: str, lookup: Lookup) -> Any:
        """The value of a text that may hold expressions; raises ExpressionError."""
        ...

    def invoke(self, call: Invocation) -> Answer:
        """Carry out a call; raises BpmnError for a business error, any other exception is technical."""
        ...
