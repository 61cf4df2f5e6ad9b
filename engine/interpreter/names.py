"""What the texts of a model mean at a token: expressions and conditions, and the names they find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.bpmn.graph import Parameter
from engine.errors import ExpressionError
from engine.expressions import coerce
from engine.interpreter import variables
from engine.interpreter.journal import Lookup
from engine.interpreter.run import Run
from engine.interpreter.state import Token
from engine.interpreter.views import Execution


def lookup(run: Run, token: Token, *, event: str | None = None, task: Any = None, extra: Mapping[str, Any] | None = None) -> Lookup:
    """How a name is found from a token; raises KeyError. `extra` are values that only this place offers."""
    given: dict[str, Callable[[], Any]] = {
        "execution": lambda: Execution(run, token, event),
        "variableContainer": lambda: Execution(run, token, event),
        "authenticatedUserId": lambda: run.user,
    }
    if task is not None:
        given["task"] = lambda: task

    def find(name: str) -> Any:
        if extra and name in extra:
            return extra[name]
        if name in given:
            return given[name]()
        return variables.read(run, token, name)

    return find


def evaluate(run: Run, token: Token, text: str, find: Lookup | None = None) -> Any:
    """The value of a text with expressions, seen from a token; raises ExpressionError."""
    return run.env.evaluate(text, find or lookup(run, token))


def holds(run: Run, token: Token, text: str, what: str) -> bool:
    """Whether a condition holds; raises ExpressionError if it is neither true nor false (as Flowable's UelExpressionCondition)."""
    result = evaluate(run, token, text)
    if isinstance(result, str) and result.strip().lower() in ("true", "false"):
        return result.strip().lower() == "true"
    if not isinstance(result, bool):
        raise ExpressionError(f"{what}: the condition {text!r} gives {result!r}, which is neither true nor false")
    return result


# -- what models say by expressions
def text(run: Run, token: Token, written: str, find: Lookup | None = None) -> str:
    """A text of the model with its expressions resolved."""
    found = evaluate(run, token, written, find)
    return found if isinstance(found, str) else "" if found is None else coerce.text(found)


def maybe(run: Run, token: Token, written: str | None, find: Lookup | None = None) -> str | None:
    """An optional text of the model with its expressions resolved; None where it is missing or gives null."""
    if written is None:
        return None
    found = evaluate(run, token, written, find)
    return None if found is None else found if isinstance(found, str) else coerce.text(found)


def known(name: str, find: Lookup) -> bool:
    """Whether there is a variable of this name."""
    try:
        find(name)
    except KeyError:
        return False
    return True


def parameter(run: Run, token: Token, mapping: Parameter, find: Lookup) -> Any:
    """The value a mapping carries: a missing `source` is null, a missing variable in an expression fails."""
    if mapping.expression is not None:
        return evaluate(run, token, mapping.expression, find)
    try:
        return find(mapping.source or "")
    except KeyError:
        return None
