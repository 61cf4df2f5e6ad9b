"""The OpenAPI document of the services: valid, made from what is deployed, and true of what is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from engine import runtime
from tests.api.automatiko.conftest import Services
from tests.runtime.models import model, user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]


@pytest.fixture
def document(trusted: Services) -> dict[str, Any]:
    found: dict[str, Any] = trusted.get("openapi.json")
    return found


def test_it_is_a_valid_document(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    validate_schema(document)


def test_each_workflow_and_each_stated_version_is_in_it(document: dict[str, Any]) -> None:
    for path in ("/scripts", "/v1/scripts", "/v2/scripts", "/approvals/{id}/firstLineApproval/{task}", "/requests/{request}"):
        assert path in document["paths"]
    assert set(document["components"]["schemas"]["v2_scripts"]["properties"]) == {"id", "metadata", "firstname", "message"}
    assert "error" not in document["components"]["schemas"]["errors"]["properties"]


def test_a_start_tells_its_headers_its_callback_and_its_202(document: dict[str, Any]) -> None:
    start = document["paths"]["/scripts"]["post"]
    headers = {p["name"] for p in start["parameters"] if p["in"] == "header"}
    assert headers == {"X-ATK-Mode", "X-ATK-Callback", "Prefer", "Idempotency-Key"}
    assert "{$request.header.X-ATK-Callback}" in start["callbacks"]["outcome"]
    assert "Location" in start["responses"]["202"]["headers"]


def test_names_of_operations_are_unique(document: dict[str, Any]) -> None:
    names = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))


def test_answers_are_as_the_document_says(document: dict[str, Any], trusted: Services) -> None:
    answer = trusted.post("scripts?metadata=true", {"name": "mary"})
    schema = {"$ref": "#/components/schemas/scripts", "components": document["components"]}
    Draft202012Validator(schema).validate(answer)
    problem = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    Draft202012Validator(problem).validate(trusted.post("scripts", {"name": {}}, 400))


def test_a_workflow_has_a_document_of_its_own(trusted: Services) -> None:
    assert [one["name"] for one in trusted.get("v1/scripts/openapi.json")["tags"]] == ["v1_scripts"]


def test_the_instances_that_it_calls_are_in_the_document_to_any_depth_but_not_in_circles(trusted: Services) -> None:
    def call(key: str) -> str:
        return f'<callActivity id="call" calledElement="{key}"/>'

    runtime.deploy({"c.bpmn": model(user("check"), call("top"), key="inner-most")}, name="c")
    runtime.deploy({"b.bpmn": model(call("inner-most"), key="inner")}, name="b")
    runtime.deploy({"a.bpmn": model(call("inner"), key="top")}, name="a")
    found = trusted.get("top/openapi.json")
    validate_schema(found)
    inside = "/top/{id}/inner/{inner_id}/inner_most/{inner_most_id}"
    assert {"/top/{id}/inner", inside, f"{inside}/tasks", f"{inside}/Check/{{task}}"} <= found["paths"].keys()
    assert not [path for path in found["paths"] if "{top_id}" in path]
    names = [one["operationId"] for path in found["paths"].values() for one in path.values()]
    assert len(names) == len(set(names))
    assert found["paths"][inside]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/inner_most")
    trusted.post("inner?businessKey=i", {})
    (listed,) = trusted.get("inner/i/inner_most")
    assert trusted.get(f"inner/i/inner_most/{listed['id']}/tasks")


def test_who_may_not_start_anything_is_told_of_nothing(services: Callable[..., Services], charlie: User) -> None:
    assert services(charlie).get("openapi.json")["tags"] == []


def test_there_is_a_page_to_try_it(services: Callable[..., Services]) -> None:
    page = services().http.get("/services/docs/")
    assert page.status_code == 200
    assert b"swagger" in page.content.lower()


def test_the_management_calls_are_in_the_document_of_all_and_as_it_says(document: dict[str, Any], trusted: Services) -> None:
    at = "/management/processes/{process}/instances/{instance}"
    for path, method in ((f"{at}/nodeInstances/{{node_instance}}", "delete"), (f"{at}/skip/{{error}}", "post"), (at, "get")):
        assert method in document["paths"][path]
    assert not [path for path in trusted.get("scripts/openapi.json")["paths"] if path.startswith("/management")]
    trusted.post("scripts?businessKey=s", {"name": "mary"})
    here = "management/processes/scripts/instances"
    for name, found in {
        "Process": trusted.get("management/processes")[0],
        "Instance": trusted.get(here)[0],
        "InstanceDetails": trusted.get(f"{here}/s"),
        "NodeInstance": trusted.get(f"{here}/s/nodeInstances")[0],
        "Variables": trusted.delete(f"{here}/s"),
    }.items():
        Draft202012Validator({"$ref": f"#/components/schemas/{name}", "components": document["components"]}).validate(found)


def test_a_signal_that_takes_a_text_says_so(document: dict[str, Any]) -> None:
    kinds = {name: set(document["paths"][f"/orders/{{id}}/{name}"]["post"]["requestBody"]["content"]) for name in ("payment", "counted")}
    assert kinds == {"payment": {"application/json", "text/plain"}, "counted": {"application/json"}}
