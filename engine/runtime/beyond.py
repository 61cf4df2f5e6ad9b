"""What a step of one instance sets off in others: what is called begins, who called is told, what is thrown finds who waits for it.

All of it belongs to the same unit of work, whose queue it joins; only what is thrown asynchronously becomes jobs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol
from uuid import UUID

from engine.errors import TechnicalError
from engine.interpreter.journal import (
    Begin,
    Cancel,
    CancelChild,
    ChildTold,
    Effect,
    Received,
    ReleaseChild,
    Released,
    StartChild,
    TellParent,
    Throw,
    Yield,
    Yielded,
)
from engine.runtime import definitions
from engine.runtime.orders import Order, Start, Wish
from engine.runtime.store import receivers
from engine.runtime.store.instances import Loaded
from engine.runtime.world import World


class Moving(Protocol):
    """The unit of work as it is seen from here: its instances, what they are still to be told, and the jobs that it leaves."""

    order: Order
    units: dict[UUID, Loaded]
    queue: deque[tuple[UUID, Wish]]
    later: list[dict[str, Any]]
    world: World

    def begin(
        self, instance: UUID, wish: Begin, start: Start, parent: Loaded | None = None, token: int | None = None, *, held: bool = False
    ) -> None:
        """Let a new instance begin."""


def _start_child(work: Moving, unit: Loaded, e: StartChild) -> None:
    found = definitions.called(e.called, by_id=e.by_id, deployment=unit.deployment if e.same_deployment else None, tenant=unit.tenant)
    if found.suspended:
        raise TechnicalError(f"the called process {found.key} is suspended")
    begin = Begin(e.variables, transient=e.transient)
    work.begin(UUID(e.instance), begin, Start(found, e.business_key, e.name, unit.tenant), unit, e.token, held=e.held)


def _tell_parent(work: Moving, unit: Loaded, e: TellParent) -> None:
    work.queue.append((UUID(e.instance), ChildTold(e.token, e.outcome, e.code, e.message, e.variables)))


def _children(work: Moving, unit: Loaded, token: int) -> list[UUID]:
    """The instances a token called that have not ended, those of this unit too."""
    mine = {u.id for u in work.units.values() if (u.state.facts.parent, u.state.facts.parent_token) == (str(unit.id), token)}
    ended = {u.id for u in work.units.values() if u.state.ended}
    return sorted((mine | set(receivers.children(unit.id, token))) - ended)


def _cancel_child(work: Moving, unit: Loaded, e: CancelChild) -> None:
    work.queue.extend((child, Cancel(e.reason)) for child in _children(work, unit, e.token))


def _release_child(work: Moving, unit: Loaded, e: ReleaseChild) -> None:
    work.queue.extend((child, Released()) for child in _children(work, unit, e.token))


def _throw(work: Moving, unit: Loaded, e: Throw) -> None:
    found = receivers.of(e, unit, list(work.units.values()))
    found += [] if e.local else receivers.starting(e.kind, e.name, unit.tenant, found)
    if e.asynchronous:
        now = work.world.now()
        work.later += [receivers.delivery(one, e, unit.tenant, work.order.user, now) for one in found]
        return
    for one in found:
        if one.instance is not None:
            work.queue.append((one.instance, Received(one.token or 0, e.kind, e.name, e.variables)))
        else:
            begin, start = Begin(e.variables, node=one.node), Start(definitions.get(one.definition), tenant=unit.tenant)
            work.begin(UUID(work.world.new_id()), begin, start)


def _yield(work: Moving, unit: Loaded, e: Yield) -> None:
    work.queue.append((unit.id, Yielded(e.token)))


BEYOND: dict[type[Effect], Callable[[Moving, Loaded, Any], None]] = {
    StartChild: _start_child,
    TellParent: _tell_parent,
    CancelChild: _cancel_child,
    ReleaseChild: _release_child,
    Throw: _throw,
    Yield: _yield,
}
