"""The first pages of what is somebody's, in an order that an index has: what he sees is worked out once, and the index walked.

Of somebody who sees one row in a hundred, a thousand steps in the order asked for meet the ten rows of a page, where sorting all
that he sees reads each of its rows. That is done only where the walk ended before the page was full.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import IntegerField, Model, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.sql import Query
from django.db.models.sql.compiler import SQLCompiler

LONGEST = 20_000  # steps of a walk: a few milliseconds
DEEPEST = 200  # rows that it may look for

# A condition that is no join is asked row by row, in the order of the walk, until the page is full.
_PAGE = """WITH near AS MATERIALIZED (
        SELECT {key} FROM (SELECT {taken} FROM {table} ORDER BY {by} LIMIT {longest}) AS steps
        WHERE ({key} IN (SELECT id FROM seen)) IS TRUE ORDER BY {by} LIMIT {most})
    SELECT {key} FROM near UNION SELECT {key} FROM (
        SELECT {key} FROM {table} WHERE {key} IN (SELECT id FROM seen) AND (SELECT COUNT(*) FROM near) < {most}
        ORDER BY {by} LIMIT {most}) AS far"""
_IN_ALL = "(SELECT COUNT(*) FROM {table} WHERE {key} IN (SELECT id FROM seen))"


class _Beside(SQLCompiler):
    """Writes the table of what is seen before the query."""

    query: _Seeing

    def as_sql(self, *given: Any, **options: Any) -> Any:
        sql, values = super().as_sql(*given, **options)
        seen, of_seen = self.query.seen.get_compiler(connection=self.connection).as_sql()
        return f"WITH seen (id) AS MATERIALIZED ({seen}) {sql}", (*of_seen, *values)


class _Seeing(Query):
    """A query that may ask a table `seen`, which is worked out once."""

    seen: Query

    def get_compiler(self, using: str | None = None, connection: Any = None, elide_empty: bool = True) -> SQLCompiler:
        return _Beside(self, connection or connections[using or "default"], using, elide_empty)


@dataclass(frozen=True, slots=True)
class Walk:
    """Which lists are walked: `seen` finds the ids of what a user sees, `sorts` are the orders that an index has, ties by id."""

    seen: Callable[[Any], QuerySet[Any, Any]]
    sorts: frozenset[str]

    def ids(self, model: type[Model], user: Any, order: Sequence[str], descending: bool, most: int) -> QuerySet[Any, Any]:
        """The ids of the first rows of what he sees, in an order of fields, each with how many there are in all."""
        fields = dict.fromkeys(order)
        columns = [_column(model, name) for name in fields]
        by = ", ".join(f"{column} {'DESC' if descending else 'ASC'}" for column in columns)
        key, table = _column(model, "pk"), _quoted(model._meta.db_table)
        named = {"key": key, "table": table, "by": by, "taken": ", ".join(dict.fromkeys([key, *columns])), "longest": LONGEST, "most": most}
        found: Any = model._default_manager.filter(pk__in=RawSQL(_PAGE.format(**named), ()))  # noqa: S611  # names of columns, and numbers
        found = found.annotate(_in_all=RawSQL(_IN_ALL.format(**named), (), IntegerField()))  # noqa: S611
        found = found.order_by(*(f"-{name}" if descending else name for name in fields)).values_list("pk", "_in_all")
        found.query = found.query.chain(_Seeing)
        found.query.seen = self.seen(user).query
        return found  # type: ignore[no-any-return]


def _column(model: type[Model], name: str) -> str:
    field: Any = model._meta.pk if name == "pk" else model._meta.get_field(name.removesuffix("_id"))
    return _quoted(field.column)


def _quoted(name: str) -> str:
    return f'"{name}"'  # as both databases take it
