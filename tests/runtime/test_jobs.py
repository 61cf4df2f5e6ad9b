"""What operators do with jobs: one or many, only they, and never to a job that is being run."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.models import Instance, Job, Ledger
from engine.models.fields import uuid7
from engine.runtime import jobs
from engine.runtime.store import claims
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler, user
from tests.runtime.queue import ASYNC, ago, drain, hurry, make_instance, make_job, start

pytestmark = pytest.mark.django_db
LATER = datetime(2100, 1, 1, tzinfo=UTC)

VERBS: dict[str, Callable[..., Any]] = {
    "run_now": jobs.run_now,
    "move": jobs.move,
    "bury": jobs.bury,
    "reschedule": lambda key, user=None: jobs.reschedule(key, LATER, user=user),
    "set_retries": lambda key, user=None: jobs.set_retries(key, 5, user=user),
    "delete": jobs.delete,
}


@pytest.fixture(autouse=True)
def _fresh() -> None:
    handlers.CALLS.clear()
    handlers.AFTER.clear()


def state() -> str:
    return Job.objects.get().state


@pytest.mark.parametrize("verb", VERBS)
def test_only_operators_may(verb: str, charlie: User) -> None:
    job = make_job(state="waiting")
    with pytest.raises(Forbidden):
        VERBS[verb](job.pk, user=charlie)
    assert state() == "waiting"


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_there_is_not_found(verb: str) -> None:
    for key in (uuid7(), "nonsense"):
        with pytest.raises(NotFound):
            VERBS[verb](key)


@pytest.mark.parametrize("verb", VERBS)
def test_a_job_that_is_being_run_is_left_alone(verb: str) -> None:
    job = make_job(state="waiting", due=ago(5))
    claims.claim_jobs("w1:1", lane="due")
    with pytest.raises(Conflict, match="is being run"):
        VERBS[verb](job.pk)
    assert (state(), Job.objects.get().lease_owner) == ("waiting", "w1:1")


# -- run now --------------------------------------------------------------------------------------------------------------
def test_running_now_does_the_work_in_the_callers_thread(admin: User) -> None:
    start(handler("store", "outside", ASYNC), user("confirm"))
    jobs.run_now(Job.objects.get().pk, user=admin)
    assert [name for name, _, _ in handlers.CALLS] == ["outside"]
    assert not Job.objects.exists()
    assert Instance.objects.get().lease_owner is None


def test_running_now_raises_the_failure_and_counts_it() -> None:
    start(handler("store", "failing", ASYNC))
    with pytest.raises(RuntimeError, match="the shop is closed"):
        jobs.run_now(Job.objects.get().pk)
    assert Job.objects.values_list("state", "retries", "error").get() == ("waiting", 2, "the shop is closed")
    assert Ledger.objects.filter(outcome="rolled back").count() == 1


def test_running_now_does_not_wait_for_the_due_date() -> None:
    start(handler("store", "failing", ASYNC))
    drain()
    with pytest.raises(RuntimeError):
        jobs.run_now(Job.objects.get().pk)
    assert Job.objects.get().retries == 1


def test_running_now_waits_for_no_other_job_of_the_instance_but_refuses() -> None:
    instance = make_instance(lease_owner="w1", lease_until=LATER)
    job = make_job(instance=instance, exclusive=True)
    with pytest.raises(Conflict, match="another job of its instance"):
        jobs.run_now(job.pk)


@pytest.mark.parametrize("in_state", ["suspended", "external"])
def test_running_now_refuses_what_nobody_may_run(in_state: str) -> None:
    job = make_job(state=in_state)
    with pytest.raises(Conflict):
        jobs.run_now(job.pk)


# -- move -----------------------------------------------------------------------------------------------------------------
def test_a_dead_letter_that_is_moved_gets_all_its_attempts_again_and_its_instance_can_finish() -> None:
    start(handler("store", "outside", ASYNC))
    for _ in range(3):
        handlers.AFTER.append(lambda: 1 / 0)
        drain()
        hurry()
    job = Job.objects.get()
    assert (job.state, job.retries) == ("dead", 0)
    jobs.move(job.pk)
    moved = Job.objects.get()
    assert (moved.pk, moved.state, moved.retries, moved.error) == (job.pk, "ready", 3, "division by zero")
    drain()
    assert Instance.objects.get().state == "completed"


def test_a_waiting_job_that_is_moved_is_due_now_and_keeps_its_attempts() -> None:
    job = make_job(state="waiting", due=LATER, retries=1)
    jobs.move(job.pk)
    moved = Job.objects.get()
    assert (moved.state, moved.retries) == ("ready", 1)
    assert moved.due <= timezone.now()


def test_a_timer_that_is_moved_remembers_its_due_date() -> None:
    job = make_job(kind="timer", state="waiting", due=LATER)
    jobs.move(job.pk)
    assert Job.objects.values_list("state", "due").get() == ("ready", LATER)


def test_a_suspended_job_is_moved_unless_its_instance_is_suspended() -> None:
    alone = make_job(state="suspended", resumes_as="ready")
    parked = make_job(state="suspended", resumes_as="ready", instance=make_instance(suspended=True))
    jobs.move(alone.pk)
    with pytest.raises(Conflict):
        jobs.move(parked.pk)
    assert set(Job.objects.values_list("pk", "state")) == {(alone.pk, "ready"), (parked.pk, "suspended")}


def test_what_is_ready_cannot_be_moved() -> None:
    with pytest.raises(Conflict, match="it is ready"):
        jobs.move(make_job().pk)


# -- the others -----------------------------------------------------------------------------------------------------------
def test_a_buried_job_is_a_dead_letter() -> None:
    jobs.bury(make_job().pk)
    assert Job.objects.values_list("state", "retries").get() == ("dead", 0)


def test_a_waiting_job_gets_another_time_and_a_ready_one_does_not() -> None:
    waiting, ready = make_job(state="waiting"), make_job()
    jobs.reschedule(waiting.pk, LATER)
    assert Job.objects.get(pk=waiting.pk).due == LATER
    with pytest.raises(Conflict):
        jobs.reschedule(ready.pk, LATER)


def test_the_attempts_that_are_left_can_be_set() -> None:
    job = make_job()
    jobs.set_retries(job.pk, 7)
    assert Job.objects.get().retries == 7
    with pytest.raises(BadInput):
        jobs.set_retries(job.pk, -1)


def test_a_deleted_job_is_gone() -> None:
    jobs.delete(make_job().pk)
    assert not Job.objects.exists()


# -- many -----------------------------------------------------------------------------------------------------------------
def test_ten_thousand_dead_letters_are_moved_at_once() -> None:
    now = timezone.now()
    rows = [Job(kind="async", state="dead", retries=0, due=now, created=now, correlation=uuid7()) for _ in range(10_000)]
    Job.objects.bulk_create(rows, batch_size=1000)
    leased = rows[0].pk
    Job.objects.filter(pk=leased).update(lease_owner="w1:1", lease_until=LATER)
    assert jobs.move_all(row.pk for row in rows) == 9_999
    assert Job.objects.filter(state="ready", retries=3).count() == 9_999
    assert jobs.delete_all(row.pk for row in rows) == 9_999
    assert Job.objects.get().pk == leased


def test_many_at_once_leave_out_what_is_not_in_the_state_for_it() -> None:
    ready, waiting, dead = make_job(), make_job(state="waiting"), make_job(state="dead")
    everything = [ready.pk, waiting.pk, dead.pk]
    assert jobs.reschedule_all(everything, LATER) == 1
    assert jobs.move_all(everything) == 2
    assert jobs.bury_all(everything) == 3
    assert jobs.set_retries_all(everything, 1) == 3
