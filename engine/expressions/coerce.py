"""JUEL's coercions, arithmetic and comparison (JSR-245, chapter 1.7 and 1.18), over the values of `values`.

Where Java would overflow or yield Infinity in silence, a BigInteger or an ExpressionError comes instead.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal, DecimalException, localcontext
from typing import Any
from uuid import UUID

from engine.errors import ExpressionError
from engine.expressions.values import BIGGEST_BITS, LONG, BigInteger, Long, Short, to_json, whole

TEXT_LIMIT = 1_000_000
Number = int | float | Decimal


def text(value: Any) -> str:
    """`value` as a text: null is empty, doubles as Java writes them, moments as ISO 8601, JSON compact."""
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(int(value))
        case float():
            return _java_double(value)
        case list() | dict() | tuple():
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        case Decimal() | datetime() | date() | UUID() | bytes():
            return str(to_json(value))
    return str(value)


def _java_double(value: float) -> str:
    """Java's Double.toString: plain from 1e-3 up to 1e7, else with an exponent such as 1.5E10."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    digits, _, exponent = f"{Decimal(repr(value)).normalize():E}".partition("E")
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"


def boolean(value: Any) -> bool:
    """`value` as true or false: null and the empty text are false; raises ExpressionError for numbers and the like."""
    match value:
        case bool():
            return value
        case None:
            return False
        case str():
            return value.lower() == "true"
    raise ExpressionError(f"Cannot coerce {_shown(value)} to Boolean")


def number(value: Any) -> Number:
    """`value` as a number: null and the empty text are 0, texts are read; raises ExpressionError for all else."""
    match value:
        case bool():
            raise ExpressionError(f"Cannot coerce {_shown(value)} to a number")
        case int() | float() | Decimal():
            return value
        case None | "":
            return Long(0)
        case str() if len(value) <= 400 and "_" not in value:
            return _read_number(value)
    raise ExpressionError(f"Cannot coerce {_shown(value)} to a number")


def _read_number(value: str) -> Number:
    try:
        if any(c in ".eE" for c in value):
            return _finite(float(value))
        return whole(int(value))
    except ValueError:
        raise ExpressionError(f"Cannot coerce {_shown(value)} to a number") from None


def integer(value: Any) -> int:
    """`value` as a whole number, fractions cut off as in Java; raises ExpressionError for what is none."""
    return int(number(value))


def empty(value: Any) -> bool:
    """Whether `value` is null, an empty text or an empty collection (JSR-245 1.10; an empty JSON list is empty too)."""
    return value is None or (isinstance(value, str | list | tuple | dict) and len(value) == 0)


# Arithmetic ----------------------------------------------------------------------------------------------------------


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ExpressionError("the result is not a finite number")
    return value


def _in_bounds(value: int) -> int:
    if value.bit_length() > BIGGEST_BITS:
        raise ExpressionError("the result is too large a number")
    return whole(value)


def _decimal(value: Number) -> Decimal:
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(int(value)) if isinstance(value, int) else value


def _decimal_result(operation: Callable[[Any, Any], Any], left: Number, right: Number) -> Decimal:
    try:
        with localcontext(prec=100):
            result: Decimal = operation(_decimal(left), _decimal(right))
    except DecimalException as error:
        raise ExpressionError(f"the decimal arithmetic failed: {type(error).__name__}") from None
    if not result.is_finite() or abs(result.adjusted()) > 1000:
        raise ExpressionError("the result is too large a number")
    return result


def _calculate(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> Any:
    left, right = number(left), number(right)
    try:
        if isinstance(left, int) and isinstance(right, int):
            return _in_bounds(operation(int(left), int(right)))
        if isinstance(left, Decimal) or isinstance(right, Decimal):
            return _decimal_result(operation, left, right)
        return _finite(operation(float(left), float(right)))
    except OverflowError:
        raise ExpressionError("the result is too large a number") from None


def _is_big(value: Number) -> bool:
    return isinstance(value, Decimal | BigInteger) or (isinstance(value, int) and value not in LONG)


def add(left: Any, right: Any) -> Any:
    """left + right: Long, double or bigDecimal by the operands (JSR-245 1.7.1); null counts as 0."""
    return _calculate(operator.add, left, right)


def subtract(left: Any, right: Any) -> Any:
    """left - right, typed as `add`."""
    return _calculate(operator.sub, left, right)


def multiply(left: Any, right: Any) -> Any:
    """left * right, typed as `add`."""
    return _calculate(operator.mul, left, right)


def divide(left: Any, right: Any) -> Any:
    """left / right: always a double, or bigDecimal if an operand is big (JSR-245 1.7.2); division by 0 is an ExpressionError."""
    if left is None and right is None:
        return Long(0)
    left, right = number(left), number(right)
    if right == 0:
        raise ExpressionError("division by zero")
    if _is_big(left) or _is_big(right):
        with localcontext(prec=34):
            return +_decimal_result(operator.truediv, left, right)
    return _calculate(operator.truediv, float(left), float(right))


def modulo(left: Any, right: Any) -> Any:
    """The remainder, with the sign of the left operand as in Java (JSR-245 1.7.3)."""
    if left is None and right is None:
        return Long(0)
    left, right = number(left), number(right)
    if right == 0:
        raise ExpressionError("division by zero")
    if isinstance(left, int) and isinstance(right, int):
        return _in_bounds(abs(int(left)) % abs(int(right)) * (-1 if left < 0 else 1))
    return _calculate(operator.mod if isinstance(left, Decimal) or isinstance(right, Decimal) else math.fmod, left, right)


def negate(value: Any) -> Any:
    """-value; a number keeps its type (JSR-245 1.7.4)."""
    value = number(value)
    match value:
        case Long() | BigInteger():
            return whole(-value)
        case Short():
            return Short(-value)
    return -value


# Comparison ----------------------------------------------------------------------------------------------------------


def _moment(value: Any) -> datetime | None:
    """A date in any of its forms as one comparable moment (local times count as UTC); None for a text that is none."""
    match value:
        case datetime():
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case date():
            return datetime.combine(value, time(), UTC)
        case str():
            try:
                return _moment(datetime.fromisoformat(value))
            except ValueError:
                return None
    return None


def _pair(left: Any, right: Any) -> tuple[Any, Any]:
    """Both operands as the type in which JUEL compares them; raises ExpressionError if they have none in common."""
    if isinstance(left, bool) and isinstance(right, bool):
        return left, right
    if isinstance(left, int | float | Decimal) or isinstance(right, int | float | Decimal):
        one, other = number(left), number(right)
        return (_decimal(one), _decimal(other)) if isinstance(one, Decimal) or isinstance(other, Decimal) else (one, other)
    if isinstance(left, date) or isinstance(right, date):
        pair = _moment(left), _moment(right)
        if None not in pair:
            return pair
    if isinstance(left, str) or isinstance(right, str):
        return text(left), text(right)
    if type(left) is type(right) and isinstance(left, UUID | bytes):
        return left, right
    raise ExpressionError(f"Cannot compare {_shown(left)} with {_shown(right)}")


def equals(left: Any, right: Any) -> bool:
    """left == right: null equals only null; numbers, booleans and texts are coerced to each other (JSR-245 1.8.2)."""
    if left is None or right is None:
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return boolean(left) == boolean(right)
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    if isinstance(left, list | dict | tuple) and isinstance(right, list | dict | tuple):
        return left == right
    if isinstance(left, int | float | Decimal | date | str) or isinstance(right, int | float | Decimal | date | str):
        one, other = _pair(left, right)
        return bool(one == other)
    return bool(left == right)


def unequal(left: Any, right: Any) -> bool:
    """left != right."""
    return not equals(left, right)


def _compare(operation: Callable[[Any, Any], Any], left: Any, right: Any) -> bool:
    if left is None and right is None:
        return bool(operation(0, 0))
    if left is None or right is None:
        return False
    one, other = _pair(left, right)
    return bool(operation(one, other))


def less(left: Any, right: Any) -> bool:
    """left < right; false if one is null (JSR-245 1.8.1)."""
    return _compare(operator.lt, left, right)


def less_or_equal(left: Any, right: Any) -> bool:
    """left <= right; false if only one is null."""
    return _compare(operator.le, left, right)


def greater(left: Any, right: Any) -> bool:
    """left > right; false if one is null."""
    return _compare(operator.gt, left, right)


def greater_or_equal(left: Any, right: Any) -> bool:
    """left >= right; false if only one is null."""
    return _compare(operator.ge, left, right)


BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "==": equals, "!=": unequal,
    "<": less, "<=": less_or_equal, ">": greater, ">=": greater_or_equal,
}  # fmt: skip
UNARY: dict[str, Callable[[Any], Any]] = {"-": negate, "!": lambda value: not boolean(value), "empty": empty}


def _shown(value: Any) -> str:
    shown = repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
    return shown if len(shown) <= 60 else shown[:57] + "..."
