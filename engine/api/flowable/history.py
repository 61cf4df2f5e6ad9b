"""`history/*`: what is kept of instances, activities, user tasks and variables; every list also as a query by POST."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet
from django.http import HttpResponse

from engine.api.body import Json, one_of
from engine.api.dialect import GLOBAL, LOCAL, each, execution_id, ident, millis, moment, page, variable
from engine.api.flowable import definitions, tasks
from engine.api.flowable import instances as running
from engine.api.flowable.pictures import content
from engine.api.flowable.table import Listed, listed, routes
from engine.api.router import ADMIN, Call
from engine.errors import BadInput, NotFound
from engine.models import Activity, FormEntry, Instance, UserTask, Variable
from engine.runtime import access, queries, standalone
from engine.runtime import instances as runtime_instances
from engine.runtime.queries import Listing
from engine.runtime.queries.variables import asked_of_page, values

INSTANCES = "history/historic-process-instances"
ACTIVITIES = "history/historic-activity-instances"
TASKS = "history/historic-task-instances"
VARIABLES = "history/historic-variable-instances"
RUNNING_VARIABLES = "runtime/variable-instances"

# What Flowable calls the types that BPMN calls otherwise.
TYPES = {
    "intermediateThrowEvent": "throwEvent", "eventBasedGateway": "eventGateway", "task": "manualTask", "adHocSubProcess": "adhocSubProcess",
}  # fmt: skip
NO_TYPE = "-"


def _called(kind: str) -> list[str]:
    """The types that Flowable calls so."""
    return [ours for ours, theirs in TYPES.items() if theirs == kind] + [NO_TYPE if kind in TYPES else kind]


# -- process instances ----------------------------------------------------------------------------------------------------
def shaped(call: Call, row: Instance, found: Mapping[str, Any] | None = None) -> dict[str, Json]:
    return {
        **running.common(call, row, found, INSTANCES),
        "endTime": moment(row.ended),
        "durationInMillis": millis(row.started, row.ended),
        "startActivityId": row.start_node,
        "endActivityId": row.end_node,
        "deleteReason": row.reason,
    }


def instances(call: Call, given: Mapping[str, object]) -> Json:
    """Process instances, running and past."""

    def shapes(rows: Iterable[Instance]) -> list[Json]:
        found = asked_of_page(rows, given)
        return [shaped(call, row, found.get(row.pk)) for row in rows]

    return page(call, queries.historic_instances, given, shapes)


@routes.get(INSTANCES + "/{instance}")
def instance(call: Call, instance: str) -> Json:
    """One process instance, running or past."""
    return shaped(call, queries.historic_instances.one(call.user, instance))


@routes.delete(INSTANCES + "/{instance}", ADMIN)
def delete(call: Call, instance: str) -> None:
    """Remove an ended instance with its whole history."""
    runtime_instances.delete_history(queries.historic_instances.one(call.user, instance).pk, user=call.user)


@routes.post(INSTANCES + "/delete", ADMIN, status=204)
def delete_many(call: Call) -> None:
    """Remove many ended instances (`instanceIds`) with their histories; an id that is none is ignored."""
    access.check_operate(call.user)
    one_of({"delete": list}, call.sent)
    if not call.sent.all.get("instanceIds"):
        raise BadInput("instanceIds is missing", "instanceIds")
    for found in queries.historic_instances(call.user, {"processInstanceIds": call.sent.texts("instanceIds")}):
        runtime_instances.delete_history(found.pk, user=call.user)


# -- activities -----------------------------------------------------------------------------------------------------------
def activity_shaped(call: Call, row: Activity, instances: str) -> dict[str, Json]:
    return {
        "id": ident(row.pk),
        "activityId": row.node,
        "activityName": row.name,
        "activityType": TYPES.get(row.type, row.type),
        "processDefinitionId": row.instance.definition_id,
        "processDefinitionUrl": call.url(definitions.PATH, row.instance.definition_id),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url(instances, row.instance_id),
        "executionId": execution_id(row.instance_id, row.token),
        "taskId": ident(row.task),
        "calledProcessInstanceId": ident(row.called),
        "assignee": row.assignee,
        "startTime": moment(row.started),
        "endTime": moment(row.ended),
        "durationInMillis": millis(row.started, row.ended),
        "deleteReason": row.reason,
        "tenantId": row.instance.tenant,
    }


def activities_of(listing: Listing[Activity], instances: str) -> Listed:
    def found(call: Call, given: Mapping[str, object]) -> Json:
        """The activities that were run, and the flows taken."""
        kind = given.get("activityType")
        asked = {"activityTypes": _called(kind)} if isinstance(kind, str) and kind else {}
        left = {name: value for name, value in given.items() if name != "activityType"} if asked else given
        return page(call, listing, left, each(lambda row: activity_shaped(call, row, instances)), **asked)

    return found


# -- user tasks -----------------------------------------------------------------------------------------------------------
def task_shaped(call: Call, row: UserTask, found: Iterable[Json] = ()) -> dict[str, Json]:
    return {
        **tasks.common(call, row, found, TASKS),
        "processInstanceUrl": call.url_of(INSTANCES, row.instance_id),
        "deleteReason": row.reason,
        "startTime": moment(row.created),
        "endTime": moment(row.ended),
        "durationInMillis": millis(row.created, row.ended),
        "workTimeInMillis": millis(row.claimed, row.ended) if row.claimed else None,
    }


def historic_tasks(call: Call, given: Mapping[str, object]) -> Json:
    """User tasks, open and past."""
    return tasks.page_of(call, queries.historic_tasks, given, task_shaped, TASKS, "ignoreTaskAssignee")


@routes.get(TASKS + "/{task}")
def historic_task(call: Call, task: str) -> Json:
    """One user task, open or past."""
    return task_shaped(call, queries.historic_tasks.one(call.user, task))


@routes.delete(TASKS + "/{task}")
def delete_task(call: Call, task: str) -> None:
    """Remove an ended task with all that was said about it."""
    standalone.delete_history(queries.historic_tasks.one(call.user, task), user=call.user)


# -- variables ------------------------------------------------------------------------------------------------------------
def variable_shaped(call: Call, row: Variable, value: Any, path: str, instances: str) -> dict[str, Json]:
    scope = LOCAL if row.task or row.token else GLOBAL
    return {
        "id": ident(row.pk),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url_of(instances, row.instance_id),
        "executionId": execution_id(row.instance_id, row.token),
        "taskId": ident(row.task),
        "variable": variable(row.name, value, scope, call.url(path, row.pk)),
    }


def variables_of(listing: Listing[Variable], path: str, instances: str) -> Listed:
    def found(call: Call, given: Mapping[str, object]) -> Json:
        """Variables of processes, executions and tasks."""
        return page(call, listing, given, lambda rows: [variable_shaped(call, row, value, path, instances) for row, value in values(rows)])

    return found


def data(listing: Listing[Variable], call: Call, key: str) -> HttpResponse:
    """The bytes of a binary variable."""
    [(_, value)] = values([listing.one(call.user, key)])
    if not isinstance(value, bytes):
        raise NotFound("the variable is not binary")
    return content(value, "application/octet-stream")


for _path, _of in ((VARIABLES, queries.historic_variables), (RUNNING_VARIABLES, queries.variables)):
    routes.get(_path + "/{key}/data")(partial(data, _of))


@routes.get(INSTANCES + "/{instance}/variables/{name}/data")
def data_of_instance(call: Call, instance: str, name: str) -> HttpResponse:
    """The bytes of a binary variable of an instance, running or past."""
    return _named(Variable.objects.filter(instance=queries.historic_instances.one(call.user, instance).pk, token=0, task=None), name)


@routes.get(TASKS + "/{task}/variables/{name}/data")
def data_of_task(call: Call, task: str, name: str) -> HttpResponse:
    """The bytes of a binary variable local to a task, open or past, or else of its process."""
    found = queries.historic_tasks.one(call.user, task)
    of_process = Q(instance=found.instance_id, token=0, task=None) if found.instance_id else Q()
    return _named(Variable.objects.filter(Q(task=found.pk) | of_process).order_by(F("task").asc(nulls_last=True)), name)


def _named(of: QuerySet[Variable], name: str) -> HttpResponse:
    """The bytes of the first of these variables that has the name."""
    found = [value for _, value in values(of.filter(name=name)[:1])]
    if not found or not isinstance(found[0], bytes):
        raise NotFound(f"there is no binary variable {name[:60]!r}")
    return content(found[0], "application/octet-stream")


# -- details -------------------------------------------------------------------------------------------------------------
def detail_shaped(call: Call, row: FormEntry) -> dict[str, Json]:
    return {
        "id": ident(row.pk),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url(INSTANCES, row.instance_id),
        "executionId": execution_id(row.instance_id, row.token),
        "activityInstanceId": ident(row.activity),
        "taskId": ident(row.task_id),
        "taskUrl": call.url_of(TASKS, row.task_id),
        "time": moment(row.time),
        "detailType": "formProperty",
        "revision": None,
        "variable": None,
        "propertyId": row.name,
        "propertyValue": row.value,
    }


def details(call: Call, given: Mapping[str, object]) -> Json:
    """What was entered into forms; each change of a variable is in the ledger."""
    return page(call, queries.entries, given, each(lambda row: detail_shaped(call, row)))


_LOG = "logNumber"
_NO_ENTRIES: Listing[Variable] = Listing("log entry", lambda user: Variable.objects.none(), {}, {_LOG: "pk", "timeStamp": "created"}, _LOG)


@routes.get("history/historic-task-log-entries")
def log_entries(call: Call) -> Json:
    """Nothing: Flowable keeps this log only where it is switched on; a task's `events` and the ledger tell more."""
    return page(call, _NO_ENTRIES, call.params, each(str))


# -- each list by GET and by POST -----------------------------------------------------------------------------------------
_RUNNING = "runtime/process-instances"
LISTS = {
    (INSTANCES, "query/historic-process-instances"): instances,
    (ACTIVITIES, "query/historic-activity-instances"): activities_of(queries.activities, INSTANCES),
    ("runtime/activity-instances", "query/activity-instances"): activities_of(queries.current_activities, _RUNNING),
    (TASKS, "query/historic-task-instances"): historic_tasks,
    (VARIABLES, "query/historic-variable-instances"): variables_of(queries.historic_variables, VARIABLES, INSTANCES),
    ("history/historic-detail", "query/historic-detail"): details,
    (RUNNING_VARIABLES, "query/variable-instances"): variables_of(queries.variables, RUNNING_VARIABLES, _RUNNING),
}


for (_path, _by_post), _listed in LISTS.items():
    listed(_path, _by_post)(_listed)
