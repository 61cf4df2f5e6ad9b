"""What comes from outside to those who wait for it: messages, signals, triggers, and the look at conditions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from engine.errors import BadInput, Conflict, NotFound
from engine.interpreter.journal import Begin, Evaluate, Received
from engine.models import Instance, Job, Ledger, Subscription
from engine.models.fields import uuid7
from engine.runtime import access, work
from engine.runtime.instances import identify, known
from engine.runtime.store import receivers

Trigger = Ledger.Trigger


def message(
    name: str,
    variables: Mapping[str, Any] | None = None,
    *,
    instance: Any = None,
    token: int | None = None,
    business_key: str | None = None,
    user: access.User = None,
) -> UUID:
    """Give a message to the one token that waits for it; answers the instance's id.

    Raises NotFound when nobody waits, BadInput when several do and neither `instance` nor `business_key` tells which.
    """
    rows = Subscription.objects.filter(kind="message", name=name, instance__isnull=False)
    if instance is not None:
        rows = rows.filter(instance=identify(instance))
    if token is not None:
        rows = rows.filter(token=token)
    if business_key is not None:
        rows = rows.filter(instance__business_key=business_key)
    found = list(rows.order_by("created")[:2])
    if not found:
        raise NotFound(f"nobody waits for message {name}")
    if len(found) > 1 and token is None:
        raise BadInput(f"several wait for message {name}: say which by instance or business key", "messageName")
    return _receive(found[0], "message", name, known(variables), user)


def _receive(waiting: Subscription, kind: str, name: str, variables: dict[str, Any], user: access.User) -> UUID:
    _check_seen(waiting.instance_id, user)
    received = Received(waiting.token or 0, kind, name, variables)
    work.run(work.Order(waiting.instance_id, received, kind, name, waiting.node, access.name(user), cause=waiting.pk))
    found: UUID = waiting.instance_id
    return found


def event(
    instance_id: Any, token: int, kind: str, name: str | None, variables: Mapping[str, Any] | None = None, *, user: access.User = None
) -> None:
    """Give a message or signal to one token; raises Conflict when it does not wait for it."""
    key = identify(instance_id)
    waiting = Subscription.objects.filter(kind=kind, name=name, instance=key, token=token).first()
    if waiting is None:
        raise Conflict(f"execution {key}.{token} does not wait for {kind} {name}")
    if waiting.data.get("local"):
        _check_seen(key, user)
        return  # a signal of instance scope is not heard from outside (as in Flowable's SignalEventReceivedCmd)
    _receive(waiting, kind, name or "", known(variables), user)


def trigger(
    instance_id: Any,
    token: int,
    variables: Mapping[str, Any] | None = None,
    *,
    transient: Mapping[str, Any] | None = None,
    user: access.User = None,
) -> None:
    """Let a receive task or a triggerable service task go on, or what waits for a message, a signal or a time (as at Flowable).

    A step that waits for its job or its worker is left undone, and its job is gone. Raises Conflict where nothing waits.
    """
    key = identify(instance_id)
    _check_seen(key, user)
    received = Received(token, "trigger", None, known(variables), known(transient))
    try:
        work.run(work.Order(key, received, Trigger.TRIGGER, "", None, access.name(user)))
    except Conflict:
        waiting = Subscription.objects.filter(instance=key, token=token, kind__in=("message", "signal")).first()
        if waiting is not None:
            _receive(waiting, waiting.kind, waiting.name or "", known(variables), user)
        elif Job.objects.filter(instance=key, token=token, kind=Job.Kind.TIMER, state__in=(Job.State.WAITING, Job.State.READY)).exists():
            work.run(work.Order(key, replace(received, kind="timer"), Trigger.TRIGGER, "", None, access.name(user)))
        else:
            raise


def signal(name: str, variables: Mapping[str, Any] | None = None, *, user: access.User = None, tenant: str = "") -> int:
    """Broadcast a signal to all who wait for it, in one transaction; answers how many received it.

    If one receiver fails, none has received it.
    """
    access.check_operate(user)
    values = known(variables)
    wishes: list[tuple[UUID, work.Wish, work.Start | None]] = [
        (r.instance_id, Received(r.token or 0, "signal", name, values), None) for r in receivers.waiting("signal", name, tenant)
    ]
    wishes += [
        (uuid7(), Begin(values, node=node), work.Start(definition, tenant=tenant))
        for definition, node in receivers.starts("signal", name, tenant)
    ]
    if wishes:
        (instance, wish, start), *more = wishes
        work.run(work.Order(instance, wish, Trigger.SIGNAL, name, None, access.name(user), start=start, more=tuple(more)))
    return len(wishes)


def evaluate_conditions(instance_id: Any, *, user: access.User = None) -> None:
    """Let the conditional events of an instance look at the variables."""
    key = identify(instance_id)
    _check_seen(key, user)
    work.run(work.Order(key, Evaluate(), Trigger.VARIABLES, "conditions", None, access.name(user)))


def _check_seen(instance: UUID, user: access.User) -> None:
    if not access.sees_all(user):
        found = Instance.objects.filter(pk=instance).first()
        if found is None:
            raise NotFound(f"there is no process instance {instance}")
        access.check_instance(user, found)
