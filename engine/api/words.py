"""The filters and the sorts of each list, by its path, as at Flowable: what is no filter of a list is ignored, what is no sort refused.

A list and its query by POST take different words. A list that is not here takes all that its query knows. The OpenAPI document
tells of each list what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from engine.errors import BadInput

_PAGING = frozenset(("start", "size", "sort", "order"))


def _words(*texts: str) -> frozenset[str]:
    return frozenset(word for text in texts for word in text.split())


def _likes(*names: str) -> str:
    """The three filters that some texts have."""
    return " ".join(f"{name} {name}Like {name}LikeIgnoreCase" for name in names)


_TENANT = "tenantId tenantIdLike withoutTenantId"
_CASE = "callbackId callbackType parentCaseInstanceId rootScopeId parentScopeId"
_DEFINITION = (
    _likes("processDefinitionKey", "processDefinitionName", "processDefinitionCategory") + " processDefinitionId processDefinitionVersion"
)
_INSTANCES = f"""{_TENANT} tenantIdLikeIgnoreCase {_CASE} {_DEFINITION} superProcessInstanceId excludeSubprocesses activeActivityId
    involvedUser startedBy startedBefore startedAfter includeProcessVariables includeProcessVariablesNames"""
_KEYED = _likes("businessKey", "businessStatus")
_KEYED_BY_POST = (
    _likes("processBusinessKey", "processBusinessStatus")
    + """ processInstanceIds processDefinitionKeys
    excludeProcessDefinitionKeys deploymentId deploymentIdIn activeActivityIds variables"""
)
_NAMED = _likes("processInstanceName")
_RUNNING = "suspended subProcessInstanceId processDefinitionEngineVersion"
_PAST = f"{_NAMED} processInstanceId finished finishedBefore finishedAfter withoutCallbackId"

_EXECUTIONS = f"""{_TENANT} id processInstanceId processDefinitionId processDefinitionKey activityId parentId
    messageEventSubscriptionName signalEventSubscriptionName"""
_ACTIVITIES = f"""{_TENANT} activityId activityInstanceId activityName activityType executionId finished processDefinitionId
    processInstanceId taskAssignee"""
_VARIABLES = "processInstanceId taskId executionId variableName variableNameLike excludeTaskVariables excludeLocalVariables"

_OF_TASKS = f"""{_TENANT} taskId processInstanceId processInstanceIdWithChildren withoutProcessInstanceId executionId processDefinitionId
    processDefinitionKey processDefinitionKeyLike processDefinitionName processDefinitionNameLike taskDefinitionKey taskDefinitionKeys
    dueDate includeTaskLocalVariables includeProcessVariables scopeId withoutScopeId scopeType scopeDefinitionId
    propagatedStageInstanceId rootScopeId parentScopeId"""
_TASKS = f"""{_OF_TASKS} name nameLike nameLikeIgnoreCase description descriptionLike priority minimumPriority maximumPriority assignee
    assigneeLike owner ownerLike unassigned delegationState candidateUser candidateGroup candidateOrAssigned ignoreAssignee involvedUser
    processInstanceBusinessKey processInstanceBusinessKeyLike createdOn createdBefore createdAfter dueBefore dueAfter excludeSubTasks
    taskDefinitionKeyLike active category categoryIn categoryNotIn withoutCategory"""
_PAST_TASKS = f"""{_OF_TASKS} processBusinessKey processBusinessKeyLike taskName taskNameLike taskNameLikeIgnoreCase taskDescription
    taskDescriptionLike taskCategory taskCategoryIn taskCategoryNotIn taskWithoutCategory taskDeleteReason taskDeleteReasonLike
    taskAssignee taskAssigneeLike taskOwner taskOwnerLike taskInvolvedUser taskPriority taskMinPriority taskMaxPriority finished
    processFinished parentTaskId dueDateAfter dueDateBefore taskCreatedOn taskCreatedBefore taskCreatedAfter taskCompletedOn
    taskCompletedBefore taskCompletedAfter taskCandidateGroup ignoreTaskAssignee"""

_JOBS = f"""{_TENANT} id processInstanceId withoutProcessInstanceId executionId processDefinitionId elementId elementName handlerType
    handlerTypes timersOnly messagesOnly dueBefore dueAfter withException exceptionMessage withoutScopeId withoutScopeType"""

_DETAILS = "processInstanceId executionId activityInstanceId taskId selectOnlyFormProperties selectOnlyVariableUpdates"

FILTERS: Mapping[str, frozenset[str]] = {
    "runtime/process-instances": _words(_INSTANCES, _RUNNING, _KEYED, _likes("name"), "id"),
    "query/process-instances": _words(_INSTANCES, _RUNNING, _KEYED_BY_POST, _NAMED, "processInstanceId processDefinitionIds"),
    "history/historic-process-instances": _words(_INSTANCES, _PAST, _KEYED, "deploymentId"),
    "query/historic-process-instances": _words(_INSTANCES, _PAST, _KEYED_BY_POST, "processDefinitionKeyIn processDefinitionKeyNotIn"),
    "management/jobs": _words(_JOBS, "locked unlocked"),
    "management/timer-jobs": _words(_JOBS, "executable"),
    "management/suspended-jobs": _words(_JOBS, "executable withRetriesLeft noRetriesLeft"),
    "management/deadletter-jobs": _words(_JOBS, "executable"),
    "jobs": _words(_TENANT, """id processInstanceId withoutProcessInstanceId executionId processDefinitionId elementId elementName
        withException exceptionMessage locked unlocked scopeId withoutScopeId subScopeId scopeDefinitionId scopeType withoutScopeType"""),
    "repository/deployments": _words("id name nameLike category categoryNotEquals parentDeploymentId parentDeploymentIdLike", _TENANT),
    "identity/users": _words("id firstName firstNameLike lastName lastNameLike displayName displayNameLike email emailLike memberOfGroup"),
    "identity/groups": _words("id name nameLike type member"),
    "runtime/event-subscriptions": _words("""id eventType eventName activityId executionId processInstanceId withoutProcessInstanceId
        processDefinitionId withoutProcessDefinitionId scopeId subScopeId withoutScopeId scopeDefinitionId withoutScopeDefinitionId
        createdBefore createdAfter configuration withoutConfiguration tenantId withoutTenantId"""),
    "history/historic-detail": _words(_DETAILS),
    "query/historic-detail": _words(_DETAILS),
    "repository/process-definitions": _words(
        _likes("name"), """category categoryLike categoryNotEquals key keyLike resourceName resourceNameLike version suspended latest
        deploymentId parentDeploymentId startableByUser tenantId tenantIdLike"""
    ),
    "runtime/executions": _words(_EXECUTIONS, "processInstanceBusinessKey"),
    "query/executions": _words(_EXECUTIONS, "processBusinessKey variables processInstanceVariables"),
    "runtime/activity-instances": _words(_ACTIVITIES, "taskCompletedBy"),
    "query/activity-instances": _words(_ACTIVITIES, "taskCompletedBy"),
    "history/historic-activity-instances": _words(_ACTIVITIES),
    "query/historic-activity-instances": _words(_ACTIVITIES),
    "runtime/variable-instances": _words(_VARIABLES),
    "query/variable-instances": _words(_VARIABLES, "variables"),
    "history/historic-variable-instances": _words(_VARIABLES),
    "query/historic-variable-instances": _words(_VARIABLES, "variables"),
    "runtime/tasks": _words(_TASKS, "candidateGroups"),
    "query/tasks": _words(_TASKS, "candidateGroupIn withoutDueDate taskVariables processInstanceVariables"),
    "history/historic-task-instances": _words(_PAST_TASKS),
    "query/historic-task-instances": _words(
        _PAST_TASKS, "taskDefinitionKeyLike withoutDueDate withoutDeleteReason taskVariables processVariables"
    ),
}  # fmt: skip

_TASK_SORTS = _words("name description dueDate priority executionId processInstanceId tenantId assignee owner")
_SORTED: Mapping[str, frozenset[str]] = {
    "process-instances": _words("id processDefinitionId processDefinitionKey startTime businessKey tenantId"),
    "historic-process-instances": _words("processInstanceId processDefinitionId businessKey startTime endTime duration tenantId"),
    "deployments": _words("id name deployTime tenantId"),
    "tasks": _TASK_SORTS | {"id", "createTime"},
    "historic-task-instances": _TASK_SORTS
    | _words("taskInstanceId processDefinitionId start startTime endTime duration taskDefinitionKey deleteReason"),
}
SORTS: Mapping[str, frozenset[str]] = {path: _SORTED[name] for path in FILTERS if (name := path.partition("/")[2]) in _SORTED}


def filters(path: str, known: Iterable[str]) -> list[str]:
    """The filters that a list heeds, where it has no words of its own those that its query knows."""
    return sorted(FILTERS.get(path, known))


def sorts(path: str, known: Iterable[str]) -> list[str]:
    """The ways to sort that a list has of those that its query knows."""
    return sorted(name for name in known if path not in SORTS or name in SORTS[path])


def taken(path: str, given: Mapping[str, object]) -> Mapping[str, object]:
    """What a list or query at this path heeds of what was sent; raises BadInput for a way to sort that it has not."""
    sort = given.get("sort")
    if sort is not None and not isinstance(sort, str):
        raise BadInput("sort must be a text", "sort")
    if path in SORTS and sort is not None and sort not in SORTS[path]:
        raise BadInput(f"sort must be one of {', '.join(sorted(SORTS[path]))}", "sort")
    if sort == "":
        raise BadInput("sort must not be empty", "sort")
    known = FILTERS.get(path)
    if path.startswith("query/"):
        given = {n: value for n, value in given.items() if (n not in (known or given) and n not in _PAGING) or _says(path, n, value)}
    return given if known is None else {name: value for name, value in given.items() if name in known or name in _PAGING}


_LISTS = _words("""processInstanceIds processDefinitionIds processDefinitionKeys excludeProcessDefinitionKeys deploymentIdIn
    activeActivityIds processDefinitionKeyIn processDefinitionKeyNotIn taskDefinitionKeys categoryIn categoryNotIn taskCategoryIn
    taskCategoryNotIn candidateGroupIn includeProcessVariablesNames""")
_NOT_EMPTY = {
    "query/process-instances": _words(
        "processInstanceIds processDefinitionIds processDefinitionKeys activeActivityIds includeProcessVariablesNames"
    ),
    "query/historic-process-instances": _words("includeProcessVariablesNames"),
    "query/tasks": _words("candidateGroupIn"),
}
_DATES = ("Before", "After", "On", "dueDate")
_SWITCHES = ("without", "include", "exclude", "ignore", "selectOnly")
_BLANK = _words("""start size finished processFinished suspended active unassigned priority minimumPriority maximumPriority taskPriority
    taskMinPriority taskMaxPriority processDefinitionVersion""")  # with what begins or ends as above: nothing, where it is empty


def _says(path: str, name: str, value: object) -> bool:
    """Whether a member of a query says anything: what is empty mostly does not, unless it is a text (as at Flowable). Raises BadInput."""
    if name in _LISTS and isinstance(value, str):
        raise BadInput(f"{name} must be a list", name)
    if name in _LISTS and value == [] and name in _NOT_EMPTY.get(path, ()):
        raise BadInput(f"{name} must not be empty", name)
    blank = name in _BLANK or name.endswith(_DATES) or name.startswith(_SWITCHES)
    return not (name in _LISTS and value == []) and not (blank and value == "")
