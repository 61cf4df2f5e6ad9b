"""An instance loaded (its row with its tokens, and its variables; no lock) and the record of what one unit did to it.

A large instance is loaded in part: the acting token with the scopes around it. The interpreter asks for more by NotLoaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection

from engine.bpmn.graph import Graph
from engine.errors import Conflict, NotFound, RevisionConflict
from engine.interpreter.journal import Effect, Ended, Fact
from engine.interpreter.state import ROOT, Facts, State, Token
from engine.runtime.store.sending import read
from engine.runtime.store.statements import adapted, among, as_json, as_time, as_uuid, on_postgres
from engine.runtime.store.values import COLUMNS, value_of

WHOLE = 200  # an instance with no more tokens is loaded whole

_COLUMNS = (
    "i.definition_id, d.key, d.checksum, d.deployment_id, i.business_key, i.name, i.tenant, i.parent, i.parent_token, i.root,"
    " i.starter, i.started, i.ended, i.revision, i.next_number, i.attempts, i.suspended, i.state, i.held, i.service_id, i.awaited"
)
_WIDTH = 21
_PLACES = "t.number, t.parent, t.node, t.scope, t.wait, t.activity, t.counters"
_FROM_INSTANCE = (
    " FROM towpath_instance i JOIN towpath_definition d ON d.id = i.definition_id LEFT JOIN towpath_token t ON t.instance_id = i.id"
    " WHERE i.id = %s"
)
_INSTANCE = f"SELECT {_COLUMNS}, {_PLACES}{_FROM_INSTANCE}"
_TOKENS = "SELECT number, parent, node, scope, wait, activity, counters FROM towpath_token WHERE instance_id = %s"
_CHAIN = (
    "WITH RECURSIVE up(number, parent, node, scope, wait, activity, counters) AS ("
    f"{_TOKENS} AND number = %s UNION ALL"
    " SELECT t.number, t.parent, t.node, t.scope, t.wait, t.activity, t.counters"
    " FROM towpath_token t JOIN up ON t.number = up.parent WHERE t.instance_id = %s) SELECT * FROM up"
)
_OF_VARIABLE = "v.id, v.token, v.name, v.type, v.text, v.number, v.time, v.json, v.blob, b.content"
_FROM_VARIABLES = (
    " FROM towpath_variable v LEFT JOIN towpath_blob b ON b.id = v.blob WHERE v.instance_id = %s AND v.live AND v.task IS NULL"
)
_VARIABLES = f"SELECT {_OF_VARIABLE}{_FROM_VARIABLES}"
_WHOLE_WIDTH = _WIDTH + 7  # with the columns of a token


@dataclass(slots=True)
class Loaded:
    """One instance in a unit of work: as it was (`base`), as it is (`state`), and what happened in between.

    `revision` is the one loaded (0 for a new instance); the unit makes `revision + 1`.
    """

    id: UUID
    definition: str
    deployment: UUID
    graph: Graph
    base: State
    state: State
    revision: int = 0
    attempts: int = 0
    suspended: bool = False
    tenant: str = ""
    started: datetime | None = None
    ended: datetime | None = None
    status: str = "active"
    start_node: str | None = None
    service_id: str | None = None
    awaited: bool = False  # a request waits for it to come to rest
    variable_ids: dict[tuple[int, str], UUID] = field(default_factory=dict)
    blobs: dict[tuple[int, str], UUID] = field(default_factory=dict)  # of those variables that have one
    stored: frozenset[int] = frozenset()  # tokens that have a row
    journal: list[Fact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    accepted: bool = False  # its row was inserted with the 202, all else is made now

    @property
    def new(self) -> bool:
        return self.revision == 0

    @property
    def end(self) -> Ended | None:
        """How the instance ended in this unit, if it did."""
        for fact in reversed(self.journal):  # behind it stands only what its end brought with it
            if isinstance(fact, Ended):
                return fact
        return None


@dataclass(frozen=True, slots=True)
class Row:
    """The instance's own row, with what its definition says about itself."""

    definition: str
    key: str
    checksum: str
    deployment: UUID
    business_key: str | None
    name: str | None
    tenant: str
    parent: UUID | None
    parent_token: int | None
    root: UUID | None
    starter: str | None
    started: datetime
    ended: datetime | None
    revision: int
    next_number: int
    attempts: int
    suspended: bool
    state: str
    held: bool
    service_id: str | None
    awaited: bool

    @classmethod
    def of(cls, values: Sequence[Any]) -> Row:
        v = list(values)
        v[3], v[7], v[9] = as_uuid(v[3]), as_uuid(v[7]), as_uuid(v[9])
        v[11], v[12] = as_time(v[11]), as_time(v[12])
        v[16], v[18], v[20] = bool(v[16]), bool(v[18]), bool(v[20])
        return cls(*v)

    def facts(self, instance: UUID, user: str | None) -> Facts:
        parent, root = (str(v) if v else None for v in (self.parent, self.root))
        return Facts(
            str(instance), self.definition, self.key, self.starter, self.business_key, self.name, parent, self.parent_token, root,
            self.tenant, user, self.held, self.service_id is not None,
        )  # fmt: skip


def rows_of(instance: UUID, acting: int | None, *, whole: bool) -> tuple[Row, list[tuple[Any, ...]], list[tuple[Any, ...]], bool]:
    """The instance's row, its tokens, its variables, and whether all are here; raises NotFound.

    `acting` is the token that the unit is about; with None everything is read.
    """
    (found,) = adapted([instance])
    limit = "" if whole or acting is None else f" LIMIT {WHOLE + 1}"
    joined, variables = _together(found, limit) if on_postgres() else read((_INSTANCE + limit, [found]), (_VARIABLES + limit, [found]))
    if not joined:
        raise NotFound(f"there is no process instance {instance}")
    head, tokens = Row.of(joined[0][:_WIDTH]), [r[_WIDTH:_WHOLE_WIDTH] for r in joined if r[_WIDTH] is not None]
    if limit and len(tokens) > WHOLE:
        (tokens,) = read((_CHAIN, [found, acting, found]))
        numbers = [t[0] for t in tokens]
        where, values = among("token", numbers)
        (variables,) = read((f"{_VARIABLES} AND v.{where}", [found, *values]))
        return head, tokens, variables, False
    if limit and len(variables) > WHOLE:
        (variables,) = read((_VARIABLES, [found]))
    return head, tokens, variables, True


def _together(instance: UUID, limit: str) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Both in one statement, and so of one moment: variables come behind empty columns of an instance and a token."""
    (rows,) = read((_both(limit), [instance, instance]))
    return [r for r in rows if r[0] is not None], [r[_WHOLE_WIDTH:] for r in rows if r[0] is None]


@cache
def _both(limit: str) -> str:
    no_variable, no_instance = (", ".join(["NULL"] * count) for count in (_OF_VARIABLE.count(",") + 1, _WHOLE_WIDTH))
    return (
        f"(SELECT {_COLUMNS}, {_PLACES}, {no_variable}{_FROM_INSTANCE}{limit})"
        f" UNION ALL (SELECT {no_instance}, {_OF_VARIABLE}{_FROM_VARIABLES}{limit})"
    )


def loaded(
    instance: UUID, graph: Graph, row: Row, tokens: list[tuple[Any, ...]], variables: list[tuple[Any, ...]], whole: bool, user: str | None
) -> Loaded:
    """The record that a unit works on."""
    state = State(
        row.facts(instance, user), next_number=row.next_number, complete=None if whole else frozenset(), ended=row.ended is not None
    )
    for number, parent, node, scope, wait, activity, counters in tokens:
        run = as_uuid(activity)
        state.tokens[number] = Token(number, parent, node, bool(scope), wait, str(run) if run else None, as_json(counters))
    ids: dict[tuple[int, str], UUID] = {}
    blobs: dict[tuple[int, str], UUID] = {}
    for key, token, name, kind, *columns, content in variables:
        ids[token, name] = _known(key)
        if blob := as_uuid(columns[-1]):
            blobs[token, name] = blob
        shape = dict(zip(COLUMNS, columns, strict=True)) | {"json": as_json(columns[3])}
        state.variables.setdefault(token, {})[name] = value_of(kind, shape, content)
    return Loaded(
        instance, row.definition, row.deployment, graph, state, state, row.revision, row.attempts, row.suspended, row.tenant, row.started,
        row.ended, row.state, None, row.service_id, row.awaited, ids, blobs, frozenset(state.tokens),
    )  # fmt: skip


def _known(value: Any) -> UUID:
    key = as_uuid(value)
    assert key is not None
    return key


def new(
    instance: UUID,
    definition: str,
    deployment: UUID,
    graph: Graph,
    facts: Facts,
    started: datetime,
    start_node: str | None,
    service_id: str | None = None,
    accepted: bool = False,
) -> Loaded:
    """The record of an instance that does not exist yet, or (`accepted`) of which only the row does."""
    state = State(facts, tokens={ROOT: Token(ROOT, None, scope=True)})
    return Loaded(
        instance, definition, deployment, graph, state, state, tenant=facts.tenant, started=started, start_node=start_node,
        service_id=service_id, accepted=accepted,
    )  # fmt: skip


def lock(revisions: dict[UUID, int]) -> None:
    """Lock the rows of existing instances in id order and check that none was advanced since; raises RevisionConflict.

    On SQLite the transaction itself is the only writer, so looking is enough.
    """
    where, values = among("id", sorted(revisions))
    tail = " ORDER BY id FOR UPDATE" if connection.vendor == "postgresql" else ""
    (rows,) = read((f"SELECT id, revision FROM towpath_instance WHERE {where}{tail}", values))
    if {as_uuid(k): r for k, r in rows} != revisions:
        raise RevisionConflict("the instance was advanced by somebody else")


def lock_row(instance: UUID) -> None:
    """Lock one instance before it is loaded, so that what follows cannot be overtaken."""
    if connection.vendor == "postgresql":
        read(("SELECT 1 FROM towpath_instance WHERE id = %s FOR UPDATE", [instance]))


def taken(error: IntegrityError, units: Iterable[Loaded]) -> Exception:
    """What a broken constraint means: somebody else took the id of the service API first; else the error itself."""
    return taken_key(error, next((u.service_id for u in units if u.new and u.service_id), None))


def taken_key(error: IntegrityError, key: str | None) -> Exception:
    """The same where the id is known."""
    said = str(error)
    return Taken(key) if "towpath_instance_service_id" in said or "towpath_instance.service_id" in said else error


class Taken(Conflict):
    """An id of the service API is another instance's."""

    def __init__(self, key: str | None) -> None:
        super().__init__(f"Process instance with id '{key}' already exists, usually this means business key has been already used")
        self.key = key
