"""One unit of work: load, advance in memory, save in one short transaction (DESIGN §2). The only place where an instance changes.

All or nothing. The transaction opens late: remote work is done before it. Who comes second after another writer looks again,
with the remembered answers of what he already did outside. A technical error leaves everything as it was, and the ledger
gets the attempt that was rolled back.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected

from engine import interpreter
from engine.bpmn.graph import Graph
from engine.conf import settings as conf
from engine.errors import (
    BpmnError,
    Conflict,
    HandlerError,
    NotLoaded,
    RevisionConflict,
    TechnicalError,
)
from engine.interpreter.journal import (
    Aborted,
    Assigned,
    Begin,
    Cancel,
    Change,
    ChildTold,
    Completed,
    Dropped,
    Entering,
    Evaluate,
    Invocation,
    Ran,
    Received,
    Released,
    Yielded,
)
from engine.interpreter.state import Facts
from engine.models import Job
from engine.models.fields import uuid7
from engine.runtime import definitions, hooks, outbox, recording, versions
from engine.runtime.beyond import BEYOND
from engine.runtime.handlers import Execution
from engine.runtime.orders import Gone, Order, Result, SetVariables, Start, Wish
from engine.runtime.proofs import finds
from engine.runtime.recording import Record
from engine.runtime.store import claims, history, instances, waits
from engine.runtime.store.instances import Loaded
from engine.runtime.store.sending import alone, commit_alone, send
from engine.runtime.store.statements import Missed, Statement, insert
from engine.runtime.world import Memory, World
from engine.runtime.writing import written

__all__ = ["Gone", "Order", "Result", "SetVariables", "Start", "Wish", "run"]

LOG = logging.getLogger("towpath.work")
LOOKS = 50  # conflicts in a row, after which the caller is told that the instance is busy
MOST = 20_000  # instances in one call tree; more is taken for a process that calls itself for ever


Guard = Callable[[], None]
Told = Callable[[Loaded], None]
Also = Callable[[Loaded], Sequence[Statement]]
Stands = Callable[[Loaded, BaseException], None]


def run(
    order: Order,
    *,
    guard: Guard | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
    told: Told | None = None,
    seen: Told | None = None,
    also: Also | None = None,
    stands: Stands | None = None,
) -> Result:
    """Carry out an order; raises what the step raised, Conflict, Gone or NotFound.

    `guard` is called in the transaction before anything is written (a job proves its lease there); `on_failure` in the
    transaction that writes down the attempt that was rolled back. `told` is shown the instance as it was saved, within the
    transaction; `seen` once that is written, for who only looks. `also` makes the statements that belong into its transaction.
    With `stands` a step that fails leaves the instance standing before it, with a dead letter, where it can: `stands` is told then
    instead of `told` and `seen`. What the step raised is raised all the same.
    """
    work = Work(order, guard, told, seen, also, stands)
    try:
        found = work.done()
    except BaseException as error:
        work.failed(error, on_failure)
        raise
    if order.proof:
        order.proof.held = True
    if work.stops:
        raise work.stops.popitem()[1]
    return found


class Work:
    """One order being carried out; the `Unit` that calls see."""

    def __init__(
        self,
        order: Order,
        guard: Guard | None,
        told: Told | None = None,
        seen: Told | None = None,
        also: Also | None = None,
        stands: Stands | None = None,
    ) -> None:
        self.order, self.guard, self.told, self.seen, self.also, self.stands = order, guard, told, seen, also, stands
        self.stops: dict[str, TechnicalError | BpmnError] = {}  # the steps before which it is to stand, and what they failed with
        self.record = Record(order)
        self.memory = Memory()
        self.cause = order.cause or order.job or uuid7()
        self.joined = any(not block._from_testcase for block in connection.atomic_blocks)  # type: ignore[attr-defined]
        self.whole: set[UUID] = set()
        self.units: dict[UUID, Loaded] = {}
        self.queue: deque[tuple[UUID, Wish]] = deque()
        self.stack: ExitStack | None = None
        self.opened = self.locked = False

    # -- looks
    def done(self) -> Result:
        """Look until nobody else was first; from the third look on with the row locked, so that it ends."""
        for look in range(LOOKS):
            try:
                with ExitStack() as self.stack:
                    return self._look(lock=look > 1)
            except (RevisionConflict, _StepOut):
                self.memory.inside.clear()
            except OperationalError as error:
                if self.joined or not isinstance(error.__cause__, DeadlockDetected):
                    raise
                self.memory.inside.clear()  # a conflict of another kind: the database chose us to look again
            except (TechnicalError, BpmnError) as error:
                if not self._stop_at(error):
                    raise
                self.memory.inside.clear()
            finally:
                self.opened = self.locked = False
        raise Conflict("the instance is busy: others changed it all the time; try again")

    def _stop_at(self, error: TechnicalError | BpmnError) -> bool:
        """Whether the step that failed can be stood before: one of this instance that has not been tried so."""
        unit, node = self.units.get(self.order.instance), history.failing(getattr(error, "journal", ()))
        if self.stands is None or self.joined or unit is None or unit.id != self.acting or node is None or node in self.stops:
            return False
        self.stops[node] = error
        return True

    def _look(self, *, lock: bool) -> Result:
        self._forget()
        if lock and not self._remote_ahead:
            self.locked = True
            self._enter()
            instances.lock_row(self.order.instance)
        self._remote_ahead = False
        while True:
            try:
                self._advance()
                break
            except _More as more:
                self.whole.add(more.instance)
                self._forget()
        self._save()
        main = self.units[self.order.instance]
        return Result(main.id, main.revision + 1, main.state.ended, self.record.began)

    _remote_ahead = False

    def _forget(self) -> None:
        self.units = {}
        self.later: list[dict[str, Any]] = []  # the jobs that bring what was thrown to its receivers
        self.world = World(self, self.memory, self.cause, str(self.order.instance) if self.order.start else "")
        self.queue = deque()
        for instance, wish, start in ((self.order.instance, self.order.input, self.order.start), *self.order.more):
            if start:
                assert isinstance(wish, Begin)
                self.begin(instance, wish, start)
            else:
                self.queue.append((instance, wish))

    # -- advancing
    def _advance(self) -> None:
        while self.queue:
            instance, wish = self.queue.popleft()
            self.acting = instance
            try:
                unit = self._loaded(instance, wish)
            except Gone:
                if wish is self.order.input:
                    raise
                continue  # it follows from this very work, whose receiver has gone on by now
            try:
                change = self._applied(unit, wish)
            except NotLoaded:
                raise _More(instance) from None
            unit.state = change.state
            unit.journal += change.journal
            unit.effects += change.effects
            waiting = len(self.queue)
            for effect in change.effects:
                if handle := BEYOND.get(type(effect)):
                    handle(self, unit, effect)
            self.queue.rotate(len(self.queue) - waiting)  # what follows from this comes before what waited already

    def _loaded(self, instance: UUID, wish: Wish) -> Loaded:
        token = getattr(wish, "token", None)
        unit = self.units.get(instance)
        if unit is None:
            acting = None if instance in self.whole or isinstance(wish, Cancel | Evaluate) else token
            row, tokens, variables, whole = instances.rows_of(instance, acting, whole=acting is None)
            graph = self._graph(instance, definitions.graph_of(row.definition, row.key, row.checksum))
            unit = instances.loaded(instance, graph, row, tokens, variables, whole, self.order.user)
            self.units[instance] = unit
        _check(unit, wish)
        if token is not None and token not in unit.state.tokens:
            if unit.state.complete is not None:
                raise _More(instance)
            raise Gone(f"token {token} of process instance {instance} has gone on")
        if self.order.run and token is not None and wish is self.order.input and unit.state.tokens[token].activity != str(self.order.run):
            raise Gone(f"{self.order.subject} is done already")
        return unit

    def _graph(self, instance: UUID, graph: Graph) -> Graph:
        """The graph, with a wait before the steps that failed."""
        return graph.stopping(self.stops) if self.stops and instance == self.order.instance else graph

    def _applied(self, unit: Loaded, wish: Wish) -> Change:
        steps = conf.MAX_STEPS
        match wish:
            case SetVariables():
                return written(unit, wish, self.world)
            case Begin():
                return interpreter.start(unit.graph, unit.state.facts, wish, self.world, steps=steps)
            case Completed() | Aborted() | Ran() | ChildTold() | Assigned() | Released() | Yielded():
                return interpreter.resume(unit.graph, unit.state, wish, self.world, steps=steps)
            case Received() | Evaluate():
                return interpreter.deliver(unit.graph, unit.state, wish, self.world, steps=steps)
            case Cancel():
                return interpreter.cancel(unit.graph, unit.state, wish, self.world, steps=steps)
            case Entering() | Dropped():
                return interpreter.move(unit.graph, unit.state, wish, self.world, steps=steps)

    def begin(
        self, instance: UUID, wish: Begin, start: Start, parent: Loaded | None = None, token: int | None = None, *, held: bool = False
    ) -> None:
        if len(self.units) >= MOST:
            raise TechnicalError(f"more than {MOST} process instances in one transaction: does a process call itself for ever?")
        d = start.definition
        facts = Facts(
            str(instance), d.pk, d.key, self.order.user if parent is None else parent.state.facts.starter, start.business_key, start.name,
            str(parent.id) if parent else None, token, (parent.state.facts.root or str(parent.id)) if parent else None, start.tenant,
            self.order.user, held, start.service_id is not None,
        )  # fmt: skip
        graph = self._graph(instance, definitions.graph(d))
        self.units[instance] = instances.new(
            instance, d.pk, d.deployment_id, graph, facts, self.record.began, wish.enter or wish.node or _first(graph), start.service_id,
            start.accepted,
        )  # fmt: skip
        self.queue.append((instance, wish))

    # -- the Unit that calls see
    def open(self) -> None:
        """Open the transaction for a transactional handler: lock, compare the revision, prove the lease."""
        if not self.opened:
            self._enter()
            known = {u.id: u.revision for u in self.units.values() if not u.new}
            if known:
                instances.lock(known)

    def _enter(self) -> None:
        assert self.stack is not None
        self.stack.enter_context(transaction.atomic())
        self.opened = True
        if self.guard:
            self.guard()

    def away(self, what: str) -> None:
        """Remote work follows: never in a host's transaction; and not under the lock that only a conflict made us take."""
        if self.joined:
            raise HandlerError(f"{what} is remote work, which cannot run inside your own transaction: make the step asynchronous")
        if self.locked:
            self._remote_ahead = True
            raise _StepOut
        self._prove()
        if self.order.job and self.order.lease:  # a worker that stood still might do a step that it read but was never given
            claims.check(self.order.job, self.order.lease)

    def _proofs(self) -> list[Statement]:
        """What was remembered for this order: its definition, who wants it."""
        start, who = self.order.start, self.order.proof
        found = [start.proof] if start and start.proof else []
        return [*found, who.statement] if who and not who.held else found

    def _prove(self) -> None:
        """Ask now whether what was remembered is still so; raises Outdated."""
        for proof in self._proofs():
            if not finds(proof):
                raise proof.failure()

    def execution(self, call: Invocation) -> Execution:
        return self.world.execution(call, self.order.attempt)

    # -- saving
    def _save(self) -> None:
        units = sorted(self.units.values(), key=lambda u: u.id)
        for unit in units:
            versions.remember(unit)
        now = self.world.now()
        statements = [*history.instances(units), *waits.statements(units, now), *history.activities(units), *self.record.committed(units)]
        statements += insert(Job, self.later) + self._proofs()
        statements += self.also(self.units[self.order.instance]) if self.also else []
        if jobs := [s for s in statements if s.sql.startswith('INSERT INTO "towpath_job"')]:
            statements += claims.announcement(ready=any(claims.READY in s.values for s in jobs))
        try:
            self._write(statements, units)
        except Missed:
            self._prove()
            if any(u.accepted for u in units):
                raise Gone("it was cancelled before it began") from None
            raise RevisionConflict("the instance was advanced by somebody else") from None
        except IntegrityError as error:
            raise instances.taken(error, units) from error
        unit = self.units[self.order.instance]
        if self.stops and self.stands:
            waits.bury(unit, self.stops)
            self.stands(unit, next(reversed(self.stops.values())))
        for tell in () if self.stops else (self.told, self.seen):
            if tell:
                tell(unit)
        outbox.rested(units)
        hooks.after_commit(units)

    def _write(self, statements: list[Statement], units: list[Loaded]) -> None:
        """In the transaction that is open or has to be; as a whole where nobody looks into it before it commits."""
        fence = self.guard.statement() if isinstance(self.guard, claims.Fence) else None
        watched = self.told or self.stops or any(u.awaited or u.state.facts.root for u in units)
        if alone() and not self.opened and not watched and (fence or not self.guard):
            commit_alone([fence, *statements] if fence else statements)
            return
        if not self.opened:
            self._enter()
        send(statements)

    # -- failing
    def failed(self, error: BaseException, on_failure: Callable[[BaseException], None] | None) -> None:
        """Write down the attempt that was rolled back, in a transaction of its own."""
        refused = recording.is_refusal(error)
        if not refused:
            self._prove()  # else what failed may be of a version that is no more, and in the name of somebody who is not either
        if refused and on_failure is None:
            return
        if self.joined:
            LOG.warning("rolled back inside the host's transaction: %s %s: %s", self.order.trigger, self.order.subject, error)
            return
        with transaction.atomic():
            if not refused:
                send(self.record.rolled_back(self.units.get(self.order.instance), error))
            if on_failure:
                on_failure(error)


class _More(Exception):
    """An instance has to be loaded whole."""

    def __init__(self, instance: UUID) -> None:
        super().__init__(instance)
        self.instance = instance


class _StepOut(Exception):
    """Remote work was met under a lock: leave the transaction, do it, come back."""


def _check(unit: Loaded, wish: Wish) -> None:
    """An ended instance takes nothing, a suspended one only its end."""
    if unit.state.ended:
        raise Gone(f"process instance {unit.id} has ended")
    if unit.suspended and not isinstance(wish, Cancel):
        raise Conflict(f"process instance {unit.id} is suspended")


def _first(graph: Any) -> str | None:
    starts = graph.starts(None)
    return next((n.id for n in starts if n.event is None), starts[0].id if starts else None)
