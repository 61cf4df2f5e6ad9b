"""A Listing is everything that can be asked about one kind of thing: what a user may see, the filters, the ways to sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce

from engine.errors import BadInput, NotFound
from engine.runtime.queries.filters import Filters, uuid

M = TypeVar("M", bound=Model)
_FEW = frozenset(  # filters that leave so few rows that each is asked whether the user sees it
    ("id", "ids", "processInstanceId", "processInstanceIds", "processInstanceIdIn", "processInstanceIdWithChildren", "executionId",
     "taskId", "taskIds", "parentTaskId", "activityInstanceId", "businessKey", "processBusinessKey", "processInstanceBusinessKey",
     "parentId", "superProcessInstanceId", "subProcessInstanceId", "rootProcessInstanceId", "rootScopeId", "parentScopeId")
)  # fmt: skip
_ALONG = frozenset(  # filters whose rows lie together in the order of ids, far from where a walk along it would begin
    ("startedBefore", "startedAfter", "finishedBefore", "finishedAfter", "createdBefore", "createdAfter", "taskCreatedBefore",
     "taskCreatedAfter", "taskCompletedBefore", "taskCompletedAfter", "dueBefore", "dueAfter", "dueDateBefore", "dueDateAfter",
     "deploymentId", "deploymentIdIn")
)  # fmt: skip
Order = str | Any  # a path, or an expression


def _given(filters: Mapping[str, object] | None, some: frozenset[str]) -> bool:
    """Whether one of some filters was given."""
    return any(value is not None and name in some for name, value in (filters or {}).items())


@dataclass(frozen=True)
class Listing(Generic[M]):
    """Call it with a user and filters for a queryset. `sorts` are the names one may sort by, `default` the one that holds unasked.

    `seen` is what a user sees, asked of each row; `listed` is the same for long lists, found from what is his (`sight`).
    """

    what: str
    seen: Callable[[Any], QuerySet[M]]
    filters: Filters
    sorts: Mapping[str, Order]
    default: str
    ties: tuple[Order, ...] = ("pk",)
    listed: Callable[[Any], QuerySet[M]] | None = None

    def __call__(self, user: Any, filters: Mapping[str, object] | None = None) -> QuerySet[M]:
        """What a user sees and the filters let through; unknown filters and those that are null are ignored. Raises BadInput."""
        given = [(self.filters[name], name, value) for name, value in (filters or {}).items() if name in self.filters and value is not None]
        wanted = reduce(and_, (make(name, value) for make, name, value in given), Q())
        seen = self.seen if self.listed is None or _given(filters, _FEW) else self.listed
        return seen(user).filter(wanted)

    def sorted(
        self, rows: QuerySet[M], by: str | None = None, descending: bool = False, filters: Mapping[str, object] | None = None
    ) -> QuerySet[M]:
        """In the order asked for, ties broken so that pages never overlap; raises BadInput for a name that is no way to sort.

        `filters` are those that the rows met: by some of them the rows are found first, and then sorted.
        """
        name = by or self.default
        if name not in self.sorts:
            raise BadInput(f"{self.what} cannot be sorted by {name[:40]!r}; one of {', '.join(sorted(self.sorts))}", "sort")
        first = self.sorts[name]
        if first == "pk" and _given(filters, _ALONG):
            first = Coalesce("pk", "pk")  # the same, but no index of it is walked
        return rows.order_by(*(OrderBy(F(e) if isinstance(e, str) else e, descending=descending) for e in (first, *self.ties)))

    def page(self, rows: QuerySet[M], start: int, size: int, filters: Mapping[str, object] | None = None) -> list[M]:
        """Some of the rows, which met some filters, in one statement: of a long list the ids alone first, as indexes tell them."""
        if not size or self.listed is None or _given(filters, _FEW):
            return list(rows[start : start + size]) if size else []
        there = rows.select_related(None).values("pk")[start : start + size]
        found = rows.model._default_manager.filter(pk__in=there).order_by(*rows.query.order_by)
        related = rows.query.select_related
        return list(found.select_related(*related) if isinstance(related, dict) else found)

    def one(self, user: Any, key: object) -> M:
        """The one with this id, if the user may see it; raises NotFound."""
        found = uuid(key) if self._has_uuid(user) else key
        row = self.seen(user).filter(pk=found).first() if found is not None else None
        if row is None:
            raise NotFound(f"There is no {self.what} {str(key)[:60]!r}.")
        return row

    def _has_uuid(self, user: Any) -> bool:
        return self.seen(user).model._meta.pk.get_internal_type() == "UUIDField"
