"""What a model may say to a token and to a user task: the objects `execution` and `task` of expressions.

Only the names listed may be used; they are those of Flowable's DelegateExecution and DelegateTask, and so not written as ours.
"""

# ruff: noqa: N802, N815 - names of the expression language

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.interpreter import variables
from engine.interpreter.journal import Rename
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token

EXECUTION = """id processInstanceId rootProcessInstanceId processDefinitionId parentId superExecutionId tenantId processInstanceBusinessKey
businessKey currentActivityId currentActivityName eventName variables variablesLocal variableNames parent getId
getProcessInstanceId getRootProcessInstanceId getProcessDefinitionId getParentId getTenantId getProcessInstanceBusinessKey
getCurrentActivityId getEventName getVariable getVariableLocal getVariables getVariablesLocal getVariableNames hasVariable
hasVariableLocal setVariable setVariableLocal setVariables setVariablesLocal removeVariable removeVariableLocal
getTransientVariable setTransientVariable setTransientVariableLocal removeTransientVariable getParent setProcessInstanceName
setName"""
READ = """id name description assignee owner priority dueDate category formKey taskDefinitionKey processInstanceId executionId eventName
processDefinitionId createTime variables getId getName getDescription getAssignee getOwner getPriority getDueDate getCategory getFormKey
getTaskDefinitionKey getProcessInstanceId getExecutionId getEventName getVariable getVariables hasVariable"""
WRITE = """setName setDescription setAssignee setOwner setPriority setDueDate setCategory setFormKey setVariable setVariables
setVariableLocal removeVariable addCandidateUser addCandidateGroup"""
FIELDS = {"dueDate": "due", "formKey": "form_key"}  # where a name of the expression language is not ours


class Execution:
    """The token as `execution`."""

    expression_names = frozenset(EXECUTION.split())

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
        return variables.visible(self._run, self._token)

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
        variables.write(self._run, self._token, name, value)

    def setVariableLocal(self, name: str, value: Any) -> None:
        variables.write_local(self._run, self._token.number, name, value)

    def setVariables(self, values: Mapping[str, Any]) -> None:
        variables.write_all(self._run, self._token, values)

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
        variables.remove(self._run, self._token, name)

    def removeVariableLocal(self, name: str) -> None:
        if self.hasVariableLocal(name):
            variables.remove(self._run, self._token, name)

    def setProcessInstanceName(self, name: str) -> None:
        self._run.effect(Rename("name", name))

    setName = setProcessInstanceName


class Task:
    """The user task as `task` in its listeners; what it is told goes into `fields`."""

    expression_names = frozenset(f"{READ} {WRITE}".split())

    def __init__(self, run: Run, token: Token, event: str, fields: dict[str, Any]) -> None:
        self._run, self._token, self.fields = run, token, fields
        self._own = {
            "eventName": event,
            "taskDefinitionKey": token.node,
            "processInstanceId": run.state.facts.id,
            "processDefinitionId": run.state.facts.definition,
            "executionId": f"{run.state.facts.id}.{token.number}",
        }

    def __getattr__(self, name: str) -> Any:
        """A field, or `getX()` and `setX(value)` of one."""
        if name not in self.expression_names:
            raise AttributeError(name)
        if name[:3] == "get":
            return lambda: getattr(self, name[3].lower() + name[4:])
        field = FIELDS.get(name, name)
        if name[:3] == "set":
            field = name[3].lower() + name[4:]
            return lambda value: self.fields.update({FIELDS.get(field, field): value})
        return self._own.get(name, self.fields.get(field))

    @property
    def variables(self) -> dict[str, Any]:
        return variables.visible(self._run, self._token)

    def getVariable(self, name: str) -> Any:
        return self.variables.get(name)

    def hasVariable(self, name: str) -> bool:
        return name in self.variables

    def setVariable(self, name: str, value: Any) -> None:
        variables.write(self._run, self._token, name, value)

    def setVariables(self, values: Mapping[str, Any]) -> None:
        variables.write_all(self._run, self._token, values)

    def setVariableLocal(self, name: str, value: Any) -> None:
        variables.write_local(self._run, self._token.number, name, value)

    def removeVariable(self, name: str) -> None:
        variables.remove(self._run, self._token, name)

    def addCandidateUser(self, user: str) -> None:
        self.fields["candidates"] = (*self.fields.get("candidates", ()), ("user", user))

    def addCandidateGroup(self, group: str) -> None:
        self.fields["candidates"] = (*self.fields.get("candidates", ()), ("group", group))
