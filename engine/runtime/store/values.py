"""A variable's value as columns and back: each type in the column that it is searched by, large ones beside the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from engine.conf import settings as conf
from engine.errors import HandlerError
from engine.expressions.values import BigInteger, Instant, Long, Short, from_json, to_json, type_of
from engine.models.fields import uuid7

COLUMNS = ("text", "number", "time", "json", "blob")
LARGEST = 10**300
EMPTY: Mapping[str, Any] = dict.fromkeys(COLUMNS)


def _number(value: Any) -> dict[str, Any]:
    """The text is exact, the number is what queries compare; it is missing where a double cannot hold it."""
    return {"number": float(value) if abs(value) < LARGEST else None, "text": str(value)}


def _json(value: Any) -> dict[str, Any]:
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise HandlerError(f"a value of type {type(value).__name__} cannot be stored as JSON: {error}") from None
    return {"json": value, "size": len(text)}


def _text(value: Any) -> dict[str, Any]:
    return {"text": str(value)}


def _moment(value: datetime) -> dict[str, Any]:
    plain = datetime.combine(value.date(), value.timetz())  # no database knows our `Instant`
    return {"time": plain, "text": value.isoformat()}


_WRITE: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "null": lambda v: {},
    "string": _text,
    "boolean": lambda v: {"text": "true" if v else "false", "number": float(v)},
    **dict.fromkeys(("integer", "short", "long", "double", "bigDecimal", "bigInteger"), _number),
    **dict.fromkeys(("date", "instant"), _moment),
    "localDate": lambda v: {"text": v.isoformat(), "time": datetime(v.year, v.month, v.day, tzinfo=UTC)},
    "localDateTime": lambda v: {"text": v.isoformat(), "time": v.replace(tzinfo=UTC)},
    "uuid": _text,
    "json": _json,
    "binary": lambda v: {"bytes": bytes(v)},
}

_READ: Mapping[str, Callable[[dict[str, Any]], Any]] = {
    "null": lambda c: None,
    "string": lambda c: c["text"],
    "boolean": lambda c: c["text"] == "true",
    "integer": lambda c: int(c["text"]),
    "short": lambda c: Short(c["text"]),
    "long": lambda c: Long(c["text"]),
    "bigInteger": lambda c: BigInteger(c["text"]),
    "double": lambda c: float(c["text"]),
    "bigDecimal": lambda c: Decimal(c["text"]),
    "date": lambda c: datetime.fromisoformat(c["text"]),
    "instant": lambda c: Instant.fromisoformat(c["text"]),
    "localDate": lambda c: date.fromisoformat(c["text"]),
    "localDateTime": lambda c: datetime.fromisoformat(c["text"]),
    "uuid": lambda c: UUID(c["text"]),
    "json": lambda c: c["json"],
}


def columns_of(value: Any) -> tuple[dict[str, Any], bytes | None]:
    """The columns `type`, `text`, `number`, `time`, `json`, `blob` of a value, and the bytes of its blob row; raises HandlerError."""
    kind = type_of(value)
    if kind not in _WRITE:
        raise HandlerError(f"a value of type {type(value).__name__} cannot be a variable")
    made = _WRITE[kind](value)
    size, content = made.pop("size", 0), made.pop("bytes", None)
    if size > conf.LARGE_VARIABLE:
        content, made = json.dumps(value).encode(), {}
    elif len(made.get("text") or "") > conf.LARGE_VARIABLE:
        content = made.pop("text").encode()
    return {**EMPTY, **made, "type": kind, "blob": uuid7() if content is not None else None}, content


def value_of(kind: str, columns: dict[str, Any], content: bytes | None) -> Any:
    """The value that columns (and its blob's bytes) stand for."""
    if content is None:
        return _READ[kind](columns)
    if kind == "binary":
        return bytes(content)
    text = bytes(content).decode()
    return json.loads(text) if kind == "json" else _READ[kind]({**columns, "text": text})


# -- values in a job's data -----------------------------------------------------------------------------------------------
def encoded(values: Mapping[str, Any]) -> list[list[Any]]:
    """Variables as JSON that keeps their types."""
    return [[name, type_of(value), to_json(value)] for name, value in values.items()]


def decoded(rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """The other way."""
    limits = {"depth": conf.MAX_JSON_DEPTH, "size": conf.MAX_VARIABLE_SIZE}
    return {name: from_json(value, None if kind == "null" else kind, name=name, **limits) for name, kind, value in rows}
