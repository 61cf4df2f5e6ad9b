"""Lists of jobs by state. What is waiting for its due date or its retry is `waiting`, also when that date has come."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now

from engine.models import Job
from engine.runtime import access
from engine.runtime.queries.filters import (
    Filters,
    after,
    among,
    before,
    equals,
    execution_of,
    ident,
    idents,
    like_family,
    of_cases,
    switch,
    tenant,
)
from engine.runtime.queries.listing import Listing

_TIMERS = Q(kind__in=(Job.Kind.TIMER, Job.Kind.START_TIMER, Job.Kind.SUSPEND, Job.Kind.ACTIVATE))
_PLANNED = _TIMERS | Q(error__isnull=False)  # what else is due since it was made, and shows no date

_FILTERS: Filters = {
    "id": ident("pk"),
    "correlationId": ident("correlation"),
    "processInstanceId": ident("instance"),
    "processInstanceIds": idents("instance"),
    "withoutProcessInstanceId": switch(Q(instance=None)),
    "executionId": execution_of(),
    "processDefinitionId": equals("definition_id"),
    "processDefinitionKey": equals("definition__key"),
    "elementId": equals("node"),
    **like_family("elementName", "name"),
    "timersOnly": switch(_TIMERS),
    "messagesOnly": switch(~_TIMERS),
    "withException": switch(Q(error__isnull=False)),
    "withRetriesLeft": switch(Q(retries__gt=0)),
    "exceptionMessage": equals("error"),
    "dueBefore": lambda name, value: _PLANNED & before("due")(name, value),
    "dueAfter": lambda name, value: _PLANNED & after("due")(name, value),
    "executable": switch(Q(retries__gt=0) & (~_PLANNED | Q(due__lte=Now()))),
    "noRetriesLeft": switch(Q(retries__lte=0)),
    "topic": equals("topic"),
    **of_cases(),
    "locked": switch(Q(lease_owner__isnull=False)),
    "unlocked": switch(Q(lease_owner=None)),
    "lockOwner": equals("lease_owner"),
    "handlerTypes": among("kind"),
    **tenant("tenant"),
}
_SORTS = {
    "id": "pk", "dueDate": "due", "createTime": "created", "executionId": "token", "processInstanceId": "instance_id", "retries": "retries",
    "tenantId": "tenant",
}  # fmt: skip


def _listing(state: str) -> Listing[Job]:
    return Listing("job", lambda user: access.visible_jobs(user).filter(state=state), _FILTERS, _SORTS, "id", ("created", "pk"))


jobs = {state: _listing(state) for state in Job.State.values}
