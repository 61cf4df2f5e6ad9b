"""The demo makes its persons, clients and processes, as often as one likes, and only where it may."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client, override_settings

from engine.models import Definition, Deployment

pytestmark = pytest.mark.django_db


@pytest.fixture
def demo() -> Any:
    """Runs the command where DEBUG is on; returns what it said."""

    def run() -> str:
        said = StringIO()
        with override_settings(DEBUG=True):
            call_command("demo", stdout=said)
        return said.getvalue()

    return run


def test_it_refuses_where_debug_is_off() -> None:
    with pytest.raises(CommandError, match="DEBUG is on"):
        call_command("demo")
    assert not User.objects.exists()


def test_the_persons_log_in_with_their_names(demo: Any) -> None:
    demo()
    assert {name for name in ("alice", "bob", "charlie", "admin") if authenticate(username=name, password=name)} == {
        "alice",
        "bob",
        "charlie",
        "admin",
    }


def test_alice_and_bob_may_start_bob_is_in_the_kitchen_and_charlie_may_nothing(demo: Any) -> None:
    demo()
    alice, bob, charlie = (User.objects.get(username=name) for name in ("alice", "bob", "charlie"))
    assert [person.has_perm("towpath.start_instance") for person in (alice, bob, charlie)] == [True, True, False]
    assert set(bob.groups.values_list("name", flat=True)) == {"customers", "kitchen"}
    assert not charlie.groups.exists()
    assert not any(person.is_staff for person in (alice, bob, charlie))


def test_the_pizza_processes_are_deployed(demo: Any) -> None:
    assert "deployed" in demo()
    assert Definition.objects.filter(key="pizza-order-slow-async", version=1).exists()


def test_a_second_time_changes_nothing(demo: Any) -> None:
    demo()
    User.objects.get(username="alice").groups.clear()
    assert "unchanged" in demo()
    assert Deployment.objects.count() == 1
    assert not User.objects.get(username="alice").groups.exists()


def test_a_changed_file_is_a_new_version(demo: Any) -> None:
    demo()
    Deployment.objects.get().resources.filter(name="two-async-tasks.bpmn").update(content=b"another")
    assert "deployed" in demo()
    assert set(Definition.objects.filter(key="two-async-tasks").values_list("version", flat=True)) == {1, 2}


def test_the_demo_client_gets_a_token_that_acts_as_alice(demo: Any, client: Client) -> None:
    demo()
    answer = client.post(
        "/o/token/",
        {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "demo-secret", "scope": "workflow.read workflow.write"},
    )
    assert answer.status_code == 200, answer.content
    assert answer.json()["scope"] == "workflow.read workflow.write"
    wrong = client.post("/o/token/", {"grant_type": "client_credentials", "client_id": "demo", "client_secret": "guessed"})
    assert wrong.status_code == 401


def test_the_users_of_the_conformance_suites_are_made_only_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONFORMANCE", raising=False)
    with pytest.raises(CommandError, match="CONFORMANCE=1"):
        call_command("demo", "--conformance")
    monkeypatch.setenv("CONFORMANCE", "1")
    call_command("demo", "--conformance")
    call_command("demo", "--conformance")
    assert set(User.objects.filter(is_superuser=True).values_list("username", flat=True)) == {"admin", "kermit", "fozzie"}
    assert authenticate(username="kermit", password="test")
