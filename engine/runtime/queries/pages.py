"""The rows that one question has as its answer: parts of them, and how many there are. SQL is written once for each shape."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from functools import reduce
from operator import and_
from typing import Any, Generic, TypeVar

from django.db.models import Count, Func, IntegerField, Model, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from engine.models.compiled import KEPT
from engine.runtime import access
from engine.runtime.queries.asking import Asked

M = TypeVar("M", bound=Model)
Rows = QuerySet[Any, Any]
HOW_MANY = Func(template="COUNT(*)", output_field=IntegerField())
FAR = range(100, 2**30)  # starts of pages that may lie behind the end of a list which it takes time to find


class Whole(Generic[M]):
    """`rows(user, condition)` in their order, for a user and the conditions asked for.

    `shape` tells all that the SQL depends on beside the conditions and which kind of viewer the user is; None: it is not kept.
    `viewer` tells of which kind he is, and by which names.
    """

    def __init__(
        self,
        model: type[M],
        user: Any,
        shape: Hashable | None,
        rows: Callable[[Any, Q], QuerySet[M]],
        conditions: Sequence[Asked] = (),
        viewer: Callable[[Any], tuple[access.Kind, tuple[str, ...]]] = access.viewer,
    ) -> None:
        self._model, self._user, self._rows, self._conditions = model, user, rows, conditions
        kept = shape is not None and all(one.shape is not None for one in conditions)
        self._kind, self._viewer = viewer(user) if kept else (None, ())
        self._shape = (shape, self._kind, tuple(one.shape for one in conditions)) if kept else None
        self._values = [*self._viewer, *(value for one in conditions for value in one.values)]

    # -- asking
    def __iter__(self) -> Iterator[M]:
        return iter(self._found("all", lambda rows: rows))

    def part(self, start: int, size: int) -> list[M]:
        """Some of the rows."""
        return self._found(("part", start, size), lambda rows: rows[start : start + size])

    def by_ids(self, start: int, size: int) -> list[M]:
        """Some of the rows, of which the ids are found first; one statement."""
        return self._found(("ids", start, size), lambda rows: _with_ids(rows, _ids(rows)[start : start + size]))

    def counted(self, start: int, size: int) -> tuple[list[M], int]:
        """Some of the rows, and how many there are: ids are found and counted at once, then the rows read."""
        if start in FAR:
            return self._far(start, size)
        page: list[tuple[Any, int]] = self._found(("counted", start, size), lambda rows: _counted(rows)[start : start + size])
        if not page:
            return [], self.count() if start else 0
        return self.with_ids([key for key, _ in page]), page[0][1]

    def _far(self, start: int, size: int) -> tuple[list[M], int]:
        """The same far down a list: its first row comes along and tells how many there are, so that behind its end none is sought twice."""
        page: list[tuple[Any, int, int]] = self._found(("far", start, size), lambda rows: _placed(rows, start, size))
        keys = [key for key, _, place in page if place > start]
        return self.with_ids(keys) if keys else [], page[0][1] if page else 0

    def count(self) -> int:
        """How many rows there are."""
        found = self._found("count", lambda rows: _bare(rows).order_by().values_list(HOW_MANY))
        return int(found[0][0]) if found else 0  # what can find nothing is not even sent

    # -- finding
    def _found(self, way: Hashable, take: Callable[[Rows], Rows]) -> list[Any]:
        found = None
        if self._shape is not None:
            found = KEPT.found(self._model, (self._shape, way), self._values, lambda given: take(self._of_values(given)))
        return list(take(self._of_user())) if found is None else found

    def with_ids(self, keys: list[Any]) -> list[M]:
        """The rows with these ids, in order."""
        if self._shape is None:
            return list(_with_ids(self._of_user(), keys))
        return KEPT.rows(self._model, (self._shape, "keys", len(keys)), keys, lambda given: _with_ids(self._of_user(), given))

    def _of_user(self) -> QuerySet[M]:
        return self._rows(self._user, _all(one.made(one.values) for one in self._conditions))

    def _of_values(self, given: Sequence[Any]) -> QuerySet[M]:
        at, wanted = len(self._viewer), []
        viewer = access.as_viewer(self._kind, given[:at])
        for one in self._conditions:
            wanted.append(one.made(given[at : at + len(one.values)]))
            at += len(one.values)
        return self._rows(viewer, _all(wanted))


def _all(conditions: Iterable[Q]) -> Q:
    return reduce(and_, conditions, Q())


def _bare(rows: Rows) -> Rows:
    return rows.select_related(None)


def _ids(rows: Rows) -> Rows:
    return _bare(rows).values("pk")


def _counted(rows: Rows) -> Rows:
    counted = _bare(rows).annotate(_in_all=Window(Count("pk")))
    counted = counted.order_by("_in_all", *rows.query.order_by)  # the same for all: so no plan hopes to stop after a few rows
    found: Rows = counted.values_list("pk", "_in_all")
    return found


def _placed(rows: Rows, start: int, size: int) -> Rows:
    """Ids, how many there are, and the place of each, which counts from one: the first, and those of a page."""
    order: list[Any] = list(rows.query.order_by)
    counted = _bare(rows).annotate(_in_all=Window(Count("pk")), _place=Window(RowNumber(), order_by=order))
    found: Rows = counted.filter(Q(_place=1) | Q(_place__gt=start, _place__lte=start + size)).order_by("_place")
    return found.values_list("pk", "_in_all", "_place")


def _with_ids(rows: Rows, ids: Any) -> Rows:
    """The rows with these ids, as the others are read and in their order."""
    found: Rows = rows.model._default_manager.filter(pk__in=ids)
    found.query.select_related = rows.query.select_related
    return found.order_by(*rows.query.order_by) if rows.query.order_by or not rows.query.default_ordering else found
