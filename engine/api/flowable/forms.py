"""`form/form-data`: the fields of start and task forms, and their submission."""

from __future__ import annotations

from typing import Any

from engine.api.body import Json, Members
from engine.api.flowable import definitions as definition_views
from engine.api.flowable import instances as instance_views
from engine.api.flowable import tasks as task_views
from engine.api.flowable.table import routes
from engine.api.router import Answer, Call
from engine.bpmn.forms import FormField, FormSpec
from engine.errors import BadInput
from engine.models import UserTask
from engine.runtime import definitions, instances, queries, tasks

PATH = "form/form-data"
DATES = "dd/MM/yyyy"  # how a date is written where its field says nothing


def field_shaped(field: FormField, value: Any) -> dict[str, Json]:
    return {
        "id": field.id,
        "name": field.name if field.name != field.id else None,  # what has no name of its own is called by its id
        "type": field.type,
        "value": field.shown(value),
        "readable": field.readable,
        "writable": field.writable,
        "required": field.required,
        "datePattern": field.pattern or (DATES if field.type == "date" else None),
        "enumValues": [{"id": option.id, "name": option.name} for option in field.options],
    }


def shaped(spec: FormSpec | None, found: dict[str, Any], **about: Json) -> dict[str, Json]:
    fields = [field_shaped(f, found.get(f.id)) for f in spec.fields if f.readable] if spec else []
    return {"formProperties": fields, **about}


@routes.get(PATH)
def form(call: Call) -> Json:
    """The form of an open task (`taskId`) or of a process's start (`processDefinitionId`)."""
    match call.params.get("taskId"), call.params.get("processDefinitionId"):
        case str(task), None:
            return _task_form(call, _of_process(queries.tasks.one(call.user, task)))
        case None, str(definition):
            return _start_form(call, definition)
    raise BadInput("exactly one of taskId and processDefinitionId must be given", "taskId")


def _of_process(task: UserTask) -> UserTask:
    """The task, if a process says which form it has; raises BadInput."""
    if task.definition_id is None:
        raise BadInput(f"task {task.pk} belongs to no process, which would say what form it has", "taskId")
    return task


def _task_form(call: Call, task: UserTask) -> Json:
    return shaped(
        tasks.form(task),
        tasks.form_values(task, call.user),
        formKey=task.form_key,
        deploymentId=str(task.definition.deployment_id) if task.definition else None,
        processDefinitionId=None,
        processDefinitionUrl=None,
        taskId=str(task.pk),
        taskUrl=call.url(task_views.PATH, task.pk),
    )


def _start_form(call: Call, key: str) -> Json:
    definition = queries.definitions.one(call.user, key)
    spec = definitions.start_form(definition)
    return shaped(
        spec,
        {f.id: f.value for f in spec.fields} if spec else {},
        formKey=definition.start_form_key or None,
        deploymentId=str(definition.deployment_id),
        processDefinitionId=definition.pk,
        processDefinitionUrl=call.url(definition_views.PATH, definition.pk),
        taskId=None,
        taskUrl=None,
    )


@routes.post(PATH)
def submit(call: Call) -> Json:
    """Complete a task by its form (204), or start a process by its start form; wrong fields are refused all at once."""
    sent = call.sent
    given = _values(sent.items("properties"))
    match sent.text("taskId"), sent.text("processDefinitionId", longest=300):
        case str(task), _:
            tasks.submit(_of_process(task_views.open_task(task)), given, user=call.user, outcome=sent.text("outcome"))
            return Answer(204)
        case None, str(definition):
            found = queries.definitions.one(call.user, definition)
            made = instances.start_by_form(found, given, user=call.user, business_key=sent.text("businessKey"))
            return instance_views.shaped(call, made, instances.variables(made.pk), named=False)
    raise BadInput("exactly one of taskId and processDefinitionId must be given", "taskId")


def _values(sent: list[Json]) -> dict[str, Any]:
    members = [Members(one, "each of properties", "properties") for one in sent]
    return {one.required("id"): _as_text(one) for one in members}


def _as_text(sent: Members) -> str | None:
    """What was entered; a number or a truth value as its text."""
    value = sent.all.get("value")
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else sent.text("value", longest=2**31)
