"""`history/*` and `runtime/executions`: what is kept of instances, activities, tasks and variables, and where tokens are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db

TWO = model("two", line('<userTask id="first" name="First" flowable:assignee="alice"/>', '<userTask id="second" name="Second"/>'))
FORK = model(
    "fork",
    '<startEvent id="begin"/><parallelGateway id="part"/><userTask id="left"/><userTask id="right"/><parallelGateway id="join"/><endEvent id="end"/>'
    '<sequenceFlow id="f1" sourceRef="begin" targetRef="part"/><sequenceFlow id="f2" sourceRef="part" targetRef="left"/>'
    '<sequenceFlow id="f3" sourceRef="part" targetRef="right"/><sequenceFlow id="f4" sourceRef="left" targetRef="join"/>'
    '<sequenceFlow id="f5" sourceRef="right" targetRef="join"/><sequenceFlow id="f6" sourceRef="join" targetRef="end"/>',
)
INSTANCES, ACTIVITIES = "history/historic-process-instances", "history/historic-activity-instances"
TASKS, VARIABLES = "history/historic-task-instances", "history/historic-variable-instances"


@pytest.fixture
def done(operator: Api) -> str:
    """An ended instance."""
    operator.deploy(TWO)
    one = operator.start("two", title="Letter", pages=3)
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete", "variables": [{"name": "pages", "value": 4}]})
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete"})
    return one


@pytest.fixture
def still(operator: Api, done: str) -> str:
    """A running one of the same process."""
    return operator.start("two", title="Parcel")


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["data"]]


def test_keeps_instances(operator: Api, done: str, still: str) -> None:
    past = operator.get(f"{INSTANCES}/{done}")
    assert (past["startActivityId"], past["endActivityId"], past["startUserId"]) == ("begin", "end", "admin")
    assert past["durationInMillis"] >= 0
    assert operator.get(f"{INSTANCES}/{still}")["endTime"] is None
    assert ids(operator.get(INSTANCES, {"finished": "true"})) == [done]
    assert ids(operator.get(INSTANCES, {"finished": "false"})) == [still]
    assert ids(operator.get(INSTANCES, {"finishedAfter": "2011-01-01T00:00:00Z"})) == [done]
    assert ids(operator.get(INSTANCES, {"sort": "startTime", "order": "desc"})) == [still, done]
    for sort in ("duration", "endTime", "businessKey", "processDefinitionId"):
        assert operator.get(INSTANCES, {"sort": sort})["total"] == 2
    condition = {"name": "title", "operation": "equals", "value": "Letter"}
    assert ids(operator.send("POST", f"query/{INSTANCES.split('/')[1]}", {"variables": [condition]})) == [done]


def test_keeps_the_runs_of_activities_and_the_flows_taken(operator: Api, done: str) -> None:
    found = operator.get(ACTIVITIES, {"processInstanceId": done, "size": 50})["data"]
    assert [a["activityId"] for a in found] == ["begin", "f0", "first", "f1", "second", "f2", "end"]
    assert [a["activityType"] for a in found][:3] == ["startEvent", "sequenceFlow", "userTask"]
    assert found[2]["assignee"] == "alice"
    assert found[2]["taskId"]
    assert all(a["endTime"] and a["durationInMillis"] >= 0 for a in found)


def test_finds_activities_by_each_filter(operator: Api, done: str, still: str) -> None:
    def found(**given: str) -> list[str]:
        return [a["activityId"] for a in operator.get(ACTIVITIES, given)["data"]]

    assert found(processInstanceId=still, finished="false") == ["first"]
    assert found(processInstanceId=done, activityType="userTask") == ["first", "second"]
    assert found(processInstanceId=done, activityName="Second") == ["second"]
    assert found(processInstanceId=done, taskAssignee="alice") == ["first"]
    assert found(processInstanceId="nobody") == []
    assert found(executionId=f"{done}.x") == []


def test_keeps_tasks(operator: Api, done: str, still: str) -> None:
    found = operator.get(TASKS, {"processInstanceId": done, "sort": "startTime"})["data"]
    assert [t["taskDefinitionKey"] for t in found] == ["first", "second"]
    assert operator.get(f"{TASKS}/{found[0]['id']}") == found[0]
    assert operator.get(TASKS, {"finished": "false"})["total"] == 1
    assert operator.get(TASKS, {"processFinished": "true"})["total"] == 2
    assert operator.get(TASKS, {"taskNameLike": "Sec%"})["total"] == 1


def test_keeps_variables(operator: Api, done: str) -> None:
    found = operator.get(VARIABLES, {"processInstanceId": done})["data"]
    assert [(v["variable"]["name"], v["variable"]["value"], v["variable"]["scope"]) for v in found] == [
        ("pages", 4, "global"),
        ("title", "Letter", "global"),
    ]
    assert operator.get(VARIABLES, {"processInstanceId": done, "variableNameLike": "%ag%"})["total"] == 1
    condition = {"name": "title", "operation": "equals", "value": "Letter"}
    assert operator.send("POST", "query/historic-variable-instances", {"variables": [condition]})["total"] == 1
    assert operator.get("runtime/variable-instances", {"processInstanceId": done})["total"] == 0
    assert operator.get("history/historic-detail")["total"] == 0


@pytest.mark.parametrize("path", [INSTANCES, ACTIVITIES, TASKS, VARIABLES, "runtime/activity-instances", "runtime/executions"])
def test_needs_few_statements_for_a_page(operator: Api, done: str, still: str, path: str, django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4 + 2):  # session and user besides
        operator.get(path, {"includeProcessVariables": "true"})


def test_shows_a_stranger_nothing(operator: Api, of_charlie: Api, done: str, still: str) -> None:
    for path in (INSTANCES, ACTIVITIES, TASKS, VARIABLES, "runtime/executions", "runtime/variable-instances"):
        assert of_charlie.get(path)["total"] == 0
    of_charlie.get(f"{INSTANCES}/{done}", status=404)
    of_charlie.send("DELETE", f"{INSTANCES}/{done}", status=404)


def test_deletes_the_history_of_what_has_ended(operator: Api, of_alice: Api, done: str, still: str) -> None:
    operator.send("DELETE", f"{INSTANCES}/{still}", status=409)
    of_alice.send("DELETE", f"{INSTANCES}/{done}", status=403)
    operator.send("DELETE", f"{INSTANCES}/{done}", status=204)
    operator.get(f"{INSTANCES}/{done}", status=404)
    assert operator.get(ACTIVITIES, {"processInstanceId": done})["total"] == 0
    operator.send("DELETE", f"{INSTANCES}/{done}", status=404)


# -- executions -----------------------------------------------------------------------------------------------------------
def test_shows_an_instance_and_its_tokens_as_executions(operator: Api) -> None:
    operator.deploy(FORK)
    one = operator.start("fork")
    found = operator.get("runtime/executions", {"processInstanceId": one})["data"]
    assert {(e["activityId"], e["parentId"]) for e in found} == {(None, None), ("left", one), ("right", one)}
    left = operator.get("runtime/executions", {"processInstanceId": one, "activityId": "left"})["data"][0]
    assert operator.get(f"runtime/executions/{left['id']}") == left
    assert operator.get(f"runtime/executions/{one}/activities") == ["left", "right"]
    assert operator.get(f"runtime/executions/{left['id']}/activities") == ["left"]
    assert operator.send("POST", "query/executions", {"activityId": "right"})["total"] == 1


@pytest.mark.parametrize("key", ["nobody", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000.1", "a.1", "."])
def test_knows_no_other_execution(operator: Api, key: str) -> None:
    operator.get(f"runtime/executions/{key}", status=404)
    operator.send("PUT", f"runtime/executions/{key}", {"action": "trigger"}, 404)


@pytest.mark.parametrize("body", [{}, {"action": "jump"}, {"action": "messageEventReceived"}, {"action": "signalEventReceived"}], ids=str)
def test_refuses_to_wake_an_execution_without_knowing_how(operator: Api, body: dict[str, str]) -> None:
    operator.deploy(FORK)
    operator.send("PUT", f"runtime/executions/{operator.start('fork')}", body, 400)


def test_hands_no_message_to_who_does_not_wait_for_it(operator: Api) -> None:
    operator.deploy(FORK)
    one = operator.start("fork")
    operator.send("PUT", f"runtime/executions/{one}", {"action": "messageEventReceived", "messageName": "letter"}, 409)
    operator.send("POST", "runtime/signals", {"signalName": "nobody hears it"}, 204)
    operator.send("POST", "runtime/signals", {}, 400)


def test_lists_who_waits_for_events(operator: Api) -> None:
    operator.deploy(FORK)
    operator.start("fork")
    assert operator.get("runtime/event-subscriptions", {"eventType": "message"})["total"] == 0
    operator.get("runtime/event-subscriptions/nobody", status=404)
