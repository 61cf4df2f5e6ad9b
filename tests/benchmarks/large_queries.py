"""What is asked of a large database: each query of the conformance suite, each filter and each way to sort of the large lists.

A word in braces is a value drawn anew for each call (`large_sample`). Paths below `query/` are asked by POST; those that begin with
a slash are pages of the task UI and of the admin.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.api import words
from engine.runtime import queries

Given = dict[str, Any]
PAGING = {"start", "size", "sort", "order"}
INSTANCES, PAST = "runtime/process-instances", "history/historic-process-instances"
TASKS, PAST_TASKS = "runtime/tasks", "history/historic-task-instances"
EXECUTIONS, SUBSCRIPTIONS = "runtime/executions", "runtime/event-subscriptions"
PAST_ACTIVITIES, PAST_VARIABLES = "history/historic-activity-instances", "history/historic-variable-instances"


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `scans` are those that no B-tree answers: like, ilike, notEquals, and what no index was thought worth its writes."""

    path: str
    given: Given

    @property
    def name(self) -> str:
        return f"{self.path}?{'&'.join(map(_shown, self.given.items()))}"

    @property
    def address(self) -> str:
        if self.path.startswith("/"):
            return self.path
        return f"/external-job-api/{self.path[9:]}" if self.path.startswith("external:") else f"/api/{self.path}"

    @property
    def for_operators(self) -> bool:
        return self.path.startswith("/admin/")

    @property
    def scans(self) -> bool:
        told = str(self.given)
        if (self.path, *self.given) in UNINDEXED or (self.path, self.given.get("sort")) in UNINDEXED_SORTS:
            return True
        return any(word in told for word in ("Like'", "LikeIgnoreCase", "'like", "otEquals", "IgnoreCase", "'q':"))

    def reads_rows(self, who: str) -> bool:
        """Whether it asks by what no index has beside the instance: then each row of what somebody sees is read."""
        return who == "user" and (self.name in UNHELD or (self.path, self.given.get("sort")) in UNHELD_SORTS)


# What history is asked rarely: an index of each of these would cost every task that is written.
UNINDEXED = {(PAST_TASKS, name) for name in ("taskName", "taskCategory", "dueDateAfter")} | {
    ("runtime/variable-instances", "variableName"), ("/admin/towpath/instance/", "state__exact"),
}  # fmt: skip
UNINDEXED_SORTS = {(PAST, name) for name in ("duration", "tenantId")} | {
    (PAST_TASKS, name) for name in ("name", "description", "dueDate", "priority", "executionId", "tenantId", "owner", "duration", "deleteReason",
                                    "taskDefinitionKey")
}  # fmt: skip


# What has an index, if any, for the whole history, but none that knows it of one instance.
UNHELD = {f"{PAST}?{asked}" for asked in ("finished=true", "excludeSubprocesses=true")} | {
    f"{PAST_ACTIVITIES}?{asked}"
    for asked in ("activityId=work&finished=false", "activityId=end", "activityType=userTask", "finished=false")
}
UNHELD_SORTS = {(EXECUTIONS, name) for name in ("processDefinitionId", "processDefinitionKey", "tenantId")} | {
    (PAST_ACTIVITIES, name) for name in ("activityId", "activityName", "activityType", "endTime", "duration", "executionId", "tenantId",
                                         "processDefinitionId")
}  # fmt: skip


def _shown(given: tuple[str, Any]) -> str:
    name, value = given
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"{name}={' and '.join(' '.join(map(str, (c.get('name', 'any'), c['operation'], c['value']))) for c in value)}"
    return f"{name}={value}"


def _where(name: str, operation: str, value: Any) -> Given:
    kind = {"ordered": "date", "total": "double"}.get(name)
    return {"name": name, "operation": operation, "value": value, **({"type": kind} if kind else {})}


CONDITIONS: list[list[Given]] = [
    [_where("amount", "equals", "{amount}")],
    [_where("amount", "notEquals", "{amount}")],
    [_where("amount", "greaterThan", 4990)],
    [_where("amount", "lessThanOrEquals", 10)],
    [_where("total", "greaterThanOrEquals", 24990)],
    [_where("customer", "equals", "{customer}")],
    [_where("customer", "notEquals", "{customer}")],
    [_where("customer", "equalsIgnoreCase", "{customer}")],
    [_where("customer", "notEqualsIgnoreCase", "{customer}")],
    [_where("customer", "like", "{customer}%")],
    [_where("customer", "like", "%er 77")],
    [_where("customer", "likeIgnoreCase", "CUSTOMER 77%")],
    [_where("express", "equals", True)],
    [_where("ordered", "greaterThan", "{day}")],
    [_where("customer", "equals", "{customer}"), _where("express", "equals", True)],
    [{"operation": "equals", "value": "{customer}"}],
]
_OF_KEY = {"processDefinitionKey": "{key}"}

SUITE: dict[str, list[Given]] = {
    INSTANCES: [
        {}, {"size": "100"}, {"start": "5000"}, {"start": "90000"}, {"id": "{open}"}, {"businessKey": "{business}"},
        {"businessKeyLike": "ORD-77%", "sort": "startTime"}, {"businessKeyLikeIgnoreCase": "%ord-77"}, {"processDefinitionId": "{definition}"},
        _OF_KEY, {"processDefinitionKey": "{rare}"}, {**_OF_KEY, "includeProcessVariables": "true"}, {**_OF_KEY, "size": "0"},
        {**_OF_KEY, "sort": "startTime", "order": "desc"}, {**_OF_KEY, "sort": "startTime", "start": "300"}, {**_OF_KEY, "suspended": "true"},
        {"startedBy": "{user}"}, {"startedBy": "{user}", **_OF_KEY}, {"involvedUser": "{user}"}, {"involvedUser": "{user}", **_OF_KEY},
        {"tenantId": "acme"}, {"withoutTenantId": "true"}, {"superProcessInstanceId": "{open}"}, {"activeActivityId": "work"},
        {"startedAfter": "{recent}"}, {"startedBefore": "{early}"}, {"suspended": "true"}, {"excludeSubprocesses": "true"}, {"nameLike": "%der 5"},
    ],
    PAST: [
        {}, {"size": "100"}, {"start": "5000"}, {"start": "500000"}, {"processInstanceId": "{instance}", "includeProcessVariables": "true"},
        {"businessKey": "{business}"}, {"businessKeyLike": "ORD-77%"}, {"processBusinessKeyLikeIgnoreCase": "%-7777"}, _OF_KEY,
        {"processDefinitionKey": "{rare}"}, {"processDefinitionId": "{definition}"}, {**_OF_KEY, "finished": "false"}, {**_OF_KEY, "finished": "true"},
        {**_OF_KEY, "sort": "startTime"}, {**_OF_KEY, "startedAfter": "{early}", "finishedAfter": "{early}"}, {"startedAfter": "{recent}"},
        {"finishedAfter": "{recent}"}, {"finishedBefore": "{early}"}, {"finished": "true"}, {"finished": "false"}, {"startedBy": "{user}"},
        {"startedBy": "{user}", **_OF_KEY}, {"involvedUser": "{user}"}, {"involvedUser": "{user}", "finished": "true"}, {"tenantId": "acme"},
        {"superProcessInstanceId": "{instance}"}, {"excludeSubprocesses": "true"}, {"state": "cancelled"}, {"nameLike": "Order 5%"},
        {"nameLikeIgnoreCase": "%ORDER 5%"}, {"processDefinitionName": "The {key}"}, {"deploymentId": "{deployment}"},
    ],
    TASKS: [
        {}, {"size": "100"}, {"start": "50000"}, {"assignee": "{user}"}, {"assignee": "{user}", **_OF_KEY}, {"owner": "{user}"},
        {"candidateGroup": "{group}"}, {"candidateGroup": "{group}", **_OF_KEY}, {"candidateGroups": "{group},nobody"}, {"candidateUser": "{user}"},
        {"candidateUser": "{user}", **_OF_KEY}, {"involvedUser": "{user}"}, {"unassigned": "true"}, {"unassigned": "true", **_OF_KEY},
        {"category": "laundry", "description": "Dry it"}, {"category": "laundry", "minimumPriority": "50", "sort": "priority"},
        {"category": "laundry", "dueAfter": "{early}"}, {"category": "laundry", "nameLike": "%o%", "sort": "name"}, {"priority": "90"},
        {"category": "laundry", "nameLikeIgnoreCase": "WORK%"}, {"category": "laundry", "owner": "{user}", "sort": "name"},
        {"category": "laundry", "sort": "dueDate", "dueBefore": "{recent}"}, {"category": "laundry", "sort": "priority", "order": "desc"},
        _OF_KEY, {"processInstanceBusinessKey": "{business}"}, {"processInstanceBusinessKeyLike": "ORD-77%"}, {"processInstanceId": "{open}"},
        {"processInstanceId": "{open}", "delegationState": "pending"}, {"processInstanceId": "{open}", "includeProcessVariables": "true"},
        {"taskDefinitionKey": "work"}, {"dueBefore": "{early}"}, {"createdAfter": "{recent}"}, {"nameLike": "%The process-3 5%"}, {"tenantId": "acme"},
        {"delegationState": "pending"}, {"withoutDueDate": "true"}, {"excludeSubTasks": "true"}, {"active": "true"},
    ],
    PAST_TASKS: [
        {}, {"start": "500000"}, {**_OF_KEY, "finished": "false"}, {**_OF_KEY, "finished": "true"}, {"processInstanceId": "{instance}"},
        {"processInstanceId": "{instance}", "dueDateBefore": "{recent}"}, {"processInstanceId": "{instance}", "taskNameLike": "Work%"},
        {"processInstanceId": "{instance}", "processFinished": "true", "sort": "endTime", "order": "desc"}, {"taskAssignee": "{user}"},
        {"processInstanceId": "{instance}", "taskDefinitionKey": "work", "includeTaskLocalVariables": "true"}, {"taskName": "Work on The process-3 5"},
        {"taskNameLike": "%process-3 5%"}, {"taskOwner": "{user}"}, {"taskCompletedBy": "{user}"}, {"taskInvolvedUser": "{user}"}, {"processFinished": "true"},
        {"taskCompletedAfter": "{recent}"}, {"taskCreatedBefore": "{early}"}, {"taskCategory": "laundry"}, {"dueDateAfter": "{recent}"},
        {"processBusinessKey": "{business}", "taskDefinitionKey": "work"}, {"taskCandidateGroup": "{group}"}, {"taskDefinitionKey": "work"},
    ],
    EXECUTIONS: [
        {}, {"start": "100000"}, {"processInstanceId": "{open}"}, {"processInstanceId": "{open}", "activityId": "work"}, {"activityId": "work"}, _OF_KEY,
        {"messageEventSubscriptionName": "{event}"}, {"signalEventSubscriptionName": "{event}"}, {"processBusinessKey": "{business}"}, {"tenantId": "acme"},
    ],
    SUBSCRIPTIONS: [
        {}, {"eventName": "{event}"}, {"eventType": "message"}, {"processInstanceId": "{open}"}, {"processDefinitionId": "{definition}"},
        {"activityId": "work"}, {"createdAfter": "{recent}"}, {"tenantId": "acme"},
    ],
    PAST_ACTIVITIES: [
        {}, {"start": "1000000"}, {"processInstanceId": "{instance}", "size": "50"}, {"processInstanceId": "{instance}", "activityType": "userTask"},
        {"processInstanceId": "{instance}", "finished": "false"}, {"processInstanceId": "{instance}", "activityName": "Do the work"},
        {"taskAssignee": "{user}"}, {"taskAssignee": "{user}", "processInstanceId": "{instance}"}, {"activityId": "work", "finished": "false"},
        {"activityId": "end"}, {"activityType": "userTask"}, {"finished": "false"}, {"startedAfter": "{recent}"}, {"finishedAfter": "{recent}"},
        {"taskCompletedBy": "{user}"}, _OF_KEY, {"processDefinitionId": "{definition}"}, {"activityNameLike": "Do%"}, {"tenantId": "acme"},
    ],
    "runtime/activity-instances": [{}, {"processInstanceId": "{open}", "activityType": "receiveTask"}, {"processInstanceId": "{open}", "finished": "true"}],
    PAST_VARIABLES: [
        {}, {"start": "1000000"}, {"processInstanceId": "{instance}"}, {"processInstanceId": "{instance}", "excludeTaskVariables": "true"},
        {"processInstanceId": "{instance}", "variableName": "amount"}, {"processInstanceId": "{instance}", "variableNameLike": "%o%"},
        {"taskId": "{task}"}, {"variableName": "said"}, {"variableName": "amount"}, {"variableNameLike": "%art"},
    ],
    "runtime/variable-instances": [{}, {"processInstanceId": "{open}"}, {"variableName": "cart"}, {"variableNameLike": "sai%"}],
    **{f"management/{kind}-jobs": [
        {}, {"processInstanceId": "{open}"}, {"processDefinitionId": "{definition}"}, {"elementId": "work"}, {"dueBefore": "{recent}"}, {"withException": "true"},
        {"timersOnly": "true"},
    ] for kind in ("timer", "suspended", "deadletter")},
    "management/jobs": [{}, {"processInstanceId": "{open}"}, {"exceptionMessage": "nothing"}],
    "external:jobs": [{}, {"processInstanceId": "{open}"}, {"processInstanceId": "{open}", "locked": "true"}],
    "repository/deployments": [{}, {"nameLike": "process-%", "sort": "deployTime", "order": "desc"}],
    "repository/process-definitions": [{}, {"key": "{key}", "latest": "true"}, {"latest": "true"}, {"startableByUser": "{user}"}],
    "identity/users": [{}, {"memberOfGroup": "{group}"}, {"emailLike": "%@example.org", "sort": "lastName", "order": "desc"}],
    "identity/groups": [{}, {"member": "{user}"}],
    "query/process-instances": [
        *({"variables": one} for one in CONDITIONS), {**_OF_KEY, "variables": CONDITIONS[0]}, {**_OF_KEY, "variables": CONDITIONS[5], "sort": "startTime"},
        {"processBusinessKey": "{business}"}, {"processInstanceIds": ["{open}", "{instance}"]},
    ],
    "query/historic-process-instances": [
        *({"variables": one} for one in CONDITIONS), {**_OF_KEY, "variables": CONDITIONS[5]}, {**_OF_KEY, "finished": True, "sort": "endTime", "order": "desc"},
    ],
    "query/tasks": [
        *({"processInstanceVariables": one} for one in CONDITIONS[:6]), {"category": "laundry", "withoutDueDate": True}, {"candidateOrAssigned": "{user}"},
        {"candidateGroupIn": ["{group}"], **_OF_KEY}, {"processInstanceId": "{open}", "taskVariables": [_where("said", "equals", "Answer 5")]},
        {"taskVariables": [_where("said", "equals", "Answer 5")]}, {"taskVariables": [_where("said", "like", "Answer 5%")]},
    ],
    "query/historic-task-instances": [
        {"processVariables": CONDITIONS[5]}, {"processVariables": CONDITIONS[6]}, {"processInstanceId": "{instance}", "taskVariables": [_where("said", "equals", "Answer 5")]},
        {"taskVariables": [_where("said", "equals", "Answer 5")]},
    ],
    "query/executions": [{"activityId": "work", "processInstanceId": "{open}"}, {"processBusinessKey": "{business}", **_OF_KEY}, {"processInstanceVariables": CONDITIONS[5]}],
    "query/activity-instances": [{"activityId": "work", "processInstanceId": "{open}"}],
    "query/historic-activity-instances": [{"activityType": "userTask", "processInstanceId": "{instance}"}],
    "query/historic-variable-instances": [
        {"processInstanceId": "{instance}", "variables": CONDITIONS[5]}, {"variables": CONDITIONS[5]}, {"variables": CONDITIONS[0]},
    ],
}  # fmt: skip
_ADMIN = "/admin/towpath"
PAGES: dict[str, list[Given]] = {
    "/inbox/": [
        {}, {"view": "groups"}, {"view": "all"}, {"view": "all", "page": "50"}, {"view": "all", "page": "5000"}, {"q": "process-3"},
        {"view": "groups", "q": "process-3"}, {"view": "all", "q": "ORD-77"},
    ],
    "/inbox/count/": [{}],
    "/requests/": [{}, {"page": "50"}, {"q": "ORD-77"}],
    "/admin/": [{}],
    f"{_ADMIN}/instance/": [
        {}, {"p": "100"}, {"running": "1"}, {"running": "0"}, {"state__exact": "cancelled"}, {"suspended__exact": "1"}, {"trouble": "dead"},
        {"trouble": "failing"}, {"definition__id__exact": "{definition}"}, {"o": "5"}, {"o": "2"}, {"o": "-7"}, {"q": "ORD-7777"}, {"q": "{instance}"},
    ],
    f"{_ADMIN}/instance/{{instance}}/change/": [{}],
    f"{_ADMIN}/usertask/": [
        {}, {"p": "100"}, {"state__exact": "open"}, {"state__exact": "completed"}, {"urgency": "high"}, {"definition__id__exact": "{definition}"},
        {"o": "4"}, {"q": "process-3"}, {"q": "{user}"}, {"q": "{task}"},
    ],
    f"{_ADMIN}/usertask/{{task}}/change/": [{}],
    f"{_ADMIN}/job/": [{}, {"state__exact": "dead"}, {"kind__exact": "timer"}, {"overdue": "1"}, {"failed": "1"}, {"q": "shop"}],
    f"{_ADMIN}/ledger/": [{}, {"p": "100"}, {"outcome__exact": "committed"}, {"outcome__exact": "rolled back"}, {"trigger__exact": "start"}, {"q": "{user}"}],
    f"{_ADMIN}/subscription/": [{}, {"kind__exact": "signal"}, {"q": "{event}"}],
    f"{_ADMIN}/request/": [{}, {"p": "100"}, {"state__exact": "running"}, {"operation": "start"}],
    f"{_ADMIN}/delivery/": [{}, {"p": "100"}, {"state__exact": "dead"}, {"state__exact": "delivered"}, {"q": "503"}, {"q": "{instance}"}],
    f"{_ADMIN}/definition/": [{}],
}  # fmt: skip
SORTED = {
    INSTANCES: queries.instances, PAST: queries.historic_instances, TASKS: queries.tasks, PAST_TASKS: queries.historic_tasks,
    EXECUTIONS: queries.executions, SUBSCRIPTIONS: queries.subscriptions, PAST_ACTIVITIES: queries.activities, PAST_VARIABLES: queries.historic_variables,
    "management/timer-jobs": queries.jobs["waiting"],
}  # fmt: skip


def everything() -> Iterator[Query]:
    """The queries, then each large list by each of its sorts, both ways; what a list does not heed is left out. Then the pages."""
    for path, all_given in SUITE.items():
        yield from (Query(path, given) for given in all_given if set(given) <= words.FILTERS.get(path, set(given)) | PAGING)
    for path, listing in SORTED.items():
        sorts = words.SORTS.get(path, frozenset(listing.sorts))
        yield from (Query(path, {"sort": name, "order": order}) for name in sorted(sorts) for order in ("asc", "desc"))
    yield from (Query(path, given) for path, all_given in PAGES.items() for given in all_given)
