"""Handlers that take memory, hang, or answer nonsense: the attempt fails with an error that says so, and the others go on."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from engine.models import Job, Ledger
from tests.chaos.cluster import Cluster, alive, until
from tests.chaos.test_processes import ended, outcomes, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
MEGA = 1024 * 1024
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the memory of a process")


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster(ENGINE_JOB_MEMORY=600 * MEGA, ENGINE_WORKER_MEMORY=300 * MEGA) as running:
        yield running


def dead() -> Job:
    """The one job, when it is a dead letter."""
    until(lambda: Job.objects.get().state == "dead", 40)
    return Job.objects.get()


@linux
def test_a_handler_that_takes_all_memory_fails_with_an_error_that_says_so(cluster: Cluster) -> None:
    instance = start("greedy")
    job = dead()
    assert "more memory than a worker may have" in (job.error or "")
    assert "MemoryError" in (job.traceback or "")
    assert cluster.traced("begin") == 3
    assert [outcome for _, _, outcome in outcomes(instance)] == ["committed", *["rolled back"] * 3]
    told = Ledger.objects.filter(instance=instance, outcome="rolled back").values_list("error", flat=True)
    assert all("more memory" in error for error in told), "its worker could write that down, and was not lost"
    again = start("slow")
    until(lambda: ended(again))


@linux
def test_a_worker_that_has_grown_large_is_replaced_when_its_job_has_ended(cluster: Cluster) -> None:
    instance = start("large")
    until(lambda: ended(instance))
    large = cluster.working()
    took = until(lambda: not alive(large), 10)
    until(lambda: len(cluster.pool()) >= cluster.workers + 2, 10)
    assert took < 5
    assert outcomes(instance) == [(1, 1, "committed"), (2, 1, "committed")]
    again = start("slow")
    until(lambda: ended(again))


def test_what_cannot_be_stored_is_named_in_the_error(cluster: Cluster) -> None:
    start("odd", more=' flowable:resultVariable="odd"')
    job = dead()
    assert "odd" in (job.error or "")
    assert "object" in (job.error or "")
    assert cluster.traced("begin") == 3


def test_a_handler_that_hangs_is_interrupted_and_its_worker_goes_on(settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    with Cluster(ENGINE_JOB_TIMEOUT=1, workers=1) as cluster:
        start("slow", 60)
        job = dead()
        assert "took longer than 1 s" in (job.error or "")
        worker = cluster.working()
        again = start("slow")
        until(lambda: ended(again))
        assert cluster.working() == worker
        cluster.process.send_signal(signal.SIGTERM)
        assert cluster.process.wait(20) == 0
