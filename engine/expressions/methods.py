"""The methods that texts, numbers, booleans and dates have in expressions: those of the Java classes behind Flowable's variables.

None of them changes a value; `members.py` puts the tables together with those of JSON.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from engine.errors import ExpressionError
from engine.expressions import coerce, regex
from engine.expressions.coerce import TEXT_LIMIT, boolean, integer, number, text
from engine.expressions.durations import shift
from engine.expressions.values import INTEGER, LONG, Instant, Long, Short


def as_is(value: Any) -> Any:
    return value


@dataclass(frozen=True, slots=True)
class Method:
    """A function of the value and of arguments coerced by `takes`, the last `optional` of which may be missing."""

    call: Callable[..., Any]
    takes: tuple[Callable[[Any], Any], ...] = ()
    optional: int = 0


# Texts ---------------------------------------------------------------------------------------------------------------


def _substring(value: str, begin: int, end: int | None = None) -> str:
    stop = len(value) if end is None else end
    if not 0 <= begin <= stop <= len(value):
        raise ExpressionError(f"substring({begin}, {stop}) is outside a text of {len(value)} characters")
    return value[begin:stop]


def _char_at(value: str, index: int) -> str:
    return _substring(value, index, index + 1)


def _bounded(length: int) -> None:
    if length > TEXT_LIMIT:
        raise ExpressionError(f"a text would become longer than {TEXT_LIMIT} characters")


def _replace(value: str, old: str, new: str) -> str:
    _bounded(len(value) + value.count(old) * max(0, len(new) - len(old)))
    return value.replace(old, new)


def _concat(value: str, more: str) -> str:
    _bounded(len(value) + len(more))
    return value + more


_REGEX_SIGNS = re.compile(r"[\\^$.|?*+()\[\]{}]")


def _replace_all(value: str, pattern: str, new: str) -> str:
    result = regex.replace_all(value, pattern, new) if _REGEX_SIGNS.search(pattern + new) else _replace(value, pattern, new)
    _bounded(len(result))
    return result


def _split(value: str, pattern: str, limit: int = 0) -> list[str]:
    """As Java's split: with a limit the rest stays whole, without one empty texts at the end are dropped."""
    if limit > 0 or not _REGEX_SIGNS.search(pattern) or len(pattern) == 1:
        parts = value.split(_separator(pattern), limit - 1 if limit > 0 else -1) if pattern else list(value)
    else:
        parts = regex.split(value, pattern)
    while limit == 0 and len(parts) > 1 and parts[-1] == "":
        parts.pop()
    return parts


def _separator(pattern: str) -> str:
    """A plain or escaped sign; with a limit no other regular expression can be split by."""
    plain = pattern[1:] if len(pattern) == 2 and pattern[0] == "\\" and not pattern[1].isalnum() else pattern
    if len(plain) > 1 and _REGEX_SIGNS.search(plain):
        raise ExpressionError(f"split with a limit needs a plain separator, not '{pattern[:40]}'")
    return plain


def _java_sign(one: Any, other: Any) -> int:
    return bool(one > other) - bool(one < other)


TEXT: dict[str, Method] = {
    "length": Method(len),
    "isEmpty": Method(lambda s: not s),
    "isBlank": Method(lambda s: not s.strip()),
    "contains": Method(lambda s, part: part in s, (text,)),
    "startsWith": Method(lambda s, part, at=0: s.startswith(part, max(at, 0)), (text, integer), 1),
    "endsWith": Method(lambda s, part: s.endswith(part), (text,)),
    "toUpperCase": Method(str.upper),
    "toLowerCase": Method(str.lower),
    "trim": Method(str.strip),
    "strip": Method(str.strip),
    "substring": Method(_substring, (integer, integer), 1),
    "indexOf": Method(lambda s, part, at=0: s.find(part, max(at, 0)), (text, integer), 1),
    "lastIndexOf": Method(lambda s, part: s.rfind(part), (text,)),
    "charAt": Method(_char_at, (integer,)),
    "replace": Method(_replace, (text, text)),
    "replaceAll": Method(_replace_all, (text, text)),
    "matches": Method(regex.matches, (text,)),
    "split": Method(_split, (text, integer), 1),
    "concat": Method(_concat, (text,)),
    "equals": Method(lambda s, other: isinstance(other, str) and s == other, (as_is,)),
    "equalsIgnoreCase": Method(lambda s, other: isinstance(other, str) and s.lower() == other.lower(), (as_is,)),
    "compareTo": Method(_java_sign, (text,)),
    "compareToIgnoreCase": Method(lambda s, other: _java_sign(s.lower(), other.lower()), (text,)),
}

# Numbers -------------------------------------------------------------------------------------------------------------


def int_value(value: Any) -> int:
    whole = integer(value)
    if whole not in INTEGER:
        raise ExpressionError(f"{value} does not fit an integer")
    return whole


def long_value(value: Any) -> Long:
    whole = integer(value)
    if whole not in LONG:
        raise ExpressionError(f"{value} does not fit a long")
    return Long(whole)


def double_value(value: Any) -> float:
    try:
        return float(number(value))
    except OverflowError:
        raise ExpressionError(f"{text(value)[:40]} does not fit a double") from None


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


NUMBER: dict[str, Method] = {
    "shortValue": Method(lambda n: Short(int_value(n))),
    "floatValue": Method(double_value),
    "equals": Method(lambda n, other: is_number(other) and n == other, (as_is,)),
    "compareTo": Method(_java_sign, (number,)),
    "abs": Method(lambda n: coerce.negate(n) if n < 0 else n),
    "negate": Method(coerce.negate),
    "add": Method(coerce.add, (number,)),
    "subtract": Method(coerce.subtract, (number,)),
    "multiply": Method(coerce.multiply, (number,)),
    "divide": Method(coerce.divide, (number,)),
    "remainder": Method(coerce.modulo, (number,)),
}

BOOLEAN: dict[str, Method] = {
    "equals": Method(lambda b, other: isinstance(other, bool) and b == other, (as_is,)),
    "compareTo": Method(_java_sign, (boolean,)),
}

# Dates ---------------------------------------------------------------------------------------------------------------


def _aware(value: date) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime(value.year, value.month, value.day, tzinfo=UTC)


def _date(value: Any) -> date:
    if not isinstance(value, date):
        raise ExpressionError(f"Cannot coerce {type(value).__name__} to a date")
    return value


def _millis(value: date) -> Long:
    return Long((_aware(value) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1))


def _local(value: date) -> datetime:
    return _aware(value).replace(tzinfo=None)


def _part(name: str) -> Method:
    return Method(lambda value: getattr(value, name, 0))


def _plus(unit: str, factor: int) -> Method:
    def plus(value: Any, count: int) -> Any:
        if abs(count) > 10**10:
            raise ExpressionError("the date is outside the years 1 to 9999")
        exact = value if isinstance(value, datetime) or unit != "seconds" else _local(value)
        return shift(exact, months=factor * count if unit == "months" else 0, days=factor * count if unit == "days" else 0,
                     seconds=factor * count if unit == "seconds" else 0)  # fmt: skip

    return Method(plus, (integer,))


_UNITS = {"Years": ("months", 12), "Months": ("months", 1), "Weeks": ("days", 7), "Days": ("days", 1), "Hours": ("seconds", 3600),
          "Minutes": ("seconds", 60), "Seconds": ("seconds", 1)}  # fmt: skip

DATE: dict[str, Method] = {
    "getTime": Method(_millis),
    "toEpochMilli": Method(_millis),
    "getEpochSecond": Method(lambda d: Long(_millis(d) // 1000)),
    "toInstant": Method(lambda d: Instant.fromisoformat(_aware(d).isoformat())),
    "toLocalDate": Method(lambda d: date(d.year, d.month, d.day)),
    "toLocalDateTime": Method(_local),
    "before": Method(lambda d, other: _aware(d) < _aware(other), (_date,)),
    "isBefore": Method(lambda d, other: _aware(d) < _aware(other), (_date,)),
    "after": Method(lambda d, other: _aware(d) > _aware(other), (_date,)),
    "isAfter": Method(lambda d, other: _aware(d) > _aware(other), (_date,)),
    "isEqual": Method(lambda d, other: _aware(d) == _aware(other), (_date,)),
    "equals": Method(lambda d, other: isinstance(other, date) and _aware(d) == _aware(other), (as_is,)),
    "compareTo": Method(lambda d, other: _java_sign(_aware(d), _aware(other)), (_date,)),
    "getYear": _part("year"),
    "getMonthValue": _part("month"),
    "getDayOfMonth": _part("day"),
    "getHour": _part("hour"),
    "getMinute": _part("minute"),
    "getSecond": _part("second"),
    "getDayOfWeek": Method(lambda d: ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")[d.weekday()]),
    **{f"plus{name}": _plus(unit, factor) for name, (unit, factor) in _UNITS.items()},
    **{f"minus{name}": _plus(unit, -factor) for name, (unit, factor) in _UNITS.items()},
}
