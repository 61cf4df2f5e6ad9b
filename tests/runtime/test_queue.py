"""How the queue stands, as operators and monitoring see it."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command

from engine.models import Worker
from engine.runtime.queue import standing
from tests.runtime.queue import ago, make_job

pytestmark = pytest.mark.django_db


def make_worker(seen: float = 1) -> None:
    Worker.objects.create(id="w1", host="here", pid=7, started=ago(60), seen=ago(seen), done=5)


def status(*arguments: str) -> tuple[int, str]:
    """(exit code, what it says)."""
    out = StringIO()
    try:
        call_command("workflow_status", *arguments, stdout=out)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue()
    return 0, out.getvalue()


def test_counts_jobs_by_state_and_kind_and_tells_how_late_the_oldest_is() -> None:
    oldest = make_job(due=ago(30))
    make_job(), make_job(state="waiting", kind="timer", due=ago(-3600)), make_job(state="dead", due=ago(9000))
    before, found, after = ago(0), standing(), ago(0)
    assert found.counts == {("ready", "async"): 2, ("waiting", "timer"): 1, ("dead", "async"): 1}
    assert found.count("ready") == 2
    assert before <= oldest.due + timedelta(seconds=found.overdue) <= after


def test_a_job_that_is_being_run_is_not_late() -> None:
    make_job(due=ago(30), lease_owner="w1:1", lease_until=ago(-3600))
    assert standing().overdue == 0


def test_a_lease_that_ran_out_leaves_its_job_late() -> None:
    make_job(due=ago(30), lease_owner="w1:1", lease_until=ago(1))
    assert standing().overdue > 29


def test_a_worker_is_alive_while_its_heart_beats() -> None:
    make_worker(seen=31)
    assert standing().workers == ()
    Worker.objects.update(seen=ago(5))
    assert [worker.pk for worker in standing().workers] == ["w1"]


@pytest.mark.parametrize(("late", "worker", "code"), [(0, True, 0), (0, False, 1), (90, True, 2), (90, False, 2)])
def test_the_exit_code_tells_monitoring_what_is_wrong(late: int, worker: bool, code: int) -> None:
    if late:
        make_job(due=ago(late))
    if worker:
        make_worker()
    assert status()[0] == code


def test_says_it_for_people_and_for_machines() -> None:
    make_job()
    make_worker()
    assert "1  ready, async" in status()[1]
    told = json.loads(status("--json")[1])
    assert told["jobs"] == [{"state": "ready", "kind": "async", "count": 1}]
    assert (told["status"], told["workers"][0]["done"]) == ("ok", 5)
