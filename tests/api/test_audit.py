"""Audit: what administrators do over REST can be found again, with the id of the call; what they only look at leaves nothing; what
others tried leaves a line."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken

from tests.api.conftest import REVIEW, Api

GROUPS = "/api/identity/groups"


@pytest.mark.django_db
def test_notes_who_did_what_in_which_call(operator: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "towpath.audit")
    operator.http.post(GROUPS, {"id": "office"}, content_type="application/json", headers={"X-Request-Id": "call-1"})
    operator.http.delete(f"{GROUPS}/office", headers={"X-Request-Id": "call-2"})
    deleted, made = LogEntry.objects.order_by("-pk")
    assert (made.user.username, made.action_flag, made.object_repr) == ("admin", ADDITION, GROUPS)
    assert made.change_message.startswith(f"POST {GROUPS}: 201")
    assert "request call-1" in made.change_message
    assert (deleted.action_flag, deleted.object_id) == (DELETION, "office")
    assert "done by admin: DELETE /api/identity/groups/office, 204, request call-2" in caplog.messages


@pytest.mark.django_db
def test_logs_what_was_refused(of_bob: Api, caplog: pytest.LogCaptureFixture) -> None:
    of_bob.deploy(REVIEW, status=403)
    [line] = [record.message for record in caplog.records if record.name == "towpath.audit"]
    assert line.startswith("refused to bob: POST /api/repository/deployments, 403, request ")
    assert not LogEntry.objects.exists()


@pytest.mark.django_db
def test_notes_nothing_of_looks_and_of_work(operator: Api) -> None:
    operator.deploy(REVIEW)
    noted = LogEntry.objects.count()
    operator.get("management/jobs")
    task = operator.task(operator.start("review"))
    operator.send("POST", f"runtime/tasks/{task}", {"action": "complete"})
    assert LogEntry.objects.count() == noted == 1


@pytest.mark.django_db(transaction=True)
def test_answers_who_deletes_himself(admin: User, api: Callable[[User], Api], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "towpath.audit")
    api(admin).send("DELETE", "identity/users/admin", status=204)
    assert not LogEntry.objects.exists()
    assert any(message.startswith("done by admin: DELETE") for message in caplog.messages)


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path"), [("GET", "management/jobs"), ("GET", "management/properties"), ("POST", "identity/groups")])
def test_logs_who_was_refused_for_lack_of_permission(of_bob: Api, caplog: pytest.LogCaptureFixture, method: str, path: str) -> None:
    of_bob.send(method, path, {"id": "office"} if method == "POST" else None, 403)
    [line] = [record.message for record in caplog.records if record.name == "towpath.audit"]
    assert line.startswith(f"refused to bob: {method} /api/{path}, 403, request ")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["management/jobs", "management/deadletter-jobs/nobody"])
def test_logs_who_was_refused_for_lack_of_scope(admin: User, caplog: pytest.LogCaptureFixture, path: str) -> None:
    expires = timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(user=admin, token="narrow", scope="workflow.write", expires=expires)
    assert Client().get(f"/api/{path}", headers={"Authorization": "Bearer narrow"}).status_code == 403
    [line] = [record.message for record in caplog.records if record.name == "towpath.audit"]
    assert line.startswith(f"refused to admin: GET /api/{path}, 403, request ")
