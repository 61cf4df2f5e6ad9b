"""Shapes that the whole of Flowable's dialect shares: moments, ids of executions, pages, variables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model

from engine.api import words
from engine.api.body import Json, Members
from engine.api.router import Call
from engine.conf import settings as conf
from engine.errors import BadInput
from engine.expressions.values import from_json, to_json, type_of
from engine.runtime.queries import Listing, filters

M = TypeVar("M", bound=Model)
FIRST_PAGE = 10  # entries, where the caller does not say
FARTHEST = 2**31 - 1
LOCAL, GLOBAL = "local", "global"
OF_CASES: Mapping[str, Json] = dict.fromkeys(  # keys that only an instance started by a case would fill
    ("callbackId", "callbackType", "referenceId", "referenceType", "propagatedStageInstanceId")
)


# -- values ---------------------------------------------------------------------------------------------------------------
def moment(at: datetime | None) -> str | None:
    """In UTC, to the millisecond."""
    return None if at is None else at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def millis(began: datetime, ended: datetime | None) -> int | None:
    """How long something took; null while it has not ended."""
    return None if ended is None else max(0, round((ended - began).total_seconds() * 1000))


def ident(key: object) -> str | None:
    """An id as a text; null where there is none."""
    return None if key is None else str(key)


def execution_id(instance: object, token: int | None) -> str | None:
    """The instance's own id for its root, else `<instance>.<token>`."""
    if instance is None or token is None:
        return None
    return f"{instance}.{token}" if token else str(instance)


# -- pages ----------------------------------------------------------------------------------------------------------------
def page(
    call: Call, listing: Listing[M], given: Mapping[str, object], shape: Callable[[Sequence[M]], list[Json]], **fixed: object
) -> dict[str, Json]:
    """A page of a listing: `given` are the filters and the paging as sent, `fixed` filters of our own; `shape` makes its entries."""
    given = words.taken(call.path, given)
    start, size = _count(given, "start", 0), min(_count(given, "size", FIRST_PAGE), conf.MAX_PAGE_SIZE)
    sort, order = given.get("sort") or listing.default, "asc" if given.get("order") is None else given["order"]
    if order not in ("asc", "desc"):
        raise BadInput("order must be asc or desc", "order")
    found, total = listing.page(call.user, {**given, **fixed}, str(sort), order == "desc", start, size)
    return {"data": shape(found), "total": total, "start": start, "sort": sort, "order": order, "size": len(found)}


def _count(given: Mapping[str, object], name: str, default: int) -> int:
    found = default if given.get(name) is None else filters.number(name, given[name])
    if found < 0:
        raise BadInput(f"{name} must not be negative", name)
    return found


def each(shape: Callable[[Any], Json]) -> Callable[[Iterable[Any]], list[Json]]:
    """A page's shape from an entry's."""
    return lambda rows: [shape(row) for row in rows]


# -- variables ------------------------------------------------------------------------------------------------------------
def variable_at(call: Call, path: str, key: object, name: str, value: Any, scope: str | None = LOCAL) -> dict[str, Json]:
    """A variable of what stands at `path`/`key`; only bytes need the address."""
    return variable(name, value, scope, call.url(path, key, "variables", name) if isinstance(value, bytes) else None)


def variable(name: str, value: Any, scope: str | None = LOCAL, url: str | None = None) -> dict[str, Json]:
    """A variable; a null has no type, and bytes have an address (`url` of the variable) instead of a value."""
    kind = type_of(value)
    made: dict[str, Json] = {"name": name, "scope": scope, "value": to_json(value)}
    if kind == "binary":
        made |= {"value": None, "valueUrl": f"{url}/data" if url else None}
    if kind == "bigInteger":
        made["value"] = str(value)  # more than a number of JSON holds for most who read it
    return made if kind == "null" else {**made, "type": kind}


def values(sent: Sequence[Json], where: str = "variables") -> dict[str, Any]:
    """Name and value of a list of variables as sent; raises BadInput."""
    return {name: value for name, value, _ in scoped(sent, where)}


def scoped(sent: Sequence[Json], where: str = "variables") -> list[tuple[str, Any, str | None]]:
    """Name, value and scope of a list of variables as sent; raises BadInput."""
    return [one_variable(Members(one, f"each of {where}", where)) for one in sent]


def one_variable(sent: Members) -> tuple[str, Any, str | None]:
    """Name, value and scope of a variable as sent; raises BadInput."""
    name = sent.required("name")
    scope = sent.text("scope")
    if scope not in (None, LOCAL, GLOBAL):
        raise BadInput(f"scope must be {LOCAL} or {GLOBAL}", "scope")
    return (
        name,
        from_json(sent.all.get("value"), sent.text("type"), name=name, depth=conf.MAX_JSON_DEPTH, size=conf.MAX_VARIABLE_SIZE),
        scope,
    )
