"""Who sends callbacks: one process a cluster with a bounded pool of threads, and a bound on how many are under way to one receiver.

One thread looks after the outbox: it leases deliveries that are due and first in their stream, hands them to the pool, and writes down
what came of them. A receiver that hangs holds up nobody but itself.
"""

from __future__ import annotations

import logging
import os
import queue
import random
import select
import signal
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, connections, transaction
from django.db.models import Exists, OuterRef, Q

from engine.conf import settings as conf
from engine.models import Delivery
from engine.runtime import access, outbox
from engine.runtime.callbacks import transport
from engine.runtime.callbacks.sending import Result, Sender, wait_after
from engine.runtime.callbacks.transport import Watch
from engine.runtime.outbox import CHANNEL
from engine.runtime.processes import lives

LOG = logging.getLogger("towpath.callbacks")
AHEAD = 4  # deliveries leased for each place in the pool, so that none stands idle
TICK = 0.05  # seconds: how exactly a late exchange is ended
LONGEST = 1.0  # seconds without a look at the outbox
RENEW = 5.0
MOST_ERROR = 500


class Pool:
    """The deliveries under way: `held` are leased, `waiting` of them not begun, by receiver."""

    def __init__(self) -> None:
        self.owner = f"{socket.gethostname()}:{os.getpid()}:{os.urandom(3).hex()}"
        self.sender = Sender()
        self.held: dict[UUID, Delivery] = {}
        self.waiting: dict[str, deque[Delivery]] = {}
        self.busy: Counter[str] = Counter()
        self.watches: dict[UUID, Watch] = {}
        self.orders: queue.SimpleQueue[Delivery | None] = queue.SimpleQueue()
        self.results: queue.SimpleQueue[tuple[Delivery, Result]] = queue.SimpleQueue()
        self.bell, self.rope = socket.socketpair()
        self.bell.setblocking(False)
        self.rope.setblocking(False)
        self.threads = 0
        self.renewed = self.leased = 0.0
        self.stopping = False
        self.listens: Any = None

    # -- the loop
    def serve(self) -> None:
        """Send until told to stop; what is under way then comes to its end."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        while not self.stopping or self.watches:
            try:
                self._turn()
            except (DatabaseError, InterfaceError) as error:
                LOG.error("the outbox cannot be reached; next try in a second: %s", error)
                self.listens = None
                connection.close()
                self._look_after()
                time.sleep(LONGEST)
        self._release()

    def _stop(self, *_: Any) -> None:
        self.stopping = True

    def _turn(self) -> None:
        self._listen()
        self._write_down()
        self._renew()
        wait = LONGEST if self.stopping else self._lease()
        self._begin()
        self._wait(min(wait, TICK) if self.watches else wait)
        self._look_after()

    def _look_after(self) -> None:
        for watch in list(self.watches.values()):
            watch.look()

    # -- leasing
    def _lease(self) -> float:
        """Lease what is due, for each receiver as much as it has room for; seconds until something may be due again."""
        if self.waiting and (rest := self.leased + TICK - time.monotonic()) > 0:
            return rest  # there is enough in hand; a look for each result would cost more than the results
        self.leased = time.monotonic()
        now = datetime.now(UTC)
        due = Delivery.objects.filter(state=Delivery.State.PENDING, due__lte=now)
        origins = list(due.filter(_free(now)).order_by().values_list("origin", flat=True).distinct()) if self._room() else []
        random.shuffle(origins)  # so that none is always last
        taken = 0
        for origin in origins:
            room = min(self._room(), conf.CALLBACK_PER_HOST * AHEAD - self._of(origin))
            if room > 0:
                taken += self._take(origin, room, now)
        if taken:
            return 0.0 if self._room() else TICK
        later = Delivery.objects.filter(state=Delivery.State.PENDING, due__gt=now).order_by("due").values_list("due", flat=True).first()
        return min(LONGEST, max(0.005, (later - now).total_seconds())) if later else LONGEST

    def _room(self) -> int:
        return conf.CALLBACK_THREADS * AHEAD - len(self.held)

    def _of(self, origin: str) -> int:
        return self.busy[origin] + len(self.waiting.get(origin, ()))

    def _take(self, origin: str, most: int, now: datetime) -> int:
        """Lease the first of each stream to one receiver."""
        earlier = Delivery.objects.filter(stream=OuterRef("stream"), number__lt=OuterRef("number"), state=Delivery.State.PENDING)
        rows = Delivery.objects.filter(_free(now), ~Exists(earlier), origin=origin, state=Delivery.State.PENDING, due__lte=now)
        with transaction.atomic():
            if connection.vendor == "postgresql":
                rows = rows.select_for_update(skip_locked=True)
            found = list(rows.order_by("due")[:most])
            until = now + timedelta(seconds=conf.JOB_LEASE)
            Delivery.objects.filter(pk__in=[d.pk for d in found]).update(lease_owner=self.owner, lease_until=until)
        for delivery in found:
            self.held[delivery.pk] = delivery
            self.waiting.setdefault(origin, deque()).append(delivery)
        return len(found)

    def _renew(self) -> None:
        if self.held and time.monotonic() - self.renewed > min(RENEW, conf.JOB_LEASE / 3):
            self.renewed = time.monotonic()
            until = datetime.now(UTC) + timedelta(seconds=conf.JOB_LEASE)
            Delivery.objects.filter(pk__in=list(self.held), lease_owner=self.owner).update(lease_until=until)

    def _release(self) -> None:
        """Give back what was not begun."""
        self._write_down()
        Delivery.objects.filter(lease_owner=self.owner).update(lease_owner=None, lease_until=None)

    # -- sending
    def _begin(self) -> None:
        """Hand deliveries to the threads: the receivers in turn, each up to its bound."""
        for origin in list(self.waiting):
            line = self.waiting[origin]
            while line and self.busy[origin] < conf.CALLBACK_PER_HOST and len(self.watches) < conf.CALLBACK_THREADS and not self.stopping:
                self._order(line.popleft())
            if not line:
                del self.waiting[origin]

    def _order(self, delivery: Delivery) -> None:
        self.busy[delivery.origin] += 1
        self.watches[delivery.pk] = Watch(time.monotonic() + conf.CALLBACK_TIMEOUT)
        if len(self.watches) > self.threads:
            self.threads += 1
            threading.Thread(target=self._send, daemon=True, name=f"callback-{self.threads}").start()
        self.orders.put(delivery)

    def _send(self) -> None:
        """A thread of the pool."""
        http = transport.session()
        while (delivery := self.orders.get()) is not None:
            try:
                result = self.sender.attempt(http, delivery, self.watches[delivery.pk])
            except Exception as error:
                LOG.exception("a callback could not be tried")
                result = Result(error=type(error).__name__)
            connection.close()  # this thread's own, which only a shared token needs
            self.results.put((delivery, result))
            self._ring()

    def _ring(self) -> None:
        with suppress(BlockingIOError):  # it is ringing already
            self.rope.send(b".")

    # -- writing down
    def _write_down(self) -> None:
        done: list[tuple[Delivery, Result]] = []
        while not self.results.empty():
            done.append(self.results.get())
        if not done:
            return
        try:
            with transaction.atomic():
                for delivery, result in done:
                    _record(delivery, result, self.owner)
        except (DatabaseError, InterfaceError):
            for one in done:
                self.results.put(one)
            raise
        for delivery, _ in done:
            self.held.pop(delivery.pk, None)
            self.watches.pop(delivery.pk, None)
            self.busy[delivery.origin] -= 1
            if not self.busy[delivery.origin]:
                del self.busy[delivery.origin]

    # -- waiting
    def _listen(self) -> None:
        if connection.vendor == "postgresql" and conf.NOTIFY:
            connection.ensure_connection()
            if connection.connection is not self.listens:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {CHANNEL}")
                self.listens = connection.connection

    def _wait(self, seconds: float) -> None:
        """Until a result, an announcement, or the time is over."""
        places: list[Any] = [self.bell]
        if self.listens is not None:
            if list(self.listens.notifies(timeout=0)):
                return
            places.append(self.listens.fileno())
        else:
            seconds = min(seconds, conf.POLL_INTERVAL)
        ready, _, _ = select.select(places, [], [], max(0.0, seconds))
        if self.bell in ready:
            self.bell.recv(4096)


def _free(now: datetime) -> Q:
    return Q(lease_until=None) | Q(lease_until__lt=now)


def _record(delivery: Delivery, result: Result, owner: str) -> None:
    """What an attempt changes in the row, if it is still ours."""
    now, tries = datetime.now(UTC), delivery.tries + 1
    answer = result.answer
    new: dict[str, Any] = {
        "tries": tries, "lease_owner": None, "lease_until": None, "error": (result.error or "")[:MOST_ERROR] or None,
        "response_status": answer.status if answer else None, "response": answer.body if answer else None,
    }  # fmt: skip
    if result.delivered:
        new |= {"state": Delivery.State.DELIVERED, "delivered": now, "secret": None}
    elif result.final or tries >= conf.CALLBACK_TRIES:
        new |= {"state": Delivery.State.DEAD}
        LOG.error("callback %s to %s is dead after %s tries: %s", delivery.pk, delivery.origin, tries, result.error)
    else:
        new |= {"due": now + timedelta(seconds=wait_after(tries, answer))}
    Delivery.objects.filter(pk=delivery.pk, lease_owner=owner).update(**new)


def free_dead() -> None:
    """Release what processes of this machine held that are gone."""
    mine = f"{socket.gethostname()}:"
    owners = (
        Delivery.objects.filter(state=Delivery.State.PENDING, lease_owner__startswith=mine).order_by().values_list("lease_owner", flat=True)
    )
    gone = [owner for owner in set(owners) if owner and not lives(int(owner.split(":")[-2]))]
    Delivery.objects.filter(lease_owner__in=gone).update(lease_owner=None, lease_until=None)


def main() -> None:
    """The process that a cluster forks."""
    connections.close_all()
    pool = Pool()
    try:
        free_dead()
    except (DatabaseError, InterfaceError) as error:
        LOG.warning("what dead processes held is free when their leases run out: %s", error)
        connection.close()
    LOG.info("callbacks are sent by up to %s threads", conf.CALLBACK_THREADS)
    pool.serve()
    os._exit(0)  # threads that still hang in a connection have no say


def redeliver(ids: Iterable[Any], *, user: access.User = None) -> int:
    """Let callbacks be sent (again) at once, with all their tries; returns how many. One that is under way is left alone."""
    access.check_operate(user)
    rows = Delivery.objects.filter(pk__in=list(ids)).filter(_free(datetime.now(UTC)))
    with transaction.atomic():
        count = rows.update(
            state=Delivery.State.PENDING, tries=0, due=datetime.now(UTC), delivered=None, lease_owner=None, lease_until=None
        )
        outbox.announce()
    return count
