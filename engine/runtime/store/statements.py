"""Statements as values, and how they travel: one SQL text for both databases, values adapted to the one at hand.

Cursors are wrapped as Django's own, so that tests count every statement and errors come out as Django's. On PostgreSQL the
texts are numbered once: finding the places of seventy values anew in each INSERT costs more than sending them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db import DataError, connection, models, transaction
from django.db import Error as DatabaseTrouble
from psycopg import Error as PostgresTrouble
from psycopg import RawCursor
from psycopg.errors import DivisionByZero, PipelineAborted
from psycopg.pq.abc import PGresult
from psycopg.types.json import Jsonb

ROWS = 200  # rows one INSERT carries at most; SQLite takes 32,766 values in a statement


@dataclass(frozen=True, slots=True)
class Statement:
    """An SQL text with its values; `guard` says that it must touch exactly so many rows, and `missed` what is raised if not.

    A text that proves by itself that it found what it should, by dividing by the number of rows, is `proven`; the number that
    it gives in its second column is shown to `seen` once the transaction has committed.
    """

    sql: str
    values: Sequence[Any] = ()
    guard: int | None = None
    missed: Exception | None = None
    proven: bool = False
    seen: Callable[[int], None] | None = None

    @property
    def guarded(self) -> str:
        """The text as it stands in a transaction that nobody looks into: another number of rows is an error of the database."""
        if self.guard is None or self.proven:
            return self.sql
        return f"WITH hit AS ({self.sql} RETURNING 1) SELECT 1 / (count(*) = {self.guard})::int FROM hit"

    def failure(self) -> Exception:
        """What a guard raises that did not find what it should."""
        return self.missed or Missed(self.sql)


class Missed(Exception):
    """A guarded statement did not touch the rows it should have."""


def _lite_time(value: datetime) -> str:
    return str(value.astimezone(UTC).replace(tzinfo=None))


_TO_LITE: dict[type, Callable[[Any], Any]] = {UUID: lambda v: v.hex, datetime: _lite_time, dict: json.dumps, list: json.dumps}
_TO_POSTGRES: dict[type, Callable[[Any], Any]] = {dict: Jsonb, list: Jsonb}


def adapted(values: Iterable[Any]) -> list[Any]:
    """Values as the database at hand stores them: on SQLite ids are hex texts and times naive UTC, as Django writes them."""
    table = _TO_POSTGRES if on_postgres() else _TO_LITE
    return [table[kind](v) if (kind := type(v)) in table else v for v in values]


@cache
def on_postgres() -> bool:
    """Whether the database is PostgreSQL; asking the connection for its vendor goes a long way each time."""
    return connection.vendor == "postgresql"


@cache
def columns(model: type[models.Model]) -> tuple[str, ...]:
    """The column names of a table, in the order of its fields."""
    return tuple(f.column for f in model._meta.concrete_fields if f.column)


@cache
def _head(model: type[models.Model], names: tuple[str, ...]) -> tuple[str, str]:
    listed = ", ".join(f'"{n}"' for n in names)
    return f'INSERT INTO "{model._meta.db_table}" ({listed}) VALUES ', f"({', '.join(['%s'] * len(names))})"


def insert(model: type[models.Model], rows: Sequence[dict[str, Any]], *, replace: Sequence[str] = (), on: str = "id") -> list[Statement]:
    """INSERT of rows (column name -> value, all with the same keys); `replace` are the columns to update where `on` is there already."""
    if not rows:
        return []
    names = tuple(rows[0])
    head, row = _head(model, names)
    taken = ", ".join(f'"{c}"=excluded."{c}"' for c in replace)
    tail = f" ON CONFLICT ({on}) DO UPDATE SET {taken}" if replace else ""
    return [
        Statement(head + ", ".join([row] * len(part)) + tail, adapted(r[n] for r in part for n in names))
        for part in (rows[i : i + ROWS] for i in range(0, len(rows), ROWS))
    ]


def among(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """`column` is one of the values: one SQL text whatever their number on PostgreSQL, so that it stays prepared."""
    if on_postgres():
        return f'"{column}" = ANY(%s)', [list(values)]
    return f'"{column}" IN ({", ".join(["%s"] * len(values))})', adapted(values)


@lru_cache(maxsize=2000)
def _numbered(sql: str) -> str:
    return sql % tuple(f"${n}" for n in range(1, sql.replace("%%", "").count("%s") + 1))


class _Numbered(RawCursor[Any]):
    """Takes the texts of this project, with `%s`, and sends them as PostgreSQL takes them."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(_numbered(query), params, **options)


class _Many(_Numbered):
    """One cursor for all statements of a transaction, which keeps what each of them gave."""

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        self.given: list[PGresult] = []

    def _set_results(self, results: Sequence[PGresult]) -> None:
        self.given.append(results[-1])


def _cursor(kind: type[_Numbered] = _Numbered) -> Any:
    if not on_postgres():
        return connection.cursor()
    connection.ensure_connection()
    wrapped: Any = kind(connection.connection)
    return connection.make_cursor(wrapped)


def _pipeline() -> AbstractContextManager[Any]:
    connection.ensure_connection()
    return _piped(connection.connection) if on_postgres() else nullcontext()


@contextmanager
def _piped(raw: Any) -> Iterator[Any]:
    """A pipeline that fails with what went wrong first. psycopg's own fails with what came of that, where it prepares statements."""
    try:
        with raw.pipeline() as pipeline:
            yield pipeline
    except PipelineAborted as aborted:
        if isinstance(aborted.__context__, PostgresTrouble):
            raise aborted.__context__ from None
        raise


@contextmanager
def _together() -> Iterator[Any]:
    """A pipeline that is sent when it is complete; psycopg's own looks at the socket after each statement, which costs as much again.

    Only where psycopg begins no transaction by itself: it would wait for the answer to a BEGIN that was not sent.
    """
    raw = connection.connection
    with _piped(raw) as pipeline:
        pipeline._communicate_gen = _nothing_yet
        try:
            yield raw
        finally:
            del pipeline._communicate_gen


def _nothing_yet() -> Iterator[None]:
    return iter(())


def send(statements: Sequence[Statement]) -> None:
    """Carry out statements inside the open transaction, in one round trip where the database can; raises Missed.

    The pipeline lies within `atomic`, whose ROLLBACK heals what psycopg believes prepared after an error.
    """
    cursors = [_cursor() for _ in statements]
    with connection.wrap_database_errors, _pipeline():
        for cursor, statement in zip(cursors, statements, strict=True):
            cursor.execute(statement.sql, statement.values)
    touched = [c.rowcount for c in cursors]  # known only now: -1 until a pipeline ends
    for cursor in cursors:
        cursor.close()
    for statement, count in zip(statements, touched, strict=True):
        if statement.guard is not None and count != statement.guard:
            raise statement.failure()


def alone() -> bool:
    """Whether a transaction can be had that begins, ends and is sent as a whole: on PostgreSQL, outside of any other."""
    return on_postgres() and not connection.in_atomic_block and bool(connection.get_autocommit())


def commit(statements: Sequence[Statement]) -> None:
    """Carry out statements as a transaction of their own; raises what a guard raises that missed, and then nothing was done.

    Where it is `alone` all is one round trip, COMMIT included. That COMMIT is sent last: whatever goes wrong before, be it an
    error of the database or a signal between two statements, leaves a transaction that can only be rolled back.
    """
    if not alone():
        with transaction.atomic():
            send(statements)
        return
    cursor = _cursor(_Many)
    try:
        with connection.wrap_database_errors, _together() as raw:
            raw.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement.guarded, statement.values)
            raw.execute("COMMIT")
    except BaseException as error:
        _undo()
        if missed := _missed(error, statements[len(cursor.given) :]):
            raise missed from error
        raise
    for statement, result in zip(statements, cursor.given, strict=True):
        if statement.seen:
            statement.seen(int(result.get_value(0, 1) or 0))


def _undo() -> None:
    """End the transaction that a pipeline left open; a connection that cannot do that is no good any more."""
    try:
        connection.connection.rollback()
    except Exception:
        with suppress(DatabaseTrouble):
            connection.close()


def _missed(error: BaseException, left: Sequence[Statement]) -> Exception | None:
    """A division by zero is a guard that missed: that of the first statement which gave no result."""
    if left and left[0].guard is not None and isinstance(error, DataError) and isinstance(error.__cause__, DivisionByZero):
        return left[0].failure()
    return None


def read(*queries: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """The rows of some SELECTs, sent together where the database can."""
    cursors = [_cursor() for _ in queries]
    way = nullcontext if len(queries) == 1 else _together if alone() else _pipeline
    with connection.wrap_database_errors, way():
        for cursor, (sql, values) in zip(cursors, queries, strict=True):
            cursor.execute(sql, values)
    found = [c.fetchall() for c in cursors]
    for cursor in cursors:
        cursor.close()
    return found


# -- reading what the databases give differently ---------------------------------------------------------------------------
def as_uuid(value: Any) -> UUID | None:
    """An id column, which SQLite gives as hex text."""
    return value if value is None or isinstance(value, UUID) else UUID(value)


def as_time(value: Any) -> datetime | None:
    """A time column, which SQLite gives naive or as text."""
    if value is None:
        return None
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def as_json(value: Any) -> Any:
    """A JSON column, which raw cursors give as text."""
    return json.loads(value) if isinstance(value, str | bytes) else value
