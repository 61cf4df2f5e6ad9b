"""What a worker does with an offer: claim a small batch, run it job by job, and claim again until nothing is due or its slice is over.

A batch is one job at first and grows while jobs are quick, so that a slow one seldom stands before others; if it does, the
heartbeat hands the others back. Every claim starts in another lane, so that none is left out.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from types import FrameType
from typing import Any
from uuid import UUID

from django.db import Error as DatabaseTrouble
from django.db import connection

from engine.conf import settings as conf
from engine.models import Worker as WorkerRow
from engine.runtime import attempts, memory, retention
from engine.runtime.attempts import Attempt, TimedOut
from engine.runtime.heartbeat import Heart, Held
from engine.runtime.processes import lives
from engine.runtime.pulse import DONE, NOTHING, TAKEN, pulse
from engine.runtime.store import claims, leases
from engine.runtime.store.claims import Claimed

LOG = logging.getLogger("towpath.jobs")
QUICK = 0.05  # seconds a job; while a batch stays below, the next is larger
TURNS = (("ready", "due"), ("due", "ready"), ("fair", "ready", "due"))  # where successive claims look, and where else if nothing is there


class Worker:
    """One worker process: its leases, its turn, and its heartbeat."""

    def __init__(self) -> None:
        self.id = f"{pulse.cluster}-{os.getpid()}-{os.urandom(3).hex()}"
        self.heart = Heart(self.id)
        self.process = os.getpid()
        self.claims = self.turn = 0
        self.after = ""
        self.instances: set[UUID] = set()

    # -- an offer
    def drain(self) -> int:
        """Work for a slice; returns how many jobs were run."""
        self.heart.idle = 0
        until, size, count = time.monotonic() + conf.JOB_SLICE, 1, 0
        try:
            while attempts.pay() and not pulse.stopping and (batch := self._claim(size)):
                began = time.monotonic()
                count += self._run(batch)
                now = time.monotonic()
                if now >= until:
                    break
                size = min(conf.JOB_BATCH, 2 * size) if now - began < QUICK * len(batch) else 1
            self._keep(set())
        except DatabaseTrouble as error:
            LOG.error("the database cannot be asked for jobs: %s", error)
            connection.close()
            self._hand_back()
        finally:
            self.heart.held = Held()  # whatever ended it: what is not being run must not be kept by the heart
            self.heart.idle = time.monotonic()
        return count

    def _claim(self, size: int) -> list[Claimed]:
        self.turn += 1
        for lane in TURNS[self.turn % len(TURNS)]:
            self.claims += 1
            where = {"after": self.after} if lane == "fair" else {}
            batch = claims.claim_jobs(f"{self.id}:{self.claims}", size, lane=lane, queues=pulse.queues, begin=size == 1, **where)
            if lane == "fair":
                self.after = (batch[0].definition or "") if batch else ""
            if batch:
                self._keep(claims.exclusive(batch))
                return batch
        return []

    def _hand_back(self) -> None:
        """What was claimed and could not be begun is not kept for a lease, if the database can be asked again."""
        try:
            leases.release(self.heart.held.jobs)
            self._keep(set())
        except DatabaseTrouble:
            self.instances = set()  # their leases run out
            connection.close()

    def _keep(self, wanted: set[UUID]) -> None:
        """Let go of the instances that this batch does not need: after the claim and not before, so that a successor is ours at once."""
        if gone := self.instances - wanted:
            leases.release_instances(self.id, gone)
        self.instances = wanted

    # -- a batch
    def _run(self, batch: list[Claimed]) -> int:
        count, begun = 0, batch[0].counted
        for index, job in enumerate(batch):
            rest = tuple(batch[index + 1 :])
            if pulse.stopping:
                leases.release([job], begun=begun)
                leases.release(rest)
                break
            self.heart.held = Held(job, time.monotonic(), rest, frozenset(self.instances))
            ready = job if begun else attempts.begin(job)
            begun = ready is not None and self._attempt(ready, rest)
            count += ready is not None
        self.heart.held = Held(instances=frozenset(self.instances))
        return count

    def _attempt(self, job: Claimed, rest: tuple[Claimed, ...]) -> bool:
        """Run a job; whether the next of its batch is begun with that."""
        attempt = Attempt(job, rest[0] if rest and not rest[0].begun else None)
        signal.setitimer(signal.ITIMER_REAL, conf.JOB_TIMEOUT)
        try:
            attempt.run()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if isinstance(attempt.error, DatabaseTrouble | TimedOut) and not connection.in_atomic_block:
            connection.close()  # cut off in the middle, it may have lost count of what is prepared
        self.heart.done += attempt.error is None
        self.heart.failed += attempt.error is not None
        return attempt.follows


# -- the process ----------------------------------------------------------------------------------------------------------
_ME: list[Worker] = []


def me() -> Worker:
    """The worker that this process is; made once it was forked."""
    if not _ME or _ME[0].process != os.getpid():
        _ME[:] = [Worker()]
        _ME[0].heart.start()
    return _ME[0]


def begin(**_: Any) -> None:
    """A worker process was forked: let its heart beat, free what dead workers of its cluster held, and see that retention is armed."""
    me()
    memory.limit()
    try:
        free_dead()
        retention.begin()
    except DatabaseTrouble as error:
        LOG.warning("what dead workers held is free when their leases run out, and retention may rest: %s", error)
        connection.close()


def drain() -> int:
    """Take an offer of the broker; called by the cluster in a worker process, and never raises for what a job did."""
    pulse.say(TAKEN)
    signal.signal(signal.SIGALRM, _out_of_time)
    held = me().drain()
    pulse.say(DONE if held else NOTHING)
    return held


def _out_of_time(number: int, frame: FrameType | None) -> None:
    raise TimedOut(f"it took longer than {conf.JOB_TIMEOUT} s")


def free_dead() -> int:
    """Release what workers of this cluster held whose process is gone; theirs are the only processes that can be seen from here."""
    dead = [row.pk for row in WorkerRow.objects.filter(pk__startswith=f"{pulse.cluster}-") if not lives(row.pid)]
    freed = sum(leases.release_worker(worker) for worker in dead)
    WorkerRow.objects.filter(pk__in=dead).delete()
    return freed
