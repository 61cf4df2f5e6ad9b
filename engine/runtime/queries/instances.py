"""Lists of process instances, running and past, of their executions, of what they wait for, and of what they ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db.models import DurationField, Exists, ExpressionWrapper, F, OuterRef, Q, QuerySet

from engine.models import Activity, IdentityLink, Instance, Subscription, Token, UserTask
from engine.runtime import access, holders, sight
from engine.runtime.queries.filters import (
    NOTHING,
    Filters,
    after,
    among,
    before,
    equals,
    execution,
    execution_of,
    ident,
    idents,
    like_family,
    none_of,
    number,
    of_cases,
    of_text,
    switch,
    tenant,
    text,
    uuid,
    within_tree,
)  # fmt: skip
from engine.runtime.queries.listing import Listing
from engine.runtime.queries.variables import OF_EXECUTIONS, conditions, of_executions, of_instances
from engine.runtime.queries.walking import Walk


def took(began: str) -> Any:
    """How long a row lasted; null while it has not ended."""
    return ExpressionWrapper(F("ended") - F(began), output_field=DurationField())


def of_definition(path: str = "definition") -> dict[str, Any]:
    """The filters that nearly every list has for its process definition."""
    return {
        "processDefinitionId": equals(f"{path}_id"),
        "processDefinitionIds": among(f"{path}_id"),
        **like_family("processDefinitionKey", f"{path}__key"),
        "processDefinitionKeys": among(f"{path}__key"),
        "processDefinitionKeyIn": among(f"{path}__key"),
        "processDefinitionKeyNotIn": none_of(f"{path}__key"),
        "excludeProcessDefinitionKeys": none_of(f"{path}__key"),
        **like_family("processDefinitionName", f"{path}__name"),
        **like_family("processDefinitionCategory", f"{path}__category"),
        "processDefinitionEngineVersion": lambda name, value: NOTHING,  # the mark of definitions of an engine before this one
        "processDefinitionVersion": equals(f"{path}__version", number),
        "deploymentId": ident(f"{path}__deployment"),
        "deploymentIdIn": idents(f"{path}__deployment"),
    }


def _involved(who: str) -> Q:
    """Users who started it, are linked to it, or take part by its tasks: see `holders`."""
    links = IdentityLink.objects.filter(user=who)
    by_links = links.filter(task__isnull=False).exclude(type__in=holders.NO_PARTICIPANT).values("task")
    found: list[sight.Ids] = [_in_role(who, links, role).values_list("instance") for role in (holders.ASSIGNEE, holders.OWNER)]
    found += [_of_process(completed_by=who).values_list("instance"), _of_process(pk__in=by_links).values_list("instance")]
    found += [links.filter(instance__isnull=False).values_list("instance")]
    return Q(pk__in=sight.ids(Instance.objects.filter(starter=who).values_list("pk"), *found))


def _of_process(**having: Any) -> QuerySet[UserTask]:
    return UserTask.objects.filter(instance__isnull=False, **having)


def _in_role(who: str, links: QuerySet[IdentityLink], role: str) -> QuerySet[UserTask]:
    """The tasks that tell by themselves that they are his; of the others a link tells whether he takes part."""
    return _of_process(**{role: who}).exclude(pk__in=links.filter(type=role, task__isnull=False).values("task"))


def _resting_at(node: str) -> Q:
    return Q(Exists(Token.objects.filter(instance=OuterRef("pk"), node=node)))


def _calls(name: str, value: object) -> Q:
    """The one that called this instance."""
    found = uuid(value)
    return Q(pk__in=Instance.objects.filter(pk=found).values("parent")) if found else NOTHING


_OF_ANY: Filters = {
    "id": ident("pk"),
    "ids": idents("pk"),
    "processInstanceId": ident("pk"),
    "processInstanceIds": idents("pk"),
    **like_family("name", "name"),
    **like_family("processInstanceName", "name"),
    **of_definition(),
    **like_family("businessKey", "business_key"),
    **like_family("processBusinessKey", "business_key"),
    **like_family("processInstanceBusinessKey", "business_key"),
    **like_family("businessStatus", "business_status"),
    **like_family("processBusinessStatus", "business_status"),
    "startedBy": equals("starter"),
    "startedBefore": before("started"),
    "startedAfter": after("started"),
    "involvedUser": of_text(_involved),
    "superProcessInstanceId": ident("parent"),
    "subProcessInstanceId": _calls,
    "rootScopeId": ident("root"),
    "parentScopeId": ident("parent"),
    "excludeSubprocesses": switch(Q(parent=None)),
    "activeActivityId": of_text(_resting_at),
    "activeActivityIds": lambda name, value: Q(Exists(Token.objects.filter(among("node")(name, value), instance=OuterRef("pk")))),
    "variables": conditions(of_instances()),
    **of_cases(),
    **tenant("tenant"),
}
_RUNNING: Filters = {**_OF_ANY, "suspended": switch(Q(suspended=True), Q(suspended=False))}
_PAST: Filters = {
    **_OF_ANY,
    "finished": switch(Q(ended__isnull=False), Q(ended=None)),
    "finishedBefore": before("ended"),
    "finishedAfter": after("ended"),
    "startEventId": equals("start_node"),
    "state": equals("state"),
}
_SORTS: Mapping[str, Any] = {
    "id": "pk", "processInstanceId": "pk", "processDefinitionId": "definition_id", "processDefinitionKey": "definition__key",
    "businessKey": "business_key", "startTime": "started", "tenantId": "tenant", "name": "name",
}  # fmt: skip
_IN_ORDER = ("pk",)  # ids are made in the order of time


def _seen(user: Any) -> QuerySet[Instance]:
    return access.visible_instances(user).select_related("definition")


def _listed(user: Any) -> QuerySet[Instance]:
    return sight.instances(user).select_related("definition")


instances: Listing[Instance] = Listing(
    "process instance",
    lambda user: _seen(user).filter(ended=None),
    _RUNNING,
    _SORTS,
    "id",
    _IN_ORDER,
    lambda user: _listed(user).filter(ended=None),
    by_name=True,
)
historic_instances: Listing[Instance] = Listing(
    "process instance", _seen, _PAST, {**_SORTS, "endTime": "ended", "duration": took("started")}, "processInstanceId", _IN_ORDER, _listed,
    by_name=True,
    walk=Walk(sight.instance_ids, frozenset({"id", "processInstanceId", "processDefinitionId", "businessKey", "startTime", "endTime"})),
)  # fmt: skip


# -- what belongs to instances --------------------------------------------------------------------------------------------
def visible(rows: QuerySet[Any], user: Any, *, loose: Q | None = None, long: bool = False) -> QuerySet[Any]:
    """Those rows whose instance the user may see, or that meet `loose`; `long` for what is listed as a whole."""
    if access.sees_all(user):
        return rows
    mine = Q(instance__in=sight.instance_ids(user) if long else access.visible_instances(user).values("pk"))
    return rows.filter(mine if loose is None else mine | loose)


def _waiting_for(kind: str) -> Any:
    return lambda name, value: Q(
        Exists(Subscription.objects.filter(instance=OuterRef("instance"), token=OuterRef("number"), kind=kind, name=text(name, value)))
    )


EVENT = "event"  # the wait of an event gateway: no execution, what waits behind it stands in its place (as at Flowable)


def _child_of(name: str, value: object) -> Q:
    found = execution(value)
    if not found:
        return NOTHING
    gateways = Token.objects.filter(instance=found[0], parent=found[1], wait=EVENT).values("number")
    return Q(instance=found[0]) & (Q(parent=found[1]) | Q(parent__in=gateways))


def around_gateways(rows: Iterable[Token]) -> dict[tuple[Any, int], int | None]:
    """The scopes around the event gateways of the instances of some tokens, by instance and number of the gateway; one statement."""
    found = Token.objects.filter(instance__in={row.instance_id for row in rows}, wait=EVENT)
    return {(instance, number): parent for instance, number, parent in found.values_list("instance", "number", "parent")}


def _tokens(user: Any, *, long: bool = False) -> QuerySet[Token]:
    return visible(Token.objects.select_related("instance").exclude(wait=EVENT), user, long=long)


_EXECUTIONS: Filters = {
    "id": execution_of("instance", "number"),
    "executionId": execution_of("instance", "number"),
    "parentId": _child_of,
    "activityId": equals("node"),
    "processInstanceId": ident("instance"),
    "processInstanceIds": idents("instance"),
    "rootProcessInstanceId": within_tree,
    **of_definition("instance__definition"),
    # Flowable looks for a business key at executions that carry one: the instances themselves.
    "processBusinessKey": lambda name, value: Q(instance__business_key=text(name, value), number=0),
    "processInstanceBusinessKey": lambda name, value: Q(instance__business_key=text(name, value), number=0),
    "messageEventSubscriptionName": _waiting_for("message"),
    "signalEventSubscriptionName": _waiting_for("signal"),
    "processInstanceVariables": conditions(of_instances("instance"), OF_EXECUTIONS),
    "variables": conditions(of_executions(), OF_EXECUTIONS),
    **tenant("instance__tenant"),
}

executions: Listing[Token] = Listing(
    "execution",
    _tokens,
    _EXECUTIONS,
    {
        "processInstanceId": "instance_id", "processDefinitionId": "instance__definition_id",
        "processDefinitionKey": "instance__definition__key", "tenantId": "instance__tenant",
    },
    "processInstanceId",
    ("scope", "number", "pk"),  # what waits comes before what is around it
    partial(_tokens, long=True),
    by_name=True,
)  # fmt: skip

_SUBSCRIPTIONS: Filters = {
    "id": ident("pk"),
    "eventType": equals("kind"),
    "eventName": equals("name"),
    "activityId": equals("node"),
    "executionId": execution_of(),
    "processInstanceId": ident("instance"),
    "withoutProcessInstanceId": switch(Q(instance=None)),
    "processDefinitionId": equals("definition_id"),
    "withoutProcessDefinitionId": switch(Q(definition=None)),
    "createdBefore": before("created"),
    "createdAfter": after("created"),
    # Flowable keeps the definition in the configuration of message starts alone
    "configuration": lambda name, value: Q(instance=None, kind="message", definition=text(name, value)),
    "withoutConfiguration": switch(~Q(instance=None, kind="message")),
    **of_cases(),
    **tenant("tenant"),
}


def _subscriptions_seen(user: Any, *, long: bool = False) -> QuerySet[Subscription]:
    """Those of instances he sees, and the start events of definitions he may know."""
    starts = Q(instance=None, definition__in=access.visible_definitions(user).values("pk"))
    return visible(Subscription.objects.all(), user, loose=starts, long=long)


subscriptions: Listing[Subscription] = Listing(
    "event subscription",
    _subscriptions_seen,
    _SUBSCRIPTIONS,
    {
        "id": "pk",
        "created": "created",
        "executionId": "token",
        "processInstanceId": "instance_id",
        "processDefinitionId": "definition_id",
        "tenantId": "tenant",
    },
    "id",
    listed=partial(_subscriptions_seen, long=True),
)

_ACTIVITIES: Filters = {
    "activityId": equals("node"),
    "activityInstanceId": ident("pk"),
    **like_family("activityName", "name"),
    "activityType": equals("type"),
    "activityTypes": among("type"),
    "executionId": execution_of(),
    "finished": switch(Q(ended__isnull=False), Q(ended=None)),
    "processInstanceId": ident("instance"),
    "processInstanceIds": idents("instance"),
    "calledProcessInstanceIds": idents("called"),
    "taskAssignee": equals("assignee"),
    "taskCompletedBy": of_text(lambda who: Q(assignee=who, task__isnull=False, ended__isnull=False, reason=None)),  # whose it was
    "startedBefore": before("started"),
    "startedAfter": after("started"),
    "finishedBefore": before("ended"),
    "finishedAfter": after("ended"),
    **{name: made for name, made in of_definition("instance__definition").items() if name.startswith("processDefinition")},
    **tenant("instance__tenant"),
}


def _runs(user: Any, *, long: bool = False) -> QuerySet[Activity]:
    return visible(Activity.objects.select_related("instance"), user, long=long)


def _runs_listed(user: Any) -> QuerySet[Activity]:
    return _runs(user, long=True)


_ACTIVITY_SORTS: Mapping[str, Any] = {
    "activityId": ("node", "ended"), "activityName": "name", "activityType": "type", "activityInstanceId": "pk", "executionId": "token",
    "startTime": "started", "endTime": "ended", "duration": took("started"), "processInstanceId": "instance_id",
    "processDefinitionId": "instance__definition_id", "tenantId": "instance__tenant",
}  # fmt: skip
_AS_RUN = ("instance_id", "number")

activities: Listing[Activity] = Listing(
    "activity instance",
    _runs,
    _ACTIVITIES,
    _ACTIVITY_SORTS,
    "startTime",
    _AS_RUN,
    _runs_listed,
    by_name=True,
    apart=frozenset({"processDefinitionId", "processDefinitionIds"}),  # a version is used for some time
)
current_activities: Listing[Activity] = Listing(  # those of instances that still run
    "activity instance",
    lambda user: _runs(user).filter(instance__ended=None),
    _ACTIVITIES,
    _ACTIVITY_SORTS,
    "startTime",
    _AS_RUN,
    lambda user: _runs_listed(user).filter(instance__ended=None),
    by_name=True,
)
