"""To the letter of Automatiko an instance whose step failed is kept: it stands before that step, with an error, until it is repaired."""

from __future__ import annotations

from typing import Any

import pytest

from engine import runtime
from engine.models import Activity, Instance, Job, Request
from tests.api.automatiko.conftest import Services
from tests.runtime.models import model, script, user
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
AT = "management/processes/scripts/instances"


@pytest.fixture
def letter(trusted: Services, settings: Any) -> Services:
    settings.ENGINE_SERVICES_COMPATIBLE = True
    settings.ENGINE_JOB_RETRIES = 1
    return trusted


def test_a_start_that_fails_is_kept_and_found_by_its_status_alone(letter: Services) -> None:
    told = letter.post("scripts?businessKey=s", {}, 500)
    assert (told["failedNodeId"], told["id"]) == ("ScriptTask_1", str(Instance.objects.get().pk))
    for path in ("scripts/s", "scripts/s/tasks", "scripts/s/tags", "scripts/s/image"):
        letter.get(path, 404)
    assert letter.get("scripts") == []
    (listed,) = letter.get("scripts?status=error&metadata=true")
    assert (listed["id"], listed["metadata"]["state"], "toUpperCase" in listed["metadata"]["errors"]) == ("s", 5, True)
    letter.post("scripts?businessKey=s", {"name": "john"}, 409)
    letter.delete("scripts/s")
    assert letter.get("scripts?status=error") == []


def test_what_stands_goes_on_once_its_cause_is_mended(letter: Services) -> None:
    letter.post("scripts?businessKey=s", {}, 500)
    assert letter.post(f"{AT}/s/retrigger", {}, 500)["failedNodeId"] == "ScriptTask_1"
    assert letter.post("scripts/s?status=error", {"name": "mary"})["name"] == "mary"
    letter.post(f"{AT}/s/retrigger")
    assert letter.task("scripts/s/tasks?user=john").split("/")[2] == "approval"
    assert Activity.objects.filter(node="StartEvent_1").count() == 1


def test_what_stands_goes_on_without_its_step(letter: Services) -> None:
    letter.post("scripts?businessKey=s", {}, 500)
    letter.post(f"{AT}/s/skip")
    assert letter.task("scripts/s/tasks?user=john").split("/")[2] == "approval"


def test_a_start_that_fails_later_stands_there_too(letter: Services) -> None:
    letter.post("scripts?businessKey=s", {}, 202, X_ATK_Mode="async")
    drain()
    assert Request.objects.get().state == "failed"
    assert [(job.node, job.state, job.kind) for job in Job.objects.all()] == [("ScriptTask_1", "dead", "async")]
    letter.post(f"{AT}/s/skip")
    assert letter.task("scripts/s/tasks?user=john").split("/")[2] == "approval"


def test_a_completion_that_fails_is_done_and_the_next_step_stood_before(letter: Services) -> None:
    runtime.deploy({"x.bpmn": model(user("ask", ""), script("fail", "nobody.here"), user("wait", ""), key="steps")}, name="x")
    letter.post("steps?businessKey=s")
    task = letter.task("steps/s/tasks")
    assert letter.post(task, {}, 500)["failedNodeId"] == "fail"
    letter.post(task, {}, 404)
    letter.post("management/processes/steps/instances/s/skip")
    assert letter.task("steps/s/tasks").split("/")[2] == "Wait"


def test_of_two_branches_that_fail_both_are_stood_before(letter: Services) -> None:
    fork = '<parallelGateway id="fork"/><sequenceFlow id="x1" sourceRef="fork" targetRef="other"/>'
    more = script("other", "nobody.there") + '<endEvent id="off"/><sequenceFlow id="x2" sourceRef="other" targetRef="off"/>'
    runtime.deploy(
        {"x.bpmn": model('<parallelGateway id="fork"/>', script("fail", "nobody.here"), key="steps", more=fork.partition("/>")[2] + more)},
        name="x",
    )
    letter.post("steps?businessKey=s", {}, 500)
    assert sorted(Job.objects.values_list("node", "state")) == [("fail", "dead"), ("other", "dead")]
    at = "management/processes/steps/instances/s"
    assert len(letter.get(f"{at}?status=error")["errors"]) == 2
    letter.post(f"{at}/skip")
    letter.get("steps/s?status=error", 404)


def test_otherwise_nothing_is_stored(trusted: Services) -> None:
    trusted.post("scripts?businessKey=s", {}, 500)
    assert not Instance.objects.exists()


def test_an_update_of_what_failed_calls_back_that_it_has_and_not_why(letter: Services, settings: Any) -> None:
    letter.post("scripts?businessKey=s", {}, 500)
    letter.post("scripts/s?status=error", {"lastName": "Smith"}, 202, X_ATK_Mode="async")
    drain()
    request = Request.objects.get()
    assert (request.state, request.result["metadata"], request.result["lastName"]) == ("failed", None, "Smith")
