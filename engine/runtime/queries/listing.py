"""A Listing is everything that can be asked about one kind of thing: what a user may see, the filters, the ways to sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Any, Generic, TypeVar

from django.db.models import F, Model, Q, QuerySet
from django.db.models.expressions import OrderBy

from engine.errors import BadInput, NotFound
from engine.runtime.queries.filters import Filters, uuid

M = TypeVar("M", bound=Model)
Order = str | Any  # a path, or an expression


@dataclass(frozen=True)
class Listing(Generic[M]):
    """Call it with a user and filters for a queryset. `sorts` are the names one may sort by, `default` the one that holds unasked."""

    what: str
    seen: Callable[[Any], QuerySet[M]]
    filters: Filters
    sorts: Mapping[str, Order]
    default: str
    ties: tuple[str, ...] = ("pk",)

    def __call__(self, user: Any, filters: Mapping[str, object] | None = None) -> QuerySet[M]:
        """What a user sees and the filters let through; unknown filters and those that are null are ignored. Raises BadInput."""
        given = [(self.filters[name], name, value) for name, value in (filters or {}).items() if name in self.filters and value is not None]
        wanted = reduce(and_, (make(name, value) for make, name, value in given), Q())
        return self.seen(user).filter(wanted)

    def sorted(self, rows: QuerySet[M], by: str | None = None, descending: bool = False) -> QuerySet[M]:
        """In the order asked for, ties broken so that pages never overlap; raises BadInput for a name that is no way to sort."""
        name = by or self.default
        if name not in self.sorts:
            raise BadInput(f"{self.what} cannot be sorted by {name[:40]!r}; one of {', '.join(sorted(self.sorts))}", "sort")
        first = self.sorts[name]
        expression = F(first) if isinstance(first, str) else first
        return rows.order_by(*(OrderBy(e, descending=descending) for e in (expression, *map(F, self.ties))))

    def one(self, user: Any, key: object) -> M:
        """The one with this id, if the user may see it; raises NotFound."""
        found = uuid(key) if self._has_uuid(user) else key
        row = self.seen(user).filter(pk=found).first() if found is not None else None
        if row is None:
            raise NotFound(f"There is no {self.what} {str(key)[:60]!r}.")
        return row

    def _has_uuid(self, user: Any) -> bool:
        return self.seen(user).model._meta.pk.get_internal_type() == "UUIDField"
