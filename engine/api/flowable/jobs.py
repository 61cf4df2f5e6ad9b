"""`management/*-jobs`: one list for each state of a job, and what an operator does with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from django.http import HttpResponse

from engine.api.body import Json, Members, one_of
from engine.api.dialect import each, execution_id, ident, moment, page
from engine.api.flowable import definitions, executions, instances
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.errors import BadInput, NotFound
from engine.models import Job
from engine.runtime import access, jobs, queries
from engine.runtime.queries import filters

LISTS = {
    "management/jobs": Job.State.READY,
    "management/timer-jobs": Job.State.WAITING,
    "management/suspended-jobs": Job.State.SUSPENDED,
    "management/deadletter-jobs": Job.State.DEAD,
}
HANDLERS: dict[str, str] = {
    Job.Kind.ASYNC: "async-continuation",
    Job.Kind.ASYNC_LEAVE: "async-after",
    "async-call": "async-complete-call-actiivty",  # Flowable's own spelling
    Job.Kind.TIMER: "trigger-timer",
    Job.Kind.START_TIMER: "timer-start-event",
    Job.Kind.EXTERNAL: "external-worker-complete",
    Job.Kind.DELIVER: "event",
    Job.Kind.VARIABLES: "set-async-variables",
    Job.Kind.SUSPEND: "suspend-processdefinition",
    Job.Kind.ACTIVATE: "activate-processdefinition",
}
_KINDS: dict[str, str] = {theirs: kind for kind, theirs in HANDLERS.items()}
LONGEST_MESSAGE = 2000
_SWITCHES = (Job.Kind.SUSPEND, Job.Kind.ACTIVATE)  # Flowable shows no retries of them
NAMELESS = (Job.Kind.VARIABLES, *_SWITCHES)  # what their rows are called by is no element


def shaped(call: Call, path: str, row: Job) -> dict[str, Json]:
    execution = execution_id(row.instance_id, row.token)
    planned = row.kind in jobs.TIMERS or (row.error is not None and row.kind != Job.Kind.EXTERNAL)  # else it has been due since it was made
    return {
        "id": ident(row.pk),
        "url": call.url(path, row.pk),
        "correlationId": ident(row.correlation),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url_of(instances.PATH, row.instance_id),
        "processDefinitionId": row.definition_id,
        "processDefinitionUrl": call.url_of(definitions.PATH, row.definition_id),
        "executionId": execution,
        "executionUrl": call.url_of(executions.PATH, execution),
        "elementId": row.node,
        "elementName": row.name if row.kind not in NAMELESS else None,
        "handlerType": HANDLERS.get(row.kind, row.kind),
        "retries": 0 if row.state == Job.State.DEAD or row.kind in _SWITCHES else row.retries,
        "exceptionMessage": row.error[:LONGEST_MESSAGE] if row.error else None,
        "dueDate": moment(row.due) if planned else None,
        "createTime": moment(row.created),
        "lockOwner": row.lease_owner,
        "lockExpirationTime": moment(row.lease_until),
        "tenantId": row.tenant,
    }


def found(call: Call, path: str, job: str) -> Job:
    """A job in the state that the list is for; raises Forbidden, NotFound."""
    access.check_operate(call.user)
    return queries.jobs[LISTS[path]].one(call.user, job)


def listing(path: str, call: Call) -> Json:
    """The jobs of this kind."""
    access.check_operate(call.user)
    if all(filters.flag(name, call.params.get(name) or "false") for name in ("timersOnly", "messagesOnly")):
        raise BadInput("only one of timersOnly and messagesOnly can be asked for", "timersOnly")
    return page(call, queries.jobs[LISTS[path]], _by_kind(call.params), each(partial(shaped, call, path)))


def _by_kind(given: Mapping[str, object]) -> Mapping[str, object]:
    """The filters, with our kinds for Flowable's types of handlers."""
    asked = given.get("handlerTypes", given.get("handlerType"))
    if asked is None:
        return given
    return {**given, "handlerTypes": [_KINDS.get(one, one) for one in filters.texts("handlerTypes", asked)] or [""]}


def one(path: str, call: Call, job: str) -> Json:
    """One job."""
    return shaped(call, path, found(call, path, job))


def delete(path: str, call: Call, job: str) -> None:
    """Delete a job: what it had to do will not happen."""
    jobs.delete(found(call, path, job).pk, user=call.user)


def stacktrace(path: str, call: Call, job: str) -> HttpResponse:
    """The traceback of its last failure, as text."""
    traceback = found(call, path, job).traceback
    if not traceback:
        raise NotFound("the job has not failed")
    return HttpResponse(traceback, content_type="text/plain; charset=utf-8")


for _path in LISTS:
    routes.get(_path, ADMIN)(partial(listing, _path))
    routes.get(_path + "/{job}", ADMIN)(partial(one, _path))
    routes.delete(_path + "/{job}", ADMIN)(partial(delete, _path))
    routes.get(_path + "/{job}/exception-stacktrace", ADMIN)(partial(stacktrace, _path))


# -- what an operator does ------------------------------------------------------------------------------------------------
def _run(call: Call, row: Job, sent: Members) -> None:
    jobs.run_now(row.pk, user=call.user)


def _move(call: Call, row: Job, sent: Members) -> None:
    jobs.move(row.pk, user=call.user)


def _reschedule(call: Call, row: Job, sent: Members) -> None:
    due = sent.moment("dueDate")
    if due is None:
        raise BadInput("dueDate is missing", "dueDate")
    jobs.reschedule(row.pk, due, user=call.user)


def _to_history(call: Call, row: Job, sent: Members) -> None:
    """What it was before it failed decides at Flowable; here nothing is written later as history."""
    raise BadInput(f"job {row.pk} is no history job", "action")


ACTIONS: dict[str, dict[str, Callable[[Call, Job, Members], None]]] = {
    "management/jobs": {"execute": _run},
    "management/timer-jobs": {"move": _move, "reschedule": _reschedule},
    "management/suspended-jobs": {"move": _move},
    "management/deadletter-jobs": {"move": _move, "moveToHistoryJob": _to_history},
}


def act(path: str, call: Call, job: str) -> None:
    """Run it in this request, make it due, or plan it anew."""
    action = one_of(ACTIONS[path], call.sent)
    action(call, found(call, path, job), call.sent)


for _path in ACTIONS:
    routes.post(_path + "/{job}", ADMIN, status=204)(partial(act, _path))
