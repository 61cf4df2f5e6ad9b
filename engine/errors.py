"""Everything the engine can refuse or fail with, in one tree.

    EngineError
    ├── BadInput                 the caller sent something that cannot be (400); `field` names where
    │   ├── DeploymentError      a model is refused, with all its problems at once
    │   └── FormError            values that a form does not take, one message a field
    ├── NotFound                 no such thing (404)
    ├── Forbidden                the caller may not (403)
    ├── Conflict                 the thing is not in the state for it: done, claimed, suspended, leased (409)
    │   └── LeaseLost            somebody else runs the job by now; what this one did is rolled back and not recorded
    ├── RevisionConflict         another transaction advanced the instance first; `work` loads and advances again
    ├── NotLoaded                the interpreter needs a scope that was not loaded; `work` loads it
    ├── TechnicalError           a step failed: rolled back, tried again by the retry policy if in a job (500)
    │   ├── ExpressionError      an expression cannot be parsed or evaluated
    │   ├── ScriptError          a script failed, or is not in the supported language
    │   ├── HandlerError         a Python handler is unknown or answered something unusable
    │   └── UnrecoverableError   no further attempt helps: a dead letter at once
    └── BpmnError                a *business* error, raised by a handler, for error events of the model to catch

HTTP statuses are given in `engine/api/errors.py`, nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


class EngineError(Exception):
    """The root of the tree; its text is fit to be shown to the caller."""


class BadInput(EngineError):
    """Something sent is wrong; `field` is the name of the input at fault, if there is one."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a model: what, in which element, on which line (from 1) of which file."""

    message: str
    element: str | None = None
    line: int | None = None
    file: str | None = None

    def __str__(self) -> str:
        where = [w for w in (self.file, f"line {self.line}" if self.line else None, self.element) if w]
        return f"{', '.join(where)}: {self.message}" if where else self.message


class DeploymentError(BadInput):
    """A deployment is refused; `problems` are all that was found, and nothing was stored."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)), "file")
        self.problems = tuple(problems)


class FormError(BadInput):
    """Values a form refuses: `errors` maps a field's id to its messages."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        super().__init__("; ".join(f"{name}: {' '.join(said)}" for name, said in errors.items()), next(iter(errors), None))
        self.errors = {name: list(said) for name, said in errors.items()}


class NotFound(EngineError):
    """There is no such thing, or the caller may not know of it."""


class Forbidden(EngineError):
    """The caller may not do this."""


class Conflict(EngineError):
    """The thing is not in the state that this needs."""


class LeaseLost(Conflict):
    """A job's lease is another's by now, so what its former owner did must not be written."""


class RevisionConflict(EngineError):
    """Somebody else advanced the instance since it was loaded."""


class NotLoaded(EngineError):
    """The state was given in part, and `scope` (a token's number) with all below it is needed."""

    def __init__(self, scope: int) -> None:
        super().__init__(f"scope {scope} is not loaded")
        self.scope = scope


class TechnicalError(EngineError):
    """A step failed; its transaction is rolled back."""


class ExpressionError(TechnicalError):
    """An expression cannot be parsed or evaluated; `position` counts characters from 0."""

    def __init__(self, message: str, position: int | None = None) -> None:
        super().__init__(message)
        self.position = position


class ScriptError(TechnicalError):
    """A script failed, ran out of time or memory, or uses what is not supported; `line` counts from 1."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.line = line


class HandlerError(TechnicalError):
    """A Python handler is unknown, or what it answered cannot be stored."""


class UnrecoverableError(TechnicalError):
    """Raise it in a handler when no further attempt can help."""


class BpmnError(EngineError):
    """A business error: error events of the model with this `code` (or none) catch it."""

    def __init__(self, code: str, message: str = "", variables: Mapping[str, Any] | None = None) -> None:
        super().__init__(message or code)
        self.code = code
        self.message = message
        self.variables = dict(variables or {})
