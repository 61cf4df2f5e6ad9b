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
    assert failed.get(f"{AT}/s")["errors"][0]["failedNodeId"] == "pay"


def test_a_failed_step_runs_again_once_its_cause_is_mended(failed: Services) -> None:
    assert failed.post(f"{AT}/s/retrigger", {}, 500)["failedNodeId"] == "pay"
    runtime.set_variables(Instance.objects.get().pk, {"amount": 2})
    failed.post(f"{AT}/s/retrigger")
    assert (failed.get(f"{AT}?status=error"), failed.task("steps/s/tasks").split("/")[2]) == ([], "Wait")
    failed.post(f"{AT}/s/retrigger", {}, 404)
    assert failed.get(f"{AT}/s/error", 400)["message"].endswith("is not in error state")


def test_a_failed_step_is_left_out(failed: Services) -> None:
    (error,) = failed.get(f"{AT}/s/error")
    failed.post(f"{AT}/s/skip/other", {}, 404)
    assert failed.post(f"{AT}/s/skip/{error['id']}")["id"] == "s"
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
    assert boss.post(f"{AT}/s/skip")["id"] == "s"


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
