"""The Job table as the queue of a django-q2 cluster. Nothing is ever put into it or taken from it here: the row is the queue.

`dequeue` says whether something can be claimed, and offers the workers to drain; else it waits, on PostgreSQL for a NOTIFY. A wake-up
that is missed costs a second, never a job. What the host's own code enqueues inside a worker goes to the site's own queue.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import connection
from django_q.brokers import Broker, get_broker
from django_q.conf import Conf
from django_q.signals import post_spawn
from django_q.signing import SignedPackage

from engine.conf import settings as conf
from engine.models import Job
from engine.runtime import drain
from engine.runtime.clock import Clock
from engine.runtime.pulse import DONE, NOTHING, TAKEN, pulse
from engine.runtime.store import claims

LOG = logging.getLogger("towpath.cluster")
LONGEST = 1.0  # seconds: the cluster looks between two calls of `dequeue` whether it is to stop
SETTLE = 0.005  # a worker that took an offer claims in this time, so only then it is seen what is left
MOST_OFFERS = 2  # what may lie in the queue: one that a worker took while it was killed is not missed for long
PATIENCE = 0.5  # the longest pause after offers that led to nothing, because others lock what is due

post_spawn.connect(drain.begin, dispatch_uid="towpath.drain")


class JobBroker(Broker):  # type: ignore[misc]
    """Lives in the cluster's pusher process; only `dequeue` does anything."""

    def __init__(self, list_key: str | None = None) -> None:
        super().__init__(list_key)
        self.open = 0  # offers that nobody took yet
        self.offered = self.taken = 0.0
        self.in_vain = 0  # offers in a row that led to nothing
        self.listens: Any = None  # the raw connection that listens
        self.told = False  # whether a job was announced that can be claimed at once
        self.clock = Clock()

    def __setstate__(self, state: Any) -> None:
        super().__setstate__(state)
        self.__init__(self.list_key)  # type: ignore[misc]

    # -- the queue
    def dequeue(self) -> list[tuple[None, str]]:
        """An offer to the workers, or nothing after at most a second; no error of the database may leave here, or the cluster sleeps."""
        try:
            return self._look()
        except Exception as error:
            trouble = isinstance(error, DatabaseTrouble | psycopg.Error)
            LOG.error("the job table cannot be reached; next try in a second: %s", error, exc_info=not trouble)
            self.listens = None
            connection.close()
            time.sleep(LONGEST)
            return []

    def _look(self) -> list[tuple[None, str]]:
        self._hear()
        pause = self._pause()
        if pause > 0:
            self._rest(pause)
            return []
        self._listen()
        if self.told and not pulse.queues:  # else it may be none of ours
            return self._offer()
        due = claims.next_due(pulse.queues)
        self.clock.saw(due.now)
        if due.wait == 0:
            return self._offer()
        self._wait(LONGEST if due.wait is None else min(due.wait, LONGEST))
        return []

    def _offer(self) -> list[tuple[None, str]]:
        self.told = False
        self.open += 1
        self.offered = time.monotonic()
        pulse.offer(True)
        return [(None, _package())]

    def _hear(self) -> None:
        said = pulse.hear()
        if TAKEN in said:
            self.open = max(0, self.open - said.count(TAKEN))
            self.taken = time.monotonic()
            pulse.offer(self.open > 0)
        if DONE in said:
            self.in_vain = 0
        self.in_vain += said.count(NOTHING)

    def _pause(self) -> float:
        """How long to wait before looking again: for an open offer to be taken, or for the claim of who took one."""
        now = time.monotonic()
        if self.open:
            return self.offered + LONGEST * self.open - now if self.open < MOST_OFFERS else self._stale(now)
        settle = min(PATIENCE, SETTLE * 2**self.in_vain) if self.in_vain else SETTLE
        return self.taken + settle - now

    def _rest(self, seconds: float) -> None:
        """Wait for a worker; where offers lead to nothing, other work that is announced is offered at once."""
        if not self.in_vain or self.listens is None:
            pulse.wait(seconds)
        elif self._announced(seconds):
            self.in_vain = 0

    def _stale(self, now: float) -> float:
        """All workers are busy, or one was killed with an offer in its hands: after a while count one less."""
        if now - self.offered > 3 * LONGEST:
            self.open -= 1
        return LONGEST

    # -- waiting
    def _listen(self) -> None:
        """Listen on the connection that looks, so whatever cuts it is noticed at once. LISTEN first, look then: nothing is between."""
        if connection.vendor == "postgresql" and conf.NOTIFY:
            connection.ensure_connection()
            if connection.connection is not self.listens:
                with connection.cursor() as cursor:
                    cursor.execute(f"LISTEN {claims.CHANNEL}")
                self.listens = connection.connection

    def _wait(self, seconds: float) -> None:
        if self.listens is None:
            pulse.wait(min(seconds, conf.POLL_INTERVAL))
        else:
            self._announced(seconds)

    def _announced(self, seconds: float) -> bool:
        """Wait for a NOTIFY or a worker; whether it was a NOTIFY. Some may have come with the answer of the last statement."""
        heard = list(self.listens.notifies(timeout=0))
        if not heard:
            pulse.wait(seconds, [self.listens.fileno()])
            heard = list(self.listens.notifies(timeout=0))
        self.told = self.told or any(one.payload == claims.READY for one in heard)
        return bool(heard)

    # -- what django-q2 asks a broker
    def set_stat(self, key: str, value: str, timeout: int) -> None:
        """Called by the guard of the cluster twice a second: so it is alive."""
        pulse.guard()
        super().set_stat(key, value, timeout)

    def ping(self) -> bool:
        return True

    def info(self) -> str:
        return "Towpath's job table"

    def queue_size(self) -> int:
        return Job.objects.filter(state=Job.State.READY, lease_owner=None).count()

    def lock_size(self) -> int:
        return Job.objects.exclude(lease_owner=None).count()

    def enqueue(self, task: str) -> Any:
        """The host's `async_task` inside a worker of ours: to the queue it would have gone to outside."""
        own = self.list_key == Conf.CLUSTER_NAME
        with _site_settings():
            return get_broker(Conf.PREFIX if own else self.list_key).enqueue(task)


@contextmanager
def _site_settings() -> Iterator[None]:
    """django-q2 as it is configured outside this cluster: with the site's broker."""
    ours, Conf.BROKER_CLASS = Conf.BROKER_CLASS, settings.Q_CLUSTER.get("broker_class")
    try:
        yield
    finally:
        Conf.BROKER_CLASS = ours


def _package() -> str:
    """One order to drain; django-q2 neither keeps its result nor acknowledges it, and wants its time in whole seconds."""
    longest = int(conf.JOB_SLICE + conf.JOB_TIMEOUT) + 60
    package = {
        "id": uuid4().hex, "name": "drain", "func": "engine.runtime.drain.drain", "args": (), "kwargs": {}, "timeout": longest,
        "started": datetime.now(UTC), "save": False, "cached": False, "ack_failure": True,
    }  # fmt: skip
    packed: str = SignedPackage.dumps(package)
    return packed
