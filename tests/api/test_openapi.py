"""The OpenAPI document: it describes every call, its examples fit, and real answers are as it says."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from jsonschema import Draft202012Validator

from engine.api import words
from engine.api.openapi.document import document
from engine.examples.pizza import workflow_handlers
from tests.api.conftest import REVIEW, Api, basic, line, model

FLAGGED = model("flagged", line('<serviceTask id="store" flowable:async="true" flowable:expression="${1}"/>'))
WAITING = model(
    "waiting",
    line(
        '<receiveTask id="wait"/>',
        '<intermediateCatchEvent id="catch"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>',
    ),
)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document()["components"]})


def test_is_there_for_everybody_and_says_that_it_is_3_1(db: None) -> None:
    answer = Client().get("/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == document()
    assert answer.json()["openapi"].startswith("3.1")


def test_tries_it_out_in_swagger_ui_without_inline_scripts(db: None) -> None:
    page = Client().get("/docs/")
    assert page.status_code == 200
    assert "unsafe-inline" not in page["Content-Security-Policy"].partition("default-src")[2].partition("style-src")[0]
    assert b"swagger-ui" in page.content
    script = Client().get("/docs/?script=")
    assert "javascript" in script["Content-Type"]
    assert b"/api/openapi.json" in script.content


def test_describes_every_call_once_with_a_sentence_and_its_scope() -> None:
    found = list(operations())
    assert len({operation["operationId"] for _, _, operation in found}) == len(found) > 150
    assert all(operation["summary"] for _, _, operation in found)
    assert all(operation["security"][0]["oauth2"][0].startswith("workflow.") for _, _, operation in found)


def test_has_only_sound_schemas_with_examples_that_fit() -> None:
    examples = 0
    for schema in document()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", ()):
            validator(schema).validate(example)
            examples += 1
    assert examples > 20


def media(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What an operation takes and answers, by its type of content."""
    yield from operation.get("requestBody", {}).get("content", {}).items()
    for answer in operation["responses"].values():
        yield from answer.get("content", {}).items()


def test_shows_an_example_of_all_json_that_is_sent_and_answered_and_it_fits() -> None:
    for method, path, operation in operations():
        for kind, about in media(operation):
            if "json" in kind:
                assert "example" in about, f"{method} {path}"
                validator(about["schema"]).validate(about["example"])
        assert all("example" in one for one in operation["parameters"] if one["in"] == "path"), f"{method} {path}"


def test_names_every_refusal_that_a_call_can_meet() -> None:
    refusals = document()["components"]["responses"]
    for answer in refusals.values():
        for about in answer["content"].values():
            validator(about["schema"]).validate(about["example"])
    for method, path, operation in operations():
        found = {status for status in operation["responses"] if status[0] in "45"}
        assert {"400", "401", "403", "429", "5XX"} <= found, f"{method} {path}"
        assert ("404" in found) >= ("{" in path)
        assert ({"413", "415"} <= found) == ("requestBody" in operation), f"{method} {path}"
        assert "409" in found or method == "GET" or "/query/" in path
        assert all(operation["responses"][status]["$ref"].rpartition("/")[2] in refusals for status in found)


def test_lists_for_each_list_the_words_that_it_heeds_and_no_others() -> None:
    found = {path: operation for method, path, operation in operations() if method == "GET" or "/query/" in path}
    for path, heeded in words.FILTERS.items():
        door = "external-job-api" if path == "jobs" else "api"
        operation = found[f"/{door}/{path}"]
        if path.startswith("query/"):
            told = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
        else:
            told = {one["name"]: one["schema"] for one in operation["parameters"]}
        assert told.keys() == heeded | {"start", "size", "sort", "order"}, path
        if path in words.SORTS:
            assert set(told["sort"]["enum"]) == words.SORTS[path], path


def test_knows_what_each_changing_call_takes() -> None:
    without = {f"{method} {path}" for method, path, o in operations() if method in ("POST", "PUT") and "requestBody" not in o}
    assert without == {"POST /api/runtime/process-instances/{instance}/evaluate-conditions"}


@pytest.fixture
def world(operator: Api) -> dict[str, str]:
    """One of each thing, by the words of the paths."""
    deployment = operator.deploy(REVIEW)["id"]
    operator.deploy(FLAGGED, "flagged.bpmn")
    operator.deploy(WAITING, "waiting.bpmn")
    operator.start("flagged")
    operator.start("waiting")
    definition = operator.get("repository/process-definitions", {"key": "review"})["data"][0]["id"]
    instance = operator.start("review", title="Letter", count=3)
    ended = operator.start("review", title="Old")
    operator.send("POST", f"runtime/tasks/{operator.task(ended)}", {"action": "complete"})
    task = operator.task(instance)
    operator.send("POST", f"runtime/tasks/{task}/comments", {"message": "Hi"}, 201)
    operator.send("POST", f"runtime/tasks/{task}/attachments", {"name": "x", "externalUrl": "http://example.org"}, 201)
    operator.send("POST", "identity/groups", {"id": "office"}, 201)
    return {
        "deployment": deployment, "definition": definition, "instance": instance, "task": task, "execution": instance,
        "name": "admin", "group": "office", "family": "users",
    }  # fmt: skip


def test_answers_as_it_says(operator: Api, world: dict[str, str]) -> None:
    seen = 0
    for method, path, operation in operations():
        schema = operation["responses"].get("200", {}).get("content", {}).get("application/json", {}).get("schema")
        keys = {**world, "key": world["task" if "/tasks/" in path else "instance"], "name": "title" if "/variables/" in path else "admin"}
        if method != "GET" or schema is None:
            continue
        try:
            address = path.format(**keys)
        except KeyError:
            continue  # of a kind of which there is none here
        answer = operator.http.get(address)
        if answer.status_code == 200 and answer.content:
            validator(schema).validate(answer.json())
            seen += 1
    assert seen > 40


def test_answers_refusals_as_it_says(operator: Api) -> None:
    answer = operator.http.get("/api/runtime/tasks?size=many")
    assert answer.status_code == 400
    validator({"$ref": "#/components/schemas/Problem"}).validate(answer.json())


@pytest.mark.slow
def test_falls_over_nothing_that_the_document_allows(admin: User, world: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_dict(document())
    client, head = Client(raise_request_exception=False), basic("admin", "admin")
    failures: list[str] = []
    statuses: Counter[int] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=3, database=None, deadline=None, derandomize=True, phases=[Phase.generate], verbosity=Verbosity.quiet,
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(operation.as_strategy())
        def call(case: Any) -> None:
            request = case.as_transport_kwargs(base_url="http://testserver")
            sent = request.get("json")
            body = {} if sent is None else {"data": json.dumps(sent), "content_type": "application/json"}
            answer = client.generic(case.method, case.formatted_path, headers=head, query_params=request.get("params") or {}, **body)
            statuses[answer.status_code] += 1
            if answer.status_code >= 500:
                failures.append(f"{case.method} {case.formatted_path}: {answer.status_code} {answer.content[:200]!r}")

        call()
    assert failures == []
    assert {200, 201, 204, 400, 404} <= statuses.keys()  # it got beyond the door


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_generated_client_orders_a_pizza(admin: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow_handlers, "_post", lambda url, order, key: {"number": 41 + len(order) - 2})
    api = _generated(tmp_path, monkeypatch)
    client = api("client").AuthenticatedClient(
        base_url="http://testserver", prefix="Basic", token=basic("admin", "admin")["Authorization"].partition(" ")[2],
        httpx_args={"transport": httpx.WSGITransport(app=get_wsgi_application())}, raise_on_unexpected_status=True,
    )  # fmt: skip
    called = _caller(api, client)
    pizza = _archive("pizza-order-slow-async.bpmn", "pizza-enter-order.form", "pizza-order-confirmation.form")
    file = api("types").File(payload=io.BytesIO(pizza), file_name="pizza.zip", mime_type="application/zip")
    called("repository.post_repository_deployments", body=api("models").PostRepositoryDeploymentsBody(file=file))

    start = api("models").StartProcessBody(process_definition_key="pizza-order-slow-async")
    order = called("runtime.post_runtime_process_instances", body=start)
    [task] = called("runtime.get_runtime_tasks", process_instance_id=order.id).data
    assert (task.name, task.assignee) == ("Enter Order", "admin")
    wanted = {"customername": "Alice", "deliveryaddress": "Tow Path 1", "pizza": "Diavola"}
    variables = [api("models").SentVariable(name=name, value=value) for name, value in wanted.items()]
    called("runtime.post_runtime_tasks_task", task=task.id, body=api("models").TaskActionBody(action="complete", variables=variables))

    [job] = called("management.get_management_jobs", process_instance_id=order.id).data
    called("management.post_management_jobs_job", job=job.id, body=api("models").JobActionBody(action="execute"))
    [task] = called("runtime.get_runtime_tasks", process_instance_id=order.id).data
    assert task.name == "Order Confirmation"
    number = called("runtime.get_runtime_process_instances_key_variables_name", key=order.id, name="order_number")
    assert number.value == 42
    called("runtime.post_runtime_tasks_task", task=task.id, body=api("models").TaskActionBody(action="complete"))
    past = called("history.get_history_historic_process_instances_instance", instance=order.id)
    assert past.end_time is not None


def _generated(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The modules of a client that a generator made from the document, by name."""
    (folder / "openapi.json").write_text(json.dumps(document()))
    generator = Path(sys.executable).parent / "openapi-python-client"
    places = ["--path", str(folder / "openapi.json"), "--output-path", str(folder / "towpath_client")]
    done = subprocess.run([generator, "generate", *places, "--meta", "none"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(folder))
    return lambda name: importlib.import_module(f"towpath_client.{name}")


def _caller(api: Callable[[str], Any], client: Any) -> Callable[..., Any]:
    def called(operation: str, /, **given: Any) -> Any:
        answer = api(f"api.{operation}").sync_detailed(client=client, **given)
        assert answer.status_code < 300, answer.content
        return answer.parsed

    return called


def _archive(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.write(Path(workflow_handlers.__file__).parent / "processes" / name, name)
    return target.getvalue()


def test_names_the_status_of_tasks_that_are_not_there_also_where_no_path_names_them(operator: Api) -> None:
    answer = operator.http.put("/api/runtime/tasks", {"taskIds": ["none"], "assignee": "bob"}, content_type="application/json")
    assert str(answer.status_code) in document()["paths"]["/api/runtime/tasks"]["put"]["responses"]
