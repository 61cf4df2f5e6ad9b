"""What a Python handler gets and what it may say back: the process as seen from its step."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from engine.expressions.values import checked
from engine.interpreter.journal import Answer, Invocation
from engine.interpreter.state import Facts


class Execution:
    """One run of a step. Variables are read as they were when the step began, and what is set is written with the step.

    `idempotency_key` is the same for every attempt of this step and differs from every other's: give it to remote systems.
    """

    expression_names = frozenset(
        [
            *("id", "processInstanceId", "processDefinitionId", "processInstanceBusinessKey", "currentActivityId", "eventName"),
            *("getVariable", "setVariable", "setVariableLocal", "hasVariable", "removeVariable"),
            *("getProcessInstanceId", "getCurrentActivityId"),
        ]
    )

    def __init__(self, call: Invocation, *, idempotency_key: str, attempt: int = 1) -> None:
        facts: Facts = call.facts
        self.instance_id = self.processInstanceId = facts.id
        self.business_key = self.processInstanceBusinessKey = facts.business_key
        self.definition_id = self.processDefinitionId = facts.definition
        self.definition_key = facts.key
        self.starter, self.user = facts.starter, facts.user
        self.activity_id = self.currentActivityId = call.node
        self.activity_name = call.node_name
        self.id = f"{facts.id}.{call.token}" if call.token else facts.id
        self.event_name = self.eventName = call.listener
        self.attempt, self.idempotency_key = attempt, idempotency_key
        self.fields: Mapping[str, Any] = MappingProxyType(dict(call.fields))
        self._variables = dict(call.variables)
        self._set: dict[str, Any] = {}
        self._local: dict[str, Any] = {}
        self._removed: set[str] = set()

    @property
    def variables(self) -> Mapping[str, Any]:
        """All that is visible from the step, with what was set."""
        return MappingProxyType(self._variables)

    def get_variable(self, name: str, default: Any = None) -> Any:
        return self._variables.get(name, default)

    def has_variable(self, name: str) -> bool:
        return name in self._variables

    def set_variable(self, name: str, value: Any) -> None:
        """Write where the variable lives, else in the instance; raises BadInput for what cannot be stored."""
        self._variables[name] = self._set[name] = checked(value, name=name)
        self._removed.discard(name)

    def set_local(self, name: str, value: Any) -> None:
        """Write at the step's own token; gone with it."""
        self._variables[name] = self._local[name] = checked(value, name=name)

    def remove_variable(self, name: str) -> None:
        self._variables.pop(name, None)
        self._set.pop(name, None)
        self._removed.add(name)

    # the names that models written for Flowable use
    getVariable, setVariable, setVariableLocal = get_variable, set_variable, set_local  # noqa: N815
    hasVariable, removeVariable = has_variable, remove_variable  # noqa: N815

    def getProcessInstanceId(self) -> str:  # noqa: N802 - Flowable's name
        return self.instance_id

    def getCurrentActivityId(self) -> str:  # noqa: N802 - Flowable's name
        return self.activity_id

    def answer(self, value: Any = None) -> Answer:
        """What the interpreter is told after the handler returned `value`."""
        return Answer(value=value, set=self._set, local=self._local, removed=frozenset(self._removed))
