"""`.../instances/<id>/nodeInstances` and `/nodes`: where an instance stands, and operators who change that."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.shaped import Failed, NoNode, NoNodeInstance
from engine.api.body import Json
from engine.api.router import Answer
from engine.conf import settings as conf
from engine.errors import BpmnError, TechnicalError
from engine.expressions.values import to_json
from engine.models import Instance, Token, UserTask
from engine.runtime import definitions, moving, offers, operations, shapes, tasks

READY = {"active": "Ready", "claim": "Reserved"}
PENDING = 0  # the state that Automatiko tells of a task that is not over


def listing(call: Call, row: Instance) -> Answer:
    """Where its tokens rest, tasks as Automatiko shows them; to the letter those alone, with those of called instances."""
    call.check_accept(JSON)
    if conf.SERVICES_COMPATIBLE:
        called = Instance.objects.filter(root=row.pk, ended=None).select_related("definition").order_by("started", "pk")
        return Answer(200, [found for one in (row, *called) for found in _standing(row, one) if "phase" in found])
    return Answer(200, _standing(row, row))


def _standing(top: Instance, row: Instance) -> list[dict[str, Json]]:
    graph = definitions.graph(row.definition)
    found = UserTask.objects.filter(instance=row.pk, state=UserTask.State.OPEN).select_related("definition")
    open_ = {task.token: task for task in found}
    resting = [t for t in Token.objects.filter(instance=row.pk, node__isnull=False).order_by("number") if t.node in graph.nodes]
    return [_shape(top, row, t, graph.nodes[t.node].name, open_.get(t.number)) for t in resting]


def _shape(top: Instance, row: Instance, token: Token, name: str | None, task: UserTask | None) -> dict[str, Json]:
    where = {"nodeInstanceId": str(token.pk), "processInstanceId": str(row.pk), "nodeId": token.node, "nodeName": name}
    return where if task is None else where | _work_item(top, row, task)


def _work_item(top: Instance, row: Instance, task: UserTask) -> dict[str, Json]:
    task.instance = row
    listed, phase = shapes.task(top, task), operations.standing(task)
    return {
        "id": str(task.pk), "name": task.name or listed["name"], "description": listed["description"], "state": PENDING, "phase": phase,
        "phaseStatus": READY[phase], "parameters": _parameters(task), "results": {"ActorId": task.assignee} if phase == "claim" else {},
        "referenceId": listed["reference"], "formLink": listed["formLink"],
    }  # fmt: skip


def _parameters(task: UserTask) -> dict[str, Json]:
    """What its work item was made with at Automatiko: names, whom it is offered to, and the inputs; none without a value."""
    offered = offers.of([task])[task.pk]
    users = [one.user for one in offered if one.type == "candidate" and one.user]
    groups = [one.group for one in offered if one.type == "candidate" and one.group]
    excluded = [one.user for one in offered if one.type == "excluded" and one.user]
    assigned = [task.assignee] if task.assignee and task.claimed is None else []
    about = {
        "TaskName": task.name, "NodeName": task.name, "Description": task.description, "ActorId": ",".join(users or assigned),
        "GroupId": ",".join(groups), "ExcludedOwnerId": ",".join(excluded),
    }  # fmt: skip
    inputs = {field: to_json(value) for field, value in tasks.form_values(task).items() if value is not None}
    return {name: value for name, value in about.items() if value} | inputs


# -- changing -------------------------------------------------------------------------------------------------------------
def begin(call: Call, row: Instance, node: str, answer: Callable[[], Answer]) -> Answer:
    """Let a further branch begin at a node; raises NoNode, Failed."""
    call.check_accept(JSON)
    if node not in definitions.graph(row.definition).nodes:
        raise NoNode(node, row.pk)
    return _done(row, lambda: moving.begin(row.pk, node, user=call.user), answer)


def again(call: Call, row: Instance, key: str, answer: Callable[[], Answer]) -> Answer:
    """Take away what stands at a node, and let it begin there anew; raises NoNodeInstance, Failed."""
    call.check_accept(JSON)
    token = _token(row, key)
    return _done(row, lambda: moving.take_away(token, again=True, user=call.user), answer)


def cancel(call: Call, row: Instance, key: str, answer: Callable[[], Answer]) -> Answer:
    """Take away what stands at a node; raises NoNodeInstance."""
    call.check_accept(JSON)
    token = _token(row, key)
    return _done(row, lambda: moving.take_away(token, user=call.user), answer)


def _token(row: Instance, key: str) -> Token:
    try:
        found = Token.objects.filter(instance=row.pk, node__isnull=False, pk=UUID(key)).first()
    except ValueError:
        found = None
    if found is None:
        raise NoNodeInstance(key, row.pk)
    return found


def _done(row: Instance, change: Callable[[], Any], answer: Callable[[], Answer]) -> Answer:
    try:
        change()
    except (TechnicalError, BpmnError) as error:
        raise Failed(error, row.pk) from error
    return answer()
