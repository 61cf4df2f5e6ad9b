"""`management/*-jobs`: an operator sees, runs, moves and deletes jobs; nobody else does."""

from __future__ import annotations

from typing import Any

import pytest

from engine.models import Job
from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db(transaction=True)

STORE = (
    '<serviceTask id="store" name="Store it" flowable:async="true" flowable:expression="${amount * 2}" flowable:resultVariable="doubled"/>'
)
BACKGROUND = model("background", line(STORE, '<userTask id="look"/>'))


@pytest.fixture
def good(operator: Api) -> str:
    operator.deploy(BACKGROUND)
    return operator.start("background", amount=21)


@pytest.fixture
def bad(operator: Api) -> str:
    operator.deploy(BACKGROUND)
    return operator.start("background")  # there is no amount


def only(operator: Api, kind: str, instance: str) -> Any:
    (found,) = operator.get(f"management/{kind}", {"processInstanceId": instance})["data"]
    return found


def counts(operator: Api, instance: str) -> list[int]:
    kinds = ("jobs", "timer-jobs", "suspended-jobs", "deadletter-jobs")
    return [operator.get(f"management/{kind}", {"processInstanceId": instance})["total"] for kind in kinds]


def test_shows_an_asynchronous_step_as_a_job(operator: Api, good: str) -> None:
    job = only(operator, "jobs", good)
    assert (job["elementId"], job["elementName"], job["handlerType"]) == ("store", "Store it", "async-continuation")
    assert (job["retries"], job["dueDate"], job["lockOwner"], job["exceptionMessage"]) == (3, None, None, None)
    assert operator.get(f"management/jobs/{job['id']}") == job
    assert counts(operator, good) == [1, 0, 0, 0]


def test_runs_a_job_in_the_request(operator: Api, good: str) -> None:
    job = only(operator, "jobs", good)["id"]
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 204)
    assert operator.get(f"runtime/process-instances/{good}/variables/doubled")["value"] == 42
    operator.get(f"management/jobs/{job}", status=404)
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 404)


def test_tells_of_a_failure_and_keeps_the_job_for_a_retry(operator: Api, bad: str) -> None:
    job = only(operator, "jobs", bad)["id"]
    answer = operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 500)
    assert "amount" in answer["exception"]
    waiting = only(operator, "timer-jobs", bad)
    assert (waiting["id"], waiting["retries"]) == (job, 2)
    assert waiting["exceptionMessage"]
    assert waiting["dueDate"]
    assert operator.get("management/timer-jobs", {"withException": "true"})["total"] == 1
    trace = operator.http.get(f"/api/management/timer-jobs/{job}/exception-stacktrace")
    assert trace["Content-Type"].startswith("text/plain")
    assert b"amount" in trace.content


def test_buries_a_job_after_three_failures_and_moves_it_back(operator: Api, bad: str) -> None:
    job = only(operator, "jobs", bad)["id"]
    for _ in range(2):
        operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 500)
        operator.send("POST", f"management/timer-jobs/{job}", {"action": "move"}, 204)
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 500)
    assert only(operator, "deadletter-jobs", bad)["retries"] == 0
    operator.send("POST", f"management/deadletter-jobs/{job}", {"action": "move"}, 204)
    operator.send("POST", f"management/deadletter-jobs/{job}", {"action": "move"}, 404)
    assert only(operator, "jobs", bad)["retries"] == 3
    operator.send("PUT", f"runtime/process-instances/{bad}/variables", [{"name": "amount", "value": 4}], 201)
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 204)
    assert operator.task(bad)


def test_moves_many_dead_letters_at_once_or_none(operator: Api, good: str) -> None:
    job = only(operator, "jobs", good)["id"]
    Job.objects.update(state=Job.State.DEAD)
    operator.send("POST", "management/deadletter-jobs", {"action": "move", "jobIds": [job, "nobody"]}, 404)
    assert counts(operator, good) == [0, 0, 0, 1]
    operator.send("POST", "management/deadletter-jobs", {"action": "move", "jobIds": [job]}, 204)
    assert counts(operator, good) == [1, 0, 0, 0]
    operator.send("POST", "management/deadletter-jobs", {"action": "dance", "jobIds": []}, 400)


def test_parks_the_jobs_of_a_suspended_instance(operator: Api, good: str) -> None:
    job = only(operator, "jobs", good)["id"]
    operator.send("PUT", f"runtime/process-instances/{good}", {"action": "suspend"})
    assert counts(operator, good) == [0, 0, 1, 0]
    operator.get(f"management/suspended-jobs/{job}")
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 404)
    operator.send("PUT", f"runtime/process-instances/{good}", {"action": "activate"})
    assert counts(operator, good) == [1, 0, 0, 0]


def test_plans_a_waiting_job_anew(operator: Api, bad: str) -> None:
    job = only(operator, "jobs", bad)["id"]
    operator.send("POST", f"management/jobs/{job}", {"action": "execute"}, 500)
    path = f"management/timer-jobs/{job}"
    operator.send("POST", path, {"action": "reschedule"}, 400)
    operator.send("POST", path, {"action": "reschedule", "dueDate": "2031-02-03T04:05:06Z"}, 204)
    assert operator.get(path)["dueDate"] == "2031-02-03T04:05:06.000Z"


def test_deletes_a_job(operator: Api, good: str) -> None:
    job = only(operator, "jobs", good)["id"]
    operator.send("DELETE", f"management/jobs/{job}", status=204)
    operator.send("DELETE", f"management/jobs/{job}", status=404)


@pytest.mark.parametrize("kind", ["jobs", "timer-jobs", "suspended-jobs", "deadletter-jobs"])
def test_knows_no_other_job_and_no_other_action(operator: Api, good: str, kind: str) -> None:
    operator.get(f"management/{kind}/nobody", status=404)
    operator.get(f"management/{kind}/nobody/exception-stacktrace", status=404)
    operator.send("POST", f"management/{kind}/nobody", {"action": "dance"}, 400)
    operator.send("DELETE", f"management/{kind}/nobody", status=404)


def test_has_no_traceback_of_a_job_that_did_not_fail(operator: Api, good: str) -> None:
    operator.get(f"management/jobs/{only(operator, 'jobs', good)['id']}/exception-stacktrace", status=404)


def test_asks_for_timers_or_messages_but_not_both(operator: Api, good: str) -> None:
    assert operator.get("management/jobs", {"messagesOnly": "true"})["total"] == 1
    assert operator.get("management/jobs", {"timersOnly": "true"})["total"] == 0
    operator.get("management/jobs", {"messagesOnly": "true", "timersOnly": "true"}, status=400)


def test_shows_jobs_to_operators_alone(operator: Api, of_alice: Api, good: str) -> None:
    job = only(operator, "jobs", good)["id"]
    for path in ("management/jobs", f"management/jobs/{job}", f"management/jobs/{job}/exception-stacktrace", "management/properties"):
        of_alice.get(path, status=403)
    of_alice.send("POST", f"management/jobs/{job}", {"action": "execute"}, 403)
    of_alice.send("DELETE", f"management/jobs/{job}", status=403)


def test_tells_what_engine_it_is_and_how_it_is_set(operator: Api) -> None:
    assert operator.get("management/engine")["name"] == "towpath"
    assert operator.get("management/properties")["ENGINE_JOB_RETRIES"] == "3"


def test_there_are_no_history_jobs_and_nothing_becomes_one(operator: Api, bad: str) -> None:
    for sort in ("id", "retries", "createTime"):
        assert operator.get("management/history-jobs", {"sort": sort})["data"] == []
    operator.get("management/history-jobs/nobody", status=404)
    operator.send("DELETE", "management/history-jobs/nobody", status=404)
    operator.send("POST", "management/history-jobs/nobody", {"action": "execute"}, 404)
    operator.send("POST", "management/history-jobs/nobody", {"action": "dance"}, 400)
    job = only(operator, "jobs", bad)["id"]
    operator.send("POST", f"management/deadletter-jobs/{job}", {"action": "moveToHistoryJob"}, 404)
    Job.objects.filter(pk=job).update(state=Job.State.DEAD)
    operator.send("POST", f"management/deadletter-jobs/{job}", {"action": "moveToHistoryJob"}, 400)
    assert only(operator, "deadletter-jobs", bad)["id"] == job


@pytest.mark.parametrize("flag", ["locked", "unlocked", "withException"])
def test_a_filter_of_jobs_that_is_switched_off_asks_for_nothing(operator: Api, bad: str, flag: str) -> None:
    for lease in (None, "w1"):
        for error in (None, "bad luck"):
            Job.objects.update(lease_owner=lease, error=error)
            assert operator.get("management/jobs", {flag: "false"})["total"] == 1


def test_no_job_has_an_empty_type_of_handler(operator: Api, good: str) -> None:
    assert operator.get("management/jobs", {"handlerType": ""})["total"] == 0
    assert operator.get("management/jobs", {"handlerType": "async-continuation"})["total"] == 1
