"""Who is meant by a thrown event or a cancelled call: tokens with a subscription, start events, child instances."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from engine.interpreter.journal import CreateSubscription, Throw, Withdraw
from engine.models import Definition, Instance, Subscription
from engine.runtime.store.instances import Loaded


@dataclass(frozen=True, slots=True)
class Receiver:
    """A token that waits."""

    instance: UUID
    token: int


def of(throw: Throw, thrower: Loaded, units: Iterable[Loaded]) -> list[Receiver]:
    """Who waits for what is thrown, in the database and in the unit at hand; a local signal stays in the thrower's tree."""
    units = list(units)
    rows = Subscription.objects.filter(kind=throw.kind, name=throw.name, instance__isnull=False, tenant=thrower.tenant)
    if throw.local:
        root = thrower.state.facts.root or str(thrower.id)
        tree = Instance.objects.filter(root=root).values("pk")
        rows = rows.filter(instance__in=tree) | rows.filter(instance=UUID(root))
    gone = {(u.id, e.token) for u in units for e in u.effects if isinstance(e, Withdraw)} | {
        (u.id, t) for u in units for t in u.state.removed
    }
    ended = {u.id for u in units if u.state.ended}
    found = [Receiver(r.instance_id, r.token or 0) for r in rows.order_by("created", "id").only("instance_id", "token")]
    kept = [r for r in found if (r.instance, r.token) not in gone and r.instance not in ended]
    return kept + _unsaved(throw, thrower, units)


def _unsaved(throw: Throw, thrower: Loaded, units: list[Loaded]) -> list[Receiver]:
    """Those that began to wait in this very unit."""
    found = []
    root = thrower.state.facts.root or str(thrower.id)
    for unit in units:
        if throw.local and (unit.state.facts.root or str(unit.id)) != root:
            continue
        for e in unit.effects:
            if isinstance(e, CreateSubscription) and (e.kind, e.name) == (throw.kind, throw.name) and e.token in unit.state.tokens:
                found.append(Receiver(unit.id, e.token))
    return found


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
