"""The inbox: whose tasks are in which view, how they are found, and what a page costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine import runtime
from engine.models import IdentityLink, UserTask
from tests.runtime.models import user
from tests.tasks_ui.conftest import deploy

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
MOST_STATEMENTS = 8
OF_DJANGO = ("django_session", '"auth_user" WHERE', "SAVEPOINT", "BEGIN", "COMMIT")


def made(name: str, *, assignee: str | None = None, group: str | None = None, **more: object) -> UserTask:
    task = UserTask.objects.create(name=name, assignee=assignee, created=timezone.now(), **more)
    if group:
        IdentityLink.objects.create(task=task, type="candidate", group=group)
    return task


def names(client: Client, query: str = "") -> list[str]:
    return [str(task) for task in client.get(f"/inbox/{query}").context["page"].rows]


def test_the_front_page_leads_to_the_inbox(alice: User, browser: Browser) -> None:
    assert browser(alice).get("/", follow=True).redirect_chain == [("/inbox/", 302)]


def test_shows_what_is_mine(alice: User, browser: Browser) -> None:
    made("Mine", assignee="alice")
    made("Not mine", assignee="bob")
    assert names(browser(alice)) == ["Mine"]


def test_shows_unclaimed_tasks_of_my_groups_with_a_button_to_claim(bob: User, browser: Browser) -> None:
    task = made("Bake", group="kitchen")
    made("Taken", group="kitchen", assignee="alice")
    client = browser(bob)
    assert names(client, "?view=groups") == ["Bake"]
    assert f'action="/tasks/{task.pk}/claim/"' in client.get("/inbox/?view=groups").content.decode()


def test_all_shows_what_i_may_see(alice: User, bob: User, admin: User, browser: Browser) -> None:
    deploy(user("bake", 'flowable:assignee="bob"'))
    runtime.start("story", user=alice)
    made("Elsewhere", assignee="bob")
    assert names(browser(alice), "?view=all") == ["Bake"]
    assert sorted(names(browser(admin), "?view=all")) == ["Bake", "Elsewhere"]


def test_an_unknown_view_is_not_found(alice: User, browser: Browser) -> None:
    assert browser(alice).get("/inbox/?view=bobs").status_code == 404


def test_the_most_urgent_comes_first(alice: User, browser: Browser) -> None:
    made("Later", assignee="alice", due=timezone.now() + timedelta(days=2))
    made("Sometime", assignee="alice")
    made("Soon", assignee="alice", due=timezone.now() + timedelta(days=1))
    made("Urgent", assignee="alice", priority=90)
    assert names(browser(alice)) == ["Urgent", "Soon", "Later", "Sometime"]


def test_what_is_overdue_is_marked_in_words(alice: User, browser: Browser) -> None:
    made("Late", assignee="alice", due=timezone.now() - timedelta(days=2))
    assert "overdue:" in browser(alice).get("/inbox/").content.decode()


@pytest.mark.parametrize(("search", "found"), [("ord", ["Enter Order"]), ("ORDER", ["Enter Order"]), ("pizza", []), ("%", [])])
def test_finds_by_name(alice: User, browser: Browser, search: str, found: list[str]) -> None:
    made("Enter Order", assignee="alice")
    made("Bake", assignee="alice")
    assert names(browser(alice), f"?q={search}") == found


def test_finds_by_the_process(alice: User, browser: Browser) -> None:
    deploy(user("enter"))
    runtime.start("story", user=alice, business_key="ORD-17")
    assert names(browser(alice), "?q=ord-17") == ["Enter"]


def test_long_lists_have_pages(alice: User, browser: Browser, settings: object) -> None:
    settings.ENGINE_PAGE_SIZE = 2  # type: ignore[attr-defined]
    for number in range(5):
        made(f"Task {number}", assignee="alice")
    client = browser(alice)
    pages = [names(client, f"?page={page}") for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert sorted(name for page in pages for name in page) == [f"Task {n}" for n in range(5)]
    assert 'href="?page=2"' in client.get("/inbox/").content.decode()


@pytest.mark.parametrize("page", ["0", "-1", "x", "²", "99999999999999999999"])
def test_a_page_that_cannot_be_is_answered(alice: User, browser: Browser, page: str) -> None:
    assert browser(alice).get(f"/inbox/?page={page}").status_code == 200


def test_a_page_costs_few_statements_however_many_tasks_there_are(bob: User, browser: Browser) -> None:
    def cost(query: str) -> int:
        client = browser(User.objects.get(pk=bob.pk))
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(f"/inbox/{query}").status_code == 200
        return len([q for q in captured if not any(word in q["sql"] for word in OF_DJANGO)])

    for view in ("mine", "groups", "all"):
        few = cost(f"?view={view}")
        for number in range(20):
            made(f"Mine {number}", assignee="bob")
            made(f"Offered {number}", group="kitchen")
        deploy(user("bake", 'flowable:candidateGroups="kitchen"'), key=view)
        runtime.start(view)
        assert cost(f"?view={view}") <= MOST_STATEMENTS
        assert cost(f"?view={view}") <= few + 1  # the links are not asked for where there is no task


def test_a_page_costs_as_many_statements_with_requests_that_have_no_name(alice: User, browser: Browser) -> None:
    client = browser(alice)
    deploy(user("bake", 'flowable:assignee="alice"'))
    runtime.start("story", user=alice)
    names(client, "?view=all")  # what is kept is kept from now on
    counted = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as captured:
            names(client, "?view=all")
        counted.append(len(captured.captured_queries))
        for _ in range(5):
            runtime.start("story", user=alice)
    assert len(names(client, "?view=all")) == 11
    assert counted[0] == counted[1]


def test_the_badge_counts_what_waits_for_me(bob: User, browser: Browser) -> None:
    made("Mine", assignee="bob")
    made("Offered", group="kitchen")
    made("Elsewhere", group="office")
    shown = browser(bob).get("/inbox/count/").content.decode()
    assert ">2<" in shown
    assert 'hx-trigger="every 30s"' in shown


def test_the_badge_says_nothing_to_who_is_logged_out(client: Client, db: None) -> None:
    assert client.get("/inbox/count/").status_code == 204
