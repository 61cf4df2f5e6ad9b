"""Variables as a token sees them: reading goes outwards through the scopes, writing to where a variable lives, else to the process.

(Flowable's VariableScope.) Transient variables live as long as the unit. Every change is remembered for the variable listeners.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import BadInput, HandlerError
from engine.expressions.values import checked
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def read(run: Run, token: Token, name: str) -> Any:
    """A variable as seen from a token, the nearest scope first, transient before stored; raises KeyError."""
    for scope in run.state.chain(token):
        for values in (run.transient.get(scope.number), run.state.variables.get(scope.number)):
            if values and name in values:
                return values[name]
    raise KeyError(name)


def visible(run: Run, token: Token) -> dict[str, Any]:
    """All variables seen from a token, transient ones included."""
    seen: dict[str, Any] = {}
    for scope in run.state.chain(token):
        seen = {**run.state.variables.get(scope.number, {}), **run.transient.get(scope.number, {}), **seen}
    return seen


def usable(name: str, value: Any) -> Any:
    """A value made inside the process, if a variable can hold it; raises HandlerError."""
    try:
        return checked(value, name=name)
    except BadInput as error:
        raise HandlerError(f"variable {name!r}: {error}") from error


def write(run: Run, token: Token, name: str, value: Any) -> None:
    """Write a variable where it lives as seen from the token, else in the process."""
    for scope in run.state.chain(token):
        if name in run.transient.get(scope.number, {}):
            run.transient[scope.number][name] = value
            return
        if name in run.state.variables.get(scope.number, {}):
            write_local(run, scope.number, name, value)
            return
    write_local(run, ROOT, name, value)


def write_local(run: Run, number: int, name: str, value: Any) -> None:
    """Write a variable of one token or scope."""
    change = "update" if name in run.state.variables.get(number, {}) else "create"
    run.state.set_local(number, name, usable(name, value))
    altered(run, number, name, change)


def write_all(run: Run, token: Token, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        write(run, token, name, value)


def remove(run: Run, token: Token, name: str) -> None:
    """Remove a variable from the nearest scope that has it."""
    owner = run.state.owner(token, name)
    if owner is not None:
        run.state.drop(owner, name)
        altered(run, owner, name, "delete")


def altered(run: Run, number: int, name: str, change: str) -> None:
    """Remember a change for the variable listeners, if the process has one that waits."""
    if run.state.tokens[ROOT].counters.get("listening"):
        run.altered.append((number, name, change))
