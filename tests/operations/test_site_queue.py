"""The site's own django-q2 tasks live beside the engine's jobs: on their own queue, run by their own cluster, wherever they come from."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from django_q.models import OrmQ, Success
from django_q.tasks import async_task

from engine import runtime
from engine.models import Instance, Job
from tests.chaos.cluster import ROOT, Cluster, below, end, until
from tests.runtime.models import handler, script
from tests.runtime.queue import ASYNC, ago, deploy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
TOLD = {"DJANGO_SETTINGS_MODULE": "tests.operations.settings", "ENGINE_JOB_LEASE": 3600}  # no lease runs out, however slow the machine is
NOTE = "tests.operations.host.note"
OWN = settings.Q_CLUSTER["name"]


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A workflow cluster."""
    with Cluster(workers=1, **TOLD) as running:
        yield running


@contextmanager
def site_cluster(beside: Cluster) -> Iterator[int]:
    """The site's own: `manage.py qcluster`; yields its process."""
    with beside.log.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"], cwd=ROOT, env=beside.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield process.pid
    finally:
        left = below(process.pid)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        end(left)


def start(which: str) -> Instance:
    deploy(handler("step", which, ASYNC))
    return runtime.start("story")


def waiting() -> list[tuple[str, tuple[str, ...]]]:
    """(queue, arguments) of the tasks that wait for the site's cluster."""
    return [(row.key, row.task["args"]) for row in OrmQ.objects.order_by("id")]


def notes(path: Path) -> dict[str, int]:
    """What was noted, and by which process."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {what: int(pid) for what, pid in (line.split() for line in lines)}


def test_tasks_of_the_site_and_of_handlers_are_run_by_the_sites_own_cluster(cluster: Cluster) -> None:
    async_task(NOTE, "site")
    for which in ("asks", "asks_inside"):
        instance = start(which)
        until(lambda: Instance.objects.filter(pk=instance.pk, state="completed").exists())  # noqa: B023
    assert waiting() == [(OWN, ("site",)), (OWN, ("handler",)), (OWN, ("inside",))]
    time.sleep(1.5)  # longer than the workflow cluster takes to look again
    assert notes(cluster.traces) == {}
    with site_cluster(cluster) as site:
        until(lambda: len(notes(cluster.traces)) == 3)
        assert set(notes(cluster.traces).values()) <= set(below(site))
        until(lambda: Success.objects.count() == 3)
    assert not OrmQ.objects.exists()


def test_a_task_that_is_asked_for_in_the_engines_transaction_goes_with_it(cluster: Cluster) -> None:
    """On the same database it is no more there than the step that asked for it."""
    start("asks_and_fails")
    until(lambda: Job.objects.filter(state="waiting", error__contains="nothing of it").exists())
    assert waiting() == []


def test_the_sites_cluster_leaves_the_engines_jobs_alone() -> None:
    with Cluster(workers=1, **TOLD) as other:
        other.process.terminate()
        other.process.wait(300)
        instance = start("asks")
        async_task(NOTE, "site")
        with site_cluster(other):
            until(lambda: "site" in notes(other.traces))
        assert Job.objects.get(instance=instance).attempts == 0


def test_the_cluster_removes_by_itself_what_ended_long_ago() -> None:
    for key in ("story", "kept"):
        deploy(script("step", "1"), key=key)
        runtime.start(key)
    Instance.objects.update(ended=ago(10 * 86_400))
    told = {"ENGINE_RETENTION_DAYS": 1, "ENGINE_RETENTION": '{"kept": 0}', "ENGINE_RETENTION_INTERVAL": 1}
    with Cluster(workers=2, **TOLD, **told):
        until(lambda: not Instance.objects.filter(definition__key="story").exists())
        assert Instance.objects.filter(definition__key="kept").exists()
        until(lambda: Job.objects.filter(kind="cleanup").count() == 1)
        runtime.start("story")
        Instance.objects.filter(definition__key="story").update(ended=ago(10 * 86_400))
        until(lambda: not Instance.objects.filter(definition__key="story").exists())
