"""The pizza order as a person meets it: synchronous and asynchronous, fast, slow and failing, with and without scripts."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User

from engine.models import Instance, Ledger, UserTask
from engine.runtime.handlers import Execution, service_task
from tests.browser.conftest import LONG
from tests.runtime.models import handler, user
from tests.tasks_ui.conftest import deploy, enter_order

PRESS = """async () => {
    const buttons = [...document.querySelectorAll("#task-form button")];
    buttons[0].click();
    await new Promise(resolve => setTimeout(resolve, 50));
    return buttons.map(each => [each.disabled, each.ariaBusy]);
}"""
OPEN, BROKEN = threading.Event(), threading.Event()


@service_task("browser_shop", transaction=False)
def browser_shop(execution: Execution) -> None:
    """A shop that answers when the test lets it, and fails when the test says so."""
    assert OPEN.wait(LONG)
    if BROKEN.is_set():
        raise RuntimeError("the oven is cold")


@pytest.fixture(autouse=True)
def _open_shop(cluster: Any) -> Iterator[None]:
    OPEN.set()
    BROKEN.clear()
    yield
    OPEN.set()  # who still waits in it goes home before the cluster is told to


def order(page: Any) -> None:
    page.goto("/start/")
    page.click("text=Start process")
    page.fill("[name=customername]", "Alice")
    page.fill("[name=deliveryaddress]", "Tow Path 1")
    page.check("text=Marinara")


def heading(page: Any) -> str:
    return str(page.inner_text("h1"))


def expect_heading(page: Any, text: str) -> None:
    """Waits for the page with a heading, until all of it is there."""
    page.wait_for_function("text => document.querySelector('h1')?.innerText.startsWith(text)", arg=text)
    page.wait_for_load_state()


def expect_text(page: Any, text: str) -> None:
    """Waits for the page with a text, until all of it is there."""
    page.wait_for_selector(f"text={text}")
    page.wait_for_load_state()


def expect_keyboard_at(page: Any, element: str) -> None:
    page.wait_for_function("id => document.activeElement.id == id", arg=element)


def test_a_synchronous_order_goes_from_form_to_form(alice: User, login: Callable[..., Any]) -> None:
    deploy(enter_order(), handler("store", "browser_shop"), user("confirm"))
    page = login(alice)
    order(page)
    page.click("text=Complete")
    expect_heading(page, "Confirm")
    page.click("text=Complete")
    expect_heading(page, "Story")
    assert "Completed" in page.inner_text("#standing")
    assert page.locator(".ledger tbody").count() == 3


def test_the_keyboard_begins_at_the_heading_of_the_next_form(alice: User, login: Callable[..., Any]) -> None:
    deploy(enter_order(), user("confirm"))
    page = login(alice)
    order(page)
    page.click("text=Complete")
    expect_heading(page, "Confirm")
    expect_keyboard_at(page, "title")


def test_a_synchronous_failure_brings_the_filled_form_back_with_the_error(alice: User, login: Callable[..., Any]) -> None:
    deploy(enter_order(), handler("store", "browser_shop"), user("confirm"))
    BROKEN.set()
    page = login(alice)
    order(page)
    page.click("text=Complete")
    page.wait_for_selector("[role=alert]")
    assert "the task is still open" in page.inner_text("[role=alert]")
    page.wait_for_function("() => document.activeElement.className == 'alert'")
    assert page.input_value("[name=customername]") == "Alice"
    assert page.input_value("[name=deliveryaddress]") == "Tow Path 1"
    assert page.is_checked("text=Marinara")
    assert list(Ledger.objects.values_list("number", "outcome")) == [(1, "committed"), (2, "rolled back")]
    BROKEN.clear()
    page.click("text=Complete")
    expect_heading(page, "Confirm")


def test_while_a_synchronous_step_takes_its_time_the_button_works_and_cannot_be_pressed_again(
    alice: User, login: Callable[..., Any]
) -> None:
    deploy(enter_order(), handler("store", "browser_shop"), user("confirm"))
    OPEN.clear()
    page = login(alice)
    order(page)
    buttons = page.evaluate(PRESS)  # in one go: while a page is being loaded, nothing more can be asked of this one
    assert buttons == [[True, "true"], [True, None]]
    OPEN.set()
    expect_heading(page, "Confirm")


def test_a_fast_asynchronous_step_goes_straight_to_the_next_form(
    alice: User, login: Callable[..., Any], cluster: Callable[[], Any]
) -> None:
    deploy(enter_order(), handler("store", "browser_shop", 'flowable:async="true"'), user("confirm"))
    cluster()
    page = login(alice)
    order(page)
    page.click("text=Complete")
    expect_heading(page, "Confirm")
    assert Instance.objects.get().revision == 3


def test_behind_a_slow_asynchronous_step_the_next_form_opens_by_itself(
    alice: User, login: Callable[..., Any], cluster: Callable[[], Any]
) -> None:
    deploy(enter_order(), handler("store", "browser_shop", 'flowable:async="true"'), user("confirm"))
    OPEN.clear()
    cluster()
    page = login(alice)
    order(page)
    page.click("text=Complete")
    expect_text(page, "Your step is being processed…")
    assert page.locator("[data-element=store].active").count() == 1
    assert page.get_attribute("#poll", "hx-trigger") == "every 1s"
    page.wait_for_timeout(1500)  # some polls that find nothing new
    assert "being processed" in page.inner_text("#standing")
    OPEN.set()
    expect_heading(page, "Confirm")
    expect_keyboard_at(page, "title")


def test_a_failing_asynchronous_step_shows_the_user_no_error(alice: User, login: Callable[..., Any], cluster: Callable[[], Any]) -> None:
    deploy(enter_order(), handler("store", "browser_shop", 'flowable:async="true"'), user("confirm"))
    BROKEN.set()
    running = cluster()
    page = login(alice)
    order(page)
    page.click("text=Complete")
    expect_text(page, "is being processed, attempt 2")
    while not running.failures:  # its thread is about to note it
        page.wait_for_timeout(20)
    assert len(running.failures) == 1
    assert not re.search("error|fail|oven", page.inner_text("body"), re.IGNORECASE)


def test_the_whole_order_works_without_scripts(alice: User, login: Callable[..., Any], cluster: Callable[[], Any]) -> None:
    deploy(enter_order(), handler("store", "browser_shop", 'flowable:async="true"'), user("confirm"))
    OPEN.clear()
    cluster()
    page = login(alice, java_script_enabled=False)
    order(page)
    page.click("text=Complete")
    expect_text(page, "Your step is being processed…")
    OPEN.set()
    page.wait_for_selector("h1:has-text('Confirm')")
    page.click("text=Complete")
    page.wait_for_selector("text=Completed")


def test_the_keyboard_alone_is_enough(alice: User, login: Callable[..., Any]) -> None:
    deploy(enter_order())
    page = login(alice)
    page.goto("/start/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText") == "Skip to the content"
    page.keyboard.press("Enter")
    for _ in range(3):  # the search, its button, the process
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect_heading(page, "Enter")
    expect_keyboard_at(page, "title")
    for text in ("Alice", "Tow Path 1"):
        page.keyboard.press("Tab")
        while page.evaluate("document.activeElement.tagName") not in ("INPUT", "TEXTAREA"):
            page.keyboard.press("Tab")
        page.keyboard.type(text)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect_heading(page, "Story")
    assert Instance.objects.get().ended is not None


def test_times_are_told_in_the_browsers_zone(alice: User, login: Callable[..., Any]) -> None:
    UserTask.objects.create(name="Old", assignee="alice", created="2026-01-15T23:30:00Z")
    page = login(alice, timezone_id="Asia/Tokyo")
    page.goto("/inbox/")
    assert "Jan. 16, 2026, 08:30" in page.inner_text(".list")
