"""Variables of instances, executions and tasks: added, changed, removed, in their scopes, and as files."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.api.conftest import REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

INSIDE = (
    '<startEvent id="in"/><userTask id="check"/><endEvent id="out"/>'
    '<sequenceFlow id="g1" sourceRef="in" targetRef="check"/><sequenceFlow id="g2" sourceRef="check" targetRef="out"/>'
)
NESTED = model("nested", line(f'<subProcess id="inner">{INSIDE}</subProcess>'))


def text(name: str, value: Any, scope: str | None) -> dict[str, Any]:
    return {"name": name, "scope": scope, "type": "string", "value": value}


@pytest.fixture
def instance(operator: Api) -> str:
    operator.deploy(REVIEW)
    return operator.start("review", title="Letter")


@pytest.fixture
def path(instance: str) -> str:
    return f"runtime/process-instances/{instance}/variables"


# -- of an instance -------------------------------------------------------------------------------------------------------
def test_lists_and_shows_the_variables_of_an_instance(operator: Api, path: str) -> None:
    assert operator.get(path) == [text("title", "Letter", "local")]
    assert operator.get(f"{path}/title") == text("title", "Letter", None)
    operator.get(f"{path}/nobody", status=404)


def test_adds_variables_that_are_not_there(operator: Api, path: str) -> None:
    assert operator.send("POST", path, [{"name": "color", "value": "red"}], 201) == [text("color", "red", "local")]
    operator.send("POST", path, [{"name": "color", "value": "blue"}], 409)
    assert operator.get(f"{path}/color")["value"] == "red"


def test_writes_variables_there_or_not(operator: Api, path: str) -> None:
    operator.send("PUT", path, [{"name": "title", "value": "Parcel"}, {"name": "new", "value": "x"}], 201)
    assert operator.get(path) == [text("new", "x", "local"), text("title", "Parcel", "local")]


def test_changes_one_variable_and_its_type(operator: Api, path: str) -> None:
    found = operator.send("PUT", f"{path}/title", {"name": "title", "type": "integer", "value": 5})
    assert found == {"name": "title", "scope": None, "type": "integer", "value": 5}
    assert operator.get(f"{path}/title") == found


def test_refuses_what_does_not_fit(operator: Api, path: str) -> None:
    operator.send("PUT", f"{path}/title", {"name": "other", "value": 4}, 400)
    operator.send("PUT", f"{path}/unknown", {"name": "unknown", "value": 4}, 404)
    operator.send("PUT", f"{path}/title", [], 400)
    for body in ([], {"name": "single", "value": 1}, [{"value": 4}], [5], [{"name": "v", "type": "integer", "value": "x"}]):
        operator.send("POST", path, body, 400)


def test_removes_one_or_all(operator: Api, path: str) -> None:
    operator.send("PUT", path, [{"name": "a", "value": 1}, {"name": "b", "value": 2}], 201)
    operator.send("DELETE", f"{path}/title", status=204)
    operator.send("DELETE", f"{path}/title", status=404)
    operator.send("DELETE", path, status=204)
    assert operator.get(path) == []


def test_shows_a_stranger_nothing(of_charlie: Api, path: str) -> None:
    of_charlie.get(path, status=404)
    assert of_charlie.call("PUT", path, [{"name": "a", "value": 1}]).status_code == 404


def test_keeps_no_large_value_beyond_the_limit(operator: Api, path: str, settings: Any) -> None:
    settings.ENGINE_MAX_VARIABLE_SIZE = 1000
    operator.send("PUT", path, [{"name": "a", "value": "x" * 2000}], 400)


def test_keeps_large_values_whole(operator: Api, path: str) -> None:
    long, deep = "ä" * 100_000, {"list": list(range(30_000))}
    operator.send("PUT", path, [{"name": "long", "value": long}, {"name": "deep", "value": deep}], 201)
    assert operator.get(f"{path}/long")["value"] == long
    assert operator.get(f"{path}/deep")["value"] == deep


# -- of an execution ------------------------------------------------------------------------------------------------------
@pytest.fixture
def inner(operator: Api) -> str:
    """The variables of the execution of a sub-process, in an instance with a variable `wide`."""
    operator.deploy(NESTED)
    one = operator.start("nested", wide="w")
    found = operator.get("runtime/executions", {"processInstanceId": one, "activityId": "inner"})["data"][0]["id"]
    return f"runtime/executions/{found}/variables"


def test_shows_an_execution_its_own_and_what_is_around_it(operator: Api, inner: str) -> None:
    operator.send("POST", inner, [{"name": "near", "value": "n"}], 201)
    operator.send("POST", inner, [{"name": "far", "scope": "global", "value": "f"}], 201)
    assert operator.get(inner) == [text("near", "n", "local"), text("far", "f", "global"), text("wide", "w", "global")]
    assert operator.get(inner, {"scope": "local"}) == [text("near", "n", "local")]
    assert operator.get(f"{inner}/near")["scope"] == "local"
    assert operator.get(f"{inner}/wide", {"scope": "local"}) == {"name": "wide", "scope": "local", "value": None}


def test_changes_and_removes_what_is_its_own(operator: Api, inner: str) -> None:
    operator.send("PUT", inner, [{"name": "near", "scope": "local", "value": "n"}], 201)
    assert operator.send("PUT", f"{inner}/near", {"name": "near", "value": "m"}) == text("near", "m", "local")
    operator.send("DELETE", f"{inner}/near", status=204)
    assert operator.get(inner) == [text("wide", "w", "global")]


# -- of a task ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def task(operator: Api, instance: str) -> str:
    return f"runtime/tasks/{operator.task(instance)}/variables"


def test_keeps_the_variables_of_a_task_beside_those_of_its_process(operator: Api, task: str) -> None:
    operator.send("POST", task, [{"name": "mine", "value": "m"}, {"name": "title", "scope": "local", "value": "own"}], 201)
    assert operator.get(task) == [text("mine", "m", "local"), text("title", "own", "local")]
    assert operator.get(task, {"scope": "global"}) == [text("title", "Letter", "global")]
    assert operator.get(f"{task}/title")["value"] == "own"
    assert operator.get(f"{task}/title", {"scope": "global"})["value"] == "Letter"


def test_changes_and_removes_in_the_scope_that_is_asked_for(operator: Api, task: str, path: str) -> None:
    operator.send("POST", task, [{"name": "mine", "value": "m"}], 201)
    operator.send("PUT", f"{task}/mine", {"name": "mine", "scope": "local", "value": "n"})
    operator.send("PUT", f"{task}/title", {"name": "title", "scope": "global", "value": "Changed"})
    assert operator.get(f"{path}/title")["value"] == "Changed"
    operator.send("PUT", f"{task}/title", {"name": "title", "scope": "local", "value": "x"}, 404)
    operator.send("DELETE", f"{task}/title?scope=local", status=404)
    operator.send("DELETE", f"{task}/mine?scope=local", status=204)
    operator.send("DELETE", task, status=204)
    assert operator.get(task) == [text("title", "Changed", "global")]


def test_refuses_scopes_that_are_mixed_or_unknown(operator: Api, task: str) -> None:
    operator.send("POST", task, [{"name": "a", "scope": "global", "value": 1}, {"name": "b", "scope": "local", "value": 1}], 400)
    operator.send("POST", task, [{"name": "a", "scope": "galaxy", "value": 1}], 400)
    operator.get(task, {"scope": "galaxy"}, status=400)


# -- files ----------------------------------------------------------------------------------------------------------------
def upload(operator: Api, method: str, path: str, **fields: Any) -> Any:
    body = encode_multipart(BOUNDARY, fields)
    return operator.http.generic(method, f"/api/{path}", body, content_type=MULTIPART_CONTENT)


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("photo.bin", data)


def test_keeps_bytes(operator: Api, path: str) -> None:
    made = upload(operator, "POST", path, name="photo", type="binary", file=file(b"\x00\x01\xff"))
    assert made.status_code == 201, made.content
    shown = made.json()
    assert (shown["type"], shown["value"]) == ("binary", None)
    assert shown["valueUrl"].endswith(f"/api/{path}/photo/data")
    assert operator.http.get(f"/api/{path}/photo/data").content == b"\x00\x01\xff"
    assert upload(operator, "POST", path, name="photo", file=file(b"again")).status_code == 409
    assert upload(operator, "PUT", f"{path}/photo", name="photo", type="binary", file=file(b"other")).status_code == 200
    assert operator.http.get(f"/api/{path}/photo/data").content == b"other"


def test_refuses_a_file_without_name_or_bytes(operator: Api, path: str) -> None:
    assert upload(operator, "POST", path, type="binary", file=file(b"x")).status_code == 400
    assert upload(operator, "POST", path, name="empty", type="binary").status_code == 400
    assert upload(operator, "POST", path, name="x", type="string", file=file(b"x")).status_code == 400


def test_has_no_bytes_of_what_is_not_binary(operator: Api, path: str) -> None:
    operator.get(f"{path}/title/data", status=404)
    operator.get(f"{path}/nobody/data", status=404)


def test_shows_what_is_not_there_as_null_where_flowable_does(operator: Api) -> None:
    operator.deploy(NESTED)
    one = operator.start("nested")
    inner = operator.get("runtime/executions", {"processInstanceId": one, "activityId": "inner"})["data"][0]["id"]
    for path, shown in (
        (f"process-instances/{one}", ["local"]),
        (f"executions/{one}", ["local"]),
        (f"executions/{inner}", ["local", "global"]),
    ):
        for scope in ("local", "global"):
            found = operator.get(f"runtime/{path}/variables/nobody", {"scope": scope}, 200 if scope in shown else 404)
            assert found.get("value") is None
        operator.get(f"runtime/{path}/variables/nobody", status=200 if "global" in shown else 404)


def test_writes_past_a_variable_of_the_task_when_it_is_completed(operator: Api, instance: str) -> None:
    task = operator.task(instance)
    operator.send("POST", f"runtime/tasks/{task}/variables", [{"name": "title", "value": "Mine", "scope": "local"}], 201)
    operator.send("POST", f"runtime/tasks/{task}", {"action": "complete", "variables": [{"name": "title", "value": "Parcel"}]})
    kept = operator.get("history/historic-variable-instances", {"processInstanceId": instance})["data"]
    assert {(one["taskId"], one["variable"]["value"]) for one in kept} == {(None, "Parcel"), (task, "Mine")}


def test_every_list_tells_where_the_bytes_of_its_variables_are(operator: Api, instance: str) -> None:
    task = operator.task(instance)
    for path, name in ((f"runtime/process-instances/{instance}", "scan"), (f"runtime/tasks/{task}", "note")):
        form = {"name": name, "scope": "local", "file": SimpleUploadedFile("n", name.encode())}
        assert operator.http.post(f"/api/{path}/variables", form).status_code == 201
    wanted = {"processInstanceId": instance, "includeProcessVariables": "true", "includeTaskLocalVariables": "true"}
    told = {
        f"{path}/{key}": {v["name"]: v.get("valueUrl") for v in operator.get(path, {**wanted, **more})["data"][0]["variables"]}
        for path, key, more in (
            ("runtime/process-instances", instance, {"id": instance}), ("history/historic-process-instances", instance, {}),
            ("runtime/tasks", task, {}), ("history/historic-task-instances", task, {}),
        )
    }  # fmt: skip
    for path, found in told.items():
        names = {"scan": b"scan", "note": b"note"} if "task" in path else {"scan": b"scan"}
        for name, content in names.items():
            assert found[name].endswith(f"/api/{path}/variables/{name}/data")
            assert operator.get(f"{path}/variables/{name}/data").content == content
        assert found["title"] is None
    for path in ("runtime/variable-instances", "history/historic-variable-instances"):
        rows = operator.get(path, {"processInstanceId": instance})["data"]
        assert all(
            row["variable"]["valueUrl"].endswith(f"/api/{path}/{row['id']}/data") for row in rows if row["variable"]["type"] == "binary"
        )
