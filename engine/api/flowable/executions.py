"""`runtime/executions`: the tokens of instances, and how those that wait are woken; event subscriptions and signals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from engine.api.body import Json, Members, one_of
from engine.api.dialect import each, execution_id, ident, moment, page, values
from engine.api.flowable import definitions, instances
from engine.api.flowable.table import listed, routes
from engine.api.router import Answer, Call
from engine.errors import BadInput, NotFound
from engine.models import Subscription, Token
from engine.runtime import deliveries, messages, queries
from engine.runtime.queries import filters
from engine.runtime.queries.instances import EVENT, around_gateways

PATH = "runtime/executions"
SUBSCRIPTIONS = "runtime/event-subscriptions"


def _page(call: Call, rows: Iterable[Token]) -> list[Json]:
    around = around_gateways(rows)
    return [shaped(call, row, around) for row in rows]


def shaped(call: Call, row: Token, around: Mapping[tuple[Any, int], int | None]) -> dict[str, Json]:
    above = row.parent if row.parent is None else around.get((row.instance_id, row.parent), row.parent)
    parent = execution_id(row.instance_id, above)
    caller = execution_id(row.instance.parent, row.instance.parent_token) if row.number == 0 else None
    own = execution_id(row.instance_id, row.number)
    return {
        "id": own,
        "url": call.url(PATH, own),
        "parentId": parent,
        "parentUrl": call.url_of(PATH, parent),
        "superExecutionId": caller,
        "superExecutionUrl": call.url_of(PATH, caller),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url(instances.PATH, row.instance_id),
        "suspended": row.instance.suspended,
        "activityId": row.node if row.number else None,
        "tenantId": row.instance.tenant,
    }


@listed(PATH, "query/executions")
def all_executions(call: Call, given: Mapping[str, object]) -> Json:
    """The executions: the instances themselves, and where their tokens are."""
    return page(call, queries.executions, given, partial(_page, call))


def found(call: Call, execution: str) -> Token:
    """The execution with this id; raises NotFound."""
    where = filters.execution(execution)
    row = queries.executions.seen(call.user).filter(instance=where[0], number=where[1]).first() if where else None
    if row is None:
        raise NotFound(f"There is no execution {execution[:60]!r}.")
    return row


@routes.get(PATH + "/{execution}")
def one(call: Call, execution: str) -> Json:
    """One execution."""
    return _page(call, [found(call, execution)])[0]


@routes.get(PATH + "/{execution}/activities")
def activities(call: Call, execution: str) -> Json:
    """The activities that are active in it and below it."""
    row = found(call, execution)
    rows = list(Token.objects.filter(instance=row.instance_id).order_by("number").values_list("number", "parent", "node", "wait"))
    inside = {row.number}
    for number, parent, _, _ in rows:  # a child is always younger than its parent
        if parent in inside:
            inside.add(number)
    return sorted({node for number, _, node, wait in rows if number in inside and node and wait != EVENT})


# -- waking ---------------------------------------------------------------------------------------------------------------
def _trigger(call: Call, row: Token, sent: Members, given: dict[str, Any]) -> None:
    messages.trigger(row.instance_id, row.number, given, user=call.user)


def _message(call: Call, row: Token, sent: Members, given: dict[str, Any]) -> None:
    messages.event(row.instance_id, row.number, "message", sent.required("messageName"), given, user=call.user)


def _signal(call: Call, row: Token, sent: Members, given: dict[str, Any]) -> None:
    messages.event(row.instance_id, row.number, "signal", sent.required("signalName"), given, user=call.user)


_ACTIONS = {"trigger": _trigger, "signal": _trigger, "messageEventReceived": _message, "signalEventReceived": _signal}


@routes.put(PATH + "/{execution}")
def wake(call: Call, execution: str) -> Json:
    """Trigger it, or hand it the message or signal that it waits for; 204 if it ends with that."""
    sent, row = call.sent, found(call, execution)
    one_of(_ACTIONS, sent)(call, row, sent, values(call.sent.items("variables")))
    try:
        return _page(call, [found(call, execution)])[0]
    except NotFound:
        return Answer(204)


@routes.put(PATH, status=204)
def wake_all(call: Call) -> None:
    """Hand all executions that wait for it a signal (`signalEventReceived`)."""
    one_of({"signalEventReceived": messages.signal}, call.sent)
    messages.signal(call.sent.required("signalName"), values(call.sent.items("variables")), user=call.user)


@routes.post("runtime/signals", status=204)
def signal(call: Call) -> Answer | None:
    """Throw a signal to everybody who waits for it, in one transaction; with `async` by one job for each (202)."""
    sent = call.sent
    name, given = sent.required("signalName"), values(sent.items("variables"))
    if not sent.flag("async"):
        messages.signal(name, given, user=call.user, tenant=sent.text("tenantId") or "")
        return None
    if given:
        raise BadInput("an asynchronous signal takes no variables", "variables")
    deliveries.signal(name, user=call.user, tenant=sent.text("tenantId") or "")
    return Answer(202)


# -- event subscriptions --------------------------------------------------------------------------------------------------
def subscription_shaped(call: Call, row: Subscription) -> dict[str, Json]:
    execution = execution_id(row.instance_id, row.token)
    return {
        "id": ident(row.pk),
        "url": call.url(SUBSCRIPTIONS, row.pk),
        "eventType": row.kind,
        "eventName": row.name,
        "activityId": row.node,
        "executionId": execution,
        "executionUrl": call.url_of(PATH, execution),
        "processInstanceId": ident(row.instance_id),
        "processInstanceUrl": call.url_of(instances.PATH, row.instance_id),
        "processDefinitionId": row.definition_id,
        "processDefinitionUrl": call.url_of(definitions.PATH, row.definition_id),
        "scopeId": None,
        "scopeType": None,
        "subScopeId": None,
        "scopeDefinitionId": None,
        "created": moment(row.created),
        # Flowable keeps the definition in the configuration of message starts alone
        "configuration": row.definition_id if row.instance_id is None and row.kind == "message" else None,
        "tenantId": row.tenant,
    }


@routes.get(SUBSCRIPTIONS)
def subscriptions(call: Call) -> Json:
    """Who waits for a message, a signal, a condition or a compensation; start events too."""
    return page(call, queries.subscriptions, call.params, each(lambda row: subscription_shaped(call, row)))


@routes.get(SUBSCRIPTIONS + "/{subscription}")
def subscription(call: Call, subscription: str) -> Json:
    """One event subscription."""
    return subscription_shaped(call, queries.subscriptions.one(call.user, subscription))
