"""`/external-job-api`: external workers acquire, answer, fail and give back; and waking what waits for messages and signals."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import BoundedSemaphore
from types import SimpleNamespace
from typing import Any

import pytest

from engine.api.flowable import external as calls
from engine.models import Job
from engine.runtime import external
from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db(transaction=True)

PICK = '<serviceTask id="pick" name="Pick" flowable:type="external-worker" flowable:topic="picking"/>'
OUTSIDE = model("outside", line(PICK, '<userTask id="pack" name="Pack"/>'))
ASK = {"topic": "picking", "lockDuration": "PT10M", "workerId": "w1"}


class Worker:
    """A client of the external-job-api."""

    def __init__(self, api: Api) -> None:
        self.http = api.http

    def post(self, path: str, body: dict[str, Any], status: int = 204) -> Any:
        answer = self.http.post(f"/external-job-api/{path}", data=body, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def get(self, path: str, status: int = 200, **params: str) -> Any:
        answer = self.http.get(f"/external-job-api/{path}", params)
        assert answer.status_code == status, answer.content
        return answer.json()

    def acquire(self, **more: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.post("acquire/jobs", {**ASK, **more}, 200)
        return found


@pytest.fixture
def worker(operator: Api) -> Worker:
    operator.deploy(OUTSIDE)
    return Worker(operator)


@pytest.fixture
def instance(operator: Api, worker: Worker) -> str:
    return operator.start("outside", amount=2)


def test_shows_the_jobs_that_wait(worker: Worker, instance: str) -> None:
    (job,) = worker.get("jobs", processInstanceId=instance)["data"]
    assert (job["elementId"], job["retries"], job["lockOwner"]) == ("pick", 3, None)
    assert worker.get(f"jobs/{job['id']}") == job
    worker.get("jobs/nobody", status=404)


def test_leases_a_job_with_its_variables_to_one_worker(worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    assert job["lockOwner"] == "w1"
    assert job["variables"] == [{"name": "amount", "type": "integer", "value": 2}]
    assert worker.acquire(workerId="w2") == []
    assert worker.acquire(topic="other") == []
    assert worker.get("jobs", locked="true")["total"] == 1


def test_leases_as_many_as_asked_for(operator: Api, worker: Worker, instance: str) -> None:
    operator.start("outside")
    operator.start("outside")
    assert len(worker.acquire(numberOfTasks=2)) == 2
    assert len(worker.acquire(numberOfTasks=2)) == 1


def test_goes_on_by_a_job_after_the_answer(operator: Api, worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    answer = {
        "workerId": "w1",
        "variables": [{"name": "picked", "value": 2}, {"name": "at", "type": "date", "value": "2011-01-02T03:04:05Z"}],
    }
    worker.post(f"acquire/jobs/{job['id']}/complete", answer)
    worker.post(f"acquire/jobs/{job['id']}/complete", answer, 404)
    (ready,) = operator.get("management/jobs", {"processInstanceId": instance})["data"]
    assert (ready["id"], ready["handlerType"]) == (job["id"], "external-worker-complete")
    operator.send("POST", f"management/jobs/{job['id']}", {"action": "execute"}, 204)
    found = {v["name"]: (v["type"], v["value"]) for v in operator.get(f"runtime/process-instances/{instance}/variables")}
    assert found == {"amount": ("integer", 2), "picked": ("integer", 2), "at": ("date", "2011-01-02T03:04:05Z")}
    assert operator.get("runtime/tasks")["data"][0]["name"] == "Pack"


def test_lets_only_its_worker_answer(worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    for verb in ("complete", "fail", "bpmnError"):
        worker.post(f"acquire/jobs/{job['id']}/{verb}", {"workerId": "w2"}, 403)
        worker.post(f"acquire/jobs/{job['id']}/{verb}", {}, 400)
        worker.post(f"acquire/jobs/nobody/{verb}", {"workerId": "w1"}, 404)


def test_offers_a_failed_job_again_until_it_is_a_dead_letter(operator: Api, worker: Worker, instance: str) -> None:
    for left in (2, 1, 0):
        (job,) = worker.acquire()
        worker.post(f"acquire/jobs/{job['id']}/fail", {"workerId": "w1", "errorMessage": "no shelf", "errorDetails": "row 7"})
        kind = "deadletter-jobs" if left == 0 else None
        found = operator.get(f"management/{kind}/{job['id']}") if kind else worker.get(f"jobs/{job['id']}")
        assert (found["retries"], found["exceptionMessage"]) == (left, "no shelf")
    trace = operator.http.get(f"/api/management/deadletter-jobs/{job['id']}/exception-stacktrace")
    assert trace.content == b"row 7"
    operator.send("POST", f"management/deadletter-jobs/{job['id']}", {"action": "move"}, 204)
    assert [one["id"] for one in worker.acquire()] == [job["id"]]  # it is offered anew, not taken as done


def test_offers_a_failed_job_only_after_the_time_asked_for(worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    worker.post(f"acquire/jobs/{job['id']}/fail", {"workerId": "w1", "retries": 5, "retryTimeout": "PT1H"})
    assert worker.acquire() == []
    Job.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert [one["retries"] for one in worker.acquire()] == [5]


def test_gives_jobs_back(worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    worker.post(f"unacquire/jobs/{job['id']}", {"workerId": "w2"}, 403)
    worker.post(f"unacquire/jobs/{job['id']}", {"workerId": "w1"})
    assert len(worker.acquire()) == 1
    worker.post("unacquire/jobs", {"workerId": "w1"})
    assert len(worker.acquire(workerId="w2")) == 1


def test_frees_a_job_when_its_lease_is_over_and_holds_it_while_renewed(worker: Worker, instance: str) -> None:
    (job,) = worker.acquire()
    Job.objects.update(lease_until=datetime.now(UTC) + timedelta(minutes=1))
    worker.post(f"acquire/jobs/{job['id']}/renew", {"workerId": "w1", "lockDuration": "PT1H"})
    assert Job.objects.get().lease_until > datetime.now(UTC) + timedelta(minutes=50)
    Job.objects.update(lease_until=datetime.now(UTC) - timedelta(seconds=1))
    assert len(worker.acquire(workerId="w2")) == 1
    worker.post(f"acquire/jobs/{job['id']}/complete", {"workerId": "w1"}, 403)


WRONG: list[dict[str, Any]] = [
    {"topic": None},
    {"workerId": None},
    {"workerId": "x" * 65},
    {"lockDuration": None},
    {"lockDuration": "soon"},
    {"lockDuration": "PT0S"},
    {"lockDuration": "P1Y"},
    {"lockDuration": "P31D"},
    {"numberOfTasks": 0},
    {"numberOfTasks": 1000},
    {"numberOfTasks": "many"},
]


@pytest.mark.parametrize("change", WRONG, ids=str)
def test_refuses_to_lease(worker: Worker, change: dict[str, Any]) -> None:
    worker.post("acquire/jobs", {**ASK, **change}, 400)


def test_is_for_operators(of_alice: Api, worker: Worker, instance: str) -> None:
    hers = Worker(of_alice)
    hers.get("jobs", status=403)
    hers.post("acquire/jobs", ASK, 403)


def test_parks_the_jobs_of_a_suspended_instance(operator: Api, worker: Worker, instance: str) -> None:
    operator.send("PUT", f"runtime/process-instances/{instance}", {"action": "suspend"})
    assert worker.acquire() == []
    operator.send("PUT", f"runtime/process-instances/{instance}", {"action": "activate"})
    assert len(worker.acquire()) == 1


# -- exclusive jobs -------------------------------------------------------------------------------------------------------
def both(first: str = "", second: str = "", topic: str = "picking") -> bytes:
    """A process with two external tasks at once."""
    tasks = f'<serviceTask id="left" flowable:type="external-worker" flowable:topic="picking" {first}/>'
    tasks += f'<serviceTask id="right" flowable:type="external-worker" flowable:topic="{topic}" {second}/>'
    flows = "".join(
        f'<sequenceFlow id="{a}-{b}" sourceRef="{a}" targetRef="{b}"/>'
        for a, b in (("s", "fork"), ("fork", "left"), ("fork", "right"), ("left", "join"), ("right", "join"), ("join", "e"))
    )
    gateways = '<startEvent id="s"/><parallelGateway id="fork"/><parallelGateway id="join"/><endEvent id="e"/>'
    return model("both", gateways + tasks + flows)


FREE = 'flowable:exclusive="false"'


def test_leases_one_exclusive_job_of_an_instance_at_a_time(operator: Api, worker: Worker) -> None:
    operator.deploy(both())
    one, other = operator.start("both"), operator.start("both")
    held = worker.acquire(numberOfTasks=5)
    assert {job["processInstanceId"] for job in held} == {one, other}
    assert len(held) == 2
    assert worker.acquire(workerId="w2") == []
    worker.post(f"acquire/jobs/{held[0]['id']}/complete", {"workerId": "w1"})
    (next_one,) = worker.acquire(workerId="w2", numberOfTasks=5)
    assert next_one["processInstanceId"] == held[0]["processInstanceId"]


@pytest.mark.parametrize("give_back", ["unacquire/jobs/{job}", "unacquire/jobs", "acquire/jobs/{job}/fail"])
def test_leases_the_next_exclusive_job_when_one_is_given_back(operator: Api, worker: Worker, give_back: str) -> None:
    operator.deploy(both())
    operator.start("both")
    (job,) = worker.acquire(numberOfTasks=5)
    worker.post(give_back.format(job=job["id"]), {"workerId": "w1"})
    assert len(worker.acquire(workerId="w2", numberOfTasks=5)) == 1


def test_holds_nothing_back_for_a_job_that_waits_for_its_next_attempt(operator: Api, worker: Worker) -> None:
    operator.deploy(both())
    operator.start("both")
    (job,) = worker.acquire()
    worker.post(f"acquire/jobs/{job['id']}/fail", {"workerId": "w1", "retryTimeout": "PT1H"})
    (other,) = worker.acquire(numberOfTasks=5)
    assert other["id"] != job["id"]


def test_leases_jobs_at_once_that_are_not_exclusive(operator: Api, worker: Worker) -> None:
    operator.deploy(both(FREE, FREE))
    operator.start("both")
    assert len(worker.acquire(numberOfTasks=5)) == 2


def test_counts_exclusive_jobs_of_all_topics(operator: Api, worker: Worker) -> None:
    operator.deploy(both(topic="packing"))
    operator.start("both")
    assert len(worker.acquire(topic="packing")) == 1
    assert worker.acquire() == []


# -- waiting for work -----------------------------------------------------------------------------------------------------
def test_waits_until_there_is_a_job(operator: Api, worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []

    def start_meanwhile(seconds: float) -> None:
        looked.append(seconds)
        if len(looked) == 2:
            operator.start("outside")

    monkeypatch.setattr(external, "time", SimpleNamespace(sleep=start_meanwhile, monotonic=lambda: 1000.0))
    assert len(worker.acquire(waitDuration="PT20S")) == 1
    assert len(looked) == 2


def test_answers_with_nothing_when_the_time_is_over(worker: Worker) -> None:
    began = time.monotonic()
    assert worker.acquire(waitDuration="PT0.3S") == []
    assert time.monotonic() - began >= 0.3


def test_answers_at_once_where_others_wait_already(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_WAITING", BoundedSemaphore(1))
    with calls._place_to_wait(timedelta(seconds=9)) as first:
        assert first == timedelta(seconds=9)
        assert worker.acquire(waitDuration="PT30S") == []


@pytest.mark.parametrize("wait", ["PT31S", "-PT1S", "P1M", "soon", "9"])
def test_refuses_to_wait_for(worker: Worker, wait: str) -> None:
    assert worker.post("acquire/jobs", {**ASK, "waitDuration": wait}, 400)["field"] == "waitDuration"
