"""What is done later by a job: a process suspended or activated at a date, variables written asynchronously."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from engine.models import Definition, Job
from engine.runtime import jobs
from tests.api.conftest import REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

DEFINITIONS, TIMERS, JOBS = "repository/process-definitions", "management/timer-jobs", "management/jobs"
THEN = "2100-01-01T00:00:00.000Z"


@pytest.fixture
def review(operator: Api) -> str:
    """The id of a definition."""
    operator.deploy(REVIEW)
    found: str = operator.get(DEFINITIONS)["data"][0]["id"]
    return found


def plan(operator: Api, review: str, action: str = "suspend", date: str = THEN, **more: Any) -> Any:
    return operator.send("PUT", f"{DEFINITIONS}/{review}", {"action": action, "date": date, **more})


def run_all() -> None:
    for row in Job.objects.all():
        jobs.run_now(row.pk)


# -- suspending at a date -------------------------------------------------------------------------------------------------
def test_plans_a_suspension_as_a_timer(operator: Api, review: str) -> None:
    assert plan(operator, review)["suspended"] is True  # as Flowable answers, though it is only so later
    assert operator.get(f"{DEFINITIONS}/{review}")["suspended"] is False
    [timer] = operator.get(TIMERS)["data"]
    assert timer | {"id": "", "url": ""} == timer | {
        "id": "", "url": "", "handlerType": "suspend-processdefinition", "dueDate": THEN, "processDefinitionId": review,
        "processInstanceId": None, "elementName": None, "retries": 0, "exceptionMessage": None,
    }  # fmt: skip
    assert operator.get(TIMERS, {"timersOnly": "true"})["total"] == 1
    assert operator.get(TIMERS, {"messagesOnly": "true"})["total"] == 0
    assert operator.get(TIMERS, {"handlerTypes": "suspend-processdefinition,trigger-timer"})["total"] == 1
    assert operator.get(TIMERS, {"handlerType": "activate-processdefinition"})["total"] == 0


def test_suspends_when_the_date_has_come_and_leaves_running_instances(operator: Api, review: str) -> None:
    instance = operator.start("review")
    plan(operator, review)
    run_all()
    assert operator.get(f"{DEFINITIONS}/{review}")["suspended"] is True
    assert operator.get(f"runtime/process-instances/{instance}")["suspended"] is False
    assert not Job.objects.exists()
    operator.send("POST", "runtime/process-instances", {"processDefinitionKey": "review"}, 409)


def test_suspends_and_activates_running_instances_too(operator: Api, review: str) -> None:
    instance = operator.start("review")
    for action, suspended in (("suspend", True), ("activate", False)):
        plan(operator, review, action, includeProcessInstances=True)
        run_all()
        assert operator.get(f"runtime/process-instances/{instance}")["suspended"] is suspended


def test_is_run_by_the_cluster_on_a_date_that_has_passed(operator: Api, review: str) -> None:
    plan(operator, review, date=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    [timer] = operator.get(TIMERS)["data"]
    operator.send("POST", f"{TIMERS}/{timer['id']}", {"action": "move"}, 204)
    [job] = operator.get(JOBS)["data"]
    operator.send("POST", f"{JOBS}/{job['id']}", {"action": "execute"}, 204)
    assert Definition.objects.get().suspended


def test_leaves_what_is_suspended_already_when_its_date_comes(operator: Api, review: str) -> None:
    plan(operator, review)
    operator.send("PUT", f"{DEFINITIONS}/{review}", {"action": "suspend"})
    run_all()
    assert Definition.objects.get().suspended
    assert not Job.objects.exists()


def test_refuses_to_plan_what_is_so_already(operator: Api, review: str) -> None:
    operator.send("PUT", f"{DEFINITIONS}/{review}", {"action": "activate", "date": THEN}, 409)
    operator.send("PUT", f"{DEFINITIONS}/{review}", {"action": "suspend", "date": "tomorrow"}, 400)
    assert not Job.objects.exists()


def test_forgets_the_plan_with_the_deployment(operator: Api, review: str) -> None:
    plan(operator, review)
    operator.send("DELETE", f"repository/deployments/{Definition.objects.get().deployment_id}", status=204)
    assert not Job.objects.exists()


# -- variables ------------------------------------------------------------------------------------------------------------
SENT = [{"name": "size", "value": 12}, {"name": "when", "type": "date", "value": "2030-01-01T00:00:00Z"}]


@pytest.fixture
def instance(operator: Api, review: str) -> str:
    return operator.start("review", color="red")


def names(operator: Api, instance: str) -> list[str]:
    return [one["name"] for one in operator.get(f"runtime/process-instances/{instance}/variables")]


def test_writes_new_variables_by_a_job(operator: Api, instance: str) -> None:
    path = f"runtime/process-instances/{instance}/variables-async"
    assert operator.send("POST", path, SENT, 201) is None
    assert names(operator, instance) == ["color"]
    [job] = operator.get(JOBS)["data"]
    assert (job["handlerType"], job["processInstanceId"], job["executionId"]) == ("set-async-variables", instance, instance)
    run_all()
    assert names(operator, instance) == ["color", "size", "when"]
    assert operator.get(f"runtime/process-instances/{instance}/variables/when")["type"] == "date"


def test_refuses_a_new_variable_that_is_there(operator: Api, instance: str) -> None:
    path = f"runtime/process-instances/{instance}/variables-async"
    operator.send("POST", path, [{"name": "color", "value": "blue"}], 409)
    operator.send("POST", path, [], 400)
    operator.send("PUT", f"{path}/size", {"name": "size", "value": 1}, 404)
    operator.send("PUT", f"{path}/color", {"name": "size", "value": 1}, 400)
    operator.send("POST", "runtime/process-instances/nobody/variables-async", SENT, 404)
    assert not Job.objects.exists()


def test_changes_variables_by_a_job(operator: Api, instance: str) -> None:
    path = f"runtime/process-instances/{instance}/variables-async"
    operator.send("PUT", path, [{"name": "color", "value": "blue"}, {"name": "size", "value": 1}], 201)
    operator.send("PUT", f"{path}/color", {"name": "color", "value": "green"}, 204)
    for row in Job.objects.order_by("created"):
        jobs.run_now(row.pk)
    found = operator.get(f"runtime/process-instances/{instance}/variables")
    assert {one["name"]: one["value"] for one in found} == {"color": "green", "size": 1}


def test_writes_a_file_by_a_job(operator: Api, instance: str) -> None:
    sent = encode_multipart(BOUNDARY, {"name": "scan", "file": SimpleUploadedFile("scan.bin", b"\x00\x01")})
    path = f"runtime/process-instances/{instance}/variables"
    assert operator.http.put(f"/api/{path}-async", sent, content_type=MULTIPART_CONTENT).status_code == 201
    run_all()
    assert operator.get(f"{path}/scan/data").content == b"\x00\x01"


def test_writes_variables_of_an_execution(operator: Api) -> None:
    task = '<userTask id="check" flowable:assignee="alice"/>'
    inner = f'<subProcess id="inner">{line(task)}</subProcess>'
    operator.deploy(model("nested", '<startEvent id="s"/>' + inner + '<endEvent id="e"/><sequenceFlow id="a" sourceRef="s" targetRef="inner"/>'
                          '<sequenceFlow id="b" sourceRef="inner" targetRef="e"/>'))  # fmt: skip
    instance = operator.start("nested")
    rows = operator.get("runtime/executions", {"processInstanceId": instance, "activityId": "check"})["data"]
    path = f"runtime/executions/{rows[0]['id']}/variables"
    operator.send("POST", f"{path}-async", [{"name": "own", "value": 1}], 204)
    operator.send("POST", f"{path}-async", [{"name": "shared", "value": 2, "scope": "global"}], 204)
    run_all()
    assert {(one["name"], one["scope"]) for one in operator.get(path)} == {("own", "local"), ("shared", "global")}
    operator.send("POST", f"runtime/executions/{instance}/variables-async", [{"name": "x", "value": 1, "scope": "global"}], 400)


def test_waits_while_the_instance_is_suspended(operator: Api, instance: str) -> None:
    path = f"runtime/process-instances/{instance}"
    operator.send("PUT", path, {"action": "suspend"})
    operator.send("PUT", f"{path}/variables-async", SENT, 201)
    assert operator.get("management/suspended-jobs")["total"] == 1
    operator.send("PUT", path, {"action": "activate"})
    run_all()
    assert "size" in names(operator, instance)
