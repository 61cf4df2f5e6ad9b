"""`/external-job-api`: external workers acquire jobs of a topic, and answer them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import BoundedSemaphore
from typing import Any

import isodate

from engine.api.body import Json, Members
from engine.api.dialect import each, execution_id, ident, moment, page, values, variable
from engine.api.flowable.jobs import LONGEST_MESSAGE
from engine.api.router import Call, Router
from engine.errors import BadInput
from engine.models import Job
from engine.runtime import access, external, queries

routes = Router()

JOBS, ACQUIRE = "jobs", "acquire/jobs"
LONGEST_WAIT = timedelta(seconds=30)
_WAITING = BoundedSemaphore(2)  # workers that wait at once, in each web process; it has four threads


def shaped(call: Call, row: Job) -> dict[str, Json]:
    return {
        "id": ident(row.pk),
        "url": call.url(JOBS, row.pk),
        "correlationId": ident(row.correlation),
        "processInstanceId": ident(row.instance_id),
        "processDefinitionId": row.definition_id,
        "executionId": execution_id(row.instance_id, row.token),
        "scopeId": None,
        "subScopeId": None,
        "scopeDefinitionId": None,
        "scopeType": None,
        "elementId": row.node,
        "elementName": row.name,
        "retries": row.retries,
        "exceptionMessage": row.error[:LONGEST_MESSAGE] if row.error and row.error != external.NO_REASON else None,
        "dueDate": None,
        "createTime": moment(row.created),
        "tenantId": row.tenant,
        "lockOwner": row.lease_owner,
        "lockExpirationTime": moment(row.lease_until),
    }


@routes.get(JOBS)
def listing(call: Call) -> Json:
    """The jobs that wait for external workers."""
    access.check_operate(call.user)
    return page(call, queries.jobs[Job.State.EXTERNAL], call.params, each(lambda row: shaped(call, row)))


@routes.get(JOBS + "/{job}")
def one(call: Call, job: str) -> Json:
    """One such job."""
    access.check_operate(call.user)
    return shaped(call, queries.jobs[Job.State.EXTERNAL].one(call.user, job))


@routes.post(ACQUIRE)
def acquire(call: Call) -> Json:
    """Lease free jobs of a `topic` to a worker (`workerId`) for a time (`lockDuration`, ISO 8601).

    With `waitDuration`, an addition to Flowable's API, the answer comes when there is a job, or after that time.
    """
    sent = call.sent
    if sent.text("scopeType") not in (None, "bpmn"):
        return []
    most, retries = sent.number("numberOfTasks"), sent.number("numberOfRetries")
    with _place_to_wait(_wait(sent)) as wait:
        rows = external.acquire(
            sent.required("topic"),
            sent.required("workerId", longest=64),
            _duration(sent, "lockDuration"),
            most=1 if most is None else most,
            retries=5 if retries is None else retries,
            wait=wait,
            user=call.user,
        )
    inputs = external.inputs(rows)
    return [{**shaped(call, row), "variables": [_variable(*pair) for pair in sorted(inputs[row.pk].items())]} for row in rows]


def _wait(sent: Members) -> timedelta:
    wait = _duration(sent, "waitDuration") if sent.text("waitDuration") else timedelta()
    if not timedelta() <= wait <= LONGEST_WAIT:
        raise BadInput(f"waitDuration must be at most {LONGEST_WAIT.seconds} s", "waitDuration")
    return wait


@contextmanager
def _place_to_wait(wait: timedelta) -> Iterator[timedelta]:
    """So long the caller may wait: not at all where others wait already, for each takes a thread of the web process."""
    if not wait or not _WAITING.acquire(blocking=False):
        yield timedelta()
        return
    try:
        yield wait
    finally:
        _WAITING.release()


def _variable(name: str, value: Any) -> Json:
    """Without a scope: a worker sees no scopes."""
    return {key: made for key, made in variable(name, value).items() if key != "scope"}


def _duration(sent: Members, name: str) -> timedelta:
    """A duration in ISO 8601, or a number of seconds; raises BadInput."""
    if isinstance(sent.all.get(name), int):
        return timedelta(seconds=sent.number(name) or 0)
    text = sent.required(name)
    try:
        found = isodate.parse_duration(text)
    except (isodate.ISO8601Error, ValueError, OverflowError):
        found = None
    if not isinstance(found, timedelta):
        raise BadInput(f"{name} must be a duration of days or less in ISO 8601, as PT10M", name)
    return found


# -- answers --------------------------------------------------------------------------------------------------------------
@routes.post(ACQUIRE + "/{job}/complete", status=204)
def complete(call: Call, job: str) -> None:
    """The work is done; the process goes on by a job with the same id."""
    external.complete(job, _worker(call), values(call.sent.items("variables")), user=call.user)


@routes.post(ACQUIRE + "/{job}/bpmnError", status=204)
def bpmn_error(call: Call, job: str) -> None:
    """The work ended in a business error (`errorCode`)."""
    code = call.sent.text("errorCode") or ""
    external.bpmn_error(job, _worker(call), code, values(call.sent.items("variables")), user=call.user)


@routes.post(ACQUIRE + "/{job}/fail", status=204)
def fail(call: Call, job: str) -> None:
    """The work failed; it is offered again while `retries` are left, after `retryTimeout`."""
    sent = call.sent
    wait = _duration(sent, "retryTimeout") if sent.text("retryTimeout") else None
    message, details = sent.text("errorMessage", longest=100_000), sent.text("errorDetails", longest=1_000_000)
    external.fail(job, _worker(call), message, details=details, retries=sent.number("retries"), wait=wait, user=call.user)


@routes.post(ACQUIRE + "/{job}/renew", status=204)
def renew(call: Call, job: str) -> None:
    """Hold it for longer (`lockDuration`, from now): an addition to Flowable's API."""
    external.renew(job, _worker(call), _duration(call.sent, "lockDuration"), user=call.user)


@routes.post("unacquire/jobs/{job}", status=204)
def release(call: Call, job: str) -> None:
    """Give a job back undone."""
    external.release(job, _worker(call), user=call.user)


@routes.post("unacquire/jobs", status=204)
def release_all(call: Call) -> None:
    """Give all jobs of a worker back."""
    external.release_all(_worker(call), user=call.user)


def _worker(call: Call) -> str:
    return call.sent.required("workerId", longest=64)
