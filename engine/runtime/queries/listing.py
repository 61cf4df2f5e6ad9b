"""A Listing is everything that can be asked about one kind of thing: what a user may see, the filters, the ways to sort."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from operator import and_
from typing import Any, Generic, TypeVar

from django.db.models import Count, F, Model, Q, QuerySet, Window
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce

from engine.errors import BadInput, NotFound
from engine.models.prepared import Prepared
from engine.runtime import access
from engine.runtime.queries.filters import Filters, uuid
from engine.runtime.queries.planning import planned_anew

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
_DEAR = frozenset(  # filters by which rows are found through other tables
    ("candidateUser", "candidateGroup", "candidateGroups", "candidateGroupIn", "candidateOrAssigned", "involvedUser", "taskInvolvedUser",
     "taskCandidateGroup", "variables", "processVariables", "processInstanceVariables", "taskVariables")
)  # fmt: skip
Order = str | Any  # a path, or an expression
MOST_KNOWN = 100  # pages of one kind whose SQL is kept


def _given(filters: Mapping[str, object] | None, some: frozenset[str]) -> bool:
    """Whether one of some filters was given."""
    return any(value is not None and name in some for name, value in (filters or {}).items())


def _negated(filters: Mapping[str, object] | None) -> bool:
    """Whether a condition on variables asks for another value, which nearly all rows have."""
    lists = [value for value in (filters or {}).values() if isinstance(value, list)]
    return any(isinstance(one, dict) and str(one.get("operation")).startswith("not") for given in lists for one in given)


@dataclass(frozen=True)
class Listing(Generic[M]):
    """Call it with a user and filters for a queryset. `sorts` are the names one may sort by, `default` the one that holds unasked.

    `seen` is what a user sees, asked of each row; `listed` is the same for long lists, found from what is his (`sight`). `plain` are
    the filters by an id that clients ask for again and again, for which the SQL is written once.
    """

    what: str
    seen: Callable[[Any], QuerySet[M]]
    filters: Filters
    sorts: Mapping[str, Order]
    default: str
    ties: tuple[Order, ...] = ("pk",)
    listed: Callable[[Any], QuerySet[M]] | None = None
    plain: frozenset[str] = frozenset()
    _known: dict[Hashable, Prepared[M]] = field(default_factory=dict, compare=False)

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

    def page(self, user: Any, rows: QuerySet[M], start: int, size: int, filters: Mapping[str, object] | None = None) -> tuple[list[M], int]:
        """Some of the rows, and how many there are of them in all, exactly; two statements, three behind the end of the list.

        Of a long list the ids alone are looked for first, which indexes know. Where finding the rows is what takes the time, they
        are found and counted at once; where it is not, counting apart lets the page stop early.
        """
        with planned_anew():
            return self._page(user, rows, start, size, filters)

    def _page(self, user: Any, rows: QuerySet[M], start: int, size: int, filters: Mapping[str, object] | None) -> tuple[list[M], int]:
        if size and self.listed is not None and not _given(filters, _FEW):
            if not access.sees_all(user) or (_given(filters, _DEAR) and not _negated(filters)):
                return self._counted(rows, start, size)
            found = self._by_ids(rows, rows.select_related(None).values("pk")[start : start + size])
        else:
            found = list(rows[start : start + size]) if size else []
        last = start + len(found)
        return found, last if 0 < len(found) < size else rows.count()  # a page that is not full ends the list

    def known(
        self, user: Any, filters: Mapping[str, object], by: str, descending: bool, start: int, size: int
    ) -> tuple[list[M], int] | None:
        """The same page where an operator asks by one plain filter and all that there is fits into it; else None."""
        given = [name for name, value in filters.items() if name in self.filters and value is not None]
        value = uuid(filters[given[0]]) if len(given) == 1 and given[0] in self.plain else None
        if value is None or size < 1 or by not in self.sorts or not access.sees_all(user):
            return None
        found = self._prepared(given[0], by, descending, start, size).all(value)
        return (found, start + len(found)) if 0 < len(found) < size else None

    def _prepared(self, name: str, by: str, descending: bool, start: int, size: int) -> Prepared[M]:
        key = (name, by, descending, start, size)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()

            def rows(value: Any) -> QuerySet[M]:
                return self.sorted(self(None, {name: value}), by, descending, {name: value})[start : start + size]

            self._known[key] = Prepared(lambda: self.seen(None).model, rows)
        return self._known[key]

    def _counted(self, rows: QuerySet[M], start: int, size: int) -> tuple[list[M], int]:
        counted = rows.select_related(None).annotate(_in_all=Window(Count("pk")))
        counted = counted.order_by("_in_all", *rows.query.order_by)  # the same for all: so no plan hopes to stop after a few rows
        found = counted.values_list("pk", "_in_all")[start : start + size]
        page = list(found)
        return (self._by_ids(rows, [key for key, _ in page]), page[0][1]) if page else ([], rows.count() if start else 0)

    def _by_ids(self, rows: QuerySet[M], ids: Any) -> list[M]:
        found = rows.model._default_manager.filter(pk__in=ids).order_by(*rows.query.order_by)
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
