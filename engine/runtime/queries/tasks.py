"""Lists of user tasks: those that are open, those that were, and a person's inbox."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db.models import Func, IntegerField, Q, QuerySet

from engine.errors import BadInput
from engine.models import IdentityLink, UserTask
from engine.models.compiled import KEPT
from engine.runtime import access, holders, sight
from engine.runtime.queries.asking import ByShape, asked
from engine.runtime.queries.filters import (
    Filter,
    Filters,
    after,
    among,
    before,
    equals,
    execution_of,
    ident,
    idents,
    like_family,
    moment,
    none_of,
    number,
    of_cases,
    of_text,
    of_texts,
    switch,
    tenant,
    text,
    within_tree,
)  # fmt: skip
from engine.runtime.queries.instances import of_definition, took
from engine.runtime.queries.listing import Listing
from engine.runtime.queries.pages import HOW_MANY, Whole
from engine.runtime.queries.planning import planned_anew
from engine.runtime.queries.variables import conditions, of_instances, of_tasks


# -- who ------------------------------------------------------------------------------------------------------------------
def _linked(*any_of: Q) -> list[sight.Ids]:
    """The ids of tasks that are offered to one of these users or groups; each kind has its index."""
    links = IdentityLink.objects.filter(type="candidate", task__isnull=False)
    return [links.filter(who).values_list("task") for who in any_of]


def _offered(among: Q, *any_of: Q) -> sight.Ids:
    """Those of some tasks that are offered to one of these users or groups."""
    found = UserTask.objects.filter(among)
    return sight.ids(*(found.filter(pk__in=offers).values_list("pk") for offers in _linked(*any_of)))


def _of_person(make: Callable[[str, list[Q]], Q]) -> Filter:
    """A filter by a user's name: `make` gets it, and the links that are his and his groups', which are read first."""

    def read(name: str, value: object) -> tuple[int, list[str]]:
        who = text(name, value)
        users = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: who})
        groups = access.filled(sorted(Group.objects.filter(user__in=users).values_list("name", flat=True)))
        return len(groups), [who, *groups]

    return ByShape(read, lambda shape, values: make(values[0], [Q(user=values[0]), *sight.of_groups(values[1:])]))


WHOEVER = " whoever has it"  # behind the name of such a filter: also what has an assignee


def _offers(among: Q) -> Filters:
    """The filters for what is offered, of a list all of whose tasks meet a condition."""
    whoever = {name + WHOEVER: make for name, make in _offers_of(among, among).items()}
    return {**_offers_of(among, among & Q(assignee=None)), **whoever}


def _offers_of(among: Q, free: Q) -> Filters:
    """The same, of the free ones of some tasks; a person's own are hers, free or not."""

    def or_assigned(who: str, links: list[Q]) -> Q:
        return Q(pk__in=sight.ids(UserTask.objects.filter(among, assignee=who).values_list("pk"), _offered(free, *links)))

    of_groups = of_texts(lambda groups: Q(pk__in=_offered(free, *sight.of_groups(groups))), least=1)
    return {
        "candidateUser": _of_person(lambda who, links: Q(pk__in=_offered(free, *links))),
        "candidateGroup": of_text(lambda group: Q(pk__in=_offered(free, Q(group=group)))),
        "candidateGroups": of_groups,
        "candidateGroupIn": of_groups,
        "candidateOrAssigned": _of_person(or_assigned),
    }


def _involved(who: str, *, before: bool = False) -> Q:
    """Users who have it, own it or are linked to it; perhaps also those who had or owned it before."""
    linked = IdentityLink.objects.filter(user=who, task__isnull=False)
    links = (holders.told if before else holders.shown)(linked).values_list("task")
    return Q(pk__in=sight.ids(*(UserTask.objects.filter(**{role: who}).values_list("pk") for role in ("assignee", "owner")), links))


def _delegated(name: str, value: object) -> Q:
    if value not in ("pending", "resolved"):
        raise BadInput(f"{name} must be pending or resolved", name)
    return Q(delegation=value)


def _on(path: str) -> Any:
    return equals(path, moment)


def _at_least(path: str, lookup: str) -> Any:
    return lambda name, value: Q(**{f"{path}__{lookup}": number(name, value)})


# -- filters --------------------------------------------------------------------------------------------------------------
_OF_ANY: Filters = {
    "taskId": ident("pk"),
    "taskIds": idents("pk"),
    "priority": equals("priority", number),
    "minimumPriority": _at_least("priority", "gte"),
    "maximumPriority": _at_least("priority", "lte"),
    "category": equals("category"),
    "categoryIn": among("category"),
    "categoryNotIn": none_of("category"),
    "withoutCategory": switch(Q(category=None)),
    "formKey": equals("form_key"),
    "unassigned": switch(Q(assignee=None)),
    "delegationState": _delegated,
    "involvedUser": of_text(_involved),
    "taskInvolvedUser": of_text(partial(_involved, before=True)),
    **like_family("taskDefinitionKey", "node"),
    "taskDefinitionKeys": among("node"),
    "processInstanceId": ident("instance"),
    "processInstanceIds": idents("instance"),
    "processInstanceIdIn": idents("instance"),
    "processInstanceIdWithChildren": within_tree,
    "withoutProcessInstanceId": switch(Q(instance=None)),
    **like_family("processInstanceBusinessKey", "instance__business_key"),
    **like_family("processBusinessKey", "instance__business_key"),
    **of_definition(),
    "executionId": execution_of(),
    "excludeSubTasks": switch(Q(parent=None)),
    "parentTaskId": ident("parent"),
    "dueDate": _on("due"),
    "dueOn": _on("due"),
    "dueBefore": before("due"),
    "dueDateBefore": before("due"),
    "dueAfter": after("due"),
    "dueDateAfter": after("due"),
    "withoutDueDate": switch(Q(due=None)),
    "taskVariables": conditions(of_tasks()),
    "processInstanceVariables": conditions(of_instances("instance")),
    "processVariables": conditions(of_instances("instance")),
    "rootScopeId": ident("instance__root"),
    "parentScopeId": ident("instance"),
    **of_cases(),
    **tenant("tenant"),
}
_OPEN: Filters = {
    **_OF_ANY,
    **_offers(sight.OPEN),
    **like_family("name", "name"),
    **like_family("description", "description"),
    **like_family("assignee", "assignee"),
    **like_family("owner", "owner"),
    "createdOn": _on("created"),
    "createdBefore": before("created"),
    "createdAfter": after("created"),
    "active": switch(Q(suspended=False), Q(suspended=True)),
}
_PAST: Filters = {
    **_OF_ANY,
    **_offers(Q()),
    **like_family("taskName", "name"),
    **like_family("taskDescription", "description"),
    **like_family("taskAssignee", "assignee"),
    **like_family("taskOwner", "owner"),
    **like_family("taskDeleteReason", "reason"),
    "taskCategory": equals("category"),
    "taskCategoryIn": among("category"),
    "taskCategoryNotIn": none_of("category"),
    "taskWithoutCategory": switch(Q(category=None)),
    "withoutDeleteReason": switch(Q(reason=None)),
    "taskPriority": equals("priority", number),
    "taskMinPriority": _at_least("priority", "gte"),
    "taskMaxPriority": _at_least("priority", "lte"),
    "taskCandidateGroup": of_text(lambda group: Q(pk__in=_offered(Q(assignee=None), Q(group=group)))),
    f"taskCandidateGroup{WHOEVER}": of_text(lambda group: Q(pk__in=sight.ids(*_linked(Q(group=group))))),
    "finished": switch(Q(ended__isnull=False), Q(ended=None)),
    "processFinished": switch(Q(instance__ended__isnull=False), Q(instance__isnull=False, instance__ended=None)),
    "taskCreatedOn": _on("created"),
    "taskCreatedBefore": before("created"),
    "taskCreatedAfter": after("created"),
    "taskCompletedOn": _on("ended"),
    "taskCompletedBefore": before("ended"),
    "taskCompletedAfter": after("ended"),
    "taskCompletedBy": equals("completed_by"),
}
_SORTS: Mapping[str, Any] = {
    "id": "pk", "name": "name", "description": "description", "dueDate": "due", "createTime": "created", "priority": "priority",
    "executionId": "token", "processInstanceId": "instance_id", "processDefinitionId": "definition_id", "taskDefinitionKey": "node",
    "assignee": "assignee", "owner": "owner", "category": "category", "tenantId": "tenant",
}  # fmt: skip
_PAST_SORTS: Mapping[str, Any] = {
    **_SORTS, "taskInstanceId": "pk", "taskName": "name", "startTime": "created", "start": "created",
    "endTime": "ended", "duration": took("created"),
    "deleteReason": "reason",
}  # fmt: skip
_IN_ORDER = ("pk",)  # ids are made in the order of time

tasks: Listing[UserTask] = Listing(
    "task",
    lambda user: access.visible_tasks(user).filter(sight.OPEN),
    _OPEN,
    _SORTS,
    "id",
    _IN_ORDER,
    lambda user: sight.tasks(user, sight.OPEN),
    plain=frozenset({"processInstanceId"}),
    by_name=True,
)
historic_tasks: Listing[UserTask] = Listing(
    "task", access.visible_tasks, _PAST, _PAST_SORTS, "taskInstanceId", _IN_ORDER, sight.tasks, by_name=True
)


# -- the inbox ------------------------------------------------------------------------------------------------------------
def _mine(user: Any) -> QuerySet[UserTask]:
    return UserTask.objects.filter(sight.OPEN, assignee=access.name(user))


def _groups(user: Any) -> QuerySet[UserTask]:
    found = UserTask.objects.filter(sight.OPEN)
    return found.filter(pk__in=sight.ids(UserTask.objects.none().values_list("pk"), *sight.offered(user, found)))


_VIEWS: Mapping[str, tuple[Callable[[Any], QuerySet[UserTask]], Any]] = {
    "mine": (_mine, access.names), "groups": (_groups, access.names), "all": (tasks, access.viewer)
}  # fmt: skip


def inbox(user: Any, view: str = "mine", search: str = "") -> Whole[UserTask]:
    """A person's open tasks: `mine`, unclaimed ones offered to him or his `groups`, or `all` that he may see; most urgent first.

    `search` is looked for in a task's name and description and in its request's name, business key and process name. With
    their instance and its definition they are one statement. Raises BadInput for a view that there is not.
    """
    if view not in _VIEWS:
        raise BadInput(f"there is no view {view[:40]!r}", "view")
    shown, viewer = _VIEWS[view]
    wanted = search.replace("\0", "").strip()

    def rows(who: Any, condition: Q) -> QuerySet[UserTask]:
        return shown(who).select_related("instance__definition").filter(condition)

    return Whole(UserTask, user, ("inbox", view), rows, [asked(_searched(wanted))] if wanted else [], viewer)


def _searched(wanted: str) -> Q:
    columns = ("name", "description", "instance__name", "instance__business_key", "definition__name")
    found = Q()
    for column in columns:
        found |= Q(**{f"{column}__icontains": wanted[:200]})
    return found


def inbox_counts(user: Any) -> dict[str, int]:
    """How many open tasks are `mine` and how many are offered to me or my `groups`, for a badge; one statement."""
    kind, names = access.names(user)

    def query(given: Sequence[Any]) -> QuerySet[UserTask, Any]:
        who = access.as_viewer(kind, given)
        found = UserTask.objects.filter(pk__in=sight.ids(_mine(who).values_list("pk"), _groups(who).values_list("pk")))
        return found.order_by().values_list(HOW_MANY, Func("assignee", function="COUNT", output_field=IntegerField()))

    with planned_anew():
        [(both, mine)] = KEPT.rows(UserTask, ("inbox counts", kind), names, query)
    return {"mine": mine, "groups": both - mine}
