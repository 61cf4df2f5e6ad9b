"""`Idempotency-Key`: a POST that is sent again is answered again and done once, also where the process died before it could answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from engine.api.automatiko import promises
from engine.models import Delivery, Instance, Job, Promise, Request, UserTask
from tests.api.automatiko.conftest import Receiver, Services
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
ASYNC = {"X_ATK_Mode": "ASYNC"}
KEY = {"Idempotency_Key": "k1"}


class Died(BaseException):
    """The process was killed."""


@pytest.fixture
def crash(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`crash(client, ...)` makes a call whose process dies once the operation is committed: nothing that comes after happens."""

    def die(*arguments: Any) -> None:
        raise Died

    def made(client: Services, *call: Any, **headers: str) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(promises, "_finish", die)
            patch.setattr(promises, "_forget", lambda promise: None)
            with pytest.raises(Died):
                client.call(*call, **headers)

    return made


# -- without accidents ----------------------------------------------------------------------------------------------------
def test_the_same_key_and_body_get_the_same_answer(trusted: Services) -> None:
    first = trusted.call("POST", "approvals", {}, Idempotency_Key="k1")
    again = trusted.call("POST", "approvals", {}, Idempotency_Key='"k1"')
    assert (first.content, first.status_code) == (again.content, again.status_code)
    assert (first["Content-Type"], again["Idempotency-Replayed"]) == (again["Content-Type"], "true")
    assert Instance.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(trusted: Services) -> None:
    trusted.post("approvals", {}, **KEY)
    trusted.post("approvals", {"approver": "x"}, 422, **KEY)
    trusted.post("approvals", {}, 400, Idempotency_Key="")
    assert Instance.objects.count() == 1


def test_a_failed_call_may_be_made_again_with_its_key(trusted: Services) -> None:
    trusted.post("scripts", {}, 500, **KEY)
    trusted.post("scripts", {}, 500, **KEY)
    assert not Promise.objects.exists()


def test_an_error_end_is_done_once_whatever_its_status(trusted: Services) -> None:
    answers = [trusted.call("POST", "errors", {"name": "john"}, **KEY) for _ in range(2)]
    assert [(a.status_code, a.content) for a in answers] == [(410, b'{"details": "here is the error"}')] * 2
    assert Instance.objects.count() == 1


def test_an_accepted_request_is_accepted_once(trusted: Services) -> None:
    answers = [trusted.call("POST", "approvals", {}, **ASYNC, **KEY) for _ in range(2)]
    assert answers[0]["Location"] == answers[1]["Location"]
    assert Request.objects.count() == 1


def test_a_key_is_its_clients_own(trusted: Services) -> None:
    trusted.post("approvals", {}, **KEY)
    trusted.http.defaults["REMOTE_ADDR"] = "10.1.2.3"
    trusted.post("approvals", {}, **KEY)
    assert Instance.objects.count() == 2


# -- a crash between the operation and its answer -------------------------------------------------------------------------
@pytest.mark.parametrize("more", [{}, ASYNC], ids=["at once", "accepted"])
@pytest.mark.parametrize("metadata", ["", "&metadata=true"], ids=["plain", "metadata"])
def test_a_start_whose_process_died_is_answered_and_not_repeated(
    trusted: Services, crash: Any, more: dict[str, str], metadata: str
) -> None:
    path = f"approvals?user=mary{metadata}"
    crash(trusted, "POST", path, {"approver": "x"}, **more, **KEY)
    again = trusted.call("POST", path, {"approver": "x"}, **more, **KEY)
    (row,) = Instance.objects.all()
    body = json.loads(again.content)
    assert (again.status_code, body["id"], body["approver"]) == (202 if more else 200, str(row.pk), "x")
    assert again["Idempotency-Replayed"] == "true"
    assert again.has_header("Location") == bool(more)


@pytest.mark.parametrize("phase", ["complete", "claim", "release", "skip", "save"])
def test_a_task_whose_process_died_is_answered_and_not_repeated(trusted: Services, crash: Any, phase: str) -> None:
    trusted.post("approvals?businessKey=a")
    task = trusted.task("approvals/a/tasks?user=manager")
    if phase == "release":
        trusted.post(f"{task}?user=manager&phase=claim")
    crash(trusted, "POST", f"{task}?user=manager&phase={phase}", {}, **KEY)
    before = UserTask.objects.count()
    again = trusted.call("POST", f"{task}?user=manager&phase={phase}", {}, **KEY)
    assert (again.status_code, json.loads(again.content)["id"]) == (200, "a")
    assert UserTask.objects.count() == before


def test_an_update_and_an_import_whose_process_died_are_not_repeated(trusted: Services, crash: Any) -> None:
    trusted.post("scripts?businessKey=a", {"name": "mary"})
    crash(trusted, "POST", "scripts/a", {"lastName": "first"}, **KEY)
    trusted.post("scripts/a", {"lastName": "second"})
    assert trusted.post("scripts/a", {"lastName": "first"}, **KEY)["lastName"] == "first"
    assert trusted.get("scripts/a")["lastName"] == "second"
    at = "management/processes/approvals/instances"
    trusted.post("approvals")
    (one,) = Instance.objects.filter(definition__key="approvals")
    found = trusted.get(f"{at}/{one.pk}/export?abort=true")
    crash(trusted, "POST", at, found, Idempotency_Key="k2")
    trusted.post(at, found, Idempotency_Key="k2")
    assert Instance.objects.filter(definition__key="approvals", ended=None).count() == 1


def test_a_crash_before_the_commit_leaves_nothing_and_a_repeat_does_it(trusted: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(promises, "_fulfil", _die)
        patch.setattr(promises, "_forget", lambda promise: None)
        with pytest.raises(Died):
            trusted.call("POST", "approvals", {}, **KEY)
    assert not Instance.objects.exists()
    trusted.post("approvals", {}, 409, **KEY)  # its process may still be at it
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    Promise.objects.update(owner=Promise.objects.get().owner.replace(f":{os.getpid()}:", f":{gone.pid}:"))
    trusted.post("approvals", {}, **KEY)
    assert Instance.objects.count() == 1


def _die(*arguments: Any) -> None:
    raise Died


def test_a_call_without_an_answer_is_taken_over_after_a_while_and_cannot_answer_any_more(
    trusted: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first is still at it when the second begins: only one of them is committed."""
    fulfil, overtaken = promises._fulfil, []

    def slow(promise: Promise, found: Any) -> None:
        if not overtaken:
            overtaken.append(promise)
            Promise.objects.filter(pk=promise.pk).update(owner="another")
        fulfil(promise, found)

    monkeypatch.setattr(promises, "_fulfil", slow)
    trusted.post("approvals", {}, 409, **KEY)
    assert not Instance.objects.exists()
    Promise.objects.update(created=timezone.now() - timedelta(hours=1))
    trusted.post("approvals", {}, **KEY)
    assert Instance.objects.count() == 1


def test_what_was_accepted_before_the_crash_is_told_once(trusted: Services, crash: Any, receiver: Receiver) -> None:
    told = {**ASYNC, "X_ATK_Callback": receiver.url, **KEY}
    crash(trusted, "POST", "scripts", {"name": "john"}, **told)
    trusted.post("scripts", {"name": "john"}, 202, **told)
    assert (Job.objects.count(), drain(), Delivery.objects.count()) == (1, 1, 1)
