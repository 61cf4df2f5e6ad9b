"""The management part of the service API: what runs and where it stands, what failed and its repair, instances that leave and come back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engine import runtime
from engine.models import Instance, Job, Ledger, Request
from tests.api.automatiko.conftest import Services
from tests.runtime.models import HEAD, model, service, user
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
AT = "management/processes/steps/instances"


@pytest.fixture
def failed(trusted: Services, settings: Any) -> Services:
    """An instance `s` of a process whose first step has failed for good."""
    settings.ENGINE_JOB_RETRIES = 1
    runtime.deploy({"x.bpmn": model(service("pay", "${amount + 1}", 'flowable:async="true"'), user("wait", ""), key="steps")}, name="x")
    trusted.post("steps?businessKey=s")
    drain()
    return trusted


def test_a_failed_step_is_listed_with_its_error(failed: Services) -> None:
    (error,) = failed.get(f"{AT}/s/error")
    assert (error["failedNodeId"], "amount" in error["message"]) == ("pay", True)
    (listed,) = failed.get(f"{AT}?status=error")
    assert (listed["failed"], listed["state"], listed["businessKey"]) == (True, 5, "s")
    (told,) = failed.get(f"{AT}/s")["errors"]
    assert (told["failedNodeId"], told["errorDetails"].splitlines()[0]) == ("pay", told["errorMessage"])
    assert "at pay, since 20" in told["errorDetails"]


def test_a_failed_step_runs_again_once_its_cause_is_mended(failed: Services) -> None:
    assert failed.post(f"{AT}/s/retrigger", {}, 500)["failedNodeId"] == "pay"
    runtime.set_variables(Instance.objects.get().pk, {"amount": 2})
    failed.post(f"{AT}/s/retrigger")
    assert (failed.get(f"{AT}?status=error"), failed.task("steps/s/tasks").split("/")[2]) == ([], "Wait")
    failed.post(f"{AT}/s/retrigger", {}, 404)
    assert failed.get(f"{AT}/s/error", 404)["message"] == "Process instance with id s not found"


def test_a_failed_step_is_left_out(failed: Services) -> None:
    (error,) = failed.get(f"{AT}/s/error")
    failed.post(f"{AT}/s/skip/other", {}, 404)
    assert failed.post(f"{AT}/s/skip/{error['errorId']}")["id"] == error["id"]
    assert failed.task("steps/s/tasks").split("/")[2] == "Wait"
    assert not Job.objects.exists()
    assert Ledger.objects.filter(subject="skip Pay", outcome="committed").count() == 1
    failed.post(f"{AT}/s/skip", {}, 404)
    failed.post(failed.task("steps/s/tasks"), {})
    failed.get("steps/s", 404)


def test_a_round_that_failed_is_left_out_and_the_others_count(trusted: Services, settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    rounds = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    step = (
        '<serviceTask id="pay" name="Pay" flowable:async="true" flowable:expression="${loopCounter == 1 ? nobody : 1}">'
        f"{rounds}</serviceTask>"
    )
    runtime.deploy({"x.bpmn": model(step, user("wait", ""), key="steps")}, name="x")
    trusted.post("steps?businessKey=s")
    drain()
    assert len(trusted.get(f"{AT}/s/error")) == 1
    trusted.post(f"{AT}/s/skip")
    drain()
    assert trusted.task("steps/s/tasks").split("/")[2] == "Wait"


def test_a_start_that_failed_goes_on_with_what_it_is_given_afterwards(trusted: Services, settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    at = "management/processes/scripts/instances"
    trusted.post("scripts?businessKey=s", {"lastName": "Smith"}, 202, X_ATK_Mode="async")
    drain()
    (error,) = trusted.get(f"{at}/s/error")
    assert (error["failedNodeId"], trusted.get(at)) == ("ScriptTask_1", [])
    assert trusted.post("scripts/s?status=error", {"name": "mary", "lastName": None})["name"] == "mary"
    assert trusted.post(f"{at}/s/retrigger")["lastName"] == "Smith"
    assert [one["value"] for one in trusted.get("scripts/s/tags")] == ["mary"]
    assert trusted.task("scripts/s/tasks?user=john").split("/")[2] == "approval"


def test_a_start_that_was_accepted_begins_with_what_it_is_given_before(trusted: Services) -> None:
    trusted.post("scripts?businessKey=s", {"name": "mary"}, 202, X_ATK_Mode="async")
    trusted.post("scripts/s", {"name": "john"})
    trusted.post("scripts/s", {"name": {}}, 400)
    Job.objects.update(lease_until=timezone.now() + timedelta(hours=1))
    trusted.post("scripts/s", {"name": "eve"}, 409)
    Job.objects.update(lease_until=None)
    drain()
    trusted.get("scripts/s", 404)
    assert Request.objects.get().result["message"] == "Hello john"


def test_what_never_began_cannot_be_left_out(trusted: Services, settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    trusted.post("scripts?businessKey=s", {}, 202, X_ATK_Mode="async")
    drain()
    assert trusted.post("management/processes/scripts/instances/s/skip", {}, 409)["status"] == 409


def test_only_operators_repair(failed: Services, services: Callable[..., Services], admin: User, settings: Any) -> None:
    settings.ENGINE_SERVICES_TRUSTED = False
    boss = services(admin)
    for verb in ("skip", "retrigger"):
        services().post(f"{AT}/s/{verb}", {}, 401)
    assert boss.post(f"{AT}/s/skip")["id"] == str(Instance.objects.get().pk)


def test_nobody_else_repairs_what_he_started(services: Callable[..., Services], alice: User, settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    runtime.deploy({"x.bpmn": model(service("pay", "${amount + 1}", 'flowable:async="true"'), key="steps")}, name="x")
    services(alice).post("steps?businessKey=s")
    drain()
    services(alice).post(f"{AT}/s/skip", {}, 403)
    assert Job.objects.get().state == "dead"


def test_an_archive_holds_the_export_and_each_variable(trusted: Services) -> None:
    called = f'{HEAD}<process id="child"><startEvent id="s"/><userTask id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/></process></definitions>'
    call = '<callActivity id="call" calledElement="child"><extensionElements><flowable:in source="name" target="who"/></extensionElements></callActivity>'
    runtime.deploy({"child.bpmn": called.encode()}, name="child")
    runtime.deploy({"x.bpmn": model(call, key="steps")}, name="x")
    trusted.post("steps?businessKey=s", {"name": "Änne", "amount": 3})
    key = str(Instance.objects.get(definition__key="steps").pk)
    answer = trusted.call("GET", f"{AT}/s/archive?abort=true", Accept="application/zip")
    assert (answer["Content-Type"], answer["Content-Disposition"]) == ("application/zip", f"attachment; filename={key}.zip")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as packed:
        found = {name: json.loads(packed.read(name)) for name in packed.namelist()}
    inner = str(Instance.objects.get(definition__key="child").pk)
    assert (found["variables/name.json"], found["variables/amount.json"]) == ("Änne", 3)
    assert found[f"child/{inner}/variables/who.json"] == "Änne"
    assert trusted.get("steps") == []
    trusted.post(AT, found["export.json"])
    assert trusted.get("steps/s")["name"] == "Änne"


# -- export and import ----------------------------------------------------------------------------------------------------
def test_an_exported_instance_goes_on_where_it_is_imported(trusted: Services) -> None:
    trusted.post("scripts?businessKey=x&user=mary", {"name": "mary"})
    at = "management/processes/scripts/instances"
    found = trusted.get(f"{at}/x/export?abort=true&user=mary")
    assert trusted.get("scripts?user=mary") == []
    trusted.post(f"{at}?user=mary", found)
    task = trusted.task("scripts/x/tasks?user=john")
    assert trusted.post(f"{task}?user=john", {"message": "fine"})["message"] == "fine"
    trusted.post(f"{at}?user=mary", {"format": "other"}, 400)


def test_an_import_of_what_runs_is_a_conflict(trusted: Services) -> None:
    trusted.post("scripts?businessKey=x", {"name": "mary"})
    found = trusted.get("management/processes/scripts/instances/x/export")
    trusted.post("management/processes/scripts/instances", found, 409)


# -- what is told ---------------------------------------------------------------------------------------------------------
def test_processes_are_listed_with_their_versions(trusted: Services) -> None:
    trusted.post("v1/scripts", {"name": "mary"})
    found = {one["id"]: one for one in trusted.get("management/processes")}
    assert (found["scripts"]["version"], found["scripts_1"]["version"], found["scripts_1"]["activeInstances"]) == ("", "1", 1)
    assert found["scripts_1"]["image"] == "/v1/scripts/image"
    assert trusted.get("management/processes/scripts_1/instances")[0]["processId"] == "scripts_1"
    for unknown in ("nope", "nope_1", "scripts_9"):
        assert trusted.get(f"management/processes/{unknown}/instances", 404)["message"] == f"Process with id {unknown} not found"


def test_of_a_process_that_is_not_there_an_export_misses_the_instance(trusted: Services) -> None:
    assert trusted.get("management/processes/nope/instances/x/export", 404)["processInstanceId"] == "x"
    assert trusted.get("management/processes/nope/instances/x", 404)["message"] == "Process with id nope not found"


def test_an_instance_is_told_with_all_its_variables_but_hidden_ones(trusted: Services) -> None:
    trusted.post("orders?businessKey=o", {"customer": "bob", "coupon": "c1"})
    at, key = "management/processes/orders/instances", str(Instance.objects.get().pk)
    found = trusted.get(f"{at}/o")
    assert found["variables"] == {"id": key, "customer": "bob", "payment": None, "pieces": None, "coupon": "c1", "total": None}
    assert (found["errors"], found["businessKey"], found["state"], found["subprocesses"]) == (None, "o", 1, [])
    assert found["image"] == f"/{at}/o/image?status=active"
    (listed,) = trusted.get(at)
    assert listed == {name: found[name] for name in listed}
    assert (trusted.get(f"{at}?status=completed"), trusted.get(f"{at}?status=nonsense", 400)["field"]) == ([], "status")
    assert trusted.delete(f"{at}/o") == found["variables"]
    trusted.delete(f"{at}/o", 404)


def test_who_has_no_key_has_an_empty_one_in_the_list(trusted: Services) -> None:
    trusted.post("scripts", {"name": "mary"})
    assert trusted.get("management/processes/scripts/instances")[0]["businessKey"] == ""


# -- nodes ----------------------------------------------------------------------------------------------------------------
ORDERS = "management/processes/orders/instances/o"


@pytest.fixture
def order(trusted: Services) -> Services:
    trusted.post("orders?businessKey=o", {"customer": "bob"})
    return trusted


def standing(at: Services) -> dict[str, dict[str, Any]]:
    return {one["nodeId"]: one for one in at.get(f"{ORDERS}/nodeInstances")}


def test_it_is_told_where_an_instance_stands(order: Services, settings: Any) -> None:
    found = standing(order)
    assert sorted(found) == ["Approve", "Counted", "Hurried", "Pack", "Paid"]
    task = order.get("orders/o/tasks?user=mary")[0]
    approve = found["Approve"]
    assert (approve["id"], approve["name"], approve["referenceId"]) == (task["id"], "Approve order", task["reference"])
    assert (approve["phase"], approve["phaseStatus"], approve["state"], approve["results"]) == ("active", "Ready", 0, {})
    order.post(f"{task['reference'].lstrip('/')}?user=mary&phase=claim")
    assert (standing(order)["Approve"]["phase"], standing(order)["Approve"]["phaseStatus"]) == ("claim", "Reserved")
    settings.ENGINE_SERVICES_COMPATIBLE = True
    assert sorted(standing(order)) == ["Approve", "Pack"]


def test_a_work_item_is_told_with_whom_it_is_offered_to_and_its_inputs(trusted: Services) -> None:
    trusted.post("approvals?businessKey=a", {})

    def item() -> Any:
        return trusted.get("management/processes/approvals/instances/a/nodeInstances")[0]

    names = {"TaskName": "firstLineApproval", "NodeName": "firstLineApproval"}
    assert (item()["parameters"], item()["results"]) == ({**names, "ActorId": "manager", "GroupId": "managers"}, {})
    at = trusted.task("approvals/a/tasks?user=manager")
    trusted.post(f"{at}?user=bob&group=managers&phase=claim")
    assert (item()["parameters"]["ActorId"], item()["results"]) == ("manager", {"ActorId": "bob"})
    trusted.post(f"{at}?user=bob&group=managers")
    assert item()["parameters"] == {
        "TaskName": "secondLineApproval", "NodeName": "secondLineApproval", "GroupId": "managers", "ExcludedOwnerId": "bob",
        "excludedOwnerId": "bob",
    }  # fmt: skip


def test_a_node_is_taken_away_or_begins_again(order: Services) -> None:
    before = standing(order)
    assert order.delete(f"{ORDERS}/nodeInstances/{before['Paid']['nodeInstanceId']}")["customer"] == "bob"
    order.post(f"{ORDERS}/nodeInstances/{before['Pack']['nodeInstanceId']}")
    after = standing(order)
    assert "Paid" not in after
    assert after["Pack"]["id"] != before["Pack"]["id"]
    order.post(f"orders/o/pack/{before['Pack']['id']}?user=john", {}, 404)
    gone = order.delete(f"{ORDERS}/nodeInstances/{before['Paid']['nodeInstanceId']}", 404)
    assert gone["nodeInstanceId"] == before["Paid"]["nodeInstanceId"]
    order.post(f"{ORDERS}/nodeInstances/nonsense", {}, 404)


def test_any_node_can_begin(order: Services) -> None:
    order.post(f"{ORDERS}/nodes/Pack")
    assert len(order.get("orders/o/tasks?user=john")) == 2
    told = order.post(f"{ORDERS}/nodes/Nope", {}, 404)
    assert (told["nodeId"], told["processInstanceId"]) == ("Nope", str(Instance.objects.get().pk))
    assert Ledger.objects.filter(subject="begin Pack", trigger="trigger", outcome="committed").count() == 1


def test_a_node_that_fails_when_it_begins_changes_nothing(trusted: Services) -> None:
    trusted.post("scripts?businessKey=s", {"name": "mary"})
    runtime.set_variables(Instance.objects.get().pk, {"name": None})
    told = trusted.post("management/processes/scripts/instances/s/nodes/ScriptTask_1", {}, 500)
    assert told["failedNodeId"] == "ScriptTask_1"
    assert len(trusted.get("scripts/s/tasks?user=john")) == 1


def test_only_operators_change_where_an_instance_stands(services: Callable[..., Services], alice: User) -> None:
    services(alice).post("orders?businessKey=o", {"customer": "bob"})
    mine = services(alice)
    paid = standing(mine)["Paid"]["nodeInstanceId"]
    mine.post(f"{ORDERS}/nodes/Pack", {}, 403)
    mine.post(f"{ORDERS}/nodeInstances/{paid}", {}, 403)
    mine.delete(f"{ORDERS}/nodeInstances/{paid}", 403)


def test_to_the_letter_a_failed_instance_is_told_of_by_its_status(trusted: Services, settings: Any) -> None:
    settings.ENGINE_SERVICES_COMPATIBLE = True
    at = "management/processes/scripts/instances"
    trusted.post("scripts?businessKey=s", {}, 500)
    for path in ("s", "s/nodeInstances", "s/export"):
        trusted.get(f"{at}/{path}", 404)
    found = trusted.get(f"{at}/s?status=error")
    assert (found["failed"], found["state"], found["errors"][0]["failedNodeId"]) == (True, 5, "ScriptTask_1")
    (error,) = trusted.get(f"{at}/s/error")
    assert (error["id"], error["failedNodeId"]) == (found["id"], "ScriptTask_1")
    trusted.delete(f"{at}/s", 404)
    trusted.delete(f"{at}/s?status=error")


# -- versions of variables ------------------------------------------------------------------------------------------------
def test_a_versioned_variable_keeps_what_it_was_and_gets_it_back(order: Services) -> None:
    at = f"{ORDERS}/variables/pieces/versions"
    assert (order.get(at), order.get(ORDERS)["versionedVariables"]) == ([], ["pieces"])
    for pieces in (1, 1, 2, 3):
        order.post("orders/o", {"pieces": pieces})
    assert order.get(at) == [1, 2]
    assert order.post(f"{at}/0") == [1, 2, 3]
    assert order.get("orders/o")["pieces"] == 1
    order.post("orders/o/counted", 7)
    assert order.get(at) == [1, 2, 3, 1]


def test_of_many_versions_the_last_ten_are_kept(order: Services) -> None:
    for pieces in range(12):
        order.post("orders/o", {"pieces": pieces})
    assert order.get(f"{ORDERS}/variables/pieces/versions") == list(range(1, 11))


@pytest.mark.parametrize("number", ["0", "-1", "x", "9999999999"])
def test_a_version_that_is_none_is_not_found(order: Services, number: str) -> None:
    told = order.post(f"{ORDERS}/variables/pieces/versions/{number}", {}, 404)
    assert (told["variable"], told["processInstanceId"]) == ("pieces", str(Instance.objects.get().pk))
    order.get(f"{ORDERS}/variables/customer/versions", 404)
    order.get(f"{ORDERS}/variables/margin/versions", 404)


# -- called instances -----------------------------------------------------------------------------------------------------
@pytest.fixture
def called(trusted: Services, settings: Any) -> Services:
    """An instance `s` whose called instance has a step that failed for good."""
    settings.ENGINE_JOB_RETRIES = 1
    inner = model(service("pay", "${amount + 1}", 'flowable:async="true"'), user("wait", ""), key="inner")
    runtime.deploy({"i.bpmn": inner}, name="i")
    runtime.deploy({"x.bpmn": model('<callActivity id="call" calledElement="inner"/>', key="steps")}, name="x")
    trusted.post("steps?businessKey=s")
    drain()
    return trusted


def test_what_failed_in_a_called_instance_is_told_of_its_caller_and_repaired_there(called: Services) -> None:
    assert [one["id"] for one in called.get("steps?status=error")] == ["s"]
    (error,) = called.get(f"{AT}/s/error")
    assert (error["failedNodeId"], called.get(f"{AT}/s")["errors"][0]["errorId"]) == ("pay", error["errorId"])
    called.post(f"{AT}/s/skip/{error['errorId']}")
    assert (called.get("steps?status=error"), called.task("steps/s/tasks").split("/")[-2]) == ([], "Wait")


def test_a_called_instance_is_found_by_its_own_id_and_with_its_callers(called: Services) -> None:
    (below,) = called.get(f"{AT}/s")["subprocesses"]
    at = "management/processes/inner/instances"
    assert below["compositeId"] == f"{Instance.objects.get(definition__key='steps').pk}:{below['id']}"
    for key in (below["id"], below["compositeId"]):
        assert called.get(f"{at}/{key}")["id"] == below["id"]
    for key in (f"{below['id']}:{below['id']}", "a:b", f":{below['id']}x"):
        called.get(f"{at}/{key}", 404)
    called.get(f"{AT}/{below['id']}", 404)
