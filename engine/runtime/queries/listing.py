"""A Listing is everything that can be asked about one kind of thing: what a user may see, the filters, the ways to sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Coalesce

from engine.errors import BadInput, NotFound
from engine.runtime import access
from engine.runtime.queries.asking import ByShape, asked
from engine.runtime.queries.filters import Filters, uuid
from engine.runtime.queries.pages import Whole
from engine.runtime.queries.planning import planned_anew
from engine.runtime.queries.walking import DEEPEST, Walk

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
Order = str | Any  # a path, an expression, or some of them


def _given(filters: Mapping[str, object] | None, some: frozenset[str]) -> bool:
    """Whether one of some filters was given."""
    return any(value is not None and name in some for name, value in (filters or {}).items())


def _negated(filters: Mapping[str, object] | None) -> bool:
    """Whether a condition on variables asks for another value, which nearly all rows have."""
    lists = [value for value in (filters or {}).values() if isinstance(value, list)]
    return any(isinstance(one, dict) and str(one.get("operation")).startswith("not") for given in lists for one in given)


@dataclass(frozen=True, eq=False)
class Listing(Generic[M]):
    """Call it with a user and filters for a queryset. `sorts` are the names one may sort by, `default` the one that holds unasked.

    `seen` is what a user sees, asked of each row; `listed` is the same for long lists, found from what is his (`sight`). Where they
    ask nothing of a user but his name, his groups and whether he is an operator (`by_name`), the SQL of a page is written once for
    all who are of one kind. `plain` are the filters by an id that clients ask for again and again: one plan is good for all values.
    `apart` are those whose rows lie together somewhere along the default order: they are found first, and then sorted. `own_ties` are
    the ties in the lists of what is somebody's, if another index finds those. `walk` tells in which orders their beginning is walked.
    """

    what: str
    seen: Callable[[Any], QuerySet[M]]
    filters: Filters
    sorts: Mapping[str, Order]
    default: str
    ties: tuple[Order, ...] = ("pk",)
    listed: Callable[[Any], QuerySet[M]] | None = None
    plain: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    own_ties: tuple[Order, ...] = ()
    by_name: bool = False
    walk: Walk | None = None

    def __call__(self, user: Any, filters: Mapping[str, object] | None = None) -> QuerySet[M]:
        """What a user sees and the filters let through; unknown filters and those that are null are ignored. Raises BadInput."""
        wanted = reduce(and_, (self.filters[name](name, value) for name, value in self._heeded(filters)), Q())
        return self._seen_by(user, filters).filter(wanted)

    def _seen_by(self, user: Any, filters: Mapping[str, object] | None) -> QuerySet[M]:
        """What a user sees, asked in the way that is right for lists with these filters."""
        return (self.seen if self.listed is None or _given(filters, _FEW) else self.listed)(user)

    def _heeded(self, filters: Mapping[str, object] | None) -> list[tuple[str, object]]:
        return sorted((name, value) for name, value in (filters or {}).items() if name in self.filters and value is not None)

    def sorted(
        self,
        rows: QuerySet[M],
        by: str | None = None,
        descending: bool = False,
        filters: Mapping[str, object] | None = None,
        *,
        own: bool = False,
    ) -> QuerySet[M]:
        """In the order asked for, ties broken so that pages never overlap; raises BadInput for a name that is no way to sort.

        `filters` are those that the rows met: by some of them the rows are found first, and then sorted. `own`: all are somebody's.
        """
        first = self.sorts[self._sort(by)]
        if (first == "pk" and _given(filters, _ALONG)) or (first == self.sorts[self.default] and _given(filters, self.apart)):
            first = Coalesce(first, first)  # the same, but no index of it is walked
        order = (*(first if isinstance(first, tuple) else (first,)), *((own and self.own_ties) or self.ties))
        return rows.order_by(*(OrderBy(F(e) if isinstance(e, str) else e, descending=descending) for e in order))

    def _sort(self, by: str | None) -> str:
        name = by or self.default
        if name not in self.sorts:
            raise BadInput(f"{self.what} cannot be sorted by {name[:40]!r}; one of {', '.join(sorted(self.sorts))}", "sort")
        return name

    def page(
        self,
        user: Any,
        filters: Mapping[str, object] | None = None,
        by: str | None = None,
        descending: bool = False,
        start: int = 0,
        size: int = 10,
    ) -> tuple[list[M], int]:
        """Some of what a user sees, and how many there are in all, exactly; two statements, three behind the end of the list.

        Of a long list the ids alone are looked for first, which indexes know. Where finding the rows is what takes the time, they
        are found and counted at once; where it is not, counting apart lets the page stop early. Raises BadInput.
        """
        whole = self.whole(user, filters, by, descending)
        with nullcontext() if self._is_plain(user, filters) else planned_anew():
            if size and self.listed is not None and not _given(filters, _FEW):
                if not access.sees_all(user) or (_given(filters, _DEAR) and not _negated(filters)):
                    near = [] if self._heeded(filters) else self._walked(user, by, descending, start, size)
                    return (whole.with_ids([key for key, _ in near]), near[0][1]) if near else whole.counted(start, size)
                found = whole.by_ids(start, size)
            else:
                found = whole.part(start, size) if size else []
            last = start + len(found)
            return found, last if 0 < len(found) < size else whole.count()  # a page that is not full ends the list

    def _walked(self, user: Any, by: str | None, descending: bool, start: int, size: int) -> list[tuple[Any, int]]:
        """The ids of a page of all that is somebody's, each with how many there are; none where no index is walked, or behind the end."""
        name, most, walk = self._sort(by), start + size, self.walk
        if walk is None or name not in walk.sorts or most > DEEPEST or access.sees_all(user):
            return []
        order = (self.sorts[name], *self.ties)

        def ids(viewer: Any, wanted: Q) -> Any:
            return walk.ids(self.model, viewer, order, descending, most)

        found: Whole[Any] = Whole(self.model, user, (self, "walk", name, descending, most), ids)
        return found.part(start, size)

    def one(self, user: Any, key: object) -> M:
        """The one with this id, if the user may see it; raises NotFound."""
        found = uuid(key) if self._has_uuid else key
        seen = Whole(self.model, user, (self, "one") if self.by_name else None, self._one, [asked(Q(pk=found))])
        rows = seen.part(0, 1) if found is not None else []
        if not rows:
            raise NotFound(f"There is no {self.what} {str(key)[:60]!r}.")
        return rows[0]

    def _one(self, user: Any, wanted: Q) -> QuerySet[M]:
        return self.seen(user).filter(wanted).order_by()

    def whole(
        self,
        user: Any,
        filters: Mapping[str, object] | None = None,
        by: str | None = None,
        descending: bool = False,
        more: Q | None = None,
        *,
        each: bool = False,
    ) -> Whole[M]:
        """All that he sees and the filters let through (and that meets one condition `more`), in order. Raises BadInput.

        `each`: what is asked for is about what he takes part in, so each row is asked whether he sees it.
        """
        made = [(self.filters[name], name, value) for name, value in self._heeded(filters)]
        conditions = [make.asked(name, value) if isinstance(make, ByShape) else asked(make(name, value)) for make, name, value in made]
        conditions += [asked(more)] if more else []
        shape = (self, self._sort(by), descending, each, tuple(name for _, name, _ in made)) if self.by_name else None

        def rows(viewer: Any, wanted: Q) -> QuerySet[M]:
            own = not access.sees_all(viewer)
            seen = self.seen(viewer) if each else self._seen_by(viewer, filters)
            return self.sorted(seen.filter(wanted), by, descending, filters, own=own)

        return Whole(self.model, user, shape, rows, conditions)

    def _is_plain(self, user: Any, filters: Mapping[str, object] | None) -> bool:
        """Whether an operator asks by one plain filter: then one plan is good for all values."""
        heeded = self._heeded(filters)
        return len(heeded) == 1 and heeded[0][0] in self.plain and access.sees_all(user)

    @cached_property
    def model(self) -> type[M]:
        return self.seen(None).model

    @cached_property
    def _has_uuid(self) -> bool:
        return self.model._meta.pk.get_internal_type() == "UUIDField"
