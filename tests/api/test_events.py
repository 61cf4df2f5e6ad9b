"""Waking what waits: triggers, messages and signals to executions, broadcast signals, and lists of who waits for what."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import HEAD, Api

pytestmark = pytest.mark.django_db(transaction=True)

PATH = "runtime/executions"
FLOWS = [
    ("begin", "part"),
    ("part", "receive"),
    ("part", "letter"),
    ("part", "bell"),
    ("receive", "join"),
    ("letter", "join"),
    ("bell", "join"),
]
WAITS = (
    HEAD + '<message id="m" name="letter"/><signal id="s" name="bell"/><process id="waits" isExecutable="true">'
    '<startEvent id="begin"/><parallelGateway id="part"/><receiveTask id="receive"/>'
    '<intermediateCatchEvent id="letter"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>'
    '<intermediateCatchEvent id="bell"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>'
    '<parallelGateway id="join"/><endEvent id="end"/><sequenceFlow id="last" sourceRef="join" targetRef="end"/>'
    + "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(FLOWS))
    + "</process></definitions>"
).encode()
STARTERS = (
    HEAD + '<message id="m" name="order"/><signal id="s" name="shift"/><process id="starters" isExecutable="true">'
    '<startEvent id="on1"><messageEventDefinition messageRef="m"/></startEvent><startEvent id="on2"><signalEventDefinition signalRef="s"/></startEvent>'
    '<userTask id="work"/><sequenceFlow id="f1" sourceRef="on1" targetRef="work"/><sequenceFlow id="f2" sourceRef="on2" targetRef="work"/>'
    '<endEvent id="end"/><sequenceFlow id="f3" sourceRef="work" targetRef="end"/></process></definitions>'
).encode()


@pytest.fixture
def one(operator: Api) -> str:
    operator.deploy(WAITS)
    return operator.start("waits")


def at(operator: Api, instance: str, node: str) -> str:
    found: str = operator.get(PATH, {"processInstanceId": instance, "activityId": node})["data"][0]["id"]
    return found


def waits(operator: Api, **given: Any) -> list[tuple[str, str]]:
    return [(s["eventType"], s["eventName"]) for s in operator.get("runtime/event-subscriptions", given)["data"]]


def test_shows_who_waits_for_what(operator: Api, one: str) -> None:
    assert sorted(waits(operator, processInstanceId=one)) == [("message", "letter"), ("signal", "bell")]
    assert waits(operator, eventType="message") == [("message", "letter")]
    (found,) = operator.get(PATH, {"messageEventSubscriptionName": "letter"})["data"]
    (subscription,) = operator.get("runtime/event-subscriptions", {"executionId": found["id"]})["data"]
    assert subscription["activityId"] == "letter"
    assert operator.get(f"runtime/event-subscriptions/{subscription['id']}") == subscription


def test_wakes_each_by_what_it_waits_for(operator: Api, one: str) -> None:
    receive, letter, bell = (at(operator, one, node) for node in ("receive", "letter", "bell"))
    sent = [{"name": "got", "value": "it"}]
    assert operator.send("PUT", f"{PATH}/{receive}", {"action": "trigger", "variables": sent})["activityId"] == "join"
    operator.send("PUT", f"{PATH}/{letter}", {"action": "messageEventReceived", "messageName": "other"}, 409)
    operator.send("PUT", f"{PATH}/{letter}", {"action": "messageEventReceived", "messageName": "letter"})
    assert operator.get(f"runtime/process-instances/{one}/variables/got")["value"] == "it"
    operator.send("PUT", f"{PATH}/{bell}", {"action": "signalEventReceived", "signalName": "bell"}, 204)  # it ended with that
    assert operator.get(f"history/historic-process-instances/{one}")["endTime"]


def test_rings_for_all_at_once(operator: Api, one: str) -> None:
    two = operator.start("waits")
    operator.send("POST", "runtime/signals", {"signalName": "bell", "variables": [{"name": "loud", "value": True}]}, 204)
    assert waits(operator, eventType="signal") == []
    for instance in (one, two):
        assert operator.get(f"runtime/process-instances/{instance}/variables/loud")["value"] is True


def test_rings_later_by_a_job_for_each(operator: Api, one: str) -> None:
    two = operator.start("waits")
    operator.send("POST", "runtime/signals", {"signalName": "bell", "async": True}, 202)
    found = operator.get("management/jobs")["data"]
    assert {(job["processInstanceId"], job["elementId"], job["handlerType"]) for job in found} == {
        (one, "bell", "event"),
        (two, "bell", "event"),
    }
    operator.send("POST", f"management/jobs/{found[0]['id']}", {"action": "execute"}, 204)
    assert len(waits(operator, eventType="signal")) == 1


def test_passes_by_who_waits_no_more_when_it_rings_later(operator: Api, one: str) -> None:
    operator.send("POST", "runtime/signals", {"signalName": "bell", "async": True}, 202)
    operator.send("PUT", f"{PATH}/{at(operator, one, 'bell')}", {"action": "signalEventReceived", "signalName": "bell"})
    assert operator.get("management/jobs")["total"] == 0
    assert operator.get("management/deadletter-jobs")["total"] == 0


def test_starts_what_waits_to_be_started(operator: Api) -> None:
    operator.deploy(STARTERS)
    assert sorted(waits(operator, withoutProcessInstanceId="true")) == [("message", "order"), ("signal", "shift")]
    operator.send("POST", "runtime/process-instances", {"message": "order"}, 201)
    operator.send("POST", "runtime/signals", {"signalName": "shift"}, 204)
    operator.send("POST", "runtime/signals", {"signalName": "shift", "async": True}, 202)
    (job,) = operator.get("management/jobs")["data"]
    operator.send("POST", f"management/jobs/{job['id']}", {"action": "execute"}, 204)
    assert operator.get("runtime/process-instances")["total"] == 3


def test_takes_no_variables_for_later(operator: Api) -> None:
    operator.send("POST", "runtime/signals", {"signalName": "bell", "async": True, "variables": [{"name": "x", "value": 1}]}, 400)


def test_lets_no_stranger_wake_anything(operator: Api, of_charlie: Api, one: str) -> None:
    letter = at(operator, one, "letter")
    of_charlie.send("PUT", f"{PATH}/{letter}", {"action": "messageEventReceived", "messageName": "letter"}, 404)
    of_charlie.send("POST", "runtime/signals", {"signalName": "bell"}, 403)
    assert of_charlie.get("runtime/event-subscriptions")["total"] == 0


@pytest.mark.parametrize("interrupts", ["true", "false"])
@pytest.mark.parametrize("event", ["error", "escalation"])
def test_a_trigger_lets_a_boundary_event_happen_without_its_error(operator: Api, event: str, interrupts: str) -> None:
    interrupts = "true" if event == "error" else interrupts  # an error always interrupts
    guarded = (
        HEAD + '<error id="error" errorCode="E"/><escalation id="escalation" escalationCode="H"/><process id="guarded" isExecutable="true">'
        '<startEvent id="begin"/><subProcess id="part"><startEvent id="in"/><userTask id="work"/><sequenceFlow id="f0" sourceRef="in" '
        f'targetRef="work"/></subProcess><boundaryEvent id="caught" attachedToRef="part" cancelActivity="{interrupts}">'
        f'<{event}EventDefinition {event}Ref="{event}"/></boundaryEvent><userTask id="care"/>'
        '<sequenceFlow id="f1" sourceRef="begin" targetRef="part"/><sequenceFlow id="f2" sourceRef="caught" targetRef="care"/>'
        "</process></definitions>"
    )
    operator.deploy(guarded.encode())
    instance = operator.start("guarded")
    caught = at(operator, instance, "caught")
    operator.send("PUT", f"{PATH}/{caught}", {"action": "trigger", "variables": [{"name": "why", "value": "fire"}]})
    tasks = {task["taskDefinitionKey"] for task in operator.get("runtime/tasks", {"processInstanceId": instance})["data"]}
    assert tasks == ({"care"} if interrupts == "true" else {"work", "care"})
    assert operator.get(f"runtime/process-instances/{instance}/variables/why")["value"] == "fire"
