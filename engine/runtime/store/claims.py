"""Who runs which job: claim, begin, finish and fail as one statement each, SQL that differs by database side by side.

A claim is committed before a job runs, and its lease (`worker:number`, used once) fences all that comes after: whoever finds the
row with another lease has lost it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from engine.conf import settings as conf
from engine.errors import LeaseLost
from engine.runtime.store.statements import Statement, as_json, as_time, as_uuid
from engine.runtime.store.timed import execute, some, touched, written

CHANNEL = "towpath_job"
READY = "ready"  # what is said there of a job that can be claimed at once; nothing is said of one that may be due later
DUE = "_due"  # where a timer that is put off keeps the moment it was due at
LONGEST_ERROR = 2000  # characters, as in Flowable


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job as it was when it was claimed; `begun` tells that an earlier attempt at it was never brought to an end."""

    id: UUID
    kind: str
    state: str
    instance: UUID | None
    definition: str | None
    token: int | None
    node: str | None
    name: str | None
    due: datetime
    priority: int
    exclusive: bool
    retries: int
    attempts: int
    retry: str | None
    category: str | None
    data: dict[str, Any]
    error: str | None
    begun: datetime | None
    lease: str
    counted: bool = False  # the attempt at it was counted with the claim

    @property
    def worker(self) -> str:
        """Whose lease it is; the lease of the instance bears this name."""
        return self.lease.rpartition(":")[0]


_FIELDS = ("id", "kind", "state", "instance_id", "definition_id", "token", "node", "name", "due", "priority", "exclusive",
           "retries", "attempts", "retry", "category", "data", "error", "begun", "lease_owner")  # fmt: skip
_READ: dict[str, Callable[[Any], Any]] = {
    "id": as_uuid, "instance_id": as_uuid, "due": as_time, "begun": as_time, "data": as_json, "exclusive": bool,
}  # fmt: skip


def _claimed(row: Sequence[Any]) -> Claimed:
    return Claimed(*(_READ[name](value) if name in _READ else value for name, value in zip(_FIELDS, row[: len(_FIELDS)], strict=True)))


# What a crash of the database may take back: whoever then holds a lease that is not there loses it at his fence, and the job is claimed
# anew. So nobody waits for the disk. For this transaction alone.
SOON = "set_config('synchronous_commit', 'off', true)"


# -- claiming -------------------------------------------------------------------------------------------------------------
_FREE = "(j.lease_until IS NULL OR j.lease_until < {now})"
_GONE = "NOT EXISTS (SELECT 1 FROM towpath_instance i WHERE i.id = j.instance_id)"
_MINE = (
    "SELECT 1 FROM towpath_instance i WHERE i.id = j.instance_id"
    " AND (i.lease_until IS NULL OR i.lease_until < {now} OR i.lease_owner = %(owner)s)"
)
# An exclusive job is taken only together with its instance. Two claimers that each look at different jobs of one instance must not
# both go on, so PostgreSQL locks the instance's row while it looks, and passes by what somebody else has locked: a long transaction
# on one instance neither holds up a claim nor lets its job stand before all others. SQLite has one writer at a time anyway.
_OPEN = {
    "postgresql": f"(NOT j.exclusive OR j.instance_id IS NULL OR EXISTS ({_MINE} FOR UPDATE SKIP LOCKED) OR {_GONE})",
    "sqlite": f"(NOT j.exclusive OR j.instance_id IS NULL OR EXISTS ({_MINE}) OR {_GONE})",
}
_NEXT_DEFINITION = (
    "SELECT f.definition_id FROM towpath_job f WHERE f.state = 'ready' AND f.definition_id > %(after)s ORDER BY f.definition_id LIMIT 1"
)

# Where a claim looks: which jobs, in which order. A worker takes the lanes in turn, so that neither a hundred thousand jobs of one
# definition, nor as many timers that fell due while no cluster ran, keep all others waiting.
LANES = {
    "ready": ("j.state = 'ready'", "j.priority DESC, j.due, j.id"),
    "due": ("j.state = 'waiting' AND j.due <= {now}", "j.due"),
    "fair": (f"j.state = 'ready' AND j.definition_id = ({_NEXT_DEFINITION})", "j.priority DESC, j.due, j.id"),
    "one": ("j.id = %(id)s AND j.state IN ('ready', 'waiting', 'dead')", "j.id"),
}

_CLAIM = {
    "postgresql": """
        WITH picked AS MATERIALIZED (
            SELECT j.id, j.instance_id, j.exclusive, j.begun, j.attempts FROM towpath_job j WHERE {lane} AND {free} AND {open}{served}
            ORDER BY {order} LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED
        ), held AS (
            UPDATE towpath_instance i SET lease_owner = %(owner)s, lease_until = {later}
            FROM picked p WHERE p.exclusive AND i.id = p.instance_id
        )
        UPDATE towpath_job j SET lease_owner = %(lease)s, lease_until = {later}{begin} FROM picked p WHERE j.id = p.id
        RETURNING {columns}, {soon}""",
    "sqlite": """
        UPDATE towpath_job AS j SET lease_owner = %(lease)s, lease_until = {later}
        WHERE j.id IN (SELECT j.id FROM towpath_job j WHERE {lane} AND {free} AND {open}{served} ORDER BY {order} LIMIT %(limit)s)
        RETURNING {columns}""",
}
# What a worker runs at once is begun with its claim, which spares it a commit; what others had begun is charged before (`attempts`).
_BEGUN = ", attempts = j.attempts + CASE WHEN p.begun IS NULL THEN 1 ELSE 0 END, begun = coalesce(p.begun, {now})"
_HOLD = "UPDATE towpath_instance SET lease_owner = %(owner)s, lease_until = {later} WHERE "


def _queues(names: Collection[str]) -> dict[str, Any]:
    """The parameters of `_served`; a definition's id begins with the key of its process."""
    return {f"queue{i}": name for i, name in enumerate(names)} | {f"key{i}": f"{name}:" for i, name in enumerate(names)}


def _served(values: Collection[str]) -> str:
    """The condition that a job is of one of the queues among these parameters; nothing if there are none."""
    numbers = range(sum(name.startswith("queue") for name in values))
    either = [f"j.category = %(queue{i})s OR substr(j.definition_id, 1, length(%(key{i})s)) = %(key{i})s" for i in numbers]
    return f" AND ({' OR '.join(either)})" if either else ""


@cache
def _claim(lane: str, vendor: str) -> str:
    where, order = LANES[lane]
    before = ("begun", "attempts")  # as they were, though the claim may begin what it takes
    columns = ", ".join(f"{'p' if name in before else 'j'}.{name}" if vendor == "postgresql" else name for name in _FIELDS)
    parts = {"lane": where, "free": _FREE, "open": _OPEN[vendor], "order": order, "columns": columns, "soon": SOON}
    text = _CLAIM[vendor]
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text


def claim_jobs(
    lease: str, limit: int = 1, *, lane: str = "ready", queues: Collection[str] = (), begin: bool = False, **values: Any
) -> list[Claimed]:
    """Lease up to `limit` jobs of a lane, and the instances of those that are exclusive; first comes what is to run first.

    `lease` is `worker:number` and never used before. The lane `fair` wants `after`, the definition served last, `one` an `id`.
    `queues` are the categories and process keys to look for, if not all. With `begin` PostgreSQL counts the attempts as it claims;
    the jobs say so (`counted`).
    """
    values |= {"owner": lease.rpartition(":")[0], "lease": lease, "limit": limit, **_queues(queues)}
    claimed = _claimed_by[connection.vendor](lane, values, begin)
    return sorted(claimed, key=lambda job: (-job.priority, job.due, job.id))


def _in_one(lane: str, values: dict[str, Any], begin: bool) -> list[Claimed]:
    text = _claim(lane, connection.vendor).replace("{served}", _served(values)).replace("{begin}", _BEGUN if begin else "")
    with execute(text, conf.JOB_LEASE, **values) as cursor:
        claimed = [_claimed(row) for row in cursor.fetchall()]
    return [replace(job, counted=job.begun is None) for job in claimed] if begin else claimed


def _in_two(lane: str, values: dict[str, Any], _: bool) -> list[Claimed]:
    """The jobs, then the instances; the first UPDATE makes the transaction the only writer."""
    with transaction.atomic():
        claimed = _in_one(lane, values, begin=False)
        if instances := exclusive(claimed):
            where, among = some("id", instances, "id")
            touched(_HOLD + where, conf.JOB_LEASE, owner=values["owner"], **among)
    return claimed


_claimed_by = {"postgresql": _in_one, "sqlite": _in_two}


def exclusive(jobs: Iterable[Claimed]) -> set[UUID]:
    """The instances that are leased for these jobs."""
    return {job.instance for job in jobs if job.exclusive and job.instance is not None}


# -- one attempt ----------------------------------------------------------------------------------------------------------
_BEGIN = "UPDATE towpath_job SET attempts = attempts + 1, begun = {now} WHERE id = %(id)s AND lease_owner = %(lease)s"


def begin(job: Claimed) -> bool:
    """Count an attempt; committed before the job does anything, so that one that kills its worker has been counted.

    False if the job is another's by now.
    """
    return touched(_BEGIN, id=job.id, lease=job.lease) == 1


_MINE_STILL = "SELECT 1 FROM towpath_job WHERE id = %(id)s AND lease_owner = %(lease)s"


def check(job: UUID, lease: str) -> None:
    """Raises LeaseLost where a job is another's by now.

    Without a lock, so it says only that what was read since the claim is what the job is about: a lease that was lost never comes back.
    """
    with execute(_MINE_STILL, id=job, lease=lease) as cursor:
        if cursor.fetchone() is None:
            raise LeaseLost(f"job {job} was taken by another worker")


# Every unit locks the instance before its jobs (see `store`), so the fence does too, or the two could wait for each other. Plain
# FOR UPDATE: with SKIP LOCKED somebody's momentary lock would look like a lost lease.
_FINISH = {
    "postgresql": """
        WITH mine AS MATERIALIZED (
            SELECT 1 FROM towpath_instance WHERE id = %(instance)s AND (NOT %(exclusive)s OR lease_owner = %(owner)s) FOR UPDATE
        ), next AS ({next} RETURNING 1)
        DELETE FROM towpath_job WHERE id = %(id)s AND lease_owner = %(lease)s AND EXISTS (SELECT 1 FROM mine)
        RETURNING (SELECT count(*) FROM next)""".replace("{next}", _BEGIN.replace("(id)", "(next)")),
    "sqlite": """
        DELETE FROM towpath_job WHERE id = %(id)s AND lease_owner = %(lease)s AND EXISTS (
            SELECT 1 FROM towpath_instance WHERE id = %(instance)s AND (NOT %(exclusive)s OR lease_owner = %(owner)s))
        RETURNING NULL""",
}
_DROP = "DELETE FROM towpath_job WHERE id = %(id)s AND lease_owner = %(lease)s"
_NOBODY = UUID(int=0)


class Fence:
    """A job's lease, proved in the very transaction that does its work: the job's row goes, and the one that follows it in the
    batch is begun. LeaseLost must roll back the work.
    """

    def __init__(self, job: Claimed, following: Claimed | None = None) -> None:
        self.job, self.following = job, following
        self.follows = False  # whether the following job is begun, if the transaction commits

    def __call__(self) -> None:
        """Prove it now, in the open transaction; raises LeaseLost."""
        if self.job.instance is None:
            done, follows = drop(self.job), None
        else:
            with execute(_FINISH[connection.vendor], **self._values()) as cursor:
                row = cursor.fetchone()
            done, follows = row is not None, row[0] if row else None
        if not done:
            raise self._lost()
        self.follows = bool(follows) if follows is not None else self.following is not None and begin(self.following)

    def statement(self) -> Statement | None:
        """The same as the first statement of a transaction that is sent as a whole; None where it takes more than one."""
        if self.job.instance is None or connection.vendor != "postgresql":
            return None
        text, order = _numbered_finish()
        values = self._values()
        return Statement(text, [values[name] for name in order], 1, self._lost(), proven=True, seen=self._proved)

    def _proved(self, begun: int) -> None:
        self.follows = bool(begun)

    def _values(self) -> dict[str, Any]:
        job = self.job
        return {
            "id": job.id, "lease": job.lease, "instance": job.instance, "exclusive": job.exclusive, "owner": job.worker,
            "next": self.following.id if self.following else _NOBODY,
        }  # fmt: skip

    def _lost(self) -> LeaseLost:
        return LeaseLost(f"job {self.job.id} was taken by another worker")


@cache
def _numbered_finish() -> tuple[str, tuple[str, ...]]:
    """The fence as a text that proves itself, and the names of its values in their order."""
    text = written(_FINISH["postgresql"])
    body, deleted = text.split("DELETE FROM", 1)
    deleted = deleted.partition("RETURNING")[0]
    proof = (
        f"{body.rstrip()}, gone AS (DELETE FROM{deleted}RETURNING 1) SELECT 1 / (SELECT count(*) FROM gone), (SELECT count(*) FROM next)"
    )
    names = tuple(re.findall(r"%\((\w+)\)s", proof))
    return re.sub(r"%\(\w+\)s", "%s", proof), names


def drop(job: Claimed) -> bool:
    """Delete a job that has nothing left to do; False if it is another's by now."""
    return touched(_DROP, id=job.id, lease=job.lease) == 1


def _data(job: Claimed) -> dict[str, Any]:
    """The job's data; a timer that is put off remembers when it was due in truth."""
    return {**job.data, DUE: job.data.get(DUE, job.due.isoformat())} if job.kind in ("timer", "start-timer") else job.data


def was_due(job: Claimed) -> datetime:
    """When a timer was due in truth, though it may have been put off since."""
    return datetime.fromisoformat(job.data[DUE]) if DUE in job.data else job.due


_FAIL = """
    UPDATE towpath_job SET state = %(state)s, due = {later}, retries = %(retries)s, error = %(error)s, traceback = %(traceback)s,
        data = %(data)s, begun = NULL, lease_owner = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease_owner = %(lease)s"""


def fail(job: Claimed, *, state: str, wait: float, retries: int, error: str, traceback: str) -> bool:
    """Record a failed attempt: `waiting` for `wait` seconds, `ready` at once or `dead`; False if the job is another's by now."""
    said = error[:LONGEST_ERROR]
    row: dict[str, Any] = {"state": state, "retries": retries, "error": said, "traceback": traceback, "data": _data(job)}
    return touched(_FAIL, wait, id=job.id, lease=job.lease, **row) == 1


_CHARGE = "UPDATE towpath_job SET retries = %(retries)s, error = %(error)s, begun = NULL WHERE id = %(id)s AND lease_owner = %(lease)s"
_POSTPONE = """
    UPDATE towpath_job SET state = 'waiting', due = {later}, data = %(data)s, begun = NULL, lease_owner = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease_owner = %(lease)s"""
_PARK = """
    UPDATE towpath_job SET resumes_as = state, state = 'suspended', begun = NULL, lease_owner = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease_owner = %(lease)s"""


def charge(job: Claimed, retries: int, error: str) -> None:
    """Count an attempt whose worker was lost, and keep the lease."""
    touched(_CHARGE, retries=retries, error=error[:LONGEST_ERROR], id=job.id, lease=job.lease)


def postpone(job: Claimed, wait: float) -> None:
    """Let a job wait for `wait` seconds without holding anything against it."""
    touched(_POSTPONE, wait, data=_data(job), id=job.id, lease=job.lease)


def park(job: Claimed) -> None:
    """Suspend a job whose instance was suspended after it was claimed."""
    touched(_PARK, id=job.id, lease=job.lease)


# -- waking the cluster ---------------------------------------------------------------------------------------------------
def announcement(channel: str = CHANNEL, *, ready: bool = False) -> list[Statement]:
    """What a transaction that writes jobs says besides: it wakes the clusters when it commits, never if it rolls back.

    `ready` tells that one can be claimed at once, so that they need not look.
    """
    if connection.vendor != "postgresql" or not conf.NOTIFY:
        return []
    return [Statement(f"SELECT pg_notify('{channel}', '{READY if ready else ''}')")]


def announce(channel: str = CHANNEL, *, ready: bool = False) -> None:
    """Wake who listens when the open transaction commits; where there is nothing to wake, they look by themselves."""
    for statement in announcement(channel, ready=ready):
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)


_PROBE = """
    SELECT EXISTS (SELECT 1 FROM towpath_job j WHERE j.state = 'ready' AND {free} AND {unheld}{served}),
        (SELECT j.due FROM towpath_job j WHERE j.state = 'waiting' AND {free} AND {unheld}{served} ORDER BY j.due LIMIT 1), {now}"""
_UNHELD = (
    "(NOT j.exclusive OR j.instance_id IS NULL OR NOT EXISTS"
    " (SELECT 1 FROM towpath_instance i WHERE i.id = j.instance_id AND i.lease_until >= {now}))"
)


@dataclass(frozen=True, slots=True)
class Due:
    """`wait`: seconds until a job can be claimed, 0 if one can be now, None if none is there; `now` on the clock of the leases."""

    wait: float | None
    now: datetime


def next_due(queues: Collection[str] = ()) -> Due:
    """When something of these queues, or at all, can be claimed. A lease that runs out later is not foreseen."""
    values = _queues(queues)
    text = _PROBE.replace("{free}", _FREE).replace("{unheld}", _UNHELD).replace("{served}", _served(values))
    with execute(text, **values) as cursor:
        ready, due, here = cursor.fetchone()
    now = as_time(here)
    assert now is not None
    moment = now if ready else as_time(due)
    return Due(None if moment is None else max(0.0, (moment - now).total_seconds()), now)
