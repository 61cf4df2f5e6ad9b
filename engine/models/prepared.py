"""Lookups whose SQL Django writes once: afterwards only the values travel.

For what every call asks (who is this user, which is the latest version) the ORM's way from a filter to SQL takes ten times as
long as the database takes to answer. The rows come out as the ORM makes them, with the converters of the database at hand.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from django.db import models, router

from engine.models.compiled import Compiled, compiled

R = TypeVar("R")


class Prepared(Generic[R]):
    """The rows of `query(*values)`: models, or tuples of columns. A value must be compared as it is, and not be made into another."""

    def __init__(self, model: Callable[[], type[models.Model]], query: Callable[..., models.QuerySet[Any, R]]) -> None:
        self._model, self._query = model, query
        self._plans: dict[tuple[str, bool], Compiled] = {}

    def first(self, *values: Any) -> R | None:
        """The first row for these values, or None."""
        return next(iter(self._rows(values, one=True)), None)

    def all(self, *values: Any) -> list[R]:
        """The rows for these values."""
        return self._rows(values, one=False)

    def _rows(self, values: tuple[Any, ...], *, one: bool) -> list[R]:
        alias = router.db_for_read(self._model())
        plan = self._plans.get((alias, one)) or self._planned(alias, values, one=one)
        return plan.rows(alias, values)

    def _planned(self, alias: str, values: tuple[Any, ...], *, one: bool) -> Compiled:
        plan = compiled(lambda given: self._query(*given)[: 1 if one else None], values, alias)
        if plan is None:
            raise TypeError("a prepared lookup compares its values as they are, and finds something for some")
        return self._plans.setdefault((alias, one), plan)
