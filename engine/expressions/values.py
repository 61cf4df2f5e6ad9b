"""Variables keep plain Python values; this module alone knows which type each is called over REST, in both directions.

Java's number and date types that Python would not tell apart are subclasses here: `Long`, `Short`, `BigInteger`, `Instant`.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from engine.errors import BadInput

JSON_DEPTH = 100
JSON_SIZE = 16_000_000


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers from `least` to `most`. Not a range: asked for a subclass of int, a range counts up to it."""

    least: int
    most: int

    def __contains__(self, number: int) -> bool:
        return self.least <= number <= self.most


INTEGER = Bounds(-(2**31), 2**31 - 1)
LONG = Bounds(-(2**63), 2**63 - 1)
SHORT = Bounds(-(2**15), 2**15 - 1)
_SURROGATE = re.compile("[\ud800-\udfff]")
BIGGEST_BITS = 4096  # further digits cannot be written as JSON by Python, and no business needs them


class Long(int):
    """A whole number of 64 bits, whatever its size; what integer arithmetic in an expression gives."""


class Short(int):
    """A whole number of 16 bits."""


class BigInteger(int):
    """A whole number without bounds, even if it is small."""


class Instant(datetime):
    """A moment that its owner calls `instant` rather than `date`; always aware."""


def whole(number: int) -> int:
    """`number` as Java's long arithmetic types it: Long, or BigInteger where Java would overflow in silence."""
    return Long(number) if number in LONG else BigInteger(number)


def _type_of_int(value: int) -> str:
    if value in INTEGER:
        return "integer"
    return "long" if value in LONG else "bigInteger"


def _type_of_datetime(value: datetime) -> str:
    return "localDateTime" if value.tzinfo is None else "date"


_NAMES: dict[type, str | Callable[[Any], str]] = {
    type(None): "null", str: "string", bool: "boolean", Long: "long", Short: "short", BigInteger: "bigInteger", int: _type_of_int,
    float: "double", Decimal: "bigDecimal", Instant: "instant", datetime: _type_of_datetime, date: "localDate", UUID: "uuid",
    bytes: "binary", list: "json", dict: "json", tuple: "json",
}  # fmt: skip


def type_of(value: Any) -> str:
    """The REST name of the type of `value`; BadInput for what no variable can hold."""
    for kind in type(value).__mro__:
        if found := _NAMES.get(kind):
            return found if isinstance(found, str) else found(value)
    raise BadInput(f"a {type(value).__name__} cannot be a process variable")


def checked(value: Any, *, name: str = "", depth: int = JSON_DEPTH, size: int = JSON_SIZE) -> Any:
    """`value` if a variable can hold it; BadInput (field `name`) for NUL characters, NaN, foreign objects, the too deep or too large."""
    match value:
        case None | bool() | datetime() | date() | UUID():
            return value
        case bytes():
            if len(value) > size:
                raise BadInput(f"{_called(name)} is larger than {size} bytes", name or None)
        case list() | dict() | tuple():
            _check_json(value, name, depth, size)
        case _:
            type_of(value)
            _check_leaf(value, name, size)
    return value


def _check_json(root: Any, name: str, depth: int, size: int) -> None:
    """Walk without recursion: the input may be nested deeper than Python's stack."""
    todo, seen = [(root, 1)], 0
    while todo:
        value, level = todo.pop()
        if level > depth:
            raise BadInput(f"{_called(name)} is nested deeper than {depth} levels", name or None)
        if isinstance(value, dict):
            for key in value:
                if not isinstance(key, str):
                    raise BadInput(f"{_called(name)} has a key that is no text", name or None)
            todo.extend((item, level) for item in value)
            todo.extend((item, level + 1) for item in value.values())
        elif isinstance(value, list | tuple):
            todo.extend((item, level + 1) for item in value)
        elif not (value is None or isinstance(value, str | bool | int | float)):
            raise BadInput(f"{_called(name)} holds a {type(value).__name__}, which is not JSON", name or None)
        else:
            _check_leaf(value, name, size)
        seen += len(value) + 1 if isinstance(value, str) else 1
        if seen > size or len(todo) > size:
            raise BadInput(f"{_called(name)} is larger than {size} characters", name or None)


def _check_leaf(value: Any, name: str, size: int) -> None:
    problem = None
    match value:
        case str():
            if "\0" in value:
                problem = "holds the character \\u0000"
            elif _SURROGATE.search(value):
                problem = "holds half of a surrogate pair"
            elif len(value) > size:
                problem = f"is longer than {size} characters"
        case float() if not math.isfinite(value):
            problem = "is not a finite number"
        case Decimal() if not value.is_finite() or abs(value.adjusted()) > BIGGEST_BITS // 4:
            problem = "is not a finite number of reasonable size"
        case int() if value.bit_length() > BIGGEST_BITS:
            problem = "is too large a number"
    if problem:
        raise BadInput(f"{_called(name)} {problem}", name or None)


def _called(name: str) -> str:
    return f"variable '{name}'" if name else "the value"


# From JSON -----------------------------------------------------------------------------------------------------------


def _integer(limits: Bounds | None, make: Callable[[int], Any]) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if isinstance(raw, bool) or not isinstance(raw, int | float) or raw != int(raw):
            raise ValueError
        number = int(raw)
        if limits is not None and number not in limits:
            raise ValueError
        return make(number)

    return read


def _double(raw: Any) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise ValueError
    return float(raw)


def _only(kind: type) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if not isinstance(raw, kind):
            raise ValueError
        return raw

    return read


def _text(raw: Any) -> str:
    if not isinstance(raw, str) or len(raw) > 2000:
        raise ValueError
    return raw


def _big_integer(raw: Any) -> BigInteger:
    return BigInteger(int(_text(raw))) if isinstance(raw, str) else BigInteger(_integer(None, int)(raw))


def _big_decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ValueError
    return Decimal(_text(raw) if isinstance(raw, str) else repr(raw))


LONGEST_DAY = 10  # characters of a day in ISO 8601


def _moment(raw: Any) -> datetime:
    """A day alone is its midnight in UTC; a time without offset is refused (observed at Flowable's REST API)."""
    moment = datetime.fromisoformat(_text(raw))
    if moment.tzinfo is None and len(raw) > LONGEST_DAY:
        raise ValueError
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _instant(raw: Any) -> Instant:
    if len(_text(raw)) <= LONGEST_DAY:
        raise ValueError
    return Instant.fromisoformat(_moment(raw).isoformat())


def _local_moment(raw: Any) -> datetime:
    moment = datetime.fromisoformat(_text(raw))
    if moment.tzinfo is not None or len(raw) <= LONGEST_DAY:
        raise ValueError
    return moment


def _java(value: datetime) -> str:
    """A time without offset as Java writes it: no seconds where there are none."""
    exact = "seconds" if value.second else "minutes"
    return value.isoformat(timespec="auto" if value.microsecond else exact)


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _only(str), "boolean": _only(bool), "integer": _integer(INTEGER, int), "long": _integer(LONG, Long),
    "short": _integer(SHORT, Short), "double": _double, "bigInteger": _big_integer, "bigDecimal": _big_decimal, "date": _moment,
    "instant": _instant, "localDate": lambda raw: date.fromisoformat(_text(raw)), "localDateTime": _local_moment,
    "uuid": lambda raw: UUID(_text(raw)), "json": lambda raw: raw, "null": _only(type(None)),
    "binary": lambda raw: base64.b64decode(_only(str)(raw), validate=True),
}  # fmt: skip

_REFUSED = (ValueError, ArithmeticError, InvalidOperation, binascii.Error)


def from_json(raw: Any, type: str | None, *, name: str = "", depth: int = JSON_DEPTH, size: int = JSON_SIZE) -> Any:
    """The value that `raw`, read from JSON, means as a variable `name` of REST type `type` (None: by its looks).

    Strict as Flowable's REST API is (observed): BadInput with field `name` for any other type of JSON, an unknown type, numbers out of
    range, NaN and Infinity, `\\u0000` anywhere, JSON nested deeper than `depth` or larger than `size` characters. A null fits every type.
    """
    checked(raw, name=name, depth=depth, size=size)
    if type is None:
        return raw
    if not isinstance(type, str) or type not in _READERS:
        raise BadInput(f"{_called(name)} has the unknown type '{str(type)[:40]}'", name or None)
    if raw is None:
        return None
    try:
        return checked(_READERS[type](raw), name=name, depth=depth, size=size)
    except _REFUSED:
        raise BadInput(f"{_called(name)} is not of type {type}: {str(raw)[:60]!r}", name or None) from None


# To JSON -------------------------------------------------------------------------------------------------------------


def _utc(value: datetime, precision: str) -> str:
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def to_json(value: Any) -> Any:
    """`value` as JSON can hold it: moments in UTC with a Z, `date` without fractions and `instant` to the millisecond, bytes as base64.

    Big decimals and big integers are texts, as at Flowable: JSON's readers would round them.
    """
    match value:
        case Instant():
            return _utc(value, "milliseconds" if value.microsecond else "seconds")
        case datetime() if value.tzinfo is not None:
            return _utc(value, "seconds")
        case datetime():
            return _java(value)
        case date():
            return value.isoformat()
        case Decimal():
            return format(value, "f")
        case BigInteger():
            return str(value)
        case UUID():
            return str(value)
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case Long() | Short():
            return int(value)
    return value
