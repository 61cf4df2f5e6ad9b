"""The cluster as an operator starts it: it runs jobs, outlives a killed worker, ends when it is told to, and leaves no process behind."""

from __future__ import annotations

import json
import logging
import os
import signal
from contextlib import nullcontext
from datetime import datetime
from types import SimpleNamespace

import pytest

from engine import runtime
from engine.management.commands.workflow_cluster import AsJson
from engine.models import Instance, Job, Ledger
from engine.runtime.cluster import STARTS, Life
from tests.chaos.cluster import Cluster, alive, until
from tests.runtime.models import handler
from tests.runtime.queue import ASYNC, deploy

NOBODY = 2**22 + 1  # no process can have this id


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_killed_workers_job_runs_again_and_no_process_is_left_behind() -> None:
    deploy(handler("step", "hangs_once", ASYNC))
    with Cluster(ENGINE_JOB_LEASE=3600) as cluster:  # no lease runs out here, however slow the machine is: who died is missed
        instance = runtime.start("story")
        until(lambda: cluster.traced("begin"))
        os.kill(cluster.working(), signal.SIGKILL)
        until(lambda: cluster.traced("begin") == 2)
        until(lambda: Instance.objects.filter(pk=instance.pk, state="completed").exists())
        outcomes = Ledger.objects.filter(instance=instance).order_by("at").values_list("number", "attempt", "outcome")
        assert list(outcomes) == [(1, 1, "committed"), (2, 1, "rolled back"), (2, 2, "committed")]
        assert not Job.objects.exists()
        children = cluster.children()
        cluster.process.terminate()
        assert cluster.process.wait(300) == 0
        until(lambda: not any(map(alive, children)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("killed", "ready"), [(1, True), (STARTS - 1, True), (STARTS, False)])
def test_a_cluster_whose_guard_is_killed_while_it_begins_begins_anew(killed: int, ready: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    life, begun = Life(), []

    def begin() -> None:
        begun.append(1)
        life.cluster = SimpleNamespace(sentinel=SimpleNamespace(pid=NOBODY, join=lambda seconds: None))  # type: ignore[assignment]
        if len(begun) <= killed:
            raise RuntimeError("sentinel exited with code -9")

    monkeypatch.setattr(life, "_begin", begin)
    with nullcontext() if ready else pytest.raises(RuntimeError):
        life._start()
    assert len(begun) == min(killed + 1, STARTS)


def test_its_log_can_be_read_by_machines() -> None:
    record = logging.LogRecord("towpath.jobs", logging.WARNING, __file__, 1, "job %s failed", ("x",), None)
    told = json.loads(AsJson().format(record))
    assert (told["level"], told["logger"], told["message"], told["process"]) == ("WARNING", "towpath.jobs", "job x failed", os.getpid())
    assert datetime.fromisoformat(told["at"]).tzinfo is not None
