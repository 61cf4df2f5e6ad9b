"""Who runs which job: claim, begin, finish, fail, renew and release as one statement each, SQL that differs by database side by side.

A claim is committed before a job runs, and its lease (`worker:number`, used once) fences all that comes after: whoever finds the
row with another lease has lost it. The one clock is the database's on PostgreSQL, for workers on several machines must agree when
a lease is over; on SQLite all workers share the machine's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from engine.conf import settings as conf
from engine.errors import LeaseLost
from engine.runtime.store.statements import Statement, adapted, as_json, as_time, as_uuid

CHANNEL = "towpath_job"
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
    return Claimed(*(_READ[name](value) if name in _READ else value for name, value in zip(_FIELDS, row, strict=True)))


# -- the clock, and texts for the database at hand -------------------------------------------------------------------------
# statement_timestamp() and not now(): in a transaction that stands still. It is stable, so an index on `due` serves `due <= ...`.
_NOW = {"postgresql": "statement_timestamp()", "sqlite": "%(now)s"}
_LATER = {"postgresql": "statement_timestamp() + %(seconds)s * interval '1 second'", "sqlite": "%(later)s"}


@cache
def _text(template: str, vendor: str) -> str:
    return template.replace("{now}", _NOW[vendor]).replace("{later}", _LATER[vendor])


def _execute(template: str, seconds: float = 0, **values: Any) -> Any:
    """Carry out a statement; `{later}` in it is `seconds` from now. The cursor is the caller's to read and close."""
    if connection.vendor == "sqlite":
        now = datetime.now(UTC)
        values |= {"now": now, "later": now + timedelta(seconds=seconds)}
    values["seconds"] = seconds
    cursor = connection.cursor()
    cursor.execute(_text(template, connection.vendor), dict(zip(values, adapted(values.values()), strict=True)))
    return cursor


def _touched(template: str, seconds: float = 0, **values: Any) -> int:
    with _execute(template, seconds, **values) as cursor:
        count: int = cursor.rowcount
    return count


def _some(column: str, values: Iterable[Any], name: str) -> tuple[str, dict[str, Any]]:
    """`column` is one of a few values, as a condition and its named parameters."""
    named = {f"{name}{i}": value for i, value in enumerate(values)}
    return f"{column} IN ({', '.join(f'%({n})s' for n in named)})", named


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
            SELECT j.id, j.instance_id, j.exclusive FROM towpath_job j WHERE {lane} AND {free} AND {open}
            ORDER BY {order} LIMIT %(limit)s FOR UPDATE OF j SKIP LOCKED
        ), held AS (
            UPDATE towpath_instance i SET lease_owner = %(owner)s, lease_until = {later}
            FROM picked p WHERE p.exclusive AND i.id = p.instance_id
        )
        UPDATE towpath_job j SET lease_owner = %(lease)s, lease_until = {later} FROM picked p WHERE j.id = p.id RETURNING {columns}""",
    "sqlite": """
        UPDATE towpath_job AS j SET lease_owner = %(lease)s, lease_until = {later}
        WHERE j.id IN (SELECT j.id FROM towpath_job j WHERE {lane} AND {free} AND {open} ORDER BY {order} LIMIT %(limit)s)
        RETURNING {columns}""",
}
_HOLD = "UPDATE towpath_instance SET lease_owner = %(owner)s, lease_until = {later} WHERE "


@cache
def _claim(lane: str, vendor: str) -> str:
    where, order = LANES[lane]
    columns = ", ".join(f"j.{name}" if vendor == "postgresql" else name for name in _FIELDS)
    parts = {"lane": where, "free": _FREE, "open": _OPEN[vendor], "order": order, "columns": columns}
    text = _CLAIM[vendor]
    for name, part in parts.items():
        text = text.replace("{" + name + "}", part)
    return text


def claim_jobs(lease: str, limit: int = 1, *, lane: str = "ready", **values: Any) -> list[Claimed]:
    """Lease up to `limit` jobs of a lane, and the instances of those that are exclusive; first comes what is to run first.

    `lease` is `worker:number` and never used before. The lane `fair` wants `after`, the definition served last, `one` an `id`.
    """
    values |= {"owner": lease.rpartition(":")[0], "lease": lease, "limit": limit}
    claimed = _claimed_by[connection.vendor](lane, values)
    return sorted(claimed, key=lambda job: (-job.priority, job.due, job.id))


def _in_one(lane: str, values: dict[str, Any]) -> list[Claimed]:
    with _execute(_claim(lane, connection.vendor), conf.JOB_LEASE, **values) as cursor:
        return [_claimed(row) for row in cursor.fetchall()]


def _in_two(lane: str, values: dict[str, Any]) -> list[Claimed]:
    """The jobs, then the instances; the first UPDATE makes the transaction the only writer."""
    with transaction.atomic():
        claimed = _in_one(lane, values)
        if instances := exclusive(claimed):
            where, among = _some("id", instances, "id")
            _touched(_HOLD + where, conf.JOB_LEASE, owner=values["owner"], **among)
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
    return _touched(_BEGIN, id=job.id, lease=job.lease) == 1


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


def finish(job: Claimed, following: Claimed | None = None) -> bool:
    """Within the transaction that does the job's work: it is done and its row goes, and the `following` job of its batch is begun.

    Returns whether that is begun. Raises LeaseLost, which must roll back the work.
    """
    if job.instance is None:
        done, follows = drop(job), None
    else:
        about: dict[str, Any] = {"instance": job.instance, "exclusive": job.exclusive, "owner": job.worker}
        about["next"] = following.id if following else _NOBODY
        with _execute(_FINISH[connection.vendor], id=job.id, lease=job.lease, **about) as cursor:
            row = cursor.fetchone()
        done, follows = row is not None, row[0] if row else None
    if not done:
        raise LeaseLost(f"job {job.id} was taken by another worker")
    return bool(follows) if follows is not None else following is not None and begin(following)


def drop(job: Claimed) -> bool:
    """Delete a job that has nothing left to do; False if it is another's by now."""
    return _touched(_DROP, id=job.id, lease=job.lease) == 1


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
    return _touched(_FAIL, wait, id=job.id, lease=job.lease, **row) == 1


_CHARGE = "UPDATE towpath_job SET retries = %(retries)s, error = %(error)s, begun = NULL WHERE id = %(id)s AND lease_owner = %(lease)s"
_POSTPONE = """
    UPDATE towpath_job SET state = 'waiting', due = {later}, data = %(data)s, begun = NULL, lease_owner = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease_owner = %(lease)s"""
_PARK = """
    UPDATE towpath_job SET resumes_as = state, state = 'suspended', begun = NULL, lease_owner = NULL, lease_until = NULL
    WHERE id = %(id)s AND lease_owner = %(lease)s"""


def charge(job: Claimed, retries: int, error: str) -> None:
    """Count an attempt whose worker was lost, and keep the lease."""
    _touched(_CHARGE, retries=retries, error=error[:LONGEST_ERROR], id=job.id, lease=job.lease)


def postpone(job: Claimed, wait: float) -> None:
    """Let a job wait for `wait` seconds without holding anything against it."""
    _touched(_POSTPONE, wait, data=_data(job), id=job.id, lease=job.lease)


def park(job: Claimed) -> None:
    """Suspend a job whose instance was suspended after it was claimed."""
    _touched(_PARK, id=job.id, lease=job.lease)


# -- leases ---------------------------------------------------------------------------------------------------------------
# A row that a transaction of ours has locked for longer must not hold up the renewal of all others; nobody can claim it either.
_RENEW = {
    "postgresql": "UPDATE {table} SET lease_until = {later} WHERE id IN (SELECT id FROM {table} WHERE {where} FOR UPDATE SKIP LOCKED)",
    "sqlite": "UPDATE {table} SET lease_until = {later} WHERE {where}",
}


def _leased(ids: Collection[UUID], owners: Iterable[str]) -> tuple[str, dict[str, Any]]:
    rows, among = _some("id", ids, "id")
    mine, by = _some("lease_owner", owners, "by")
    return f"{rows} AND {mine}", among | by


def renew(owner: str, jobs: Iterable[Claimed], instances: Collection[UUID]) -> None:
    """Put the end of these leases off by one lease from now."""
    jobs = list(jobs)
    for table, ids, owners in (("towpath_job", [j.id for j in jobs], {j.lease for j in jobs}), ("towpath_instance", instances, {owner})):
        if ids:
            where, values = _leased(ids, owners)
            _touched(_RENEW[connection.vendor].replace("{table}", table).replace("{where}", where), conf.JOB_LEASE, **values)


_LET_GO = "UPDATE towpath_job SET lease_owner = NULL, lease_until = NULL, "
_LET_INSTANCE_GO = "UPDATE towpath_instance SET lease_owner = NULL, lease_until = NULL WHERE "


def release(jobs: Iterable[Claimed], *, begun: bool = False) -> int:
    """Give jobs back that were claimed but not begun; with `begun` also those that were, and their attempt is not held against them."""
    jobs = list(jobs)
    if not jobs:
        return 0
    where, values = _leased([j.id for j in jobs], {j.lease for j in jobs})
    return _touched(_LET_GO + "begun = NULL WHERE " + where + ("" if begun else " AND begun IS NULL"), **values)


def release_instances(owner: str, instances: Collection[UUID]) -> None:
    """Let others run the exclusive jobs of these instances."""
    if instances:
        where, values = _leased(instances, {owner})
        _touched(_LET_INSTANCE_GO + where, **values)


_LOST = "lease_owner LIKE %(jobs)s AND state IN ('ready', 'waiting')"


def release_worker(worker: str, *, forgive: bool = False) -> int:
    """Free at once what a worker held that is known to be dead. An attempt it had begun will be counted, unless we `forgive` it."""
    instances = "SELECT instance_id FROM towpath_job WHERE " + _LOST
    letting_go = _LET_GO + ("begun = NULL WHERE " if forgive else "begun = begun WHERE ")
    with transaction.atomic():
        _touched(f"{_LET_INSTANCE_GO} lease_owner = %(worker)s AND id IN ({instances})", worker=worker, jobs=worker + ":%")
        return _touched(letting_go + _LOST, jobs=worker + ":%")


# A lease that ends later than any that was renewed of late was given before the clock was set back.
_FAR = "lease_until > {later} AND state IN ('ready', 'waiting')"
_FAR_INSTANCE = "lease_until > {later} AND id IN (SELECT instance_id FROM towpath_job WHERE state IN ('ready', 'waiting'))"


def release_far() -> int:
    """Free what is leased for longer than a lease lasts; only to be asked when all living owners have renewed theirs."""
    _touched(_LET_INSTANCE_GO + _FAR_INSTANCE, 1.5 * conf.JOB_LEASE)
    return _touched(_LET_GO + "begun = begun WHERE " + _FAR, 1.5 * conf.JOB_LEASE)


# -- waking the cluster ---------------------------------------------------------------------------------------------------
def announcement() -> list[Statement]:
    """What a transaction that writes due jobs says besides: it wakes the clusters when it commits, never if it rolls back."""
    if connection.vendor != "postgresql" or not conf.NOTIFY:
        return []
    return [Statement(f"SELECT pg_notify('{CHANNEL}', '')")]


def announce() -> None:
    """Wake the clusters when the open transaction commits; where there is nothing to wake, they look by themselves."""
    for statement in announcement():
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)


_PROBE = """
    SELECT EXISTS (SELECT 1 FROM towpath_job j WHERE j.state = 'ready' AND {free} AND {unheld}),
        (SELECT j.due FROM towpath_job j WHERE j.state = 'waiting' AND {free} AND {unheld} ORDER BY j.due LIMIT 1), {now}"""
_UNHELD = (
    "(NOT j.exclusive OR j.instance_id IS NULL OR NOT EXISTS"
    " (SELECT 1 FROM towpath_instance i WHERE i.id = j.instance_id AND i.lease_until >= {now}))"
)


@dataclass(frozen=True, slots=True)
class Due:
    """`wait`: seconds until a job can be claimed, 0 if one can be now, None if none is there; `now` on the clock of the leases."""

    wait: float | None
    now: datetime


def next_due() -> Due:
    """When something can be claimed. A lease that runs out later is not foreseen."""
    with _execute(_PROBE.replace("{free}", _FREE).replace("{unheld}", _UNHELD)) as cursor:
        ready, due, here = cursor.fetchone()
    now = as_time(here)
    assert now is not None
    moment = now if ready else as_time(due)
    return Due(None if moment is None else max(0.0, (moment - now).total_seconds()), now)
