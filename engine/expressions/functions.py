"""The functions an expression may call: `variables:` (also `vars:`, `var:`) on a variable that may be missing, and `date:`.

A missing variable counts as null, and null equals only null; so `notEquals(missing, 1)` is true, unlike at Flowable (observed).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from engine.errors import BadInput, ExpressionError
from engine.expressions import coerce, values
from engine.expressions.coerce import integer, text
from engine.expressions.durations import shift
from engine.expressions.members import same

# With these prefixes the *name* of a variable comes first: quoted, or bare as in `variables:get(amount)`.
VARIABLE_PREFIXES = frozenset({"variables", "vars", "var"})


@dataclass(frozen=True, slots=True)
class Known:
    """A function and how many arguments it takes, the variable's name not counted."""

    call: Callable[..., Any]
    least: int = 0
    most: int = 0


def _contains(value: Any, wanted: tuple[Any, ...], enough: Callable[[Any], bool]) -> bool:
    match value:
        case str():
            return enough(text(one) in value for one in wanted)
        case list() | tuple():
            return enough(any(same(item, one) for item in value) for one in wanted)
    return False


def _ordered(compare: Callable[[Any, Any], bool]) -> Known:
    return Known(lambda value, other: value is not None and other is not None and compare(value, other), 1, 1)


def _base64(value: Any) -> str | None:
    if value is None:
        return None
    raw = value if isinstance(value, bytes) else text(value).encode()
    return base64.b64encode(raw).decode("ascii")


_EMPTY, _NOT_EMPTY = Known(coerce.empty), Known(lambda value: not coerce.empty(value))
_EQUAL, _UNEQUAL = Known(coerce.equals, 1, 1), Known(coerce.unequal, 1, 1)
_LESS, _LESS_OR_EQUAL = _ordered(coerce.less), _ordered(coerce.less_or_equal)
_GREATER, _GREATER_OR_EQUAL = _ordered(coerce.greater), _ordered(coerce.greater_or_equal)
_EXISTS = Known(lambda value: value is not None)

_VARIABLE: dict[str, Known] = {
    "get": Known(lambda value: value),
    "getOrDefault": Known(lambda value, default: default if value is None else value, 1, 1),
    "exists": _EXISTS, "exist": _EXISTS,
    "isEmpty": _EMPTY, "empty": _EMPTY, "isNotEmpty": _NOT_EMPTY, "notEmpty": _NOT_EMPTY,
    "equals": _EQUAL, "eq": _EQUAL, "notEquals": _UNEQUAL, "ne": _UNEQUAL,
    "contains": Known(lambda value, *wanted: _contains(value, wanted, all), 1, 99),
    "containsAny": Known(lambda value, *wanted: _contains(value, wanted, any), 1, 99),
    "lowerThan": _LESS, "lessThan": _LESS, "lt": _LESS,
    "lowerThanOrEquals": _LESS_OR_EQUAL, "lessThanOrEquals": _LESS_OR_EQUAL, "lte": _LESS_OR_EQUAL,
    "greaterThan": _GREATER, "gt": _GREATER, "greaterThanOrEquals": _GREATER_OR_EQUAL, "gte": _GREATER_OR_EQUAL,
    "base64": Known(_base64),
}  # fmt: skip

# Dates ---------------------------------------------------------------------------------------------------------------


def to_date(value: Any) -> date | None:
    """A date in any of its forms, read from ISO 8601 if it is a text; null stays null. ExpressionError for all else."""
    if value is None or isinstance(value, date):
        return value
    try:
        moment: datetime = values.from_json(value if isinstance(value, str) else None, "date")
    except BadInput:
        raise ExpressionError(f"'{value[:60]}' is not a date") from None
    if moment is None:
        raise ExpressionError(f"a {type(value).__name__} is not a date")
    return moment


_PATTERN = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "dd": "%d", "HH": "%H", "hh": "%I", "mm": "%M", "ss": "%S",
    "a": "%p", "EEEE": "%A", "EEE": "%a", "Z": "%z",
}  # fmt: skip


def _format(value: Any, pattern: Any = None) -> str | None:
    """The date as ISO 8601 in UTC, or by a pattern of Java's letters (yyyy MM dd HH mm ss SSS, 'quoted text')."""
    moment = to_date(value)
    if moment is None:
        return None
    if pattern is None:
        return str(values.to_json(moment))
    return "".join(_format_part(moment, part) for part in _runs(text(pattern)[:200]))


def _runs(pattern: str) -> list[str]:
    """The pattern cut into runs of one letter, quoted texts and single other characters."""
    runs: list[str] = []
    for index, piece in enumerate(pattern.split("'")):
        if index % 2:
            runs.append("'" + piece if piece else "''")
            continue
        for character in piece:
            same_run = runs and character.isalpha() and runs[-1][0] == character
            runs[-1:] = [runs[-1] + character] if same_run else [*runs[-1:], character]
    return runs


def _format_part(moment: date, part: str) -> str:
    if part.startswith("'"):
        return part[1:]
    if part in _PATTERN:
        return moment.strftime(_PATTERN[part])
    if part == "SSS":
        return f"{getattr(moment, 'microsecond', 0) // 1000:03}"
    if part.isalpha():
        raise ExpressionError(f"the date pattern '{part[:20]}' is not supported")
    return part


def _moved(value: Any, years: Any, months: Any, days: Any, sign: int) -> date | None:
    moment = to_date(value)
    if moment is None:
        return None
    counts = [integer(count) * sign for count in (years, months, days)]
    if any(abs(count) > 10**7 for count in counts):
        raise ExpressionError("the date is outside the years 1 to 9999")
    try:
        return shift(moment, months=counts[0] * 12 + counts[1], days=counts[2])
    except BadInput as error:
        raise ExpressionError(str(error)) from None


_DATE: dict[str, Known] = {
    "format": Known(_format, 1, 2),
    "toDate": Known(to_date, 1, 1),
    "addDate": Known(lambda value, years, months, days: _moved(value, years, months, days, 1), 4, 4),
    "subtractDate": Known(lambda value, years, months, days: _moved(value, years, months, days, -1), 4, 4),
    "now": Known(lambda: datetime.now(UTC)),
}

FUNCTIONS: dict[str, dict[str, Known]] = {"date": _DATE, **dict.fromkeys(VARIABLE_PREFIXES, _VARIABLE)}


def check_call(prefix: str, name: str, count: int) -> None:
    """ExpressionError unless `prefix:name` exists and takes `count` arguments; asked when an expression is parsed."""
    known = FUNCTIONS.get(prefix, {}).get(name)
    if known is None:
        raise ExpressionError(f"Could not resolve function '{prefix}:{name}'")
    named = prefix in VARIABLE_PREFIXES
    if not known.least + named <= count <= known.most + named:
        raise ExpressionError(f"function '{prefix}:{name}' does not take {count} arguments")
