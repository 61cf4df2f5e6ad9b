"""Leases after they were given with a claim: renewed while their owner lives, let go, or taken from who is dead."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from engine.conf import settings as conf
from engine.runtime.store.claims import Claimed
from engine.runtime.store.timed import some, touched

# A row that a transaction of ours has locked for longer must not hold up the renewal of all others; nobody can claim it either.
_RENEW = {
    "postgresql": "UPDATE {table} SET lease_until = {later} WHERE id IN (SELECT id FROM {table} WHERE {where} FOR UPDATE SKIP LOCKED)",
    "sqlite": "UPDATE {table} SET lease_until = {later} WHERE {where}",
}


def _leased(ids: Collection[UUID], owners: Iterable[str]) -> tuple[str, dict[str, Any]]:
    rows, among = some("id", ids, "id")
    mine, by = some("lease_owner", owners, "by")
    return f"{rows} AND {mine}", among | by


def renew(owner: str, jobs: Iterable[Claimed], instances: Collection[UUID]) -> None:
    """Put the end of these leases off by one lease from now."""
    jobs = list(jobs)
    for table, ids, owners in (("towpath_job", [j.id for j in jobs], {j.lease for j in jobs}), ("towpath_instance", instances, {owner})):
        if ids:
            where, values = _leased(ids, owners)
            touched(_RENEW[connection.vendor].replace("{table}", table).replace("{where}", where), conf.JOB_LEASE, **values)


_LET_GO = "UPDATE towpath_job SET lease_owner = NULL, lease_until = NULL, "
_LET_INSTANCE_GO = "UPDATE towpath_instance SET lease_owner = NULL, lease_until = NULL WHERE "


def release(jobs: Iterable[Claimed], *, begun: bool = False) -> int:
    """Give jobs back that were claimed but not begun; with `begun` also those that were, and their attempt is not held against them."""
    jobs = list(jobs)
    if not jobs:
        return 0
    where, values = _leased([j.id for j in jobs], {j.lease for j in jobs})
    return touched(_LET_GO + "begun = NULL WHERE " + where + ("" if begun else " AND begun IS NULL"), **values)


def release_instances(owner: str, instances: Collection[UUID]) -> None:
    """Let others run the exclusive jobs of these instances."""
    if instances:
        where, values = _leased(instances, {owner})
        touched(_LET_INSTANCE_GO + where, **values)


_LOST = "lease_owner LIKE %(jobs)s AND state IN ('ready', 'waiting')"


def release_worker(worker: str, *, forgive: bool = False) -> int:
    """Free at once what a worker held that is known to be dead. An attempt it had begun will be counted, unless we `forgive` it."""
    instances = "SELECT instance_id FROM towpath_job WHERE " + _LOST
    letting_go = _LET_GO + ("begun = NULL WHERE " if forgive else "begun = begun WHERE ")
    with transaction.atomic():
        touched(f"{_LET_INSTANCE_GO} lease_owner = %(worker)s AND id IN ({instances})", worker=worker, jobs=worker + ":%")
        return touched(letting_go + _LOST, jobs=worker + ":%")


# A lease that ends later than any that was renewed of late was given before the clock was set back.
_FAR = "lease_until > {later} AND state IN ('ready', 'waiting')"
_FAR_INSTANCE = "lease_until > {later} AND id IN (SELECT instance_id FROM towpath_job WHERE state IN ('ready', 'waiting'))"


def release_far() -> int:
    """Free what is leased for longer than a lease lasts; only to be asked when all living owners have renewed theirs."""
    touched(_LET_INSTANCE_GO + _FAR_INSTANCE, 1.5 * conf.JOB_LEASE)
    return touched(_LET_GO + "begun = begun WHERE " + _FAR, 1.5 * conf.JOB_LEASE)
