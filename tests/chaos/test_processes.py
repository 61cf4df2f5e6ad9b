"""Processes of a cluster are killed, stopped and hung: no job is lost, none ends twice, and no process is left behind."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from engine import runtime
from engine.models import Instance, Job, Ledger
from tests.chaos.cluster import LEASE, Cluster, alive, until
from tests.runtime.models import handler
from tests.runtime.queue import ASYNC, deploy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with Cluster() as running:
        yield running


def start(which: str, seconds: float = 0, more: str = "") -> Instance:
    deploy(handler("step", which, ASYNC + more))
    return runtime.start("story", variables={"seconds": seconds})


def ended(instance: Instance) -> bool:
    return Instance.objects.filter(pk=instance.pk, state="completed").exists()


def outcomes(instance: Instance) -> list[tuple[int, int, str]]:
    return list(Ledger.objects.filter(instance=instance).order_by("at").values_list("number", "attempt", "outcome"))


def test_a_killed_workers_job_runs_again_at_once_and_ends_once(cluster: Cluster) -> None:
    instance = start("slow", 1.5)
    until(lambda: cluster.traced("begin"))
    os.kill(cluster.working(), signal.SIGKILL)
    took = until(lambda: cluster.traced("begin") == 2)
    assert took < LEASE + 2
    until(lambda: ended(instance))
    assert outcomes(instance) == [(1, 1, "committed"), (2, 1, "rolled back"), (2, 2, "committed")]
    keys = {line.split()[1] for line in cluster.lines()}
    assert len(keys) == 1, "both attempts have the same idempotency key"
    assert not Job.objects.exists()


def test_idle_workers_that_are_killed_do_not_leave_a_cluster_that_only_looks_alive(cluster: Cluster) -> None:
    for worker in cluster.pool()[: cluster.workers]:  # one of them holds the lock of the queue that all read
        os.kill(worker, signal.SIGKILL)
        instance = start("slow")
        assert until(lambda: ended(instance)) < LEASE + 4  # noqa: B023


def test_a_cluster_whose_guard_is_killed_begins_anew(cluster: Cluster) -> None:
    instance = start("slow", 1)
    until(lambda: cluster.traced("begin"))
    old = cluster.pool()
    os.kill(cluster.guard, signal.SIGKILL)
    until(lambda: not any(map(alive, old)), 5)
    until(lambda: ended(instance))
    assert cluster.said("begins anew")


def test_no_process_outlives_the_main_one(cluster: Cluster) -> None:
    children = cluster.children()
    os.kill(cluster.process.pid, signal.SIGKILL)
    until(lambda: not any(map(alive, children)), 3)


def test_a_running_job_comes_to_its_end_when_the_cluster_is_told_to_stop(cluster: Cluster) -> None:
    instance = start("slow", 2)
    until(lambda: cluster.traced("begin"))
    children = cluster.children()
    cluster.process.terminate()
    assert cluster.process.wait(15) == 0
    assert ended(instance)
    assert outcomes(instance) == [(1, 1, "committed"), (2, 1, "committed")]
    assert not any(map(alive, children))


def test_a_job_that_takes_too_long_to_stop_is_free_for_others_and_not_charged() -> None:
    with Cluster(ENGINE_STOP_TIMEOUT=1) as cluster:
        start("slow", 30)
        until(lambda: cluster.traced("begin"))
        began = time.monotonic()
        cluster.process.terminate()
        assert cluster.process.wait(15) == 0
        assert time.monotonic() - began < 4
    assert Job.objects.values_list("state", "retries", "lease_owner", "begun").get() == ("ready", 3, None, None)


def test_a_worker_that_was_stopped_for_longer_than_its_lease_writes_nothing_when_it_goes_on(cluster: Cluster) -> None:
    instance = start("slow", 1)
    until(lambda: cluster.traced("begin"))
    stale = cluster.working()
    os.kill(stale, signal.SIGSTOP)
    took = until(lambda: ended(instance), LEASE + 5)
    assert took > 1, "nobody took the job while the lease was good"
    os.kill(stale, signal.SIGCONT)
    until(lambda: cluster.traced("end") == 2)
    time.sleep(0.5)
    assert outcomes(instance) == [(1, 1, "committed"), (2, 1, "rolled back"), (2, 2, "committed")]


@pytest.mark.parametrize("which", ["exits", "leaves"])
def test_a_handler_that_ends_its_process_becomes_a_dead_letter(cluster: Cluster, which: str) -> None:
    instance = start(which)
    until(lambda: Job.objects.get().state == "dead", 30)
    assert cluster.traced("begin") == 3
    assert [outcome for _, _, outcome in outcomes(instance)] == ["committed", *["rolled back"] * 3]


def test_a_handler_that_hangs_and_swallows_its_end_is_stopped_with_its_worker(settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    with Cluster(ENGINE_JOB_TIMEOUT=1) as cluster:
        start("deaf")
        assert until(lambda: Job.objects.get().state == "dead", 30) < 15
        assert "worker was lost" in (Job.objects.get().error or "")
        assert cluster.traced("begin") == 1


def test_a_handler_that_answers_nonsense_is_a_failure_like_any_other(cluster: Cluster) -> None:
    start("odd", more=' flowable:resultVariable="odd"')
    until(lambda: Job.objects.get().state == "dead", 30)
    assert cluster.traced("begin") == 3


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time: the handler's transaction keeps all others waiting")
def test_a_handler_that_keeps_its_transaction_open_for_longer_than_the_lease_is_not_run_twice(cluster: Cluster) -> None:
    instance = start("slow_inside", LEASE + 2)
    until(lambda: ended(instance))
    assert cluster.traced("begin") == 1


def test_two_clusters_share_the_work_and_neither_repeats_it(cluster: Cluster) -> None:
    with Cluster(CHAOS_TRACES=cluster.traces) as other:
        deploy(handler("step", "slow", ASYNC))
        instances = [runtime.start("story", variables={"seconds": 0.05}) for _ in range(40)]
        until(lambda: all(map(ended, instances)), 30)
        assert cluster.traced("begin") == 40
        workers = {int(line.split()[3]) for line in cluster.lines()}
        assert workers & set(cluster.children())
        assert workers & set(other.children())
