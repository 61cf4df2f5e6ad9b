"""Lookups whose SQL Django writes once: afterwards only the values travel.

For what every call asks (who is this user, which is the latest version) the ORM's way from a filter to SQL takes ten times as
long as the database takes to answer. The rows come out as the ORM makes them, with the converters of the database at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID

from django.db import connections, models, router
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=models.Model)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What the ORM knows of a query once it has compiled it."""

    sql: str
    fixed: Sequence[Any]
    compiler: SQLCompiler
    converters: dict[int, Any]
    names: list[str]
    annotations: list[tuple[str, int]]


class Prepared(Generic[M]):
    """The rows of `query(*values)`: text, numbers or UUIDs, which are the last parameters of its SQL, in their order."""

    def __init__(self, model: Callable[[], type[M]], query: Callable[..., models.QuerySet[M]]) -> None:
        self._model, self._query = model, query
        self._plans: dict[tuple[str, bool], _Plan] = {}

    def first(self, *values: Any) -> M | None:
        """The first row for these values, or None."""
        return next(iter(self._rows(values, one=True)), None)

    def all(self, *values: Any) -> list[M]:
        """The rows for these values."""
        return self._rows(values, one=False)

    def _rows(self, values: Sequence[Any], *, one: bool) -> list[M]:
        alias = router.db_for_read(self._model())
        connection = connections[alias]
        plan = self._plans.get((alias, one)) or self._planned(alias, values, one=one)
        with connection.cursor() as cursor:
            cursor.execute(plan.sql, (*plan.fixed, *_adapted(connection, values)))
            rows = cursor.fetchall()
        return [self._made(alias, plan, row) for row in rows]

    def _planned(self, alias: str, values: Sequence[Any], *, one: bool) -> _Plan:
        rows = self._query(*values).using(alias)
        compiler = (rows[:1] if one else rows).query.get_compiler(alias)
        sql, parameters = compiler.as_sql()
        given = _adapted(connections[alias], values)
        if list(parameters[-len(given) :]) != given or compiler.klass_info is None:
            raise TypeError(f"the values of a prepared lookup must be the last in its SQL: {sql}")
        select = compiler.select
        plan = _Plan(
            sql,
            parameters[: -len(given)],
            compiler,
            compiler.get_converters([expression for expression, _, _ in select]),
            [select[at][0].target.attname for at in compiler.klass_info["select_fields"]],
            list(compiler.annotation_col_map.items()),
        )
        return self._plans.setdefault((alias, one), plan)

    def _made(self, alias: str, plan: _Plan, row: Sequence[Any]) -> M:
        if plan.converters:
            [row] = plan.compiler.apply_converters([row], plan.converters)
        made = self._model().from_db(alias, plan.names, row[: len(plan.names)])
        for name, at in plan.annotations:
            setattr(made, name, row[at])
        return made


def _adapted(connection: Any, values: Sequence[Any]) -> list[Any]:
    native = connection.features.has_native_uuid_field
    return [v.hex if isinstance(v, UUID) and not native else v for v in values]
