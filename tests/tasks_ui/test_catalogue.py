"""What can be started, by whom, and with which form."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engine import runtime
from engine.models import Instance
from engine.runtime import instances
from tests.runtime.models import HEAD, model, user
from tests.tasks_ui.conftest import ORDER, ORDER_FORM, deploy, failing_store

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]


def keys(client: Client, query: str = "") -> list[str]:
    return [d.key for d in client.get(f"/start/{query}").context["definitions"]]


def with_start_form() -> None:
    xml = (
        f'{HEAD}<process id="story" name="Story"><startEvent id="start" flowable:initiator="initiator" flowable:formKey="order"/>'
        f'{user("confirm")}<endEvent id="end"/><sequenceFlow id="a" sourceRef="start" targetRef="confirm"/>'
        '<sequenceFlow id="b" sourceRef="confirm" targetRef="end"/></process></definitions>'
    )
    runtime.deploy({"story.bpmn": xml.encode(), "order.form": json.dumps(ORDER_FORM).encode()}, name="story")


def test_lists_the_latest_version_of_what_i_may_start(alice: User, browser: Browser) -> None:
    deploy(user("enter"), key="pizza")
    deploy(user("enter"), key="pizza")
    deploy(user("enter"), key="pasta")
    assert keys(browser(alice)) == ["pasta", "pizza"]


def test_lists_nothing_for_who_may_start_nothing(charlie: User, browser: Browser) -> None:
    deploy(user("enter"))
    assert keys(browser(charlie)) == []
    assert browser(charlie).post("/start/story/").status_code == 403
    assert not Instance.objects.exists()


def test_lists_for_candidate_starters_only_what_names_some(alice: User, bob: User, browser: Browser) -> None:
    xml = model(user("enter")).replace(b'<process id="story"', b'<process id="story" flowable:candidateStarterGroups="kitchen"')
    runtime.deploy({"story.bpmn": xml}, name="story")
    assert keys(browser(bob)) == ["story"]
    assert keys(browser(alice)) == []


def test_searches_by_name(alice: User, browser: Browser) -> None:
    deploy(user("enter"), key="pizza")
    deploy(user("enter"), key="pasta")
    assert keys(browser(alice), "?q=PIZ") == ["pizza"]


def test_starts_at_once_where_there_is_no_start_form_and_opens_the_first_form(alice: User, browser: Browser) -> None:
    deploy(user("enter"))
    answer = browser(alice).post("/start/story/", follow=True)
    assert answer.status_code == 200
    assert "<h1" in answer.content.decode()
    assert Instance.objects.get().starter == "alice"
    assert answer.redirect_chain[0][0].startswith("/tasks/")


def test_fills_the_start_form_first(alice: User, browser: Browser) -> None:
    with_start_form()
    client = browser(alice)
    assert 'name="customername"' in client.get("/start/story/").content.decode()
    assert client.post("/start/story/", ORDER).status_code == 302
    assert instances.variables(Instance.objects.get().pk)["customername"] == "Alice"


def test_a_refused_start_form_comes_back_filled(alice: User, browser: Browser) -> None:
    with_start_form()
    answer = browser(alice).post("/start/story/", {"customername": "Alice Lock"})
    assert answer.status_code == 400
    assert 'value="Alice Lock"' in answer.content.decode()
    assert not Instance.objects.exists()


def test_a_start_that_fails_says_that_nothing_was_started(alice: User, browser: Browser) -> None:
    deploy(failing_store(), user("enter"))
    answer = browser(alice).post("/start/story/")
    assert answer.status_code == 500
    assert "nothing was started" in answer.content.decode()
    assert not Instance.objects.exists()


def test_an_unknown_process_is_a_404(alice: User, browser: Browser) -> None:
    assert browser(alice).post("/start/unknown/").status_code == 404


def test_shows_its_diagram_as_an_image(alice: User, charlie: User, browser: Browser) -> None:
    deploy(user("enter"))
    answer = browser(alice).get("/start/story/diagram.svg")
    assert answer["Content-Type"] == "image/svg+xml"
    assert b"<svg" in answer.content
    assert browser(charlie).get("/start/story/diagram.svg").status_code == 403
