"""Compiles a Template to closures, once, and runs them; names are looked up only when evaluation reaches them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from engine.errors import ExpressionError
from engine.expressions import members
from engine.expressions.coerce import BINARY, TEXT_LIMIT, UNARY, boolean, text
from engine.expressions.functions import FUNCTIONS, VARIABLE_PREFIXES
from engine.expressions.nodes import Call, Chain, Choice, Function, Index, Literal, Logic, Name, Node, Path, Template, Unary
from engine.expressions.values import whole


@dataclass(slots=True)
class Reach:
    """What one evaluation may ask for: a variable by its name (KeyError if unknown), and the time."""

    lookup: Callable[[str], Any]
    now: Callable[[], datetime] | None = None


Run = Callable[[Reach], Any]


def evaluate(template: Template, lookup: Callable[[str], Any], *, now: Callable[[], datetime] | None = None) -> Any:
    """The value of `template`: the raw value of a single expression, else its parts as one text (null is empty).

    `lookup(name)` gives a variable or raises KeyError; `now()` is what `date:now()` answers (default: the clock). Raises
    ExpressionError, and whatever a called object raises.
    """
    return _compiled(template)(Reach(lookup, now))


def evaluate_condition(template: Template, lookup: Callable[[str], Any], *, now: Callable[[], datetime] | None = None) -> bool:
    """Whether a condition holds; ExpressionError if it yields neither a boolean nor the text true or false (as Flowable)."""
    result = evaluate(template, lookup, now=now)
    if isinstance(result, bool):
        return result
    if isinstance(result, str) and result.strip().lower() in ("true", "false"):
        return result.strip().lower() == "true"
    shown = "null" if result is None else f"a {type(result).__name__}"
    raise ExpressionError(f"condition expression returns {shown}, not a Boolean: {template.source[:120]}")


@lru_cache(maxsize=8192)
def _compiled(template: Template) -> Run:
    if len(template.parts) == 1 and not isinstance(template.parts[0], str):
        return _located(_compile(template.parts[0]), template.source)
    runs = [_constant(part) if isinstance(part, str) else _located(_compile(part), template.source) for part in template.parts]
    return _joined(runs)


def _located(run: Run, source: str) -> Run:
    """Every failure names the expression it happened in."""

    def located(reach: Reach) -> Any:
        try:
            return run(reach)
        except ExpressionError as error:
            raise ExpressionError(f"{error} (in {source[:200]})", error.position) from error.__cause__

    return located


def _joined(runs: list[Run]) -> Run:
    def joined(reach: Reach) -> str:
        result = "".join([text(run(reach)) for run in runs])
        if len(result) > TEXT_LIMIT:
            raise ExpressionError(f"a text would become longer than {TEXT_LIMIT} characters")
        return result

    return joined


def _compile(node: Node) -> Run:
    """The closure of a node; recursion is bounded by the parser's nesting limit."""
    match node:
        case Literal(value):
            return _constant(whole(value) if isinstance(value, int) and not isinstance(value, bool) else value)
        case Name(name):
            return _variable(name)
        case Path(base, steps):
            return _path(_compile(base), [_step(step) for step in steps])
        case Function(prefix, name, arguments):
            return _function(prefix, name, arguments)
        case Unary(operators, operand):
            return _unary([UNARY[operator] for operator in reversed(operators)], _compile(operand))
        case Chain(first, rest):
            return _chain(_compile(first), [(BINARY[operator], _compile(operand)) for operator, operand in rest])
        case Logic(operator, operands):
            return _logic([_compile(operand) for operand in operands], operator == "||")
        case Choice(condition, yes, no):
            return _choice(_compile(condition), _compile(yes), _compile(no))


def _constant(value: Any) -> Run:
    return lambda reach: value


def _variable(name: str) -> Run:
    def variable(reach: Reach) -> Any:
        try:
            return reach.lookup(name)
        except KeyError:
            raise ExpressionError(f"Unknown property used in expression: {name}") from None

    return variable


def _step(step: Index | Call) -> Callable[[Any, Reach], Any]:
    match step:
        case Call(name, arguments):
            runs = [_compile(argument) for argument in arguments]
            return lambda value, reach: members.call(value, name, [run(reach) for run in runs])
        case Index(Literal(key)):
            return lambda value, reach: members.get(value, key)
        case Index(inner):
            key_of = _compile(inner)
            return lambda value, reach: members.get(value, key_of(reach))


def _path(base: Run, steps: list[Callable[[Any, Reach], Any]]) -> Run:
    def path(reach: Reach) -> Any:
        value = base(reach)
        for step in steps:
            value = step(value, reach)
        return value

    return path


def _function(prefix: str, name: str, arguments: tuple[Node, ...]) -> Run:
    known = FUNCTIONS[prefix][name]
    if prefix in VARIABLE_PREFIXES:
        first, runs = _named(arguments[0]), [_compile(argument) for argument in arguments[1:]]
        return lambda reach: known.call(first(reach), *[run(reach) for run in runs])
    if (prefix, name) == ("date", "now"):
        return lambda reach: reach.now() if reach.now else known.call()
    runs = [_compile(argument) for argument in arguments]
    return lambda reach: known.call(*[run(reach) for run in runs])


def _named(argument: Node) -> Run:
    """The variable whose name comes first in a `variables:` function, null if there is none; a bare identifier is the name itself."""
    name_of = _constant(argument.name) if isinstance(argument, Name) else _compile(argument)

    def named(reach: Reach) -> Any:
        try:
            return reach.lookup(text(name_of(reach)))
        except KeyError:
            return None

    return named


def _unary(operations: list[Callable[[Any], Any]], operand: Run) -> Run:
    def unary(reach: Reach) -> Any:
        value = operand(reach)
        for operation in operations:
            value = operation(value)
        return value

    return unary


def _chain(first: Run, rest: list[tuple[Callable[[Any, Any], Any], Run]]) -> Run:
    def chain(reach: Reach) -> Any:
        value = first(reach)
        for operation, operand in rest:
            value = operation(value, operand(reach))
        return value

    return chain


def _logic(operands: list[Run], decisive: bool) -> Run:
    def logic(reach: Reach) -> bool:
        return any(boolean(run(reach)) for run in operands) if decisive else all(boolean(run(reach)) for run in operands)

    return logic


def _choice(condition: Run, yes: Run, no: Run) -> Run:
    return lambda reach: yes(reach) if boolean(condition(reach)) else no(reach)
