"""An instance as its service shows it: its data model, and metadata where they are asked for. Answers and callbacks share it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet, prefetch_related_objects

from engine.conf import settings as conf
from engine.errors import BadInput
from engine.expressions.values import to_json
from engine.models import Definition, Instance, Request, Subscription, UserTask, Variable
from engine.models.prepared import Prepared
from engine.runtime import access, datamodel, definitions, labels, naming, offers, trees
from engine.runtime.store.reading import decoded

STATES = {"accepted": 0, "active": 1, "completed": 2, "terminated": 2, "cancelled": 3, "error": 3}
FAILED = 5


def plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values as JSON."""
    return {name: to_json(value) for name, value in values.items()}


def model(
    definition: Definition, service_id: str, variables: Mapping[str, Any], metadata: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The data model with its id."""
    return {"id": service_id, "metadata": metadata, **datamodel.of(definition).shown(variables)}


def id_of(instance: Instance) -> str:
    """The id that clients of the service know an instance by: its business key, else its own."""
    return instance.service_id or str(instance.pk)


def values_of(instance: Instance) -> dict[str, Any]:
    """The variables of the process: live ones, the last ones of an ended instance, and what an accepted one will begin with."""
    if instance.state == Instance.State.ACCEPTED:
        return accepted_values(instance)
    rows = Variable.objects.filter(instance=instance.pk, token=0, task=None)
    return decoded(rows if instance.ended else rows.filter(live=True))


def accepted_values(instance: Instance) -> dict[str, Any]:
    """The variables that the request of an asynchronous start brought."""
    sent = Request.objects.filter(instance=instance.pk, operation="start").values_list("input", flat=True).first() or {}
    try:
        return datamodel.of(instance.definition).started(sent.get("values") or {}, instance.pk)
    except BadInput:
        return {}


def instance(
    row: Instance,
    *,
    metadata: bool,
    caller: access.User = None,
    failures: list[str] | None = None,
    millis: bool = False,
    variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """An instance as an answer or a callback shows it."""
    values = values_of(row) if variables is None else variables
    more = about(row, values, caller, failures or [], millis=millis) if metadata else None
    return model(row.definition, id_of(row), values, more)


def about(row: Instance, values: Mapping[str, Any], caller: access.User, failures: list[str], *, millis: bool = False) -> dict[str, Any]:
    """The metadata; in callbacks dates are milliseconds, as at Automatiko."""
    graph = definitions.graph(row.definition)
    pending = row.state == Instance.State.ACCEPTED
    return {
        "id": str(row.pk),
        "businessKey": row.business_key,
        "description": labels.description(graph, values),
        "errors": "|".join(failures) or None,
        "state": FAILED if failures else STATES[row.state],
        "tags": [tag["value"] for tag in tags(row)],
        "links": [] if row.ended or pending else links(row, caller),
        "startDate": None if pending else _moment(row.started, millis),
        "endDate": _moment(row.ended, millis),
        "expiredAtDate": None,
    }


def _moment(at: datetime | None, millis: bool) -> Any:
    if at is None:
        return None
    return int(at.timestamp() * 1000) if millis else at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def tags(row: Instance) -> list[dict[str, str]]:
    """The tags with their ids: those of the model are numbered, added ones are called what they say."""
    made = [{"id": str(number), "value": tag} for number, tag in enumerate(labels.listed(row.tags), 1)]
    return made + [{"id": tag, "value": tag} for tag in labels.listed(row.added_tags)]


# -- what can be done with it ---------------------------------------------------------------------------------------------
def links(row: Instance, caller: access.User) -> list[dict[str, Any]]:
    """The tasks that the caller may work on, and the signals and messages that are waited for."""
    base = naming.path(row.definition)
    tasks = [
        {
            "type": "task",
            "name": task.name or task.node,
            "url": f"{where(row, task)}/{task_name(task, row)}/{task.pk}",
            "form": form_of(task),
        }
        for task in open_tasks(row, caller)
    ]
    waiting = Subscription.objects.filter(instance=row.pk, kind__in=("signal", "message")).order_by("created", "pk")
    here = f"{base}/{row.pk}"
    return tasks + [{"type": "signal", "name": s.name, "url": _address(row, here, s), "form": None} for s in waiting]


def _address(row: Instance, here: str, waiting: Subscription) -> str | None:
    """Where a signal or message is sent; Automatiko tells it only of those that bring something."""
    node = definitions.graph(row.definition).nodes.get(waiting.node or "")
    if conf.SERVICES_COMPATIBLE and not (node and node.event and node.event.ins):
        return None
    return f"{here}/{naming.segment(waiting.name or '')}"


def _tasks_within(instance: UUID) -> QuerySet[UserTask]:
    found = UserTask.objects.filter(state=UserTask.State.OPEN).filter(trees.within(instance))
    return found.annotate(offers=offers.column()).order_by("created", "pk")


_open_tasks = Prepared(lambda: UserTask, _tasks_within)


def open_tasks(row: Instance, caller: access.User) -> list[UserTask]:
    """The open tasks of an instance and of what it called on which the caller may work."""
    found = _open_tasks.all(row.pk)
    beyond = []
    for one in found:
        if one.instance_id == row.pk:
            one.instance, one.definition = row, row.definition
        else:
            beyond.append(one)
    prefetch_related_objects(beyond, "instance__definition", "definition")
    return access.workable(caller, found)


def task(row: Instance, one: UserTask) -> dict[str, Any]:
    """A task in the list of an instance; `reference` is where it is read and completed."""
    place = where(row, one)
    name = task_name(one, row)
    return {
        "id": str(one.pk), "name": name, "description": one.description or "", "reference": f"{place}/{name}/{one.pk}",
        "formLink": form_of(one),
    }  # fmt: skip


def task_name(one: UserTask, row: Instance) -> str:
    """The name of a task in paths."""
    return naming.of_task(definitions.graph(one.definition or row.definition), one.node or "")


def where(row: Instance, one: UserTask) -> str:
    """The path of the instance that a task belongs to, below the one that was asked for."""
    here = f"{naming.path(row.definition)}/{row.pk}"
    if one.instance_id == row.pk or one.instance is None:
        return here
    return f"{here}/{naming.segment(one.instance.definition.key)}/{one.instance_id}"


def form_of(one: UserTask) -> str:
    """Where a person finds the task's form; it asks who he is."""
    return f"/management/tasks/link/{one.pk}"
