"""The user tasks of an instance: list, read, complete, claim, release, skip, save and abort; a stranger finds none."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.workflows import do, echo
from engine.api.body import Json
from engine.api.router import Answer
from engine.errors import BadInput, NotFound
from engine.expressions.values import to_json
from engine.models import Instance, UserTask
from engine.runtime import access, definitions, operations, shapes, tasks
from engine.runtime.operations import PHASES, Wanted

UNKNOWN = "there is no such task, or it is not yours"


def listing(call: Call, row: Instance) -> Answer:
    """The open tasks of the instance, and of those it called, that the caller may work on."""
    call.check_accept(JSON)
    return Answer(200, [shapes.task(row, one) for one in shapes.open_tasks(row, call.user)])


def find(row: Instance, name: str, key: str) -> UserTask:
    """The open task of this id and name; raises NotFound."""
    graph = definitions.graph(row.definition)
    try:
        found = operations.find_task(UUID(key), row.pk)
    except ValueError:
        found = None
    if found is None or found.state != UserTask.State.OPEN or operations.naming.of_task(graph, found.node or "") != name:
        raise NotFound(UNKNOWN)
    return found


def one(call: Call, row: Instance, name: str, key: str) -> Answer:
    """What the task shows: the values of its form's readable fields; with `schema=true` its form as JSON Schema instead."""
    call.check_accept(JSON)
    task = find(row, name, key)
    if not access.may_work_on(call.user, task):
        raise NotFound(UNKNOWN)
    if call.flag("schema"):
        return Answer(200, schema(task))
    return Answer(200, {field: to_json(value) for field, value in shown(task, call.user).items()})


def shown(task: UserTask, user: Any) -> dict[str, Any]:
    """The inputs of a task; what a user saved as a draft comes before the variables."""
    return tasks.form_values(task, user)


def schema(task: UserTask) -> Json:
    """The form of a task as JSON Schema."""
    spec = tasks.form(task)
    return operations.datamodel.schema_of_form(spec) if spec else {"type": "object", "properties": {}}


def change(call: Call, row: Instance, name: str, key: str, id_: str) -> Answer:
    """Complete the task, or what `phase` says."""
    call.check_accept(JSON)
    phase = call.param("phase") or "complete"
    sent = call.values()
    task = find(row, name, key)
    if phase not in PHASES or phase == "abort":
        raise BadInput(phase, "phase")
    operations.check_phase(task, phase, call.user)
    if call.asynchronous and phase == "complete":
        operations.outputs(task, sent)
    wanted = Wanted(phase, row.definition, row.pk, sent, task=task.pk, metadata=call.metadata, loaded=_at_once(call, task))
    return do(call, wanted, echo(id_))


def abort(call: Call, row: Instance, name: str, key: str, id_: str) -> Answer:
    """Give the task up; its branch goes on without it."""
    call.check_accept(JSON)
    task = find(row, name, key)
    if (call.param("phase") or "abort") != "abort":
        raise BadInput(call.param("phase") or "", "phase")
    operations.check_phase(task, "abort", call.user)
    wanted = Wanted("abort task", row.definition, row.pk, task=task.pk, metadata=call.metadata, loaded=_at_once(call, task))
    return do(call, wanted, echo(id_))


def _at_once(call: Call, task: UserTask) -> UserTask | None:
    """What was just looked at need not be looked at again, unless much may happen in between."""
    return None if call.asynchronous or task.suspended else task
