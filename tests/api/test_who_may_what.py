"""Every call of the API by everybody: nobody, who has a wrong token, a stranger, a participant and an operator.

Each call is made as it is meant, with ids that are there: an operator's succeeds, so that a refusal is one of the caller and not of
the call. The calls of the service API have their own table.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from engine.api.auth import ADMIN, IMPLIED, READ, WRITE
from engine.api.router import Route
from tests.api.conftest import Api
from tests.api.world import ALL, NEVER, build, call, named, routes_with_ids

pytestmark = pytest.mark.django_db

# What a stranger may do without seeing anything of others: a task of his own, what is about nothing and about himself.
OPEN_TO_ALL = {
    "POST runtime/tasks",
    "GET management/engine",
    "GET history/historic-detail",
    "GET identity/users",
    "GET identity/groups",
}


@pytest.fixture
def ids(operator: Api, alice: User) -> dict[str, str]:
    return build(operator)


def undone(client: Client, base: str, route: Route, ids: dict[str, str], **more: Any) -> Any:
    """The answer to a call whose effect is undone, so that the next finds everything as it was."""
    with transaction.atomic():
        answer = call(client, base, route, ids, **more)
        transaction.set_rollback(True)
    return answer


def test_iterates_all_calls_of_both_routers() -> None:
    assert len({(base, named(route)) for base, route in ALL}) == len(ALL) > 160
    paths = {route.path for _, route in ALL}
    assert {"runtime/tasks/{task}/events", "runtime/executions/{key}/variables-async", "acquire/jobs"} <= paths


def test_carries_out_every_call_of_an_operator(operator: Api, ids: dict[str, str]) -> None:
    for base, route in ALL:
        answer = undone(operator.http, base, route, ids)
        assert answer.status_code in (NEVER.get(named(route), route.status), 204), (
            f"{named(route)}: {answer.status_code} {answer.content[:300]}"
        )


def test_lets_nobody_in_without_credentials(ids: dict[str, str]) -> None:
    for base, route in ALL:
        assert call(Client(), base, route, ids).status_code == 401, named(route)


# -- strangers ------------------------------------------------------------------------------------------------------------
def rows() -> Counter[str]:
    """How many rows each table of the engine and of its users has."""
    models = [*apps.get_app_config("towpath").get_models(), *apps.get_app_config("auth").get_models()]
    return Counter({model._meta.label: model._default_manager.count() for model in models})


STRANGERS = {"of_charlie": "", "of_bob": "repository/process-definitions"}  # bob may start processes, so he knows which there are


@pytest.mark.parametrize("stranger", STRANGERS)
def test_gives_a_stranger_nothing_and_lets_him_change_nothing(
    stranger: str, request: pytest.FixtureRequest, operator: Api, ids: dict[str, str]
) -> None:
    api: Api = request.getfixturevalue(stranger)
    before, shown = rows(), operator.get(f"runtime/tasks/{ids['task']}")
    for base, route in ALL:
        known = STRANGERS[stranger] and route.scope == READ and route.path.startswith(STRANGERS[stranger])
        if known or named(route) in OPEN_TO_ALL:
            continue
        answer = call(api.http, base, route, ids)
        said = answer.json() if answer.content and "json" in answer["Content-Type"] else {}
        empty = answer.status_code == 200 and said.get("total") == 0
        assert empty or answer.status_code in (403, 404) or named(route) in WRONG_IDS, (
            f"{named(route)}: {answer.status_code} {answer.content[:200]}"
        )
    assert rows() - before == before - rows() == Counter()
    assert operator.get(f"runtime/tasks/{ids['task']}") == shown


WRONG_IDS = {"POST runtime/process-instances"}  # as at Flowable what cannot be started is wrong input


# -- participants ---------------------------------------------------------------------------------------------------------
def test_lets_a_participant_do_nothing_of_an_administrator(of_alice: Api, ids: dict[str, str]) -> None:
    for base, route in ALL:
        answer = undone(of_alice.http, base, route, ids)
        if route.scope == ADMIN:
            assert answer.status_code in (403, 404), f"{named(route)}: {answer.status_code} {answer.content[:200]}"
        assert answer.status_code < 500, f"{named(route)}: {answer.status_code} {answer.content[:200]}"


MINE = [
    "GET runtime/tasks/{task}", "PUT runtime/tasks/{task}", "POST runtime/tasks/{task}", "GET runtime/tasks/{task}/form",
    "GET runtime/tasks/{key}/variables", "POST runtime/tasks/{key}/variables", "GET runtime/tasks/{key}/variables/{name}/data",
    "GET runtime/tasks/{task}/comments", "POST runtime/tasks/{task}/comments", "GET runtime/tasks/{task}/attachments/{attachment}/content",
    "GET runtime/tasks/{task}/events", "GET runtime/tasks/{task}/events/{event}", "GET runtime/tasks/{task}/identitylinks",
    "GET runtime/process-instances/{instance}", "GET runtime/process-instances/{key}/variables",
    "GET history/historic-process-instances/{instance}", "GET history/historic-task-instances/{task}", "POST form/form-data",
]  # fmt: skip


def test_lets_a_participant_work_on_what_is_hers(of_alice: Api, ids: dict[str, str]) -> None:
    for name in MINE:
        [(base, route)] = [(base, route) for base, route in ALL if named(route) == name]
        assert undone(of_alice.http, base, route, ids).status_code in (200, 201, 204), name


NOT_HERS = ["comments/{comment}", "attachments/{attachment}", "events/{event}"]


def test_lets_a_participant_take_back_nothing_of_others(of_alice: Api, ids: dict[str, str]) -> None:
    for end in NOT_HERS:
        [(base, route)] = [(base, route) for base, route in ALL if named(route) == f"DELETE runtime/tasks/{{task}}/{end}"]
        assert call(of_alice.http, base, route, ids).status_code == 403, end


# -- tokens ---------------------------------------------------------------------------------------------------------------
Header = dict[str, str]


def token(user: User, scope: str, *, valid: bool = True) -> Header:
    expires = timezone.now() + timedelta(hours=1 if valid else -1)
    made = AccessToken.objects.create(user=user, token=f"token-{uuid4()}", scope=scope, expires=expires)
    return {"Authorization": f"Bearer {made.token}"}


def _expired(admin: User) -> Header:
    return token(admin, ADMIN, valid=False)


def _revoked(admin: User) -> Header:
    header = token(admin, ADMIN)
    AccessToken.objects.get(token=header["Authorization"].partition(" ")[2]).revoke()
    return header


def _foreign(admin: User) -> Header:
    """Of another server: signed well, but not by us."""
    claims = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhZG1pbiIsInNjb3BlIjoid29ya2Zsb3cuYWRtaW4ifQ.c2lnbmVkLWJ5LXNvbWVib2R5LWVsc2U"
    return {"Authorization": f"Bearer {claims}"}


def _of_somebody_gone(admin: User) -> Header:
    gone = User.objects.create_superuser("gone", password="gone", is_active=False)
    return token(gone, ADMIN)


def _of_no_user(admin: User) -> Header:
    grant, kind = Application.GRANT_CLIENT_CREDENTIALS, Application.CLIENT_CONFIDENTIAL
    application = Application.objects.create(name="client", client_type=kind, authorization_grant_type=grant)
    header = token(admin, ADMIN)
    AccessToken.objects.filter(token=header["Authorization"].partition(" ")[2]).update(user=None, application=application)
    return header


WRONG_TOKENS = (_expired, _revoked, _foreign, _of_somebody_gone, _of_no_user)


def test_lets_nobody_in_with_a_wrong_token(admin: User, ids: dict[str, str]) -> None:
    headers = [make(admin) for make in WRONG_TOKENS]
    for base, route in ALL:
        for make, header in zip(WRONG_TOKENS, headers, strict=True):
            answer = call(Client(), base, route, ids, headers=header)
            assert answer.status_code == 401, f"{named(route)} with a token that is {make.__name__}: {answer.status_code}"
            assert 'error="invalid_token"' in answer["WWW-Authenticate"]


def test_lets_an_operator_do_no_more_than_the_scope_of_the_token(admin: User, ids: dict[str, str]) -> None:
    for scope in ("", "profile", READ, WRITE):
        header = token(admin, scope)
        for base, route in ALL:
            if route.scope not in IMPLIED.get(scope, ()):
                answer = call(Client(), base, route, ids, headers=header)
                assert answer.status_code == 403, f"{named(route)} with {scope!r}: {answer.status_code}"
                assert f'scope="{route.scope}"' in answer["WWW-Authenticate"]


def test_lets_an_operator_do_what_the_scope_of_the_token_is_for(admin: User, ids: dict[str, str]) -> None:
    for scope in (READ, WRITE, ADMIN):
        header = token(admin, scope)
        for base, route in ALL:
            if route.scope == scope:
                answer = undone(Client(), base, route, ids, headers=header)
                assert answer.status_code in (NEVER.get(named(route), route.status), 204), (
                    f"{named(route)}: {answer.status_code} {answer.content[:200]}"
                )


# -- ids ------------------------------------------------------------------------------------------------------------------
def test_names_in_every_refusal_what_is_at_fault(operator: Api, of_charlie: Api, ids: dict[str, str]) -> None:
    for base, route in ALL:
        path_ids = {word for word in route.path.replace("...", "").replace("{", "/").replace("}", "/").split("/") if word}
        answers = [call(Client(), base, route, ids), call(of_charlie.http, base, route, ids)]
        answers += [call(operator.http, base, route, _Only("nobody", {"family": "users"}))] if "{" in route.path else []
        answers += [operator.http.generic("PATCH", base + route.path.replace("{", "").replace("}", ""))]
        for answer in answers:
            if 400 <= answer.status_code < 500:
                said = answer.json()
                assert said["field"], f"{named(route)}: {said}"
                if answer.status_code == 404 and "{" in route.path:
                    assert said["field"] in path_ids | {"path", "body"}, f"{named(route)}: {said}"


@pytest.mark.parametrize(
    ("method", "path", "sent", "field"),
    [
        ("GET", "runtime/tasks/nobody", None, "task"),
        ("GET", "runtime/tasks/{task}/comments/nobody", None, "comment"),
        ("GET", "form/form-data?taskId=nobody", None, "taskId"),
        ("POST", "management/deadletter-jobs", {"action": "move", "jobIds": ["nobody"]}, "jobIds"),
        ("POST", "runtime/process-instances/delete", {"action": "delete", "instanceIds": ["nobody"]}, "instanceIds"),
        ("PUT", "runtime/process-instances/{instance}", {"action": "activate"}, "instance"),
        ("GET", "no/such/path", None, "path"),
        ("DELETE", "management/engine", None, "method"),
        ("POST", "runtime/tasks", {"priority": "high"}, "priority"),
    ],
)
def test_names_the_id_or_the_member_at_fault(
    operator: Api, ids: dict[str, str], method: str, path: str, sent: dict[str, Any] | None, field: str
) -> None:
    answer = operator.call(method, path.format(**ids), sent)
    assert (400 <= answer.status_code < 500, answer.json()["field"]) == (True, field)


WRONG = ("nobody", "00000000-0000-0000-0000-000000000000", "%00", "a" * 500, "..", "1.2.3", "é", "-1", "1e9")


def test_answers_every_id_that_is_none_with_a_refusal(operator: Api, ids: dict[str, str]) -> None:
    for base, route in routes_with_ids():
        for wrong in WRONG:
            answer = call(operator.http, base, route, _Only(wrong, {"family": "users"}))
            assert 400 <= answer.status_code < 500, f"{named(route)} with {wrong[:20]!r}: {answer.status_code}"


class _Only(dict[str, str]):
    """Whatever it is asked for, it is the same."""

    def __init__(self, value: str, kept: dict[str, str]) -> None:
        super().__init__(kept)
        self.value = value

    def __missing__(self, name: str) -> str:
        return self.value
