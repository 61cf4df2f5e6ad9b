"""A job is run by one worker at a time: what is claimed, in which order, and what a worker that lost its lease may still do."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from engine.errors import LeaseLost
from engine.models import Instance, Job
from engine.models.fields import uuid7
from engine.runtime.store import claims, leases
from tests.runtime.queue import ago, make_instance, make_job

pytestmark = pytest.mark.django_db


def claim(lease: str = "w1:1", limit: int = 1, **more: Any) -> list[UUID]:
    return [job.id for job in claims.claim_jobs(lease, limit, **more)]


def one(lease: str = "w1:1", **more: Any) -> claims.Claimed:
    (job,) = claims.claim_jobs(lease, **more)
    return job


def test_claims_the_highest_priority_first_then_the_oldest() -> None:
    late, early, urgent = make_job(), make_job(due=ago(5)), make_job(priority=5)
    assert claim(limit=3) == [urgent.id, early.id, late.id]


def test_a_claim_reads_the_row_as_it_is() -> None:
    instance = make_instance()
    about = {
        "token": 3,
        "node": "cook",
        "name": "Cook",
        "exclusive": True,
        "retries": 2,
        "attempts": 1,
        "retry": "R5/PT1S",
        "data": {"a": [1]},
    }
    row = make_job(instance=instance, **about)
    job = one()
    assert {name: getattr(job, name) for name in about} == about
    assert (job.id, job.kind, job.state, job.instance, job.due, job.definition) == (
        row.id, "async", "ready", instance.id, row.due, "order:1:x",
    )  # fmt: skip
    assert (job.lease, job.worker, job.begun, job.error) == ("w1:1", "w1", None, None)


def test_what_is_leased_is_nobody_elses() -> None:
    make_job()
    assert claim("w1:1")
    assert claim("w2:1") == []
    assert claim("w1:2") == []


def test_a_lease_that_ran_out_is_free_again() -> None:
    job = make_job(lease_owner="lost:1", lease_until=ago(1))
    assert claim("w2:1") == [job.id]


def test_a_waiting_job_is_claimed_when_it_is_due_and_not_before() -> None:
    due, later = make_job(state="waiting", due=ago(1)), make_job(state="waiting", due=ago(-60))
    assert claim(lane="ready", limit=5) == []
    assert claim(lane="due", limit=5) == [due.id]
    assert later.id not in claim("w1:2", lane="due", limit=5)


@pytest.mark.parametrize("state", ["external", "suspended", "dead"])
def test_jobs_in_other_states_are_left_alone(state: str) -> None:
    make_job(state=state, due=ago(5))
    assert claim(limit=5) == claim(lane="due", limit=5) == []


def test_the_fair_lane_goes_from_definition_to_definition() -> None:
    many = [make_job(definition_id="a:1:x").id for _ in range(5)]
    few = make_job(definition_id="b:1:x")
    assert claim("w1:1", 2, lane="fair", after="") == many[:2]
    assert claim("w1:2", 2, lane="fair", after="a:1:x") == [few.id]
    assert claim("w1:3", 2, lane="fair", after="b:1:x") == []


@pytest.mark.parametrize("lane", ["ready", "due"])
def test_a_cluster_may_serve_some_categories_and_processes_only(lane: str) -> None:
    state = {"ready": "ready", "due": "waiting"}[lane]
    mail, order = make_job(state=state, category="mail", due=ago(2)), make_job(state=state, definition_id="order:2:y", due=ago(1))
    make_job(state=state, definition_id="orders:1:z", due=ago(3))
    assert claim(limit=9, lane=lane, queues=["mail", "order"]) == [mail.id, order.id]
    assert claims.next_due(["mail", "order"]).wait is None
    assert claims.next_due(["orders"]).wait == 0


# -- exclusive ------------------------------------------------------------------------------------------------------------
def test_an_exclusive_job_leases_its_instance_and_others_pass_by() -> None:
    busy, other = make_instance(), make_instance()
    first, second = make_job(instance=busy, exclusive=True), make_job(instance=busy, exclusive=True)
    third, loose = make_job(instance=other, exclusive=True), make_job(instance=busy)
    assert claim("w1:1") == [first.id]
    assert claim("w2:1", 5) == [third.id, loose.id]
    assert claim("w1:2", 5) == [second.id]
    busy.refresh_from_db()
    assert busy.lease_owner == "w1"
    assert busy.lease_until
    assert busy.lease_until > timezone.now()


def test_released_instances_are_free_for_others() -> None:
    busy = make_instance()
    make_job(instance=busy, exclusive=True)
    second = make_job(instance=busy, exclusive=True)
    claim("w1:1")
    leases.release_instances("w2", {busy.pk})
    assert claim("w2:1") == []
    leases.release_instances("w1", {busy.pk})
    assert claim("w2:1") == [second.id]


def test_an_exclusive_job_whose_instance_is_gone_is_claimed_all_the_same() -> None:
    job = make_job(instance_id=uuid7(), exclusive=True)
    assert claim() == [job.id]


# -- attempts -------------------------------------------------------------------------------------------------------------
def test_beginning_counts_the_attempt_and_the_next_claim_sees_that_it_never_ended() -> None:
    make_job()
    job = one()
    assert claims.begin(job)
    Job.objects.update(lease_until=ago(1))
    again = one("w2:1")
    assert again.begun is not None
    assert again.attempts == 1
    assert not claims.begin(job)


@pytest.mark.parametrize("exclusive", [True, False])
def test_finishing_deletes_the_row(exclusive: bool) -> None:
    make_job(instance=make_instance(), exclusive=exclusive)
    claims.Fence(one())()
    assert not Job.objects.exists()


def test_finishing_needs_the_lease() -> None:
    row = make_job(instance=make_instance())
    job = one()
    Job.objects.update(lease_until=ago(1))
    one("w2:1")
    with pytest.raises(LeaseLost):
        claims.Fence(job)()
    assert Job.objects.filter(pk=row.pk).exists()


def test_finishing_an_exclusive_job_needs_the_lease_of_its_instance() -> None:
    instance = make_instance()
    make_job(instance=instance, exclusive=True)
    job = one()
    Instance.objects.update(lease_owner="w2")
    with pytest.raises(LeaseLost):
        claims.Fence(job)()


def test_a_failed_job_waits_with_its_error_and_no_lease() -> None:
    make_job()
    job = one()
    claims.begin(job)
    before = ago(0)
    assert claims.fail(job, state="waiting", wait=60, retries=2, error="x" * 5000, traceback="Traceback")
    row = Job.objects.get()
    assert (row.state, row.retries, row.attempts, row.lease_owner, row.begun) == ("waiting", 2, 1, None, None)
    assert row.error == "x" * 2000
    assert before <= row.due - timedelta(seconds=60) <= ago(0)


def test_a_failure_is_not_recorded_by_who_lost_the_lease() -> None:
    make_job()
    job = one()
    Job.objects.update(lease_owner="w2:9")
    assert not claims.fail(job, state="dead", wait=0, retries=0, error="late", traceback="")
    assert Job.objects.get().error is None


def test_a_failed_timer_remembers_when_it_was_due() -> None:
    row = make_job(kind="timer", state="waiting", due=ago(100), data={"repeat": "R3"})
    job = one(lane="due")
    claims.fail(job, state="waiting", wait=10, retries=2, error="no", traceback="")
    assert Job.objects.get().data == {"repeat": "R3", claims.DUE: row.due.isoformat()}


# -- leases ---------------------------------------------------------------------------------------------------------------
def test_renewing_puts_the_end_off_for_ones_own_alone() -> None:
    instance = make_instance()
    make_job(instance=instance, exclusive=True)
    job = one()
    Job.objects.update(lease_until=ago(-1))
    Instance.objects.update(lease_until=ago(-1))
    leases.renew("w2", [job], {instance.pk})
    assert Instance.objects.get().lease_until < ago(-5)
    leases.renew("w1", [job], {instance.pk})
    assert Job.objects.get().lease_until > ago(-5)
    assert Instance.objects.get().lease_until > ago(-5)
    Job.objects.update(lease_owner="w2:1", lease_until=ago(-1))
    leases.renew("w1", [job], set())
    assert Job.objects.get().lease_until < ago(-5)


def test_releasing_gives_back_what_was_not_begun() -> None:
    make_job(), make_job()
    first, second = claims.claim_jobs("w1:1", 2)
    claims.begin(first)
    assert leases.release([first, second]) == 1
    assert claim("w2:1", 2) == [second.id]
    assert leases.release([first], begun=True) == 1
    assert one("w2:2").begun is None


def test_what_a_dead_worker_held_is_freed_at_once() -> None:
    busy = make_instance()
    make_job(instance=busy, exclusive=True), make_job()
    mine = claims.claim_jobs("w1:1", 2)
    assert leases.release_worker("w") == 0
    assert leases.release_worker("w1") == 2
    assert sorted(claim("w2:1", 2)) == sorted(job.id for job in mine)


def test_what_is_leased_for_longer_than_a_lease_lasts_can_be_freed() -> None:
    instance = make_instance()
    far, near, outside = make_job(instance=instance, exclusive=True), make_job(), make_job(state="external")
    claims.claim_jobs("w1:1", 2)
    Job.objects.filter(pk__in=[far.pk, outside.pk]).update(lease_owner="w1:1", lease_until=ago(-3600))
    Instance.objects.update(lease_until=ago(-3600))
    assert leases.release_far() == 1
    assert set(Job.objects.exclude(lease_owner=None).values_list("pk", flat=True)) == {near.pk, outside.pk}
    assert claim("w2:1", 5) == [far.pk]


# -- waking ---------------------------------------------------------------------------------------------------------------
def test_tells_how_long_until_something_is_due() -> None:
    assert claims.next_due().wait is None
    waiting = make_job(state="waiting", due=ago(-3600))
    before, wait, after = ago(0), claims.next_due().wait, ago(0)
    assert wait is not None
    assert before <= waiting.due - timedelta(seconds=wait) <= after
    Job.objects.filter(pk=waiting.pk).update(due=ago(1))
    assert claims.next_due().wait == 0
    one(lane="due")
    assert claims.next_due().wait is None
    make_job()
    assert claims.next_due().wait == 0


def test_what_nobody_can_claim_now_does_not_count_as_due() -> None:
    busy = make_instance()
    make_job(instance=busy, exclusive=True), make_job(instance=busy, exclusive=True)
    one()
    assert claims.next_due().wait is None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL can wake a cluster")
def test_wakes_the_clusters_through_the_database_unless_switched_off(settings: Any) -> None:
    assert [s.sql for s in claims.announcement()] == ["SELECT pg_notify('towpath_job', '')"]
    assert [s.sql for s in claims.announcement(ready=True)] == ["SELECT pg_notify('towpath_job', 'ready')"]
    claims.announce()
    settings.ENGINE_NOTIFY = False
    assert claims.announcement() == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL counts as it claims")
def test_a_claim_may_begin_what_it_takes() -> None:
    make_job()
    (job,) = claims.claim_jobs("w1:1", begin=True)
    assert (job.counted, job.attempts, job.begun) == (True, 0, None)
    row = Job.objects.get()
    assert row.attempts == 1
    assert row.begun is not None


@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL counts as it claims")
def test_a_claim_does_not_begin_anew_what_a_lost_worker_began() -> None:
    make_job()
    claims.claim_jobs("w1:1", begin=True)
    Job.objects.update(lease_until=ago(1))
    (again,) = claims.claim_jobs("w2:1", begin=True)
    row = Job.objects.get()
    assert (again.counted, again.attempts) == (False, 1)
    assert again.begun == row.begun
    assert row.attempts == 1
