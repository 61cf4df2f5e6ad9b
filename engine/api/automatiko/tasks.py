"""The user tasks of an instance: list, read, complete, claim, release, skip, save and abort; a stranger finds none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.workflows import do, echo
from engine.api.body import Json
from engine.api.router import Answer
from engine.errors import NotFound
from engine.expressions.values import to_json
from engine.models import Instance, UserTask
from engine.runtime import access, definitions, operations, shapes, tasks
from engine.runtime.operations import Wanted

UNKNOWN = "there is no such task, or it is not yours"


def listing(call: Call, row: Instance) -> Answer:
    """The open tasks of the instance, and of those it called, that the caller may work on."""
    call.check_accept(JSON)
    return Answer(200, [shapes.task(row, one) for one in shapes.open_tasks(row, call.user)])


def find(row: Instance, name: str, key: str) -> UserTask:
    """The open task of this id and name; raises NotFound."""
    graph = definitions.graph(row.definition)
    try:
        found = operations.find_task(UUID(key), row.pk, row.definition)
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
    return _moved(call, row, find(row, name, key), call.param("phase") or "complete", call.values(), id_)


def abort(call: Call, row: Instance, name: str, key: str, id_: str) -> Answer:
    """Give the task up, so that its branch goes on without it; or what `phase` says, with nothing entered."""
    call.check_accept(JSON)
    return _moved(call, row, find(row, name, key), call.param("phase") or "abort", {}, id_)


def _moved(call: Call, row: Instance, task: UserTask, phase: str, sent: Mapping[str, Any], id_: str) -> Answer:
    operations.check_phase(task, phase, call.user)
    if call.asynchronous and phase == "complete":
        operations.outputs(task, sent)
    operation = "abort task" if phase == "abort" else phase
    wanted = Wanted(operation, row.definition, row.pk, sent, task=task.pk, metadata=call.metadata, loaded=_at_once(call, task))
    return do(call, wanted, echo(id_))


def _at_once(call: Call, task: UserTask) -> UserTask | None:
    """What was just looked at need not be looked at again, unless much may happen in between."""
    return None if call.asynchronous or task.suspended else task
