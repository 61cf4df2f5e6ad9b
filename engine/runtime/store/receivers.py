"""Who is meant by a thrown event or a cancelled call: tokens with a subscription, start events, child instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import tracing
from engine.conf import settings as conf
from engine.interpreter.journal import CreateSubscription, Throw, Withdraw
from engine.models import Definition, Instance, Subscription
from engine.models.fields import uuid7
from engine.runtime.store.instances import Loaded
from engine.runtime.store.values import encoded


@dataclass(frozen=True, slots=True)
class Receiver:
    """A token that waits at a node, or (without instance and token) a start event."""

    instance: UUID | None
    token: int | None
    definition: str
    node: str | None


def waiting(kind: str, name: str, tenant: str) -> list[Subscription]:
    """The tokens that wait for an event from anywhere, the longest waiting first.

    Suspended instances hear nothing, and a signal of instance scope is not heard from outside (as in Flowable's SignalEventReceivedCmd).
    """
    rows = Subscription.objects.filter(kind=kind, name=name, instance__isnull=False, tenant=tenant, instance__suspended=False)
    return [r for r in rows.order_by("created", "id") if not r.data.get("local")]


def of(throw: Throw, thrower: Loaded, units: Iterable[Loaded]) -> list[Receiver]:
    """Who waits for what is thrown, in the database and in the unit at hand: a signal reaches all, a message one of them.

    A local signal stays in the thrower's own instance.
    """
    units = list(units)
    if throw.local:
        rows = list(Subscription.objects.filter(kind=throw.kind, name=throw.name, instance=thrower.id).order_by("created", "id"))
    else:
        rows = waiting(throw.kind, throw.name, thrower.tenant) + _own(throw, thrower)
    gone = {(u.id, e.token) for u in units for e in u.effects if isinstance(e, Withdraw)} | {
        (u.id, t) for u in units for t in u.state.removed
    }
    ended = {u.id for u in units if u.state.ended}
    found = [Receiver(r.instance_id, r.token or 0, r.definition_id or "", r.node) for r in rows]
    kept = [r for r in found if (r.instance, r.token) not in gone and r.instance not in ended]
    everybody = list(dict.fromkeys(kept + _unsaved(throw, thrower, units)))
    return everybody[:1] if throw.kind == "message" else everybody


def _own(throw: Throw, thrower: Loaded) -> list[Subscription]:
    """The thrower's own tokens that wait for a signal of instance scope."""
    rows = Subscription.objects.filter(kind=throw.kind, name=throw.name, instance=thrower.id).order_by("created", "id")
    return [r for r in rows if r.data.get("local")]


def _unsaved(throw: Throw, thrower: Loaded, units: list[Loaded]) -> list[Receiver]:
    """Those that began to wait in this very unit."""
    found = []
    for unit in units:
        for e in unit.effects:
            if not isinstance(e, CreateSubscription) or (e.kind, e.name) != (throw.kind, throw.name):
                continue
            token = unit.state.tokens.get(e.token)
            heard = unit is thrower or not (throw.local or e.data.get("local") or unit.suspended)
            if heard and token is not None and (token.wait, token.node) == (e.kind, e.node):
                found.append(Receiver(unit.id, e.token, unit.definition, e.node))
    return found


def delivery(receiver: Receiver, throw: Throw, tenant: str, user: str | None, now: datetime) -> dict[str, Any]:
    """The row of the job that brings an asynchronous throw to one receiver; with a token of None it starts an instance at the node."""
    key = uuid7()
    data = tracing.marked({"event": throw.kind, "name": throw.name, "variables": encoded(throw.variables), "user": user})
    return {
        "id": key, "kind": "deliver", "state": "ready", "resumes_as": None, "instance_id": receiver.instance,
        "definition_id": receiver.definition, "token": receiver.token, "node": receiver.node, "name": throw.name[:255],
        "due": now, "priority": 0, "exclusive": True, "retries": conf.JOB_RETRIES, "attempts": 0, "retry": None, "category": None,
        "topic": None, "data": data, "error": None, "traceback": None, "lease_owner": None, "lease_until": None, "begun": None,
        "correlation": key, "tenant": tenant, "created": now,
    }  # fmt: skip


def everybody(kind: str, name: str, tenant: str) -> list[Receiver]:
    """Who waits for an event that is thrown from outside: tokens, then start events."""
    tokens = [Receiver(r.instance_id, r.token, r.definition_id or "", r.node) for r in waiting(kind, name, tenant)]
    return tokens + starting(kind, name, tenant, tokens)


def starting(kind: str, name: str, tenant: str, before: list[Receiver]) -> list[Receiver]:
    """The start events that hear an event beside the tokens that do: a signal is for all, a message for one."""
    found = [Receiver(None, None, definition.pk, node) for definition, node in starts(kind, name, tenant)]
    return found if kind == "signal" else found[: 0 if before else 1]


def starts(kind: str, name: str, tenant: str = "") -> list[tuple[Definition, str]]:
    """The start events of the latest versions that an event starts: (definition, node id)."""
    rows = (
        Subscription.objects.filter(kind=kind, name=name, instance=None, tenant=tenant)
        .select_related("definition")
        .order_by("created", "id")
    )
    return [(r.definition, r.node or "") for r in rows if not r.definition.suspended]


def children(instance: UUID, token: int) -> list[UUID]:
    """The running instances that a token called."""
    return list(Instance.objects.filter(parent=instance, parent_token=token, ended=None).values_list("pk", flat=True))
