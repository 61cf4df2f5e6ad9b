"""The door itself: who gets in, what is turned away, and how errors look."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db import OperationalError, connection
from django.test import Client, RequestFactory
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from engine.api import auth
from engine.api.flowable import routes
from engine.runtime import queries
from tests.api.conftest import REVIEW, Api, basic

pytestmark = pytest.mark.django_db

LIST = "/api/runtime/tasks"
JSON = "application/json"


def test_asks_nobody_in_without_credentials() -> None:
    answer = Client().get(LIST)
    assert answer.status_code == 401
    assert "Bearer" in answer["WWW-Authenticate"]
    assert answer.json()["message"] == "Unauthorized"


def test_lets_a_session_read(of_alice: Api) -> None:
    assert of_alice.get("runtime/tasks")["total"] == 0


def test_refuses_a_change_by_session_without_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/api/runtime/process-instances", {}, content_type=JSON)
    assert answer.status_code == 403
    assert "CSRF" in answer.json()["exception"]


def test_takes_a_change_by_session_with_csrf_token(alice: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/api/runtime/process-instances", {}, content_type=JSON, headers={"X-CSRFToken": "a" * 32})
    assert answer.status_code == 400  # it came through, and found an empty body


@pytest.mark.parametrize("path", ["runtime/tasks/nobody/variables", "no/such/path"])
@pytest.mark.parametrize("who", ["nobody", "alice"])
def test_reads_the_body_of_a_call_that_it_refuses_so_that_the_connection_lives(alice: User, path: str, who: str) -> None:
    request = RequestFactory().post(f"/api/{path}", b"[" + b" " * 1000 + b"]", content_type=JSON)
    request.user = alice if who == "alice" else AnonymousUser()
    answer = routes.view()(request, path=path)
    assert answer.status_code in (401, 403, 404)
    assert request.read() == b""


def test_does_not_read_a_body_that_is_far_too_large(alice: User) -> None:
    request = RequestFactory().post("/api/runtime/tasks", b" " * 2_000_000, content_type=JSON)
    request.user = AnonymousUser()
    assert routes.view()(request, path="runtime/tasks").status_code == 401
    assert len(request.read()) == 2_000_000


# -- name and password ----------------------------------------------------------------------------------------------------
def test_lets_in_by_name_and_password_where_that_is_on(alice: User) -> None:
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200


def test_refuses_name_and_password_where_that_is_off(alice: User, settings: Any) -> None:
    settings.ENGINE_BASIC_AUTH = False
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 401


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic YWxpY2U=", "Digest x", "Basic //8="])
def test_refuses_credentials_that_are_none(alice: User, header: str) -> None:
    assert Client().get(LIST, headers={"Authorization": header}).status_code == 401


def test_hashes_a_password_once_and_remembers_it(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    check = auth.authenticate
    monkeypatch.setattr(auth, "authenticate", lambda *a, **k: calls.append(k) or check(*a, **k))
    for _ in range(3):
        assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200
    assert len(calls) == 1


def test_forgets_a_remembered_password_when_it_changes(alice: User) -> None:
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200
    alice.set_password("another")
    alice.save()
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 401


def test_forgets_a_remembered_password_of_who_is_no_longer_active(alice: User) -> None:
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 401


def test_slows_down_who_guesses_passwords_but_not_who_is_known(alice: User) -> None:
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200
    said = [Client().get(LIST, headers=basic("alice", f"guess {i}")).status_code for i in range(auth.TRIES + 1)]
    assert said == [401] * auth.TRIES + [429]
    assert Client().get(LIST, headers=basic("alice", "alice")).status_code == 200


def test_tells_when_to_try_again(alice: User) -> None:
    for i in range(auth.TRIES):
        Client().get(LIST, headers=basic("alice", f"guess {i}"))
    assert 0 < int(Client().get(LIST, headers=basic("alice", "guess"))["Retry-After"]) <= auth.WINDOW + 1


# -- bearer tokens --------------------------------------------------------------------------------------------------------
def token(user: User | None, scope: str, *, owner: User | None = None, expired: bool = False) -> dict[str, str]:
    """The header of a token of an application."""
    grant, kind = Application.GRANT_CLIENT_CREDENTIALS, Application.CLIENT_CONFIDENTIAL
    application = Application.objects.create(name="client", user=owner, client_type=kind, authorization_grant_type=grant)
    expires = timezone.now() + timedelta(hours=-1 if expired else 1)
    made = AccessToken.objects.create(user=user, application=application, token="secret-token", scope=scope, expires=expires)
    return {"Authorization": f"Bearer {made.token}"}


def test_lets_in_by_bearer_token(alice: User) -> None:
    assert Client().get(LIST, headers=token(alice, "workflow.read")).status_code == 200


def test_asks_once_who_calls_and_once_what_he_may(alice: User, django_assert_num_queries: Any) -> None:
    headers = token(alice, "workflow.read")
    with django_assert_num_queries(3):  # the token with its user and client, his rights and groups, the page
        assert Client().get(LIST, headers=headers).json()["total"] == 0


def test_lets_a_client_act_as_the_user_it_belongs_to(alice: User) -> None:
    assert Client().get(LIST, headers=token(None, "workflow.read", owner=alice)).status_code == 200


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer "])
def test_refuses_an_unknown_token(db: None, header: str) -> None:
    answer = Client().get(LIST, headers={"Authorization": header})
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_refuses_an_expired_token(alice: User) -> None:
    assert Client().get(LIST, headers=token(alice, "workflow.read", expired=True)).status_code == 401


def test_refuses_a_token_of_nobody(db: None) -> None:
    assert Client().get(LIST, headers=token(None, "workflow.read")).status_code == 401


def test_refuses_a_token_without_the_scope(admin: User) -> None:
    answer = Client().post("/api/runtime/process-instances", {}, content_type=JSON, headers=token(admin, "workflow.read"))
    assert answer.status_code == 403
    assert 'scope="workflow.write"' in answer["WWW-Authenticate"]


def test_lets_a_wider_scope_include_the_narrower(admin: User) -> None:
    assert Client().get(LIST, headers=token(admin, "workflow.admin")).status_code == 200


# -- what is turned away --------------------------------------------------------------------------------------------------
def test_knows_no_other_paths(of_alice: Api) -> None:
    assert of_alice.get("no/such/path", status=404)["message"] == "Not Found"


@pytest.mark.parametrize(("method", "path", "allowed"), [("DELETE", "runtime/tasks", "GET"), ("PATCH", "runtime/tasks", "GET")])
def test_names_the_methods_that_a_path_has(of_alice: Api, method: str, path: str, allowed: str) -> None:
    answer = of_alice.call(method, path)
    assert answer.status_code == 405
    assert allowed in answer["Allow"]


BODIES = {
    "a list": ("[]", JSON, 400),
    "a text": ('"x"', JSON, 400),
    "nothing": ("", JSON, 400),
    "no JSON": ("{no", JSON, 400),
    "a number that is none": ('{"businessKey": NaN}', JSON, 400),
    "a number too long": ('{"businessKey": ' + "1" * 5000 + "}", JSON, 400),
    "another type": ("<a/>", "application/xml", 415),
    "a form": ("a=b", "application/x-www-form-urlencoded", 415),
    "nested too deep": ('{"a":' * 60 + "1" + "}" * 60, JSON, 400),
    "nested far too deep": ("[" * 100_000, JSON, 400),
    "NUL": ('{"businessKey": "a\\u0000b", "processDefinitionKey": "x"}', JSON, 400),
    "half a character": ('{"businessKey": "\\ud800", "processDefinitionKey": "x"}', JSON, 400),
    "a wrong type of member": ('{"businessKey": 5, "processDefinitionKey": "x"}', JSON, 400),
    "a member too long": ('{"businessKey": "' + "x" * 256 + '", "processDefinitionKey": "x"}', JSON, 400),
}


@pytest.mark.parametrize("name", BODIES)
def test_refuses_a_body_that_is(of_alice: Api, name: str) -> None:
    body, kind, status = BODIES[name]
    answer = of_alice.http.post("/api/runtime/process-instances", data=body, content_type=kind)
    assert answer.status_code == status, answer.content
    assert answer.json()["exception"]


def test_refuses_a_body_that_is_too_large(of_alice: Api, settings: Any) -> None:
    settings.ENGINE_MAX_BODY = 1024
    answer = of_alice.http.post("/api/runtime/process-instances", data='{"a": "' + "x" * 2000 + '"}', content_type=JSON)
    assert answer.status_code == 413


ADDRESSES = {
    "a negative size": ("size=-1", 400),
    "a size that is no number": ("size=many", 400),
    "a start beyond all numbers": ("start=99999999999", 400),
    "an unknown sort": ("sort=password", 400),
    "an unknown order": ("order=sideways", 400),
    "a date that is none": ("dueBefore=yesterday", 400),
    "a priority that is none": ("priority=high", 400),
    "NUL": ("name=%00", 400),
    "a flag that is none": ("unassigned=perhaps", 400),
    "a huge size": ("size=1000000000", 200),
    "an unknown filter": ("colour=red", 200),
    "an id that is none": ("processInstanceId=nobody", 200),
    "an execution that is none": ("executionId=a.b", 200),
}


@pytest.mark.parametrize("name", ADDRESSES)
def test_answers_an_address_with(of_alice: Api, name: str) -> None:
    query, status = ADDRESSES[name]
    answer = of_alice.http.get(f"{LIST}?{query}")
    assert answer.status_code == status, answer.content


def test_names_the_field_at_fault(of_alice: Api) -> None:
    assert of_alice.http.get(f"{LIST}?dueBefore=yesterday").json()["field"] == "dueBefore"


def test_shows_an_error_in_both_shapes(of_alice: Api) -> None:
    found = of_alice.get("runtime/tasks/nobody", status=404)
    assert found | {"detail": "", "exception": ""} == {
        "message": "Not Found", "exception": "", "type": "about:blank", "title": "Not Found", "status": 404, "detail": "",
        "field": "task",
    }  # fmt: skip


def test_names_problem_details_to_who_asks_for_them(of_alice: Api) -> None:
    answer = of_alice.http.get("/api/runtime/tasks/nobody", headers={"Accept": "application/problem+json"})
    assert answer["Content-Type"] == "application/problem+json"


def test_never_shows_what_nobody_expected(of_alice: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def fail(*_: Any) -> None:
        raise ZeroDivisionError("the secret reason")

    monkeypatch.setattr(type(queries.tasks), "one", fail)
    answer = of_alice.http.get(f"{LIST}/nobody")
    assert answer.status_code == 500
    assert "secret" not in answer.content.decode()
    assert "ZeroDivisionError" in caplog.text


# -- what an answer says of itself ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("base", ["/api/runtime/tasks", "/services/nothing"])
def test_asks_to_try_again_while_the_database_is_away(base: str, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(*about: Any) -> None:
        words = "server closed the connection" if connection.vendor == "postgresql" else "database is locked"
        raise OperationalError(words)

    monkeypatch.setattr(auth, "_row", cut)
    answer = Client().get(base, headers=basic("alice", "alice"))
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert "closed" not in answer.content.decode()


def test_gives_each_call_an_id_or_keeps_the_clients(of_alice: Api) -> None:
    first, second = (of_alice.http.get(LIST)["X-Request-Id"] for _ in range(2))
    assert first != second
    assert of_alice.http.get(LIST, headers={"X-Request-Id": "order-17"})["X-Request-Id"] == "order-17"
    assert of_alice.http.get(LIST, headers={"X-Request-Id": "no id\tat all"})["X-Request-Id"] != "no id\tat all"
    assert Client().get(LIST)["X-Request-Id"]


def test_sends_what_seldom_changes_only_if_it_is_new(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get("repository/process-definitions")["data"][0]["id"]
    for path in (f"/api/repository/process-definitions/{key}", f"/api/repository/process-definitions/{key}/resourcedata"):
        tag = operator.http.get(path)["ETag"]
        again = operator.http.get(path, headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert operator.http.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
