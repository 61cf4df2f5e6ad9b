"""What Flowable calls the kinds of activities in the history, and that an event gateway is no execution."""

from __future__ import annotations

import pytest

from tests.api.conftest import HEAD, Api, line, model

pytestmark = pytest.mark.django_db

HISTORY = "history/historic-activity-instances"
KINDS = line(
    '<task id="plain"/>',
    '<manualTask id="manual"/>',
    '<intermediateThrowEvent id="passed"/>',
    '<serviceTask id="outside" flowable:type="external-worker" flowable:topic="oven"/>',
)
LISTENING = """<subProcess id="late" triggeredByEvent="true"><startEvent id="rung" isInterrupting="false"><signalEventDefinition signalRef="bell"/></startEvent>
<sequenceFlow id="g" sourceRef="rung" targetRef="hurry"/><userTask id="hurry"/></subProcess>"""
GATEWAY = model(
    "choice",
    """<startEvent id="begin"/><sequenceFlow id="f0" sourceRef="begin" targetRef="either"/><eventBasedGateway id="either"/>
    <sequenceFlow id="f1" sourceRef="either" targetRef="letter"/><sequenceFlow id="f2" sourceRef="either" targetRef="hour"/>
    <intermediateCatchEvent id="letter"><signalEventDefinition signalRef="bell"/></intermediateCatchEvent>
    <intermediateCatchEvent id="hour"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>""",
).replace(b"<process", b'<signal id="bell" name="bell"/><process', 1)


def test_kinds_of_activities_have_flowables_names_and_are_found_by_them(operator: Api) -> None:
    operator.deploy(
        f'{HEAD}<signal id="bell" name="bell"/><process id="kinds" isExecutable="true">{KINDS}{LISTENING}</process></definitions>'.encode()
    )
    instance = operator.start("kinds")
    operator.send("POST", "runtime/signals", {"signalName": "bell"}, 204)
    wanted = {
        "manualTask": ["manual", "plain"],
        "throwEvent": ["passed"],
        "externalWorkerServiceTask": ["outside"],
        "eventSubProcess": ["late"],
    }
    for kind, nodes in {**wanted, "task": [], "intermediateThrowEvent": [], "subProcess": [], "serviceTask": []}.items():
        found = operator.get(HISTORY, {"processInstanceId": instance, "activityType": kind})["data"]
        assert sorted(run["activityId"] for run in found) == nodes, kind
        assert {run["activityType"] for run in found} <= {kind}


def test_what_waits_behind_an_event_gateway_stands_in_its_place(operator: Api) -> None:
    operator.deploy(GATEWAY)
    instance = operator.start("choice")
    found = operator.get("runtime/executions", {"processInstanceId": instance})["data"]
    assert sorted((one["activityId"] or "", one["parentId"]) for one in found) == [("", None), ("hour", instance), ("letter", instance)]
    assert operator.get(f"runtime/executions/{instance}/activities") == ["hour", "letter"]
    assert operator.get("runtime/executions", {"parentId": instance})["total"] == 2
    one = next(one for one in found if one["activityId"] == "letter")
    assert operator.get(f"runtime/executions/{one['id']}") == one
    operator.send("PUT", f"runtime/executions/{one['id']}", {"action": "signalEventReceived", "signalName": "bell"}, 204)
