"""Statements that know what time it is, on the one clock that leases and due dates go by.

That clock is the database's on PostgreSQL, for workers on several machines must agree when a lease is over; on SQLite all share the
machine's. In a text `{now}` stands for the moment and `{later}` for some seconds after it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django.db import connection

from engine.runtime.store.statements import adapted

# statement_timestamp() and not now(): in a transaction that stands still. It is stable, so an index on `due` serves `due <= ...`.
_NOW = {"postgresql": "statement_timestamp()", "sqlite": "%(now)s"}
_LATER = {"postgresql": "statement_timestamp() + %(seconds)s * interval '1 second'", "sqlite": "%(later)s"}


@cache
def _text(template: str, vendor: str) -> str:
    return template.replace("{now}", _NOW[vendor]).replace("{later}", _LATER[vendor])


def written(template: str) -> str:
    """A statement of which only the moment is PostgreSQL's."""
    return _text(template, "postgresql")


def execute(template: str, seconds: float = 0, **values: Any) -> Any:
    """Carry out a statement; `{later}` in it is `seconds` from now. The cursor is the caller's to read and close."""
    if connection.vendor == "sqlite":
        now = datetime.now(UTC)
        values |= {"now": now, "later": now + timedelta(seconds=seconds)}
    values["seconds"] = seconds
    cursor = connection.cursor()
    cursor.execute(_text(template, connection.vendor), dict(zip(values, adapted(values.values()), strict=True)))
    return cursor


def touched(template: str, seconds: float = 0, **values: Any) -> int:
    with execute(template, seconds, **values) as cursor:
        count: int = cursor.rowcount
    return count


def some(column: str, values: Iterable[Any], name: str) -> tuple[str, dict[str, Any]]:
    """`column` is one of a few values, as a condition and its named parameters."""
    named = {f"{name}{i}": value for i, value in enumerate(values)}
    return f"{column} IN ({', '.join(f'%({n})s' for n in named)})", named
