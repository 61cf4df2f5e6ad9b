"""What expressions, scripts and handlers see from a token: its variables outward, `execution`, `task`, and who acts.

Reading goes through the scopes from the token outwards; writing where the variable lives, else into the process
(Flowable's setVariable). Every change is told to the variable listeners.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.bpmn.graph import Parameter
from engine.errors import BadInput, ExpressionError, HandlerError
from engine.expressions import coerce
from engine.expressions.values import checked
from engine.interpreter.journal import Lookup, Rename
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


class Execution:
    """The token as `execution`: only the names listed may be used in an expression (those of Flowable's DelegateExecution)."""

    expression_names = frozenset(
        """id processInstanceId rootProcessInstanceId processDefinitionId parentId superExecutionId tenantId processInstanceBusinessKey
        businessKey currentActivityId currentActivityName eventName variables variablesLocal variableNames parent
        getId getProcessInstanceId getRootProcessInstanceId getProcessDefinitionId getParentId getTenantId getProcessInstanceBusinessKey
        getCurrentActivityId getEventName getVariable getVariableLocal getVariables getVariablesLocal getVariableNames hasVariable
        hasVariableLocal setVariable setVariableLocal setVariables setVariablesLocal removeVariable removeVariableLocal
        getTransientVariable setTransientVariable setTransientVariableLocal removeTransientVariable getParent
        setProcessInstanceName setName""".split()
    )

    def __init__(self, run: Run, token: Token, event: str | None = None) -> None:
        self._run, self._token, self.eventName = run, token, event

    def __getattr__(self, name: str) -> Any:
        """`getX()` is the property `x`, as of any Java bean."""
        if name.startswith("get") and name in self.expression_names:
            value = getattr(self, name[3].lower() + name[4:])
            return lambda: value
        raise AttributeError(name)

    @property
    def id(self) -> str:
        facts = self._run.state.facts
        return facts.id if self._token.number == ROOT else f"{facts.id}.{self._token.number}"

    @property
    def processInstanceId(self) -> str:
        return self._run.state.facts.id

    @property
    def rootProcessInstanceId(self) -> str:
        return self._run.state.facts.root or self._run.state.facts.id

    @property
    def processDefinitionId(self) -> str:
        return self._run.state.facts.definition

    @property
    def tenantId(self) -> str:
        return self._run.state.facts.tenant

    @property
    def businessKey(self) -> str | None:
        return self._run.state.facts.business_key

    processInstanceBusinessKey = businessKey

    @property
    def superExecutionId(self) -> str | None:
        facts = self._run.state.facts
        return f"{facts.parent}.{facts.parent_token}" if facts.parent else None

    @property
    def currentActivityId(self) -> str | None:
        return self._token.node

    @property
    def currentActivityName(self) -> str | None:
        return self._run.node(self._token).name if self._token.node else None

    @property
    def parent(self) -> Execution | None:
        above = self._token.parent
        return None if above is None else Execution(self._run, self._run.state.tokens[above])

    @property
    def parentId(self) -> str | None:
        above = self.parent
        return above.id if above else None

    @property
    def variables(self) -> dict[str, Any]:
        return visible(self._run, self._token)

    @property
    def variableNames(self) -> list[str]:
        return list(self.variables)

    @property
    def variablesLocal(self) -> dict[str, Any]:
        return dict(self._run.state.variables.get(self._token.number, {}))

    def getVariable(self, name: str) -> Any:
        return self.variables.get(name)

    def getVariableLocal(self, name: str) -> Any:
        return self.variablesLocal.get(name)

    getTransientVariable = getVariable

    def hasVariable(self, name: str) -> bool:
        return name in self.variables

    def hasVariableLocal(self, name: str) -> bool:
        return name in self.variablesLocal

    def setVariable(self, name: str, value: Any) -> None:
        set_variable(self._run, self._token, name, value)

    def setVariableLocal(self, name: str, value: Any) -> None:
        set_local(self._run, self._token.number, name, value)

    def setVariables(self, values: Mapping[str, Any]) -> None:
        set_variables(self._run, self._token, values)

    def setVariablesLocal(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            self.setVariableLocal(name, value)

    def setTransientVariable(self, name: str, value: Any) -> None:
        self._run.transient.setdefault(ROOT, {})[name] = value

    def setTransientVariableLocal(self, name: str, value: Any) -> None:
        self._run.transient.setdefault(self._token.number, {})[name] = value

    def removeTransientVariable(self, name: str) -> None:
        for values in self._run.transient.values():
            values.pop(name, None)

    def removeVariable(self, name: str) -> None:
        remove_variable(self._run, self._token, name)

    def removeVariableLocal(self, name: str) -> None:
        if self.hasVariableLocal(name):
            remove_variable(self._run, self._token, name)

    def setProcessInstanceName(self, name: str) -> None:
        self._run.effect(Rename("name", name))

    setName = setProcessInstanceName


# -- reading
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
        return value(run, token, name)

    return find


def value(run: Run, token: Token, name: str) -> Any:
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


# -- writing
def usable(name: str, value: Any) -> Any:
    """A value made inside the process, if a variable can hold it; raises HandlerError."""
    try:
        return checked(value, name=name)
    except BadInput as error:
        raise HandlerError(f"variable {name!r}: {error}") from error


def set_variable(run: Run, token: Token, name: str, value: Any) -> None:
    """Write a variable where it lives as seen from the token, else in the process."""
    for scope in run.state.chain(token):
        if name in run.transient.get(scope.number, {}):
            run.transient[scope.number][name] = value
            return
        if name in run.state.variables.get(scope.number, {}):
            return set_local(run, scope.number, name, value)
    set_local(run, ROOT, name, value)


def set_local(run: Run, number: int, name: str, value: Any) -> None:
    """Write a variable of one token or scope."""
    change = "update" if name in run.state.variables.get(number, {}) else "create"
    run.state.set_local(number, name, usable(name, value))
    altered(run, number, name, change)


def set_variables(run: Run, token: Token, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        set_variable(run, token, name, value)


def remove_variable(run: Run, token: Token, name: str) -> None:
    """Remove a variable from the nearest scope that has it."""
    owner = run.state.owner(token, name)
    if owner is not None:
        run.state.drop(owner, name)
        altered(run, owner, name, "delete")


def altered(run: Run, number: int, name: str, change: str) -> None:
    """Remember a change for the variable listeners, if the process has one that waits."""
    if run.state.tokens[ROOT].counters.get("listening"):
        run.altered.append((number, name, change))


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


def parameter(run: Run, token: Token, mapping: Parameter, find: Lookup) -> Any:
    """The value a mapping carries: a missing `source` is null, a missing variable in an expression fails."""
    if mapping.expression is not None:
        return evaluate(run, token, mapping.expression, find)
    try:
        return find(mapping.source or "")
    except KeyError:
        return None
