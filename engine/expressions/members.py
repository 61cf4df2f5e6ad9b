"""The only methods and properties that expressions reach on values; whatever is not in these tables does not exist for them.

The names are those of the Java classes behind Flowable's variables, and Jackson's for JSON. None of them changes a value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.errors import BadInput, EngineError, ExpressionError
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


_TEXT: dict[str, Method] = {
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


def _int_value(value: Any) -> int:
    whole = integer(value)
    if whole not in INTEGER:
        raise ExpressionError(f"{value} does not fit an integer")
    return whole


def _long_value(value: Any) -> Long:
    whole = integer(value)
    if whole not in LONG:
        raise ExpressionError(f"{value} does not fit a long")
    return Long(whole)


def _double_value(value: Any) -> float:
    try:
        return float(number(value))
    except OverflowError:
        raise ExpressionError(f"{text(value)[:40]} does not fit a double") from None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


_NUMBER: dict[str, Method] = {
    "shortValue": Method(lambda n: Short(_int_value(n))),
    "floatValue": Method(_double_value),
    "equals": Method(lambda n, other: _is_number(other) and n == other, (as_is,)),
    "compareTo": Method(_java_sign, (number,)),
    "abs": Method(lambda n: coerce.negate(n) if n < 0 else n),
    "negate": Method(coerce.negate),
    "add": Method(coerce.add, (number,)),
    "subtract": Method(coerce.subtract, (number,)),
    "multiply": Method(coerce.multiply, (number,)),
    "divide": Method(coerce.divide, (number,)),
    "remainder": Method(coerce.modulo, (number,)),
}

_BOOLEAN: dict[str, Method] = {
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

_DATE: dict[str, Method] = {
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

# JSON ----------------------------------------------------------------------------------------------------------------


def step(value: Any, key: Any) -> Any:
    """`value[key]` of a list or dict as Flowable reads JSON: what is not there is null, a negative index counts from the end."""
    if isinstance(value, dict):
        return value.get(key if isinstance(key, str) else text(key))
    if isinstance(key, bool) or not isinstance(key, int | float | Decimal | str):
        return None
    if isinstance(key, str) and not key.lstrip("-").isdecimal():
        return None
    index = integer(key)
    return value[index] if -len(value) <= index < len(value) else None


def _at(value: Any, pointer: str) -> Any:
    """The node at a JSON pointer (RFC 6901), or null."""
    for part in pointer.split("/")[1:]:
        if not isinstance(value, list | dict):
            return None
        value = step(value, part.replace("~1", "/").replace("~0", "~"))
    return value


def _index_of(items: Any, wanted: Any) -> int:
    return next((at for at, item in enumerate(items) if same(item, wanted)), -1)


def same(one: Any, other: Any) -> bool:
    """Whether two items of collections are equal: numbers by value, anything else only within its own type."""
    if _is_number(one) and _is_number(other):
        return bool(one == other)
    return type(one) is type(other) and bool(one == other)


def _get(items: list[Any], index: int) -> Any:
    if not -len(items) <= index < len(items):
        raise ExpressionError(f"index {index} is outside a list of {len(items)}")
    return items[index]


def _sub_list(items: list[Any], begin: int, end: int) -> list[Any]:
    if not 0 <= begin <= end <= len(items):
        raise ExpressionError(f"subList({begin}, {end}) is outside a list of {len(items)}")
    return list(items[begin:end])


_COLLECTION: dict[str, Method] = {
    "size": Method(len),
    "isEmpty": Method(lambda c: not c),
    "path": Method(step, (as_is,)),
    "at": Method(_at, (text,)),
    "has": Method(lambda c, key: key in c if isinstance(c, dict) else isinstance(key, int) and 0 <= key < len(c), (as_is,)),
    "hasNonNull": Method(lambda c, key: step(c, key) is not None, (as_is,)),
    "equals": Method(lambda c, other: isinstance(other, type(c)) and c == other, (as_is,)),
}
_LIST: dict[str, Method] = {
    **_COLLECTION,
    "get": Method(_get, (integer,)),
    "contains": Method(lambda items, wanted: _index_of(items, wanted) >= 0, (as_is,)),
    "indexOf": Method(_index_of, (as_is,)),
    "subList": Method(_sub_list, (integer, integer)),
    "elements": Method(list),
}
_DICT: dict[str, Method] = {
    **_COLLECTION,
    "get": Method(step, (as_is,)),
    "getOrDefault": Method(lambda d, key, default: d.get(text(key), default), (as_is, as_is)),
    "containsKey": Method(lambda d, key: text(key) in d, (as_is,)),
    "containsValue": Method(lambda d, wanted: _index_of(d.values(), wanted) >= 0, (as_is,)),
    "keySet": Method(list),
    "fieldNames": Method(list),
    "values": Method(lambda d: list(d.values())),
    "elements": Method(lambda d: list(d.values())),
}

# What every JSON value answers, whatever it is; JSON's own scalars are plain values here.
_ANY: dict[str, Method] = {
    "toString": Method(text),
    "isNull": Method(lambda v: v is None),
    "isMissingNode": Method(lambda v: v is None),
    "isTextual": Method(lambda v: isinstance(v, str)),
    "isBoolean": Method(lambda v: isinstance(v, bool)),
    "isNumber": Method(_is_number),
    "isInt": Method(lambda v: isinstance(v, int) and not isinstance(v, bool) and v in INTEGER),
    "isLong": Method(lambda v: isinstance(v, int) and not isinstance(v, bool) and v not in INTEGER and v in LONG),
    "isDouble": Method(lambda v: isinstance(v, float)),
    "isArray": Method(lambda v: isinstance(v, list | tuple)),
    "isObject": Method(lambda v: isinstance(v, dict)),
    "isContainerNode": Method(lambda v: isinstance(v, list | tuple | dict)),
    "isValueNode": Method(lambda v: not isinstance(v, list | tuple | dict)),
    "asText": Method(lambda v: "" if isinstance(v, list | tuple | dict) else text(v)),
    "textValue": Method(lambda v: v if isinstance(v, str) else None),
    "asInt": Method(_int_value),
    "intValue": Method(_int_value),
    "asLong": Method(_long_value),
    "longValue": Method(_long_value),
    "asDouble": Method(_double_value),
    "doubleValue": Method(_double_value),
    "decimalValue": Method(lambda v: Decimal(text(number(v)))),
    "asBoolean": Method(boolean),
    "booleanValue": Method(boolean),
}

_TABLES: dict[type, dict[str, Method]] = {
    kind: {**_ANY, **table}
    for kind, table in {
        str: _TEXT, int: _NUMBER, float: _NUMBER, Decimal: _NUMBER, bool: _BOOLEAN, date: _DATE, list: _LIST, tuple: _LIST, dict: _DICT,
        UUID: {"equals": Method(lambda u, other: u == other, (as_is,))}, bytes: {"length": Method(len)},
    }.items()
}  # fmt: skip
# Anything of null is null, except the question whether it is.
_NULL = {name: _ANY[name] for name in ("isNull", "isMissingNode")}


def _table(value: Any) -> dict[str, Method] | None:
    return next((_TABLES[kind] for kind in type(value).__mro__ if kind in _TABLES), None)


def _declares(value: Any, name: str) -> bool:
    """Whether an object of the engine or of a host offers `name` through its class's `expression_names`."""
    return not name.startswith("_") and name in getattr(type(value), "expression_names", ())


def call(value: Any, name: str, arguments: list[Any]) -> Any:
    """`value.name(*arguments)`; null for a null value; ExpressionError for what is not in the tables or cannot be done."""
    table = _NULL if value is None else _table(value)
    if table is None:
        if _declares(value, name):
            return getattr(value, name)(*arguments)
        raise ExpressionError(f"Cannot find method {name} with {len(arguments)} parameters in {type(value).__name__}")
    method = table.get(name)
    if value is None and method is None:
        return None
    if method is None or not len(method.takes) - method.optional <= len(arguments) <= len(method.takes):
        raise ExpressionError(f"Cannot find method {name} with {len(arguments)} parameters in {type(value).__name__}")
    return _guarded(method, value, arguments)


def _guarded(method: Method, value: Any, arguments: list[Any]) -> Any:
    try:
        return method.call(value, *(take(argument) for take, argument in zip(method.takes, arguments, strict=False)))
    except BadInput as error:
        raise ExpressionError(str(error)) from None
    except EngineError:
        raise
    except (TypeError, ValueError, ArithmeticError, LookupError) as error:
        raise ExpressionError(f"the method failed: {error}") from None


def get(value: Any, key: Any) -> Any:
    """`value.key` or `value[key]`; null of null. Outside JSON a getter without parameters counts as a property, as for Java beans."""
    if value is None or key is None:
        return None
    if isinstance(value, list | tuple | dict):
        return step(value, key)
    name = text(key)
    table = _table(value)
    if table is None and _declares(value, name):
        return getattr(value, name)
    for getter in (f"get{name[:1].upper()}{name[1:]}", f"is{name[:1].upper()}{name[1:]}"):
        if table is not None and getter in table and not table[getter].takes:
            return _guarded(table[getter], value, [])
    raise ExpressionError(f"Cannot read property {name[:60]} of {type(value).__name__}")
