"""A process definition taken apart as JSON: its elements and flows, and the form it starts with."""

from __future__ import annotations

from typing import Any

from engine.api.body import Json
from engine.api.flowable import definitions as definition_views
from engine.api.flowable import tasks as task_views
from engine.api.flowable.table import routes
from engine.api.router import Answer, Call
from engine.bpmn.forms import FormSpec
from engine.bpmn.graph import Flow, Graph, Node
from engine.errors import BadInput
from engine.models import UserTask
from engine.runtime import definitions, queries, tasks


@routes.get(definition_views.PATH + "/{definition}/model")
def model(call: Call, definition: str) -> Json:
    """The elements of a process with their flows."""
    found = queries.definitions.one(call.user, definition)
    return model_shaped(definitions.graph(found))


def model_shaped(graph: Graph) -> dict[str, Json]:
    process = {
        "id": graph.key,
        "name": graph.name,
        "documentation": graph.documentation,
        "executable": graph.executable,
        "candidateStarterUsers": list(graph.candidate_starter_users),
        "candidateStarterGroups": list(graph.candidate_starter_groups),
        "flowElements": _elements(graph, None),
    }
    return {"targetNamespace": graph.category, "mainProcess": process, "processes": [process]}


def _elements(graph: Graph, scope: str | None) -> list[Json]:
    """The nodes of a scope in the order of the file, then the flows between them; sub-processes hold their own."""
    nodes = graph.inside(scope)
    inside = {node.id for node in nodes}
    return [_node(graph, node) for node in nodes] + [_flow(flow) for flow in graph.flows.values() if flow.source in inside]


def _node(graph: Graph, node: Node) -> dict[str, Json]:
    made: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "type": node.type,
        "documentation": node.documentation,
        "asynchronous": node.asynchronous,
        "exclusive": node.exclusive,
        "defaultFlow": node.default,
        "attachedToRefId": node.attached_to,
        "incomingFlows": list(node.incoming),
        "outgoingFlows": list(node.outgoing),
    }
    return made | ({"flowElements": _elements(graph, node.id)} if graph.children.get(node.id) else {})


def _flow(flow: Flow) -> dict[str, Json]:
    ends = {"sourceRef": flow.source, "targetRef": flow.target, "conditionExpression": flow.condition}
    return {"id": flow.id, "name": flow.name, "type": "sequenceFlow", **ends}


@routes.get(definition_views.PATH + "/{definition}/start-form")
def start_form(call: Call, definition: str) -> Json:
    """The form a process starts with; an empty answer without one."""
    spec = definitions.start_form(queries.definitions.one(call.user, definition))
    return form_shaped(spec) if spec else Answer(200)


@routes.get(task_views.PATH + "/{task}/form")
def task_form(call: Call, task: str) -> Json:
    """The form of an open task with its defaults; 400 without one (as at Flowable)."""
    return _form_of(queries.tasks.one(call.user, task))


@routes.get("history/historic-task-instances/{task}/form")
def past_task_form(call: Call, task: str) -> Json:
    """The form of a task, open or past."""
    return _form_of(queries.historic_tasks.one(call.user, task))


def _form_of(task: UserTask) -> Json:
    spec = tasks.form(task)
    if spec is None:
        raise BadInput(f"task {task.pk} has no form", "taskId")
    return form_shaped(spec)


def form_shaped(spec: FormSpec) -> dict[str, Json]:
    fields = [
        {
            "id": field.id,
            "name": field.name,
            "type": field.type,
            "value": field.value,
            "required": field.required,
            "readOnly": not field.writable,
            "placeholder": field.placeholder or None,
            "options": [{"id": option.id, "name": option.name} for option in field.options],
            "params": dict(field.params),
        }
        for field in spec.fields
    ]
    outcomes = [{"id": outcome.id, "name": outcome.name} for outcome in spec.outcomes]
    return {"key": spec.key, "name": spec.name, "fields": fields, "outcomes": outcomes, "outcomeVariableName": spec.outcome_variable}
