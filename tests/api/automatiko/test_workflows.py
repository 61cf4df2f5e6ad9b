"""Instances over the service API: start, list, get, update, abort, with the ids, bodies and statuses that Automatiko's clients expect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine import runtime
from engine.errors import DeploymentError
from engine.models import Instance, Ledger
from tests.api.automatiko.conftest import Services
from tests.runtime.models import model, user
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
M = {"metadata": None, "name": "mary", "lastName": None, "message": None}


def test_a_start_answers_the_data_model_with_its_nulls(trusted: Services) -> None:
    found = trusted.post("scripts", {"name": "john"})
    assert found == {"id": found["id"], "metadata": None, "name": "john", "lastName": None, "message": "Hello john"}


def test_the_business_key_is_the_id_and_free_again_after_the_end(trusted: Services) -> None:
    assert trusted.post("scripts?businessKey=bk", {"name": "mary"}) == {"id": "bk", **M}
    again = trusted.post("scripts?businessKey=bk", {"name": "mary"}, 409)
    assert (again["processInstanceId"], again["status"], again["field"]) == ("bk", 409, "businessKey")
    assert trusted.get("scripts/bk") == {"id": "bk", **M}
    trusted.delete("scripts/bk")
    assert trusted.get("scripts/bk", 404)["message"] == "Process instance with id bk not found"
    trusted.post("scripts?businessKey=bk", {"name": "mary"})


def test_blanks_are_no_business_key(trusted: Services) -> None:
    for key in ("", "%20", "%20%09"):
        found = trusted.post(f"scripts?businessKey={key}&metadata=true", {"name": "mary"})
        assert (found["metadata"]["businessKey"], found["id"]) == (None, found["metadata"]["id"])


def test_two_at_once_cannot_have_one_key(trusted: Services, monkeypatch: Any) -> None:
    """Where the look before finds nothing, the constraint of the database does."""
    trusted.post("scripts?businessKey=bk", {"name": "mary"})
    monkeypatch.setattr("django.db.models.query.QuerySet.exists", lambda rows: False)
    assert trusted.call("POST", "scripts?businessKey=bk", {"name": "mary"}).status_code == 409


def test_an_update_keeps_what_is_null_or_unknown(trusted: Services) -> None:
    trusted.post("scripts?businessKey=bk", {"name": "mary"})
    assert trusted.post("scripts/bk", {"lastName": "Smith"})["lastName"] == "Smith"
    assert trusted.post("scripts/bk", {"lastName": None, "nonsense": 1})["lastName"] == "Smith"


def test_metadata_tell_state_description_and_tags_that_follow_the_variables(trusted: Services) -> None:
    trusted.post("scripts?businessKey=bk", {"name": "mary"})
    found = trusted.post("scripts/bk?metadata=true", {"name": "maria"})["metadata"]
    assert (found["state"], found["tags"], found["description"]) == (1, ["maria"], "Simple script handling workflow for maria")
    assert [one["id"] for one in trusted.get("scripts?tags=maria&tags=nobody")] == ["bk"]
    assert trusted.get("scripts?tags=mary") == []
    assert trusted.delete("scripts/bk?metadata=true")["metadata"]["state"] == 3


def test_ids_and_business_keys_count_as_tags(trusted: Services, settings: Any) -> None:
    for number in range(3):
        trusted.post(f"scripts?businessKey=bk{number}", {"name": "mary"})
    own = str(Instance.objects.get(service_id="bk2").pk)
    assert [one["id"] for one in trusted.get(f"scripts?tags=bk1&tags={own}&tags=bk")] == ["bk1", "bk2"]
    assert len(trusted.get("scripts?tags=mary&size=2")) == 2
    settings.ENGINE_SERVICES_COMPATIBLE = True
    assert len(trusted.get("scripts?tags=mary&size=2")) == 3


def test_tags_are_added_and_removed_beside_those_of_the_model(trusted: Services) -> None:
    trusted.post("scripts?businessKey=bk", {"name": "mary"})
    both = [{"id": "1", "value": "mary"}, {"id": "vip", "value": "vip"}]
    assert trusted.post("scripts/bk/tags", {"value": "vip"}) == both
    trusted.post("scripts/bk", {"name": "maria"})
    assert [one["id"] for one in trusted.get("scripts?tags=vip")] == ["bk"]
    assert trusted.delete("scripts/bk/tags/vip") == [{"id": "1", "value": "maria"}]
    assert trusted.delete("scripts/bk/tags/1") == [{"id": "1", "value": "maria"}]


def test_a_tag_may_be_a_number_and_have_a_slash(trusted: Services) -> None:
    trusted.post("scripts?businessKey=bk", {"name": "mary"})
    trusted.post("scripts/bk/tags", {"value": "north/west"})
    assert [one["value"] for one in trusted.post("scripts/bk/tags", {"value": 2026})] == ["mary", "north/west", "2026"]
    assert trusted.post("scripts/bk/tags", {"value": {"a": 1}}, 400)["field"] == "value"
    assert [one["value"] for one in trusted.delete("scripts/bk/tags/north%2Fwest")] == ["mary", "2026"]


def test_what_failed_is_listed_by_its_status_alone(trusted: Services, settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    trusted.post("scripts?businessKey=well", {"name": "mary"})
    trusted.post("scripts?businessKey=ill", {}, 202, X_ATK_Mode="async")
    drain()
    for status, keys in (
        ("", ["well"]),
        ("active", ["well"]),
        ("nonsense", ["well"]),
        ("ERROR", ["ill"]),
        ("completed", []),
        ("aborted", []),
    ):
        assert [one["id"] for one in trusted.get(f"scripts?status={status}")] == keys
    for key, own in (("well", "active"), ("ill", "error")):
        for status in ("active", "error", "completed"):
            trusted.get(f"scripts/{key}?status={status}", 200 if status == own else 404)
        trusted.get(f"scripts/{key}")
    settings.ENGINE_SERVICES_COMPATIBLE = True
    trusted.get("scripts/ill", 404)
    trusted.post("scripts/ill", {"lastName": "x"}, 404)
    assert trusted.get("scripts/ill?status=error&metadata=true")["metadata"]["state"] == 5
    trusted.delete("scripts/ill")


def test_an_error_end_answers_its_code_with_the_data_of_the_error_alone(trusted: Services) -> None:
    assert trusted.post("errors?businessKey=e", {"name": "john"}, 410) == {"details": "here is the error"}
    assert Instance.objects.get(business_key="e").state == Instance.State.ERROR


def test_a_step_that_fails_names_the_node_and_stores_nothing(trusted: Services) -> None:
    found = trusted.post("scripts", {}, 500)
    assert (found["failedNodeId"], found["status"]) == ("ScriptTask_1", 500)
    assert "Traceback" not in str(found)
    assert not Instance.objects.exists()
    assert Ledger.objects.get().outcome == Ledger.Outcome.ROLLED_BACK


def test_versions_that_the_model_states_have_addresses_of_their_own(trusted: Services) -> None:
    trusted.post("v2/scripts?businessKey=x", {"firstname": "mary"})
    trusted.get("v1/scripts/x", 404)
    trusted.get("scripts/x", 404)
    assert trusted.post("scripts?businessKey=x", {"name": "mary"})["id"] == "x"
    trusted.post("v3/scripts", {}, 404)


def test_without_stated_versions_the_number_is_that_of_the_deployment(trusted: Services) -> None:
    for step in ("first", "second"):
        runtime.deploy({"plain.bpmn": model(user(step, ""), key="plain")}, name="plain")
    old = trusted.post("v1/plain?businessKey=old")["id"]
    trusted.get(f"plain/{old}")
    trusted.get(f"v2/plain/{old}", 404)
    assert trusted.task(f"plain/{old}/tasks").split("/")[2] == "First"


def test_values_are_taken_as_automatiko_takes_them(trusted: Services) -> None:
    assert trusted.post("scripts", {"name": 5})["name"] == "5"
    assert trusted.post("slow", {"millis": "7"})["millis"] == 7
    assert trusted.post("slow", {"millis": 7.9})["millis"] == 7
    assert trusted.post("approvals", {"approver": ""})["approver"] == ""
    assert trusted.post("orders?businessKey=o", {"customer": ""})["customer"] == ""
    trusted.post("slow?businessKey=s", {"millis": "", "done": ""}, 202, X_ATK_Mode="async")
    assert (trusted.get("slow/s")["millis"], trusted.get("slow/s")["done"]) == (None, None)


@pytest.mark.parametrize("key", ["requests", "management", "v1", "V2", "openapi.json"])
def test_a_workflow_may_not_be_called_like_an_address(key: str) -> None:
    with pytest.raises(DeploymentError, match="service API"):
        runtime.deploy({"x.bpmn": model(user("a"), key=key)}, name=key)


def test_pages_are_reliable(trusted: Services) -> None:
    for number in range(5):
        trusted.post(f"scripts?businessKey=k{number}", {"name": "mary"})
    pages = [trusted.get(f"scripts?page={n}&size=2&sortBy=businessKey") for n in (1, 2, 3, 4)]
    assert [[one["id"] for one in page] for page in pages] == [["k0", "k1"], ["k2", "k3"], ["k4"], []]


def test_a_model_without_declared_variables_has_those_of_its_forms(trusted: Services) -> None:
    field = '<extensionElements><flowable:formProperty id="amount" type="long" required="true"/></extensionElements>'
    step = f'<userTask id="enter" name="Enter it" flowable:candidateUsers="john">{field}</userTask>'
    runtime.deploy({"forms.bpmn": model(step, key="forms")}, name="forms")
    assert trusted.post("forms?businessKey=f") == {"id": "f", "metadata": None, "amount": None}
    task = trusted.task("forms/f/tasks?user=john")
    assert task.split("/")[2] == "Enter_it"
    wrong = trusted.post(f"{task}?user=john", {}, 400)
    assert (wrong["field"], wrong["errors"]) == ("amount", {"amount": ["This field is required."]})
    assert trusted.post(f"{task}?user=john", {"amount": 3})["amount"] == 3


# -- who may what ---------------------------------------------------------------------------------------------------------
def test_nobody_gets_in_without_a_login_where_callers_are_not_trusted(services: Callable[..., Services]) -> None:
    assert services().post("scripts", {"name": "john"}, 401)["status"] == 401


def test_only_who_may_impersonate_speaks_for_others(services: Callable[..., Services], alice: User, admin: User) -> None:
    services(alice).post("approvals?user=alice", {})
    services(alice).post("approvals?user=bob", {}, 403)
    services(alice).post("approvals?group=managers", {}, 403)
    services(admin).post("approvals?user=bob&businessKey=x", {})
    assert Instance.objects.get(business_key="x").starter == "bob"


def test_a_stranger_neither_sees_nor_changes_what_others_started(
    services: Callable[..., Services], alice: User, bob: User, charlie: User
) -> None:
    services(alice).post("approvals?businessKey=a", {})
    for stranger in (bob, charlie):
        client = services(stranger)
        assert client.get("approvals") == []
        client.get("approvals/a", 403)
        client.post("approvals/a", {"approver": "me"}, 403)
        client.delete("approvals/a", 403)
    services(charlie).post("approvals", {}, 403)


# -- statements -----------------------------------------------------------------------------------------------------------
def test_a_start_that_runs_a_script_to_its_end_takes_at_most_six_statements(trusted: Services) -> None:
    trusted.post("scripts", {"name": "john"})
    with CaptureQueriesContext(connection) as captured:
        trusted.post("scripts", {"name": "john"})
    ignored = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    found = [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(ignored)]
    assert len(found) <= 6, found


def test_a_tag_of_a_variable_without_effect_is_told_at_deployment() -> None:
    more = (
        '<property id="p" name="p" itemSubjectRef="xsd:string"><extensionElements><atk:metaData xmlns:atk="https://automatiko.io" name="tags">'
        "<atk:metaValue>transient,required,nonsense</atk:metaValue></atk:metaData></extensionElements></property>"
    )
    content = model(user("ask"), key="tagged").replace(b'<startEvent id="start"', more.encode() + b'<startEvent id="start"', 1)
    said = [str(one) for one in runtime.deploy({"x.bpmn": content}, name="x").warnings]  # type: ignore[attr-defined]
    assert [text.partition("the tag ")[2] for text in said if "the tag " in text] == [
        "'transient' of a variable has no effect", "'nonsense' of a variable is not known",
    ]  # fmt: skip
