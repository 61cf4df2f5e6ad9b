"""A worker's slice: batches that grow while jobs are quick, lanes in turn, and nothing kept that others could run."""

from __future__ import annotations

import time
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from engine import runtime
from engine.conf import settings as conf
from engine.models import Instance, Job, Worker
from engine.runtime import attempts, drain, heartbeat
from engine.runtime.drain import Worker as Draining
from engine.runtime.pulse import pulse
from engine.runtime.store import claims
from tests.runtime.models import script
from tests.runtime.queue import ASYNC, ago, deploy, make_instance, make_job

pytestmark = pytest.mark.django_db
LATER = 3600.0  # seconds that no test takes
NOBODY = 2**22  # more processes than that Linux cannot have


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    yield
    pulse.reset()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock that a worker measures its jobs by: it stands still but for what a test adds to `now`."""
    made = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(drain, "time", SimpleNamespace(monotonic=lambda: made.now))
    return made


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[claims.Claimed]:
    """The jobs that were run; running one only deletes its row."""
    jobs: list[claims.Claimed] = []

    def run(job: claims.Claimed, guard: Any, on_failure: Any) -> None:
        guard()
        jobs.append(job)

    monkeypatch.setitem(attempts.RUNNERS, "async", run)
    return jobs


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many jobs each claim got that got any."""
    got: list[int] = []
    claim = claims.claim_jobs

    def noting(lease: str, limit: int = 1, **more: Any) -> list[claims.Claimed]:
        batch = claim(lease, limit, **more)
        got.extend([len(batch)] if batch else [])
        return batch

    monkeypatch.setattr(claims, "claim_jobs", noting)
    return got


def test_batches_grow_while_jobs_are_quick(ran: list[claims.Claimed], sizes: list[int]) -> None:
    for _ in range(26):
        make_job()
    assert Draining().drain() == 26
    assert sizes == [1, 2, 4, 8, 10, 1]


def test_a_slow_job_makes_the_next_batch_small_again(sizes: list[int], clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(job: claims.Claimed, guard: Any, on_failure: Any) -> None:
        guard()
        clock.now += 0.3 if job.name == "slow" else 0

    monkeypatch.setitem(attempts.RUNNERS, "async", run)
    for name in ["quick", "quick", "slow", "quick", "quick"]:
        make_job(name=name)
    Draining().drain()
    assert sizes == [1, 2, 1, 1]


def test_a_slice_ends_even_if_there_is_more_to_do(ran: list[claims.Claimed], settings: Any) -> None:
    settings.ENGINE_JOB_SLICE = 0
    make_job(), make_job()
    assert Draining().drain() == 1
    assert Job.objects.get().lease_owner is None


def test_told_to_stop_a_worker_begins_nothing_more_and_gives_the_rest_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(job: claims.Claimed, guard: Any, on_failure: Any) -> None:
        guard()
        if job.name == "last":
            pulse.stop()

    monkeypatch.setitem(attempts.RUNNERS, "async", run)
    for name in ["first", "last", "left", "left"]:
        make_job(name=name)
    assert Draining().drain() == 2
    assert list(Job.objects.values_list("name", "lease_owner", "begun", "retries")) == [("left", None, None, 3)] * 2


def test_many_jobs_of_one_definition_do_not_keep_those_of_another_waiting(ran: list[claims.Claimed]) -> None:
    for _ in range(300):
        make_job(definition_id="many:1:x", due=ago(60))
    make_job(definition_id="one:1:x")
    Draining().drain()
    order = [job.definition for job in ran]
    assert order.index("one:1:x") < 50


def test_overdue_timers_and_ready_jobs_take_turns(ran: list[claims.Claimed]) -> None:
    for _ in range(100):
        make_job(state="waiting", due=ago(3600))
    for _ in range(100):
        make_job()
    Draining().drain()
    first = [job.state for job in ran[:60]]
    assert 10 < first.count("waiting") < 50


def test_nothing_stays_leased_when_nothing_is_left(ran: list[claims.Claimed]) -> None:
    instances = [make_instance() for _ in range(3)]
    for instance in instances * 2:
        make_job(instance=instance, exclusive=True)
    assert Draining().drain() == 6
    assert not Instance.objects.exclude(lease_owner=None).exists()


def test_an_exclusive_successor_is_run_by_the_same_worker_without_a_gap() -> None:
    deploy(*(script(f"s{i}", "1", ASYNC) for i in range(3)))
    instance = runtime.start("story")
    worker = Draining()
    worker.drain()
    instance.refresh_from_db()
    assert instance.state == "completed"
    moments = list(runtime.instances.Ledger.objects.filter(instance=instance).order_by("number").values_list("at", flat=True))
    assert len(moments) == 4


@pytest.mark.parametrize("error", [OperationalError("the connection was cut"), RuntimeError("nobody thought of this")])
def test_what_could_not_be_begun_is_not_kept_by_the_heart(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    instance = make_instance()
    make_job(instance=instance, exclusive=True)

    def fail(job: claims.Claimed) -> None:
        raise error

    monkeypatch.setattr(attempts, "begin", fail)
    monkeypatch.setattr("django.db.connection.close", lambda: None)
    worker = Draining()
    with suppress(RuntimeError):
        worker.drain()
    assert worker.heart.held == heartbeat.Held(), "its lease would be renewed for as long as this worker lives, and nobody would run it"
    if isinstance(error, OperationalError):
        assert Job.objects.get().lease_owner is None, "others need not wait for the lease to run out"
        assert Instance.objects.get().lease_owner is None


# -- the heartbeat --------------------------------------------------------------------------------------------------------
def test_the_rest_of_a_batch_is_handed_back_when_a_job_is_slow() -> None:
    busy, other = make_instance(), make_instance()
    for instance in (busy, other):
        make_job(instance=instance, exclusive=True)
    running, rest = claims.claim_jobs("w1:1", 2)
    assert attempts.begin(running)
    heart = heartbeat.Heart("w1")
    heart.held = heartbeat.Held(running, time.monotonic() + LATER, (rest,), frozenset({busy.pk, other.pk}))
    heart._hand_back()
    assert claims.claim_jobs("w2:1", 2) == [], "not before it is slow"
    heart.held = heartbeat.Held(running, time.monotonic() - 2, (rest,), frozenset({busy.pk, other.pk}))
    heart._hand_back()
    assert [job.id for job in claims.claim_jobs("w2:2", 2)] == [rest.id]
    heart._hand_back()
    assert Job.objects.get(pk=rest.id).lease_owner == "w2:2", "it is handed back once"


def test_a_beat_renews_what_is_held_and_shows_the_worker(settings: Any) -> None:
    settings.ENGINE_JOB_LEASE = LATER
    instance = make_instance()
    make_job(instance=instance, exclusive=True)
    (job,) = claims.claim_jobs("w1:1")
    Job.objects.update(lease_until=ago(-1))
    Instance.objects.update(lease_until=ago(-1))
    heart = heartbeat.Heart("w1", heartbeat.Held(job, time.monotonic(), (), frozenset({instance.pk})), done=5)
    heart._beat()
    assert Job.objects.get().lease_until > ago(-LATER / 2)
    assert Instance.objects.get().lease_until > ago(-LATER / 2)
    assert Worker.objects.get().done == 5
    Job.objects.update(lease_until=ago(-1))
    heart._beat()
    assert Job.objects.get().lease_until < ago(-LATER / 2), "not before a third of the lease is over"


def test_a_worker_is_seen_before_its_first_beat_so_that_its_death_is_missed() -> None:
    heart = heartbeat.Heart("w1")
    heart.stop()  # it never beats
    heart.start().join()
    assert Worker.objects.filter(pk="w1").exists()


def test_a_job_that_hangs_outside_of_a_worker_loses_its_lease_at_last() -> None:
    make_job()
    (job,) = claims.claim_jobs("run-1:1")
    heart = heartbeat.Heart("run-1")
    for late in (True, False):
        Job.objects.update(lease_until=ago(1))
        since = time.monotonic() - (conf.JOB_TIMEOUT + heartbeat.GRACE + 1 if late else 0)
        heart.held, heart._beaten = heartbeat.Held(job, since), 0
        heart._renew()
        assert (Job.objects.get().lease_until < ago(0)) == late  # type: ignore[operator]


def test_an_idle_worker_that_no_offer_reaches_says_so() -> None:
    heart = heartbeat.Heart("w1")
    heart._check_offers()
    pulse.offer(True)
    heart.idle = time.monotonic() + LATER
    heart._check_offers()
    assert not pulse.stuck
    pulse._at[0] = heart.idle = time.monotonic() - 3
    heart.idle = 0
    heart._check_offers()
    assert not pulse.stuck, "a busy worker does not starve"
    heart.idle = time.monotonic() - 3
    for _ in range(heartbeat.SURE):
        assert not pulse.stuck, "it may have had no time itself to take the offer"
        heart._check_offers()
    assert pulse.stuck


# -- dead workers ---------------------------------------------------------------------------------------------------------
def test_a_new_worker_frees_what_a_dead_one_of_its_cluster_held() -> None:
    dead, living, strange = f"{pulse.cluster}-1", f"{pulse.cluster}-2", "elsewhere-3"
    for worker, process in ((dead, NOBODY), (living, 1), (strange, NOBODY)):
        Worker.objects.create(id=worker, host="here", pid=process, started=ago(9), seen=ago(1))
        make_job(name=worker, lease_owner=f"{worker}:1", lease_until=ago(-60))
    assert drain.free_dead() == 1
    assert set(Worker.objects.values_list("pk", flat=True)) == {living, strange}
    assert [job.name for job in claims.claim_jobs("w1:1", 9)] == [dead]
