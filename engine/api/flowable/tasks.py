"""`runtime/tasks`: the open user tasks, and what people do with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from engine.api import words
from engine.api.body import LONGEST_TEXT, Json, Members, one_of
from engine.api.dialect import GLOBAL, LOCAL, execution_id, ident, moment, page, scoped, values, variable_at
from engine.api.flowable import definitions, executions, instances
from engine.api.flowable.table import listed, routes
from engine.api.router import Call
from engine.errors import BadInput, NotFound
from engine.models import Instance, UserTask
from engine.runtime import queries, standalone, tasks
from engine.runtime.queries import Listing
from engine.runtime.queries.filters import flag, uuid
from engine.runtime.queries.tasks import WHOEVER
from engine.runtime.queries.variables import flagged, of_page, of_page_of_tasks

PATH = "runtime/tasks"
Shape = Callable[[Call, UserTask, Iterable[Json]], dict[str, Json]]


def shaped(call: Call, row: UserTask, found: Iterable[Json] = ()) -> dict[str, Json]:
    """An open task; see `common`."""
    return {
        **common(call, row, found, PATH),
        "delegationState": row.delegation,
        "createTime": moment(row.created),
        "suspended": row.suspended,
        "parentTaskUrl": call.url_of(PATH, row.parent),
        "executionUrl": call.url_of(executions.PATH, execution_id(row.instance_id, row.token)),
        "processInstanceUrl": call.url_of(instances.PATH, row.instance_id),
    }


def common(call: Call, row: UserTask, found: Iterable[Json], path: str) -> dict[str, Json]:
    """What open and past tasks show; `found` are the variables where they were asked for."""
    return {
        "id": ident(row.pk),
        "url": call.url(path, row.pk),
        "owner": row.owner,
        "assignee": row.assignee,
        "name": row.name,
        "description": row.description,
        "claimTime": moment(row.claimed),
        "dueDate": moment(row.due),
        "priority": row.priority,
        "taskDefinitionKey": row.node,
        "category": row.category,
        "formKey": row.form_key,
        "parentTaskId": ident(row.parent),
        "executionId": execution_id(row.instance_id, row.token),
        "processInstanceId": ident(row.instance_id),
        "processDefinitionId": row.definition_id,
        "processDefinitionUrl": call.url_of(definitions.PATH, row.definition_id),
        "scopeId": None,
        "subScopeId": None,
        "scopeType": None,
        "scopeDefinitionId": None,
        "propagatedStageInstanceId": None,
        "tenantId": row.tenant,
        "variables": list(found),
    }


def page_of(call: Call, tasks: Listing[UserTask], given: Mapping[str, object], shape: Shape, path: str, whoever: str) -> Json:
    """A page of open or past tasks, each at `path`, with the variables that the query asks for.

    `whoever` is the flag by which candidates are asked for what has an assignee too.
    """

    def shapes(rows: Iterable[UserTask]) -> list[Json]:
        found = with_variables(call, rows, given, path)
        return [shape(call, row, found[row.pk]) for row in rows]

    if not flagged(given, whoever):
        return page(call, tasks, given, shapes)
    asked = {name: value for name, value in words.taken(call.path, given).items() if name in OFFERS}
    left = {name: value for name, value in given.items() if name not in asked}
    return page(call, tasks, left, shapes, **{name + WHOEVER: value for name, value in asked.items()})


OFFERS = ("candidateUser", "candidateGroup", "candidateGroups", "candidateGroupIn", "candidateOrAssigned", "taskCandidateGroup")


def with_variables(call: Call, rows: Iterable[UserTask], given: Mapping[str, object], path: str) -> dict[Any, list[Json]]:
    """The variables that a query asks for beside its tasks: the process's (global), the tasks' own (local)."""
    found: dict[Any, list[Json]] = {row.pk: [] for row in rows}
    if flagged(given, "includeTaskLocalVariables"):
        for key, local in of_page_of_tasks(rows).items():
            found[key] += [variable_at(call, path, key, name, value, LOCAL) for name, value in local.items()]
    if flagged(given, "includeProcessVariables"):
        by_instance = of_page([Instance(pk=row.instance_id) for row in rows if row.instance_id])
        for row in rows:
            shared = by_instance.get(row.instance_id, {}).items()
            found[row.pk] += [variable_at(call, path, row.pk, name, value, GLOBAL) for name, value in shared]
    return found


@listed(PATH, "query/tasks")
def open_tasks(call: Call, given: Mapping[str, object]) -> Json:
    """The open tasks that the caller may see, also by conditions on variables."""
    return page_of(call, queries.tasks, given, shaped, PATH, "ignoreAssignee")


@routes.get(PATH + "/{task}")
def one(call: Call, task: str) -> Json:
    """One open task."""
    return shaped(call, queries.tasks.one(call.user, task))


@routes.get(PATH + "/{task}/subtasks")
def subtasks(call: Call, task: str) -> Json:
    """The open sub-tasks of a task."""
    found = queries.tasks.one(call.user, task)
    return [shaped(call, row) for row in queries.tasks(call.user, {"parentTaskId": str(found.pk)}).order_by("created")]


# -- made and changed by clients ------------------------------------------------------------------------------------------
def _columns(sent: Members) -> dict[str, Any]:
    """What was sent of a task, null or not, as its columns; raises BadInput."""
    texts = {"name": "name", "assignee": "assignee", "owner": "owner", "category": "category", "formKey": "form_key"}
    found: dict[str, Any] = {column: sent.text(name) for name, column in texts.items() if name in sent}
    if "description" in sent:
        found["description"] = sent.text("description", longest=LONGEST_TEXT)
    if "priority" in sent:
        found["priority"] = sent.number("priority") or 0
    if "dueDate" in sent:
        found["due"] = sent.moment("dueDate")
    if "parentTaskId" in sent:
        found["parent"] = _parent(sent)
    if "delegationState" in sent:
        found["delegation"] = _delegation(sent)
    return found


def _parent(sent: Members) -> Any:
    given = sent.text("parentTaskId")
    if given is not None and uuid(given) is None:
        raise BadInput(f"there is no task {given[:60]!r}", "parentTaskId")
    return uuid(given)


def _delegation(sent: Members) -> str | None:
    given = sent.text("delegationState")
    if given not in (None, "pending", "resolved"):
        raise BadInput("delegationState must be pending or resolved", "delegationState")
    return given


@routes.post(PATH, status=201)
def create(call: Call) -> Json:
    """Make a task that belongs to no process."""
    tenant = call.sent.text("tenantId") or ""
    return shaped(call, standalone.create(_columns(call.sent) | {"tenant": tenant}, user=call.user))


@routes.put(PATH + "/{task}")
def change(call: Call, task: str) -> Json:
    """Change what is sent of a task; what is sent as null is cleared."""
    sent, found = call.sent, open_task(task)
    standalone.update(found, _columns(sent), user=call.user)
    return shaped(call, tasks.get(task))


@routes.put(PATH)
def change_many(call: Call) -> Json:
    """Change what is sent of many tasks (`taskIds`); none if one of them is not there."""
    if call.sent.all.get("taskIds") is None:
        raise BadInput("taskIds is missing", "taskIds")
    if not call.sent.all["taskIds"]:
        raise NotFound("there is no task to change")
    found, columns = [open_task(key) for key in call.sent.texts("taskIds")], _columns(call.sent)
    if len({task.pk for task in found}) < len(found):
        raise NotFound("a task stands in taskIds more than once")
    standalone.update_all(found, columns, user=call.user)
    shown = [shaped(call, tasks.get(task.pk)) for task in found]
    return {"data": shown, "total": 0, "start": 0, "sort": None, "order": None, "size": 0}  # as at Flowable


@routes.delete(PATH + "/{task}")
def delete(call: Call, task: str) -> None:
    """Delete a task of no process, with `cascadeHistory=true` for good; 403 for a task of a process."""
    history = flag("cascadeHistory", call.params.get("cascadeHistory") or "false")
    standalone.delete(open_task(task), call.params.get("deleteReason"), history=history, user=call.user)


# -- what is done with one ------------------------------------------------------------------------------------------------
def _complete(call: Call, task: UserTask, sent: Members) -> None:
    given = scoped(sent.items("variables"))
    if sent.all.get("formDefinitionId"):
        raise BadInput("forms have no definitions of their own here: submit to form/form-data", "formDefinitionId")
    tasks.complete(
        task,
        {name: value for name, value, scope in given if scope != LOCAL},
        local={name: value for name, value, scope in given if scope == LOCAL},
        transient=values(sent.items("transientVariables")),
        user=call.remembered if task.instance_id else call.user,
    )


def _claim(call: Call, task: UserTask, sent: Members) -> None:
    """For somebody; without an assignee the task is given back."""
    if assignee := sent.text("assignee"):
        tasks.claim(task, call.user, assignee=assignee)
    else:
        tasks.release(task, call.user)


def _delegate(call: Call, task: UserTask, sent: Members) -> None:
    tasks.delegate(task, sent.required("assignee"), call.user)


def _resolve(call: Call, task: UserTask, sent: Members) -> None:
    """Give it back to its owner; variables are not heeded (as at Flowable)."""
    tasks.resolve(task, {}, user=call.user)


_ACTIONS = {"complete": _complete, "claim": _claim, "delegate": _delegate, "resolve": _resolve}


@routes.post(PATH + "/{task}", proves=True)
def act(call: Call, task: str) -> None:
    """Complete, claim (or give back), delegate or resolve a task."""
    sent, found = call.sent, open_task(task)
    one_of(_ACTIONS, sent)(call, found, sent)


def open_task(task: str) -> UserTask:
    """The task, also a stranger's (the runtime forbids him what he wants); raises NotFound when it has ended."""
    found = tasks.get(task)
    if found.state != UserTask.State.OPEN:
        raise NotFound(f"there is no open task {task}")
    return found
