"""`form/form-data`: what a form shows, and what it takes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Api, line, model

pytestmark = pytest.mark.django_db

PATH = "form/form-data"

ASK = (
    '<extensionElements><flowable:formProperty id="customer" name="Customer" required="true"/>'
    '<flowable:formProperty id="count" type="long" default="1"/>'
    '<flowable:formProperty id="size" type="enum"><flowable:value id="s" name="Small"/><flowable:value id="l" name="Large"/></flowable:formProperty>'
    '<flowable:formProperty id="price" type="double" variable="unitPrice"/></extensionElements>'
)
CONFIRM = (
    '<userTask id="confirm" name="Confirm" flowable:formKey="confirm-form"><extensionElements>'
    '<flowable:formProperty id="customer" writable="false"/><flowable:formProperty id="remark" readable="false"/>'
    '<flowable:formProperty id="accepted" type="boolean" required="true"/></extensionElements></userTask>'
)
FORMS = model("forms", line(CONFIRM).replace('<startEvent id="begin"/>', f'<startEvent id="begin">{ASK}</startEvent>'))


@pytest.fixture
def definition(operator: Api) -> str:
    operator.deploy(FORMS)
    found: str = operator.get("repository/process-definitions")["data"][0]["id"]
    return found


def submit(operator: Api, about: dict[str, str], values: dict[str, Any], status: int = 200) -> Any:
    return operator.send("POST", PATH, {**about, "properties": [{"id": k, "value": v} for k, v in values.items()]}, status)


def test_shows_the_form_that_a_process_starts_with(operator: Api, definition: str) -> None:
    found = operator.get(PATH, {"processDefinitionId": definition})
    assert [(f["id"], f["type"], f["value"], f["required"]) for f in found["formProperties"]] == [
        ("customer", "string", None, True),
        ("count", "long", "1", False),
        ("size", "enum", None, False),
        ("price", "double", None, False),
    ]
    assert found["formProperties"][2]["enumValues"] == [{"id": "s", "name": "Small"}, {"id": "l", "name": "Large"}]


def test_starts_by_the_form(operator: Api, definition: str) -> None:
    made = submit(operator, {"processDefinitionId": definition}, {"customer": "Ann", "size": "l", "price": "9.5", "extra": "x"})
    assert {v["name"]: (v["type"], v["value"]) for v in made["variables"]} == {
        "count": ("long", 1),
        "customer": ("string", "Ann"),
        "extra": ("string", "x"),
        "size": ("string", "l"),
        "unitPrice": ("double", 9.5),
    }


@pytest.mark.parametrize(
    "values",
    [{"count": "3"}, {"customer": "A", "size": "giant"}, {"customer": "A", "count": "many"}, {"customer": "x" * 4001}, {"customer": [5]}],
    ids=lambda v: str(v)[:30],
)
def test_refuses_what_the_form_does_not_take(operator: Api, definition: str, values: dict[str, Any]) -> None:
    submit(operator, {"processDefinitionId": definition}, values, 400)
    assert operator.get("runtime/process-instances")["total"] == 0


def test_names_all_fields_at_fault_at_once(operator: Api, definition: str) -> None:
    found = submit(operator, {"processDefinitionId": definition}, {"size": "giant", "count": "many"}, 400)
    assert set(found["errors"]) == {"customer", "size", "count"}


def test_shows_and_takes_the_form_of_a_task(operator: Api, definition: str) -> None:
    one = operator.start("forms", customer="Ann")
    task = operator.task(one)
    found = operator.get(PATH, {"taskId": task})
    assert [(f["id"], f["value"], f["writable"]) for f in found["formProperties"]] == [("customer", "Ann", False), ("accepted", None, True)]
    assert found["formKey"] == "confirm-form"
    submit(operator, {"taskId": task}, {"remark": "no acceptance"}, 400)
    submit(operator, {"taskId": task}, {"accepted": "true", "customer": "Bob"}, 400)
    submit(operator, {"taskId": task}, {"accepted": "true", "remark": "fine"}, 204)
    operator.get(f"runtime/tasks/{task}", status=404)
    submit(operator, {"taskId": task}, {"accepted": "true"}, 404)


def test_lets_no_stranger_see_or_submit_a_form(operator: Api, of_charlie: Api, definition: str) -> None:
    task = operator.task(operator.start("forms"))
    of_charlie.get(PATH, {"taskId": task}, status=404)
    submit(of_charlie, {"taskId": task}, {"accepted": "true"}, 403)
    of_charlie.get(PATH, {"processDefinitionId": definition}, status=404)
    submit(of_charlie, {"processDefinitionId": definition}, {"customer": "x"}, 404)


@pytest.mark.parametrize(
    "body", [{}, {"properties": []}, {"taskId": "a", "processDefinitionId": 5}, {"processDefinitionId": "a", "properties": [5]}], ids=str
)
def test_refuses_a_submission(operator: Api, body: dict[str, Any]) -> None:
    operator.send("POST", PATH, body, 400)


def test_needs_to_know_which_form(operator: Api) -> None:
    operator.get(PATH, status=400)
    operator.get(PATH, {"taskId": "nobody"}, status=404)
    operator.get(PATH, {"processDefinitionId": "nobody"}, status=404)


def test_a_task_of_no_process_has_no_form(operator: Api) -> None:
    task = operator.send("POST", "runtime/tasks", {"name": "Wash", "formKey": "wash-form"}, 201)["id"]
    assert operator.get(PATH, {"taskId": task}, status=400)["field"] == "taskId"
    operator.send("POST", PATH, {"taskId": task, "properties": []}, 400)
    assert operator.get(f"runtime/tasks/{task}")["name"] == "Wash"
