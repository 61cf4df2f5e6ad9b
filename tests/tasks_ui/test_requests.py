"""Requests: the list, the page of one, the news that the open page asks for, and cancelling."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from engine import runtime
from engine.errors import TechnicalError
from engine.models import Instance, Job, UserTask
from engine.runtime import instances, jobs, tasks
from tasks_ui.views import requests
from tests.runtime.models import service, user
from tests.tasks_ui.conftest import ORDER, deploy, enter_order, failing_store, started

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
ASYNC = 'flowable:async="true"'


def ordered(by: User) -> Instance:
    """An order that waits for its asynchronous step; the shop is there once the variable `shop` is."""
    deploy(enter_order(), service("store", "${shop}", ASYNC), user("confirm"))
    instance, task = started(by)
    tasks.submit(task.pk, ORDER, user=by)
    return instance


def attempt(instance: Instance, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(TechnicalError):
            jobs.run_now(Job.objects.get(instance=instance.pk).pk)


def page(client: Client, instance: Instance, query: str = "") -> str:
    answer = client.get(f"/requests/{instance.pk}/{query}")
    assert answer.status_code == 200
    return str(answer.content.decode())


def rows(client: Client, query: str = "") -> list[tuple[str, str]]:
    shown = client.get(f"/requests/{query}").context["rows"]
    return [(str(row["instance"].definition.key), row["current"].state) for row in shown]


# -- the list -------------------------------------------------------------------------------------------------------------
def test_lists_what_i_started_and_what_i_took_part_in(alice: User, bob: User, charlie: User, browser: Browser) -> None:
    deploy(user("bake", 'flowable:assignee="bob"'))
    runtime.start("story", user=alice)
    assert rows(browser(alice)) == [("story", "waiting")]
    assert rows(browser(bob)) == [("story", "task")]
    assert rows(browser(charlie)) == []


def test_an_operators_list_is_his_own_too(alice: User, admin: User, browser: Browser) -> None:
    deploy(user("enter"))
    runtime.start("story", user=alice)
    assert rows(browser(admin)) == []


def test_says_where_each_stands(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    client = browser(alice)
    assert "being processed" in client.get("/requests/").content.decode()
    attempt(instance, 3)
    assert "being looked after" in client.get("/requests/").content.decode()
    instances.cancel(instance.pk, user=alice)
    assert "cancelled" in client.get("/requests/").content.decode()


def test_finds_by_business_key(alice: User, browser: Browser) -> None:
    deploy(user("enter"))
    runtime.start("story", user=alice, business_key="ORD-17")
    runtime.start("story", user=alice, business_key="ORD-18")
    client = browser(alice)
    assert len(rows(client, "?q=ord-17")) == 1
    assert len(rows(client, "?q=story")) == 2


# -- the page of one ------------------------------------------------------------------------------------------------------
def test_a_stranger_sees_no_request(alice: User, charlie: User, browser: Browser) -> None:
    instance = ordered(alice)
    client = browser(charlie)
    for address in ("", "news/", "cancel/"):
        assert client.get(f"/requests/{instance.pk}/{address}").status_code == 403


def test_shows_that_the_step_is_being_processed_and_asks_for_news_every_second(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    shown = page(browser(alice), instance)
    assert "Your step is being processed…" in shown
    assert 'hx-trigger="every 1s"' in shown
    assert '<noscript><meta http-equiv="refresh" content="3; url=?follow=1"></noscript>' in shown
    assert 'role="progressbar"' in shown


def test_shows_the_picture_the_story_and_the_transactions(alice: User, browser: Browser) -> None:
    shown = page(browser(alice), ordered(alice))
    assert re.search(r'<g id="d-store" data-element="store" class="active"', shown)
    assert "<strong>Enter</strong> completed" in shown
    assert "Comes to Store, which is asynchronous" in shown
    assert "T2 is committed" in shown


def test_while_attempts_are_left_the_user_sees_no_error_at_all(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    attempt(instance, 2)
    shown = page(browser(alice), instance)
    assert "Your step is being processed…" in shown
    assert not re.search("error|fail|nosuch|Unknown property", shown, re.IGNORECASE)


def test_a_dead_letter_is_being_looked_after_and_only_operators_see_why(alice: User, admin: User, browser: Browser) -> None:
    instance = ordered(alice)
    attempt(instance, 3)
    shown = page(browser(alice), instance)
    assert "Your request is being looked after" in shown
    assert "Unknown property" not in shown
    assert re.search(r'<g id="d-store" data-element="store" class="failed"', shown)
    assert "Unknown property used in expression: shop" in page(browser(admin), instance)


def test_what_a_user_writes_is_escaped(alice: User, browser: Browser) -> None:
    deploy(user("enter"))
    instance = runtime.start("story", user=alice, business_key="<script>alert(1)</script>", name="<b>bold</b>")
    instances.cancel(instance.pk, "<i>reason</i>", user=alice)
    shown = page(browser(alice), instance)
    assert "<script>alert" not in shown
    assert "<b>bold" not in shown
    assert "<i>reason" not in shown


# -- following ------------------------------------------------------------------------------------------------------------
def test_a_followed_request_goes_on_to_the_next_form(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    instances.set_variables(instance.pk, {"shop": 1})
    jobs.run_now(Job.objects.get().pk)
    task = UserTask.objects.get(instance=instance.pk, state="open")
    client = browser(alice)
    assert client.get(f"/requests/{instance.pk}/?follow=1")["Location"] == f"/tasks/{task.pk}/#title"
    assert client.get(f"/requests/{instance.pk}/news/")["HX-Redirect"] == f"/tasks/{task.pk}/#title"


def test_a_request_that_is_only_looked_at_stays(alice: User, browser: Browser) -> None:
    deploy(user("enter"))
    instance, task = started(alice)
    shown = page(browser(alice), instance)
    assert "It is your turn" in shown
    assert f'href="/tasks/{task.pk}/"' in shown
    assert "hx-get" not in shown.partition('id="poll"')[2].partition(">")[0]


def test_an_offered_task_does_not_open_by_itself(bob: User, browser: Browser) -> None:
    deploy(user("bake", 'flowable:candidateGroups="kitchen"'))
    instance = runtime.start("story", user=bob)
    assert "A task is open for you or your group" in page(browser(bob), instance, "?follow=1")


def test_news_are_only_the_next_poll_while_nothing_has_changed(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    client = browser(alice)
    mark = client.get(f"/requests/{instance.pk}/").context["mark"]
    quiet = client.get(f"/requests/{instance.pk}/news/?polls=3&mark={mark}").content.decode()
    assert "polls=4" in quiet
    assert "timeline" not in quiet
    attempt(instance)
    changed = client.get(f"/requests/{instance.pk}/news/?polls=4&mark={mark}").content.decode()
    assert 'id="live" hx-swap-oob="innerHTML"' in changed
    assert "attempt 2" in changed


@pytest.mark.parametrize(("polls", "seconds"), [("0", 1), ("8", 1), ("9", 3), ("28", 3), ("29", 10), ("5000", 10), ("x", 1), ("²", 1)])
def test_polls_grow_slower(alice: User, browser: Browser, polls: str, seconds: int) -> None:
    instance = ordered(alice)
    Job.objects.update(due=timezone.now() - timedelta(minutes=1))
    shown = browser(alice).get(f"/requests/{instance.pk}/news/", {"polls": polls, "mark": "x"}).content.decode()
    assert f'hx-trigger="every {seconds}s"' in shown


@pytest.mark.parametrize(("due", "seconds"), [(-11, 10), (-9, 1), (1, 1), (3, 10)])
def test_polls_are_quick_around_the_beginning_of_an_attempt(
    alice: User, browser: Browser, due: int, seconds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance, now = ordered(alice), timezone.now()
    monkeypatch.setattr(requests, "timezone", SimpleNamespace(now=lambda: now))
    Job.objects.update(due=now + timedelta(seconds=due))
    shown = browser(alice).get(f"/requests/{instance.pk}/news/?polls=100&mark=x").content.decode()
    assert f'hx-trigger="every {seconds}s"' in shown


def test_the_polling_ends_with_the_request(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    instances.cancel(instance.pk, user=alice)
    assert "hx-trigger" not in browser(alice).get(f"/requests/{instance.pk}/news/").content.decode()


# -- cancelling -----------------------------------------------------------------------------------------------------------
def test_cancels_with_a_reason_after_asking(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    client = browser(alice)
    assert "Cancel the request?" in client.get(f"/requests/{instance.pk}/cancel/").content.decode()
    assert Instance.objects.get(pk=instance.pk).ended is None
    shown = client.post(f"/requests/{instance.pk}/cancel/", {"reason": "Not hungry any more"}, follow=True).content.decode()
    assert Instance.objects.get(pk=instance.pk).state == "cancelled"
    assert "Not hungry any more" in shown


def test_only_who_started_it_may_cancel(alice: User, bob: User, browser: Browser) -> None:
    deploy(user("bake", 'flowable:assignee="bob"'))
    instance = runtime.start("story", user=alice)
    client = browser(bob)
    assert "/cancel/" not in page(client, instance)
    assert client.post(f"/requests/{instance.pk}/cancel/").status_code == 403
    assert Instance.objects.get(pk=instance.pk).ended is None


def test_what_has_ended_cannot_be_cancelled(alice: User, browser: Browser) -> None:
    instance = ordered(alice)
    instances.cancel(instance.pk, user=alice)
    assert browser(alice).post(f"/requests/{instance.pk}/cancel/").status_code == 409


def test_a_called_process_shows_up_in_the_request_that_called_it(alice: User, browser: Browser) -> None:
    deploy(enter_order(), key="child")
    deploy(user("wait", 'flowable:assignee="bob"'), key="parent")
    calling = runtime.start("parent", user=alice)
    called, task = started(alice, "child")
    Instance.objects.filter(pk=called.pk).update(parent=calling.pk, root=calling.pk)
    client = browser(alice)
    assert f'href="/tasks/{task.pk}/"' in page(client, calling)
    assert rows(client) == [("parent", "task")]
    assert client.post(f"/tasks/{task.pk}/", ORDER)["Location"] == f"/requests/{calling.pk}/?follow=1#title"


def test_a_failed_synchronous_step_is_in_the_ledger_of_the_request(alice: User, browser: Browser) -> None:
    deploy(enter_order(), failing_store())
    instance, task = started(alice)
    client = browser(alice)
    client.post(f"/tasks/{task.pk}/", ORDER)
    shown = page(client, instance)
    assert "T2 is rolled back: nothing of it is stored" in shown
    assert "alice sees the form again, still filled in, with an error" in shown
