"""One attempt at a job: it is done with its work in one transaction, or tried again, or a dead letter; and nothing is lost on the way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import DiskFull

from engine import runtime
from engine.errors import LeaseLost
from engine.models import Instance, Job, Ledger, UserTask
from engine.runtime import attempts
from engine.runtime.attempts import Attempt
from engine.runtime.store import claims, leases
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler, script, user
from tests.runtime.queue import ASYNC, ago, deploy, drain, hurry, make_job, start

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    handlers.CALLS.clear()
    handlers.AFTER.clear()
    attempts._OWED.clear()


def ledger() -> list[tuple[int, int, str]]:
    return list(Ledger.objects.order_by("at").values_list("number", "attempt", "outcome"))


def begun() -> claims.Claimed:
    """The one job that is due, claimed and begun by a worker."""
    (job,) = claims.claim_jobs("w1:1")
    ready = attempts.begin(job)
    assert ready
    return ready


def test_a_job_carries_its_instance_on_and_is_gone() -> None:
    instance = start(handler("store", "outside", ASYNC), user("confirm"))
    assert Job.objects.get().node == "store"
    assert drain() == 1
    assert not Job.objects.exists()
    assert UserTask.objects.get().name == "Confirm"
    assert ledger() == [(1, 1, "committed"), (2, 1, "committed")]
    assert Ledger.objects.get(number=2).trigger == "job"
    instance.refresh_from_db()
    assert instance.lease_owner is None


def test_a_worker_goes_on_with_what_its_jobs_lead_to() -> None:
    start(*(script(f"s{i}", "1", ASYNC) for i in range(4)))
    assert drain() == 4
    assert Instance.objects.get().state == "completed"


def test_a_failed_job_waits_with_its_error_and_the_instance_is_as_before() -> None:
    start(handler("store", "failing", ASYNC))
    before = ago(0)
    drain()
    job = Job.objects.get()
    assert (job.state, job.retries, job.attempts, job.error) == ("waiting", 2, 1, "the shop is closed")
    assert "RuntimeError: the shop is closed" in (job.traceback or "")
    assert before <= job.due - timedelta(seconds=10) <= ago(0)
    assert ledger() == [(1, 1, "committed"), (2, 1, "rolled back")]


def test_after_three_attempts_it_is_a_dead_letter_and_each_attempt_is_kept() -> None:
    start(handler("store", "failing", ASYNC))
    shown = []
    for _ in range(4):
        drain()
        hurry()
        shown.append(Job.objects.values_list("state", "retries").get())
    assert shown == [("waiting", 2), ("waiting", 1), ("dead", 0), ("dead", 0)]
    assert ledger()[1:] == [(2, 1, "rolled back"), (2, 2, "rolled back"), (2, 3, "rolled back")]
    assert len(handlers.CALLS) == 3
    assert len({key for _, key, _ in handlers.CALLS}) == 1, "the idempotency key is the same for all attempts"


def test_a_second_attempt_that_succeeds_goes_on() -> None:
    start(handler("store", "outside", ASYNC))
    handlers.AFTER.append(lambda: 1 / 0)
    drain()
    assert Job.objects.get().retries == 2
    hurry()
    drain()
    assert Instance.objects.get().state == "completed"
    assert ledger()[1:] == [(2, 1, "rolled back"), (2, 2, "committed")]


def test_an_unrecoverable_error_is_a_dead_letter_at_once() -> None:
    start(handler("store", "hopeless", ASYNC))
    drain()
    assert Job.objects.values_list("state", "retries", "error").get() == ("dead", 0, "there is no such shop")


def test_a_kind_that_this_version_does_not_know_is_a_dead_letter() -> None:
    make_job(kind="riddle")
    drain()
    job = Job.objects.get()
    assert (job.state, job.error) == ("dead", "this version cannot run jobs of kind riddle")


# -- leases ---------------------------------------------------------------------------------------------------------------
def test_who_lost_the_lease_changes_nothing() -> None:
    start(handler("store", "outside", ASYNC), user("confirm"))
    job = begun()
    Job.objects.update(lease_owner="w2:1")
    attempt = Attempt(job)
    attempt.run()
    assert isinstance(attempt.error, LeaseLost)
    assert ledger() == [(1, 1, "committed")]
    assert Job.objects.values_list("state", "lease_owner", "error", "retries").get() == ("ready", "w2:1", None, 3)


def test_the_next_job_of_a_batch_is_begun_in_its_predecessors_transaction() -> None:
    deploy(handler("store", "outside", ASYNC))
    runtime.start("story")
    runtime.start("story")
    first, second = claims.claim_jobs("w1:1", 2)
    ready = attempts.begin(first)
    assert ready
    attempt = Attempt(ready, second)
    attempt.run()
    assert attempt.follows
    left = Job.objects.get()
    assert (left.pk, left.attempts, left.lease_owner) == (second.id, 1, "w1:1")
    assert left.begun is not None


def test_a_failed_job_does_not_begin_the_next() -> None:
    start(handler("store", "failing", ASYNC))
    runtime.start("story")
    first, second = claims.claim_jobs("w1:1", 2)
    ready = attempts.begin(first)
    assert ready
    attempt = Attempt(ready, second)
    attempt.run()
    assert not attempt.follows
    assert Job.objects.get(pk=second.id).begun is None


def test_a_next_job_that_was_handed_back_does_not_harm_its_predecessor() -> None:
    start(handler("store", "outside", ASYNC))
    runtime.start("story")
    first, second = claims.claim_jobs("w1:1", 2)
    ready = attempts.begin(first)
    leases.release([second])
    assert ready
    attempt = Attempt(ready, second)
    attempt.run()
    assert (attempt.error, attempt.follows) == (None, False)
    assert Instance.objects.filter(state="completed").count() == 1


# -- workers that die -----------------------------------------------------------------------------------------------------
def lose_worker() -> None:
    begun()
    Job.objects.update(lease_until=ago(1))
    Instance.objects.update(lease_until=ago(1))


def test_a_lost_worker_costs_its_job_an_attempt_that_the_ledger_shows() -> None:
    start(handler("store", "outside", ASYNC))
    lose_worker()
    drain()
    assert Instance.objects.get().state == "completed"
    assert ledger() == [(1, 1, "committed"), (2, 1, "rolled back"), (2, 2, "committed")]
    assert "worker was lost" in (Ledger.objects.get(outcome="rolled back").error or "")


def test_a_job_that_kills_its_workers_ends_as_a_dead_letter() -> None:
    start(handler("store", "outside", ASYNC))
    for _ in range(3):
        lose_worker()
    drain()
    job = Job.objects.get()
    assert (job.state, job.retries, job.attempts) == ("dead", 0, 3)
    assert "worker was lost" in (job.error or "")
    assert handlers.CALLS == []


def test_what_was_claimed_but_never_begun_is_unharmed() -> None:
    start(handler("store", "outside", ASYNC))
    claims.claim_jobs("w1:1")
    Job.objects.update(lease_until=ago(1))
    Instance.objects.update(lease_until=ago(1))
    drain()
    assert ledger() == [(1, 1, "committed"), (2, 1, "committed")]


# -- what is not the job's fault ------------------------------------------------------------------------------------------
def test_a_job_whose_token_is_gone_ends_quietly_with_a_note() -> None:
    start(handler("store", "outside", ASYNC))
    Job.objects.update(token=99)
    drain()
    assert not Job.objects.exists()
    assert Ledger.objects.latest("at").outcome == "overtaken"


def test_a_job_whose_instance_is_gone_ends_quietly_with_a_note() -> None:
    start(handler("store", "outside", ASYNC))
    Instance.objects.all()._raw_delete("default")
    drain()
    assert not Job.objects.exists()
    assert Ledger.objects.latest("at").outcome == "overtaken"


def test_a_job_of_an_instance_that_is_suspended_meanwhile_is_parked() -> None:
    start(handler("store", "outside", ASYNC))
    job = begun()
    Instance.objects.update(suspended=True)
    Attempt(job).run()
    assert Job.objects.values_list("state", "resumes_as", "retries", "lease_owner").get() == ("suspended", "ready", 3, None)


def fail_with(error: BaseException) -> Any:
    def fail(*_: Any) -> None:
        raise error

    return fail


def test_trouble_with_the_database_costs_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    start(handler("store", "outside", ASYNC))
    monkeypatch.setattr(attempts, "is_interruption", lambda error: isinstance(error, OperationalError))
    handlers.AFTER.append(fail_with(OperationalError("server closed the connection unexpectedly")))
    Attempt(begun()).run()
    job = Job.objects.get()
    assert (job.state, job.retries, job.error, job.begun) == ("waiting", 3, None, None)
    leases.release_instances("w1", {Instance.objects.get().pk})
    hurry()
    drain()
    assert Instance.objects.get().state == "completed"


def test_trouble_that_never_ends_does_cost_attempts_at_last(monkeypatch: pytest.MonkeyPatch) -> None:
    start(handler("store", "failing", ASYNC))
    monkeypatch.setattr(attempts, "is_interruption", lambda error: True)
    for _ in range(attempts.FORGIVEN + 3):
        drain()
        hurry()
    job = Job.objects.get()
    assert (job.state, job.attempts) == ("dead", attempts.FORGIVEN + 3)


def test_a_disk_that_is_full_is_forgiven_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    error = OperationalError("database or disk is full")
    error.__cause__ = DiskFull("could not extend file")
    start(handler("store", "outside", ASYNC))
    for _ in range(attempts.FORGIVEN + 3):
        handlers.AFTER.append(fail_with(error))
        drain()
        hurry()
    job = Job.objects.get()
    assert (job.state, job.retries, job.error) == ("waiting", 3, None)
    drain()
    assert Instance.objects.get().state == "completed"


def test_a_failure_that_cannot_be_written_down_is_owed_and_paid_later(monkeypatch: pytest.MonkeyPatch) -> None:
    start(handler("store", "failing", ASYNC))
    job = begun()
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "settle", fail_with(OperationalError("no space left")))
        patch.setattr("django.db.connection.close", lambda: None)
        Attempt(job).run()
        assert not attempts.pay()
    assert Job.objects.get().error is None
    assert attempts.pay()
    assert Job.objects.values_list("state", "retries", "error").get() == ("waiting", 2, "the shop is closed")
    assert attempts.pay()


def test_a_handler_that_exits_is_written_down_before_the_process_ends() -> None:
    start(handler("store", "outside", ASYNC))
    handlers.AFTER.append(fail_with(SystemExit(3)))
    job = begun()
    with pytest.raises(SystemExit):
        Attempt(job).run()
    assert Job.objects.values_list("state", "retries", "error").get() == ("waiting", 2, "3")
    assert ledger()[-1] == (2, 1, "rolled back")


def test_a_job_that_runs_out_of_time_has_failed() -> None:
    start(handler("store", "outside", ASYNC))
    handlers.AFTER.append(fail_with(attempts.TimedOut("it took longer than 1 s")))
    drain()
    assert Job.objects.values_list("state", "retries", "error").get() == ("waiting", 2, "it took longer than 1 s")
