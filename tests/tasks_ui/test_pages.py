"""What all pages have in common: login, headers, refusals, language and time zone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.utils import timezone

from engine.models import UserTask
from tasks_ui.pages import zone_of
from tasks_ui.templatetags.tasks_ui import ago

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]
SOMEWHERE = "00000000-0000-7000-8000-000000000000"
PAGES = ["/inbox/", "/start/", "/start/story/", "/requests/", f"/requests/{SOMEWHERE}/", f"/tasks/{SOMEWHERE}/"]


@pytest.mark.parametrize("address", PAGES)
def test_who_is_not_logged_in_is_sent_to_the_login_and_back(client: Client, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address.replace('/', '%2F')}")


def test_a_poll_without_login_sends_the_whole_page_there(client: Client) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/requests/{SOMEWHERE}/"}
    answer = client.get(f"/requests/{SOMEWHERE}/news/", headers=headers)
    assert answer["HX-Redirect"] == f"/login/?next=%2Frequests%2F{SOMEWHERE}%2F"


def test_logs_in_and_out(client: Client, alice: User) -> None:
    answer = client.post("/login/", {"username": "alice", "password": "alice", "next": "/start/"})
    assert (answer.status_code, answer["Location"]) == (302, "/start/")
    assert client.post("/logout/")["Location"] == "/login/"


def test_a_wrong_password_is_said_in_the_summary(client: Client, alice: User) -> None:
    shown = client.post("/login/", {"username": "alice", "password": "wrong"}).content.decode()
    assert 'role="alert"' in shown
    assert 'value="alice"' in shown
    assert "wrong" not in shown


@pytest.mark.parametrize("address", ["/inbox/", "/start/", "/requests/"])
def test_pages_are_never_cached_and_bring_no_inline_script_or_style(alice: User, browser: Browser, address: str) -> None:
    answer = browser(alice).get(address)
    shown = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert "unsafe-inline" not in answer["Content-Security-Policy"]
    assert "<style" not in shown
    assert " style=" not in shown
    assert " onclick=" not in shown
    assert "<script>" not in shown


def test_the_page_one_is_on_is_marked(alice: User, browser: Browser) -> None:
    assert '<a href="/start/" aria-current="page">' in browser(alice).get("/start/").content.decode()


def test_only_staff_sees_the_way_to_the_admin(alice: User, admin: User, browser: Browser) -> None:
    assert 'href="/admin/"' not in browser(alice).get("/inbox/").content.decode()
    assert 'href="/admin/"' in browser(admin).get("/inbox/").content.decode()


def test_an_unknown_address_of_ours_is_a_page_that_leads_home(alice: User, browser: Browser) -> None:
    answer = browser(alice).get(f"/requests/{SOMEWHERE}/")
    assert answer.status_code == 404
    assert 'href="/"' in answer.content.decode()


def test_every_other_method_is_refused(alice: User, browser: Browser) -> None:
    assert browser(alice).put("/inbox/").status_code == 405


def test_speaks_the_language_that_is_chosen(alice: User, browser: Browser) -> None:
    client = browser(alice)
    client.post("/i18n/setlang/", {"language": "de", "next": "/inbox/"})
    shown = client.get("/inbox/").content.decode()
    assert '<html lang="de">' in shown
    assert "Posteingang" in shown


def test_times_are_told_in_the_browsers_zone(alice: User, browser: Browser) -> None:
    moment = datetime(2026, 1, 15, 23, 30, tzinfo=UTC)
    UserTask.objects.create(name="Old", assignee="alice", created=moment)
    client = browser(alice)
    assert "Jan. 15, 2026, 23:30" in client.get("/inbox/").content.decode()
    client.cookies["timezone"] = "Europe%2FBerlin"
    assert '<time datetime="2026-01-15T23:30:00+00:00">Jan. 16, 2026, 00:30</time>' in client.get("/inbox/").content.decode()


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../../etc/passwd", "%00"])
def test_a_zone_that_is_none_is_the_sites(name: str) -> None:
    request = RequestFactory(headers={"Cookie": f"timezone={name}"}).get("/")
    assert zone_of(request) is None


@pytest.mark.parametrize(
    ("past", "said"),
    [
        (timedelta(seconds=5), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59), "59 minutes ago"),
        (timedelta(hours=23), "23 hours ago"),
        (timedelta(days=7), "7 days ago"),
    ],
)
def test_says_how_long_ago_something_was(past: timedelta, said: str) -> None:
    assert f">{said}<" in ago(timezone.now() - past)


def test_says_the_date_of_what_is_long_ago() -> None:
    assert ">Jan. 15, 2020<" in ago(datetime(2020, 1, 15, tzinfo=UTC))
