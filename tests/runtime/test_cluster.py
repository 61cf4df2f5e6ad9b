"""The cluster as an operator starts it: it runs jobs, outlives a killed worker, ends when it is told to, and leaves no process behind."""

from __future__ import annotations

import os
import signal

import pytest

from engine import runtime
from engine.models import Instance, Job, Ledger
from tests.chaos.cluster import LEASE, Cluster, alive, until
from tests.runtime.models import handler
from tests.runtime.queue import ASYNC, deploy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def test_a_killed_workers_job_runs_again_and_no_process_is_left_behind() -> None:
    deploy(handler("step", "slow", ASYNC))
    with Cluster() as cluster:
        instance = runtime.start("story", variables={"seconds": 1})
        until(lambda: cluster.traced("begin"))
        os.kill(cluster.working(), signal.SIGKILL)
        assert until(lambda: cluster.traced("begin") == 2) < LEASE + 5
        until(lambda: Instance.objects.filter(pk=instance.pk, state="completed").exists())
        outcomes = Ledger.objects.filter(instance=instance).order_by("at").values_list("number", "attempt", "outcome")
        assert list(outcomes) == [(1, 1, "committed"), (2, 1, "rolled back"), (2, 2, "committed")]
        assert not Job.objects.exists()
        children = cluster.children()
        cluster.process.terminate()
        assert cluster.process.wait(15) == 0
        assert not any(map(alive, children))
