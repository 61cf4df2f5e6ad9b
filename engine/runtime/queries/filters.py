"""The words of a query: each filter turns what a caller sent into a condition for the database.

A value comes as text (from an address) or as JSON (from a body). What cannot be read is BadInput and names the filter;
an id that can be no id is no mistake, it matches nothing, as at Flowable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Q

from engine.errors import BadInput
from engine.runtime.queries import lookups as _lookups  # noqa: F401  # registers `like` and `ilike`
from engine.runtime.queries.asking import ByShape
from engine.runtime.trees import within

Read = Callable[[str, object], Any]
Filter = Callable[[str, object], Q]
Filters = Mapping[str, Filter]

NOTHING = Q(pk__in=())
OF_CASES = ("scopeId", "subScopeId", "scopeType", "scopeDefinitionId", "propagatedStageInstanceId", "callbackId", "callbackType",
            "parentCaseInstanceId")  # fmt: skip
MOST_VALUES = 1000  # in one list of values
LONGEST = 4000  # characters of one value
_NUMBERS = range(-(2**31), 2**31)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# -- what was sent --------------------------------------------------------------------------------------------------------
def text(name: str, value: object) -> str:
    """The value as text; raises BadInput."""
    if not isinstance(value, str):
        raise BadInput(f"{name} must be a text", name)
    if len(value) > LONGEST or "\0" in value:
        raise BadInput(f"{name} is too long or holds a character that cannot be stored", name)
    return value


def number(name: str, value: object) -> int:
    """The value as a whole number of 32 bits; raises BadInput."""
    try:
        found = int(value) if isinstance(value, int | str) and not isinstance(value, bool) else None
    except ValueError:
        found = None
    if found is None or found not in _NUMBERS:
        raise BadInput(f"{name} must be a whole number", name)
    return found


def flag(name: str, value: object) -> bool:
    """`true` or `false`; raises BadInput."""
    found = value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).lower())
    if found is None:
        raise BadInput(f"{name} must be true or false", name)
    return found


def moment(name: str, value: object) -> datetime:
    """An ISO 8601 date or time, in UTC where it names no offset, or a number of milliseconds since 1970; raises BadInput."""
    try:
        if isinstance(value, int) and not isinstance(value, bool):
            return _EPOCH + timedelta(milliseconds=value)
        found = datetime.fromisoformat(text(name, value).replace(" ", "+"))  # a plus sign that was not quoted in an address
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInput(f"{name} must be a date in ISO 8601, as 2030-12-31T23:59:59Z", name) from None


def texts(name: str, value: object) -> list[str]:
    """A JSON list of texts, or one text with commas; raises BadInput."""
    found = value.split(",") if isinstance(value, str) else value
    if not isinstance(found, list) or len(found) > MOST_VALUES:
        raise BadInput(f"{name} must be a list of at most {MOST_VALUES} texts", name)
    return [text(name, one).strip() for one in found]


def uuid(value: object) -> UUID | None:
    """The id that a text is, or None: there is no such id."""
    try:
        return value if isinstance(value, UUID) else UUID(value) if isinstance(value, str) and len(value) <= 36 else None
    except ValueError:
        return None


def execution(value: object) -> tuple[UUID, int] | None:
    """Instance and token of an execution id: the instance's id, or `<instance>.<token>`."""
    head, _, tail = value.partition(".") if isinstance(value, str) else ("", "", "")
    found = uuid(head)
    if found is None or not (tail.isdecimal() and tail.isascii() and len(tail) < 10 if "." in str(value) else True):
        return None
    return found, int(tail or 0)


# -- filters --------------------------------------------------------------------------------------------------------------
def equals(path: str, read: Read = text) -> Filter:
    return lambda name, value: Q(**{path: read(name, value)})


def differs(path: str) -> Filter:
    return lambda name, value: ~Q(**{path: text(name, value)})


def like(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__like": text(name, value)})


def ilike(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__ilike": text(name, value)})


def among(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__in": texts(name, value)})


def none_of(path: str) -> Filter:
    """Neither one of these texts nor nothing at all, as SQL understands NOT IN."""
    return lambda name, value: ~Q(**{f"{path}__in": texts(name, value)}) & Q(**{f"{path}__isnull": False})


def before(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__lt": moment(name, value)})


def after(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__gt": moment(name, value)})


def _one(name: str, value: object) -> object:
    """The value, if it can be one id; raises BadInput."""
    if isinstance(value, list | dict):
        raise BadInput(f"{name} must be a text", name)
    return value


def ident(path: str) -> Filter:
    def make(name: str, value: object) -> Q:
        found = uuid(_one(name, value))
        return Q(**{path: found}) if found else NOTHING

    return make


def within_tree(name: str, value: object) -> Q:
    """What belongs to an instance or to one that it called."""
    found = uuid(_one(name, value))
    return within(found) if found else NOTHING


def idents(path: str) -> Filter:
    return lambda name, value: Q(**{f"{path}__in": [found for one in texts(name, value) if (found := uuid(one))]})


def execution_of(instance: str = "instance", token: str = "token") -> Filter:  # noqa: S107  # a column's name
    def make(name: str, value: object) -> Q:
        found = execution(_one(name, value))
        return Q(**{instance: found[0], token: found[1]}) if found else NOTHING

    return make


def of_text(make: Callable[[str], Q]) -> Filter:
    """A condition that asks other tables for a text."""
    return ByShape(lambda name, value: ((), [text(name, value)]), lambda shape, values: make(values[0]))


def of_texts(make: Callable[[Sequence[str]], Q], least: int = 0) -> Filter:
    """A condition that asks other tables for one of some texts, of which there must be `least`."""

    def read(name: str, value: object) -> tuple[int, list[str]]:
        found = texts(name, value)
        if len(found) < least:
            raise BadInput(f"{name} must not be empty", name)
        return len(found), found

    return ByShape(read, lambda shape, values: make(values))


def switch(yes: Q, no: Q | None = None) -> Filter:
    """`true` asks for `yes`, `false` for `no` (None: for anything)."""
    return lambda name, value: yes if flag(name, value) else (Q() if no is None else no)


def like_family(name: str, path: str) -> dict[str, Filter]:
    """The three filters that most texts have: `name`, `nameLike`, `nameLikeIgnoreCase`."""
    return {name: equals(path), f"{name}Like": like(path), f"{name}LikeIgnoreCase": ilike(path)}


def _nothing(name: str, value: object) -> Q:
    _one(name, value)
    return NOTHING


def of_cases() -> dict[str, Filter]:
    """What only an instance, a task or a subscription of a case would meet: there are none."""
    return dict.fromkeys(OF_CASES, _nothing)


def tenant(path: str) -> dict[str, Filter]:
    return {
        "tenantId": equals(path),
        "tenantIdLike": like(path),
        "tenantIdLikeIgnoreCase": ilike(path),
        "withoutTenantId": switch(Q(**{path: ""})),
    }
