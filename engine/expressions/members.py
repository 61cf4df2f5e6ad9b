"""The only methods and properties that expressions reach on values; whatever is not in these tables does not exist for them.

JSON answers Jackson's names, everything else the names of `methods.py`. Any other object offers what its class declares.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.errors import BadInput, EngineError, ExpressionError
from engine.expressions.coerce import boolean, integer, number, text
from engine.expressions.methods import BOOLEAN, DATE, NUMBER, TEXT, Method, as_is, double_value, int_value, is_number, long_value
from engine.expressions.values import INTEGER, LONG

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
    if is_number(one) and is_number(other):
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
    "isNumber": Method(is_number),
    "isInt": Method(lambda v: isinstance(v, int) and not isinstance(v, bool) and v in INTEGER),
    "isLong": Method(lambda v: isinstance(v, int) and not isinstance(v, bool) and v not in INTEGER and v in LONG),
    "isDouble": Method(lambda v: isinstance(v, float)),
    "isArray": Method(lambda v: isinstance(v, list | tuple)),
    "isObject": Method(lambda v: isinstance(v, dict)),
    "isContainerNode": Method(lambda v: isinstance(v, list | tuple | dict)),
    "isValueNode": Method(lambda v: not isinstance(v, list | tuple | dict)),
    "asText": Method(lambda v: "" if isinstance(v, list | tuple | dict) else text(v)),
    "textValue": Method(lambda v: v if isinstance(v, str) else None),
    "asInt": Method(int_value),
    "intValue": Method(int_value),
    "asLong": Method(long_value),
    "longValue": Method(long_value),
    "asDouble": Method(double_value),
    "doubleValue": Method(double_value),
    "decimalValue": Method(lambda v: Decimal(text(number(v)))),
    "asBoolean": Method(boolean),
    "booleanValue": Method(boolean),
}

_TABLES: dict[type, dict[str, Method]] = {
    kind: {**_ANY, **table}
    for kind, table in {
        str: TEXT, int: NUMBER, float: NUMBER, Decimal: NUMBER, bool: BOOLEAN, date: DATE, list: _LIST, tuple: _LIST, dict: _DICT,
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
