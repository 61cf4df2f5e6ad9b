"""`runtime/tasks`: the open user tasks, and what people do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.api.body import LONGEST_TEXT, Json, Members, one_of
from engine.api.dialect import GLOBAL, LOCAL, execution_id, ident, moment, page, scoped, values, variable
from engine.api.flowable import definitions, executions, instances
from engine.api.flowable.table import routes
from engine.api.router import Call
from engine.errors import BadInput, NotFound
from engine.models import Instance, UserTask
from engine.runtime import queries, standalone, tasks
from engine.runtime.queries.filters import flag, uuid
from engine.runtime.queries.variables import flagged, of_page, of_page_of_tasks

PATH = "runtime/tasks"


def shaped(call: Call, row: UserTask, found: Iterable[Json] = ()) -> dict[str, Json]:
    """A task; `found` are its variables where they were asked for."""
    execution = execution_id(row.instance_id, row.token)
    return {
        "id": ident(row.pk),
        "url": call.url(PATH, row.pk),
        "owner": row.owner,
        "assignee": row.assignee,
        "delegationState": row.delegation,
        "name": row.name,
        "description": row.description,
        "createTime": moment(row.created),
        "claimTime": moment(row.claimed),
        "dueDate": moment(row.due),
        "priority": row.priority,
        "suspended": row.suspended,
        "taskDefinitionKey": row.node,
        "category": row.category,
        "formKey": row.form_key,
        "parentTaskId": ident(row.parent),
        "parentTaskUrl": call.url_of(PATH, row.parent),
        "executionId": execution,
        "executionUrl": call.url_of(executions.PATH, execution),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url_of(instances.PATH, row.instance_id),
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


def with_variables(rows: Iterable[UserTask], given: Mapping[str, object]) -> dict[Any, list[Json]]:
    """The variables that a query asks for beside its tasks: the process's (global), the tasks' own (local)."""
    found: dict[Any, list[Json]] = {row.pk: [] for row in rows}
    if flagged(given, "includeTaskLocalVariables"):
        for key, local in of_page_of_tasks(rows).items():
            found[key] += [variable(name, value, LOCAL) for name, value in local.items()]
    if flagged(given, "includeProcessVariables"):
        by_instance = of_page([Instance(pk=row.instance_id) for row in rows if row.instance_id])
        for row in rows:
            found[row.pk] += [variable(name, value, GLOBAL) for name, value in by_instance.get(row.instance_id, {}).items()]
    return found


def listed(call: Call, given: Mapping[str, object]) -> Json:
    def shapes(rows: Iterable[UserTask]) -> list[Json]:
        found = with_variables(rows, given)
        return [shaped(call, row, found[row.pk]) for row in rows]

    return page(call, queries.tasks, given, shapes)


@routes.get(PATH)
def listing(call: Call) -> Json:
    """The open tasks that the caller may see."""
    return listed(call, call.params)


@routes.query("query/tasks")
def query(call: Call) -> Json:
    """The same by a query in the body, which also takes conditions on variables."""
    return listed(call, call.sent.all)


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
    if "tenantId" in sent:
        found["tenant"] = sent.text("tenantId") or ""
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
    return shaped(call, standalone.create(_columns(call.sent), user=call.user))


@routes.put(PATH + "/{task}")
def change(call: Call, task: str) -> Json:
    """Change what is sent of a task; what is sent as null is cleared."""
    standalone.update(open_task(task), _columns(call.sent), user=call.user)
    return shaped(call, tasks.get(task))


@routes.delete(PATH + "/{task}")
def delete(call: Call, task: str) -> None:
    """Delete a task of no process, with `cascadeHistory=true` for good; 403 for a task of a process."""
    history = flag("cascadeHistory", call.params.get("cascadeHistory") or "false")
    standalone.delete(open_task(task), call.params.get("deleteReason"), history=history, user=call.user)


# -- what is done with one ------------------------------------------------------------------------------------------------
def _complete(call: Call, task: UserTask, sent: Members) -> None:
    given = scoped(sent.items("variables"))
    tasks.complete(
        task,
        {name: value for name, value, scope in given if scope != LOCAL},
        local={name: value for name, value, scope in given if scope == LOCAL},
        transient=values(sent.items("transientVariables")),
        user=call.user,
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
    tasks.resolve(task, values(sent.items("variables")), user=call.user)


_ACTIONS = {"complete": _complete, "claim": _claim, "delegate": _delegate, "resolve": _resolve}


@routes.post(PATH + "/{task}")
def act(call: Call, task: str) -> None:
    """Complete, claim (or give back), delegate or resolve a task."""
    action = one_of(_ACTIONS, call.sent)
    action(call, open_task(task), call.sent)


def open_task(task: str) -> UserTask:
    """The task, also a stranger's (the runtime forbids him what he wants); raises NotFound when it has ended."""
    found = tasks.get(task)
    if found.state != UserTask.State.OPEN:
        raise NotFound(f"there is no open task {task}")
    return found
