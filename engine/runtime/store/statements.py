"""Statements as values: one SQL text for both databases, values adapted to the one at hand. How they travel: `sending.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, models
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
        return f"WITH hit AS ({self.showing}) SELECT 1 / (count(*) = {self.guard})::int FROM hit"

    @property
    def showing(self) -> str:
        """The text as a part of another: it gives a row for each that it touches, or finds."""
        return self.sql if self.looks else f"{self.sql} RETURNING 1"

    @property
    def looks(self) -> bool:
        """Whether it only looks: a guard over rows that stay as they are."""
        return self.sql.startswith("SELECT")

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


def key(text: str) -> UUID | str:
    """An id that came as a text, for a column of ids: PostgreSQL reads it as it is."""
    return text if on_postgres() else UUID(text)


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
        Statement(head + ", ".join([row] * len(part)) + tail, adapted([r[n] for r in part for n in names]))
        for part in (rows[i : i + ROWS] for i in range(0, len(rows), ROWS))
    ]


def among(column: str, values: Sequence[Any]) -> tuple[str, list[Any]]:
    """`column` is one of the values: one SQL text whatever their number on PostgreSQL, so that it stays prepared."""
    if on_postgres():
        return f'"{column}" = ANY(%s)', [list(values)]
    return f'"{column}" IN ({", ".join(["%s"] * len(values))})', adapted(values)


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
