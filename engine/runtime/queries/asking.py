"""What is asked of a list, taken apart: its shape, for which SQL is written once, and its values, which travel with each call."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, NamedTuple

from django.db.models import Q

from engine.models.compiled import Value, is_value


class Asked(NamedTuple):
    """A condition: `made` makes it of values; without a shape it is good for this call alone."""

    shape: Hashable | None
    values: Sequence[Value]
    made: Callable[[Sequence[Value]], Q]


@dataclass(frozen=True, slots=True)
class ByShape:
    """A filter whose condition holds more than columns and values: `read` tells its shape and values, `make` makes it of them.

    What is made must hold each value as it is, and what else it holds must follow from the shape.
    """

    read: Callable[[str, object], tuple[Hashable, Sequence[Any]]]
    make: Callable[[Any, Sequence[Any]], Q]

    def __call__(self, name: str, value: object) -> Q:
        return self.make(*self.read(name, value))

    def asked(self, name: str, value: object) -> Asked:
        shape, values = self.read(name, value)
        return Asked(shape if all(map(is_value, values)) else None, values, lambda given: self.make(shape, given))


def asked(condition: Q) -> Asked:
    """A condition of columns and values taken apart; one that holds anything else has no shape."""
    values: list[Value] = []
    shape = _shape(condition, values)
    if shape is None:
        return Asked(None, (), lambda given: condition)
    return Asked(shape, values, lambda given: _together(shape, iter(given)))


def _shape(condition: Q, values: list[Value]) -> tuple[Any, ...] | None:
    parts: list[Any] = []
    for child in condition.children:
        part = _shape(child, values) if isinstance(child, Q) else _compared(child, values) if isinstance(child, tuple) else None
        if part is None:
            return None
        parts.append(part)
    return (condition.connector, condition.negated, *parts)


def _compared(child: tuple[str, Any], values: list[Value]) -> tuple[Any, ...] | None:
    """A path and what it is compared with, as (path, how, what): values leave, and only their types and number stay."""
    path, value = child
    if is_value(value):
        values.append(value)
        return path, "value", type(value)
    if isinstance(value, list | tuple) and all(is_value(one) for one in value):
        values.extend(value)
        return path, "values", tuple(map(type, value))
    return (path, "is", value) if value is None or isinstance(value, bool | Enum) else None


def _together(shape: tuple[Any, ...], values: Iterator[Value]) -> Q:
    connector, negated, *parts = shape
    return Q(*(_child(part, values) for part in parts), _connector=connector, _negated=negated)


def _child(part: tuple[Any, ...], values: Iterator[Value]) -> Any:
    match part:
        case (str(path), "value", _):
            return path, next(values)
        case (str(path), "values", kinds):
            return path, list(islice(values, len(kinds)))
        case (str(path), "is", value):
            return path, value
    return _together(part, values)
