"""Operations accepted with 202: the body, the job, the outcome that can be polled, and the callback with its word."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import runtime
from engine.models import Delivery, Instance, Job, Request
from tests.api.automatiko.conftest import Receiver, Services
from tests.automatiko_workflows import FILES
from tests.runtime.models import model, service, user
from tests.runtime.queue import drain, hurry

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
ASYNC = {"X_ATK_Mode": "ASYNC"}


def told() -> list[tuple[str, Any]]:
    """The words and bodies of the callbacks in the outbox."""
    return [(d.status, json.loads(d.body)) for d in Delivery.objects.order_by("created")]


@pytest.fixture
def callback(receiver: Receiver) -> dict[str, str]:
    return {**ASYNC, "X_ATK_Callback": f"{receiver.url}/callback"}


def test_a_start_is_accepted_with_its_values_and_runs_later(trusted: Services, callback: dict[str, str]) -> None:
    answer = trusted.call("POST", "scripts?businessKey=a", {"name": "john"}, **callback)
    body = json.loads(answer.content)
    assert (answer.status_code, body["id"], body["message"], body["metadata"]["state"]) == (202, "a", None, 0)
    request = answer["Location"].rpartition("/services/")[2]
    assert trusted.get(request)["state"] == "accepted"
    assert trusted.get("scripts/a")["name"] == "john"
    trusted.post("scripts?businessKey=a", {"name": "john"}, 409)
    assert drain() == 1
    found = trusted.get(request)
    assert (found["state"], found["status"], found["result"]["message"]) == ("done", 200, "Hello john")
    assert told() == [("Completed", {"id": "a", "metadata": None, "name": "john", "lastName": None, "message": "Hello john"})]
    trusted.get("scripts/a", 404)
    assert not Job.objects.exists()


def test_a_description_of_what_has_no_value_yet_is_the_same_before_and_after(trusted: Services) -> None:
    (scripts,) = (path for path in FILES if path.stem == "scripts")
    runtime.deploy({"s.bpmn": scripts.read_bytes().replace(b"name.toUpperCase()", b"1")}, name="s")
    made = trusted.post("scripts?businessKey=s", {}, 202, X_ATK_Mode="async")["metadata"]["description"]
    drain()
    assert made == trusted.get("scripts/s?metadata=true")["metadata"]["description"] == "Simple script handling workflow for "


def test_every_operation_can_be_accepted(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("scripts?businessKey=a&user=mary", {"name": "mary"}, 202, **callback)
    drain()
    assert trusted.post("scripts/a?user=mary", {"lastName": "Late"}, 202, **callback) == {"id": "a"}
    drain()
    task = trusted.task("scripts/a/tasks?user=john")
    trusted.post(f"{task}?user=john&phase=claim", {}, 202, **callback)
    drain()
    trusted.post(f"{task}?user=john", {"message": "fine"}, 202, **callback)
    drain()
    assert [word for word, _ in told()] == ["Active", "Active", "Active", "Completed"]
    assert told()[-1][1] == {"id": "a", "metadata": None, "name": "mary", "lastName": "Late", "message": "fine"}
    assert Instance.objects.get().starter == "mary"


def test_an_abort_is_accepted_and_told(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("approvals?businessKey=a")
    trusted.delete("approvals/a", 202, **callback)
    drain()
    assert [word for word, _ in told()] == ["Aborted"]


def test_a_start_that_has_not_run_can_be_aborted(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("scripts?businessKey=a", {"name": "john"}, 202, **callback)
    trusted.delete("scripts/a")
    assert drain() == 0
    assert [word for word, _ in told()] == ["Aborted"]
    assert Instance.objects.get().state == Instance.State.CANCELLED
    trusted.post("scripts?businessKey=a", {"name": "john"})


def test_an_error_end_is_told_with_its_data_alone(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("errors?businessKey=e", {"name": "john"}, 202, **callback)
    drain()
    assert told() == [("Aborted", {"details": "here is the error"})]
    assert Request.objects.get().status == 410


def test_a_failure_is_told_once_all_attempts_are_used(trusted: Services, callback: dict[str, str], settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 2
    trusted.post("scripts?businessKey=f", {}, 202, **callback)
    drain()
    assert told() == []
    hurry()
    drain()
    ((word, body),) = told()
    assert (word, body["id"], body["metadata"]["state"]) == ("Failed", "f", 5)
    assert "ScriptTask_1" in body["metadata"]["errors"] or body["metadata"]["errors"]
    assert [one["id"] for one in trusted.get("scripts?status=error")] == ["f"]
    assert Request.objects.get().state == Request.State.FAILED


def test_what_cannot_be_is_refused_at_once(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("scripts/nope", {"name": "x"}, 404, **callback)
    trusted.post("approvals?businessKey=a")
    task = trusted.task("approvals/a/tasks?user=manager")
    trusted.post(f"{task}?user=eve", {}, 403, **callback)
    trusted.post(f"{task}?user=manager&phase=nonsense", {}, 400, **callback)
    trusted.post(f"{task}?user=manager")
    trusted.post(f"{task}?user=manager", {}, 404, **callback)
    assert not Request.objects.exists()


def test_what_changed_meanwhile_fails_without_a_retry(trusted: Services, callback: dict[str, str]) -> None:
    trusted.post("approvals?businessKey=a")
    task = trusted.task("approvals/a/tasks?user=manager")
    trusted.post(f"{task}?user=manager", {}, 202, **callback)
    trusted.post(f"{task}?user=manager")
    drain()
    assert (Request.objects.get().state, Request.objects.get().status) == ("failed", 404)
    assert [word for word, _ in told()] == ["Failed"]
    assert not Job.objects.exists()


def test_the_outcome_is_told_when_asynchronous_steps_have_come_to_rest(trusted: Services, callback: dict[str, str]) -> None:
    steps = service("a", "${1 + 1}", 'flowable:async="true"'), user("wait", "")
    runtime.deploy({"steps.bpmn": model(*steps, key="steps")}, name="steps")
    answer = trusted.call("POST", "steps?businessKey=s", {}, **callback)
    drain()
    assert [word for word, _ in told()] == ["Active"]
    assert trusted.get(answer["Location"].rpartition("/services/")[2])["state"] == "done"


def test_a_dead_letter_of_a_later_step_is_told(trusted: Services, callback: dict[str, str], settings: Any) -> None:
    settings.ENGINE_JOB_RETRIES = 1
    runtime.deploy({"x.bpmn": model(service("a", "${nobody.knows}", 'flowable:async="true"'), key="steps")}, name="x")
    trusted.post("steps?businessKey=s", {}, 202, **callback)
    drain()
    assert [word for word, _ in told()] == ["Failed"]


def test_prefer_respond_async_is_the_same_in_the_words_of_http(trusted: Services) -> None:
    answer = trusted.call("POST", "scripts", {"name": "john"}, Prefer="respond-async")
    assert (answer.status_code, answer["Preference-Applied"]) == (202, "respond-async")


def test_a_callback_without_the_mode_is_not_sent(trusted: Services, receiver: Receiver) -> None:
    trusted.post("scripts", {"name": "john"}, X_ATK_Callback=receiver.url)
    assert not Delivery.objects.exists()
