"""Who called before goes by memory only as long as his rows are as they were: the unit of work proves it, or a look does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from engine import runtime
from engine.api import auth, known
from engine.models import Instance, Ledger, UserTask
from engine.runtime import newest
from engine.runtime.store.sending import on_postgres
from tests.api.conftest import basic, line, model
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler
from tests.runtime.models import model as story

pytestmark = pytest.mark.django_db(transaction=True)

STARTS, TASKS = "/api/runtime/process-instances", "/api/runtime/tasks"
MINE = model("mine", line('<userTask id="write" flowable:assignee="alice"/>'))
SHORT = model("short", line('<serviceTask id="count" flowable:expression="${1 + 1}"/>'))
FAILS = model("fails", line('<serviceTask id="count" flowable:expression="${1 / 0}"/>'))
FAR = story(handler("ring", "outside"))
Change = Callable[[User], object]


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    newest._known.clear()
    handlers.CALLS.clear()


@pytest.fixture(params=["basic", "bearer"])
def headers(request: pytest.FixtureRequest, alice: User) -> dict[str, str]:
    """Credentials of alice."""
    if request.param == "basic":
        return basic("alice", "alice")
    application = Application.objects.create(
        name="app", client_type="confidential", authorization_grant_type="client-credentials", user=alice
    )
    until = timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(user=alice, token="a-token", application=application, expires=until, scope=auth.ADMIN)
    return {"Authorization": "Bearer a-token"}


def post(headers: dict[str, str], path: str, **body: Any) -> Any:
    return Client().post(path, body, content_type="application/json", headers=headers)


def start(headers: dict[str, str], key: str = "mine") -> Any:
    return post(headers, STARTS, processDefinitionKey=key)


def get_known(headers: dict[str, str]) -> None:
    """The first call is noted, the second is remembered."""
    for _ in range(2):
        assert Client().get(TASKS, headers=headers).status_code == 200
    assert not on_postgres() or any(known._memory.entries.values())


def deployed(*models: bytes) -> None:
    runtime.deploy({f"{number}.bpmn": data for number, data in enumerate(models)}, name="models")


def ended(user: User) -> object:
    return User.objects.filter(pk=user.pk).update(is_active=False)


def with_another_password(user: User) -> object:
    user.set_password("another")
    return user.save()


def deleted(user: User) -> object:
    return user.delete()


LEAVES: list[Change] = [ended, deleted]


def acts(headers: dict[str, str], task: UserTask, own: UserTask) -> dict[str, Any]:
    return {
        "start": start(headers),
        "complete": post(headers, f"{TASKS}/{task.pk}", action="complete"),
        "complete one of no process": post(headers, f"{TASKS}/{own.pk}", action="complete"),
        "claim": post(headers, f"{TASKS}/{task.pk}", action="claim", assignee="alice"),
        "give back": post(headers, f"{TASKS}/{task.pk}", action="claim"),
        "delegate": post(headers, f"{TASKS}/{task.pk}", action="delegate", assignee="bob"),
        "resolve": post(headers, f"{TASKS}/{task.pk}", action="resolve"),
        "nothing that there is": post(headers, f"{TASKS}/{task.pk}", action="dance"),
        "list": Client().get(TASKS, headers=headers),
        "name": Client().put(f"{TASKS}/{task.pk}", {"name": "x"}, content_type="application/json", headers=headers),
        "nowhere": Client().get("/api/runtime/nowhere", headers=headers),
    }


# -- who is known ---------------------------------------------------------------------------------------------------------
def test_who_is_known_starts_lists_and_completes(headers: dict[str, str]) -> None:
    deployed(MINE)
    for _ in range(4):
        instance = start(headers).json()["id"]
        [task] = Client().get(f"{TASKS}?processInstanceId={instance}", headers=headers).json()["data"]
        assert post(headers, f"{TASKS}/{task['id']}", action="complete").status_code == 200
    assert Instance.objects.filter(ended__isnull=False, starter="alice").count() == 4


@pytest.mark.skipif("not on_postgres()", reason="PostgreSQL's way with a transaction")
def test_a_start_of_who_is_known_and_may_do_all_is_one_statement(headers: dict[str, str]) -> None:
    User.objects.update(is_superuser=True)
    deployed(SHORT)
    get_known(headers)
    start(headers, "short")
    with CaptureQueriesContext(connection) as seen:
        assert start(headers, "short").status_code == 201
    assert len(seen) == 1, [one["sql"][:100] for one in seen]


def test_what_is_wrong_with_a_call_is_told_to_who_is_known(headers: dict[str, str]) -> None:
    deployed(FAILS)
    get_known(headers)
    assert start(headers, "nothing").status_code == 400
    assert start(headers, "fails").status_code == 500
    assert post(headers, f"{TASKS}/nobody", action="complete").status_code == 404
    assert Client().get("/api/runtime/nowhere", headers=headers).status_code == 404
    assert Ledger.objects.filter(outcome="rolled back", who="alice").count() == 1


# -- who is not any more --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("leaves", LEAVES)
def test_who_is_known_and_gone_does_nothing_any_more(
    headers: dict[str, str], alice: User, leaves: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "TRIES", 100)  # not refused for that already
    deployed(MINE)
    task = UserTask.objects.get(instance=runtime.start("mine", user=alice))
    own = UserTask.objects.create(name="own", assignee="alice", created=timezone.now())
    get_known(headers)
    leaves(alice)
    assert {what: answer.status_code for what, answer in acts(headers, task, own).items() if answer.status_code != 401} == {}
    task.refresh_from_db()
    own.refresh_from_db()
    assert (task.state, task.assignee, task.name, own.state) == ("open", "alice", None, "open")
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("leaves", LEAVES)
def test_each_call_alone_finds_that_he_is_gone(headers: dict[str, str], alice: User, leaves: Change) -> None:
    deployed(MINE)
    instance = runtime.start("mine", user=alice)
    task = UserTask.objects.get(instance=instance)
    get_known(headers)
    leaves(alice)
    assert post(headers, f"{TASKS}/{task.pk}", action="complete").status_code == 401
    task.refresh_from_db()
    assert task.state == "open"


def test_a_password_that_was_changed_is_good_for_nothing(alice: User) -> None:
    deployed(MINE)
    get_known(basic("alice", "alice"))
    with_another_password(alice)
    assert start(basic("alice", "alice")).status_code == 401
    assert start(basic("alice", "another")).status_code == 201
    assert Instance.objects.count() == 1


@pytest.mark.parametrize("headers", ["bearer"], indirect=True)
@pytest.mark.parametrize("how", ["revoked", "expired", "of less"])
def test_a_token_that_was_taken_away_is_good_for_nothing(headers: dict[str, str], how: str) -> None:
    deployed(MINE)
    get_known(headers)
    tokens = AccessToken.objects.all()
    match how:
        case "revoked":
            tokens.delete()
        case "expired":
            tokens.update(expires=timezone.now() - timedelta(seconds=1))
        case "of less":
            tokens.update(scope=auth.READ)
    assert start(headers).status_code == (403 if how == "of less" else 401)
    assert not Instance.objects.exists()


def test_a_right_that_was_taken_away_is_gone(headers: dict[str, str], alice: User) -> None:
    deployed(MINE)
    User.objects.update(is_superuser=True)
    get_known(headers)
    assert start(headers).status_code == 201
    User.objects.update(is_superuser=False)
    alice.groups.clear()
    assert start(headers).status_code == 403
    assert Instance.objects.count() == 1


def test_nothing_is_done_outside_nor_written_down_for_who_is_gone(headers: dict[str, str], alice: User) -> None:
    runtime.deploy({"far.bpmn": FAR, "fails.bpmn": FAILS}, name="far")
    User.objects.update(is_superuser=True)
    get_known(headers)
    ended(alice)
    assert start(headers, "story").status_code == 401
    assert start(headers, "fails").status_code == 401
    assert handlers.CALLS == []
    assert not Ledger.objects.exists()


def test_who_was_changed_goes_on_as_he_is_now(headers: dict[str, str], alice: User) -> None:
    deployed(MINE)
    get_known(headers)
    User.objects.update(last_login=timezone.now(), first_name="Alice")
    assert start(headers).status_code == 201
    get_known(headers)
    assert start(headers).status_code == 201


def test_other_credentials_are_not_his(headers: dict[str, str]) -> None:
    get_known(headers)
    assert Client().get(TASKS, headers=basic("alice", "guess")).status_code == 401
    assert Client().get(TASKS, headers={"Authorization": headers["Authorization"] + "x"}).status_code == 401
    assert Client().get(TASKS).status_code == 401


def test_no_more_are_kept_than_may_be(headers: dict[str, str], monkeypatch: pytest.MonkeyPatch, bob: User) -> None:
    monkeypatch.setattr(known._memory, "size", 1)
    get_known(headers)
    get_known(basic("bob", "bob"))
    assert len(known._memory.entries) <= 1
