"""Every page, light and dark, on a phone and on a desk: nothing for axe to complain about, nothing wider than the screen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from engine import runtime
from engine.errors import TechnicalError
from engine.models import IdentityLink, Instance, Job, UserTask
from engine.runtime import instances, jobs, tasks
from tests.browser.conftest import DESK, PHONE
from tests.runtime.models import handler, user
from tests.tasks_ui.conftest import ORDER, deploy, enter_order, started

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")

ALL_RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
KINDS = ("text", "multi-line-text", "integer", "amount", "date", "boolean", "people", "functional-group", "password", "headline-with-line")
LINK = {"id": "menu", "name": "The menu", "type": "hyperlink", "params": {"hyperlinkUrl": "https://example.org/"}}
EVERYTHING = {
    "key": "order",
    "name": "Everything",
    "fields": [
        *({"id": f"f_{kind.replace('-', '_')}", "name": kind.title(), "type": kind, "required": kind == "text"} for kind in KINDS),
        {"id": "radio", "name": "Radio", "type": "radio-buttons", "options": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
        {"id": "drop", "name": "Drop", "type": "dropdown", "options": [{"id": "a", "name": "A"}, {"id": "b", "name": "B"}]},
        {"id": "thanks", "name": "", "type": "multi-line-text", "placeholder": "Thanks for your order!"},
        LINK,
    ],
    "outcomes": [{"id": "yes", "name": "Accept"}, {"id": "no", "name": "Reject"}],
}


CONTROLS = "button, a.button, nav a, input:not([type=radio], [type=checkbox], [type=hidden]), select, textarea"
SMALL = "all => all.filter(e => e.getClientRects().length && e.getBoundingClientRect().height < 43.9).map(e => e.outerHTML.slice(0, 90))"


def complaints(page: Any) -> list[str]:
    """Of the page as it is once all of it is there, on a phone and on a desk, light and dark."""
    page.wait_for_load_state()
    found = []
    for viewport in (PHONE, DESK):
        page.set_viewport_size(viewport)
        found += [f"{viewport['width']} px: {said}" for said in _misfits(page)]
    page.emulate_media(color_scheme="light")
    found += _broken_rules(page, ALL_RULES)
    page.emulate_media(color_scheme="dark")
    return found + [f"dark: {said}" for said in _broken_rules(page, COLOURS)]


def _misfits(page: Any) -> list[str]:
    """What is wider than the screen, and controls that are too small for a finger."""
    wider = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return [f"{wider} px too wide"] * (wider > 0) + [f"small: {html}" for html in page.eval_on_selector_all(CONTROLS, SMALL)]


def _broken_rules(page: Any, rules: dict[str, Any]) -> list[str]:
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in axe.Axe().run(page, options=rules).response["violations"]]


def stored(by: User) -> dict[str, Instance]:
    """Requests in every state there is."""
    deploy(enter_order(), handler("store", "no_such_handler", 'flowable:async="true"'), user("confirm"), key="asynchronous")
    made: dict[str, Instance] = {}
    for name in ("processed", "tried", "failed", "cancelled"):
        made[name], task = started(by, "asynchronous")
        tasks.submit(task.pk, ORDER, user=by)
    for name, times in (("tried", 1), ("failed", 3)):
        for _ in range(times):
            with pytest.raises(TechnicalError):
                jobs.run_now(Job.objects.get(instance=made[name].pk).pk)
    instances.cancel(made["cancelled"].pk, "Ordered twice", user=by)
    made["open"], _ = started(by, "asynchronous")
    return made


def crowded(by: User) -> None:
    """An inbox with every mark."""
    now = timezone.now()
    UserTask.objects.create(name="Late and urgent", assignee="bob", created=now, due=now - timedelta(days=1), priority=90)
    UserTask.objects.create(name="A" * 120, assignee="bob", created=now, claimed=now, due=now + timedelta(days=9), priority=60)
    task = UserTask.objects.create(name="Offered", created=now)
    IdentityLink.objects.create(task=task, type="candidate", group="kitchen")


@pytest.mark.slow
def test_no_page_has_anything_to_complain_about(bob: User, login: Callable[..., Any]) -> None:
    made = stored(bob)
    crowded(bob)
    deploy(enter_order(), form=EVERYTHING, key="everything")
    everything, task = started(bob, "everything")
    done, ended = started(bob, "everything")
    tasks.complete(ended.pk, user=bob)
    offered = UserTask.objects.get(name="Offered")
    runtime.start("asynchronous")  # not his
    stranger = Instance.objects.get(starter=None)
    page = login(bob)
    addresses = [
        "/inbox/", "/inbox/?view=groups", "/inbox/?view=all", "/inbox/?q=nothing", "/start/", "/start/?q=nothing", "/requests/",
        f"/tasks/{task.pk}/", f"/tasks/{ended.pk}/", f"/tasks/{offered.pk}/", f"/requests/{everything.pk}/cancel/",
        f"/requests/{stranger.pk}/", f"/requests/{task.pk}/", f"/requests/{done.pk}/",
        *(f"/requests/{instance.pk}/" for instance in made.values()),
    ]  # fmt: skip
    found = {}
    for address in addresses:
        page.goto(address)
        found[address] = complaints(page)
    page.goto(f"/tasks/{task.pk}/")
    page.click("text=Accept")
    page.wait_for_selector("[role=alert]")
    page.wait_for_load_state()
    assert page.locator("[role=alert]").count() == 1
    found["errors"] = complaints(page)
    assert {where: what for where, what in found.items() if what} == {}


def test_the_login_has_nothing_to_complain_about(login: Callable[..., Any]) -> None:
    page = login(None)
    assert complaints(page) == []
    page.click("main button")
    page.wait_for_selector("[role=alert]")
    assert complaints(page) == []


def test_a_stale_form_and_a_failed_step_have_nothing_to_complain_about(alice: User, login: Callable[..., Any]) -> None:
    deploy(enter_order(), handler("store", "no_such_handler"))
    _, task = started(alice)
    page = login(alice)
    page.goto(f"/tasks/{task.pk}/")
    page.fill("[name=customername]", "Alice")
    page.fill("[name=deliveryaddress]", "Tow Path 1")
    page.click("text=Complete")
    page.wait_for_selector("[role=alert]")
    assert complaints(page) == []
    UserTask.objects.filter(pk=task.pk).update(state="completed", completed_by="bob", ended=timezone.now())
    page.click("text=Complete")
    page.wait_for_selector("text=This task is done already")
    assert complaints(page) == []


def test_in_german_nothing_is_wider_than_a_phone(bob: User, login: Callable[..., Any]) -> None:
    made = stored(bob)
    page = login(bob, viewport=PHONE)
    page.click("text=Deutsch")
    page.wait_for_selector("html[lang=de]")
    for address in ("/inbox/", "/start/", "/requests/", f"/requests/{made['failed'].pk}/"):
        page.goto(address)
        assert page.get_attribute("html", "lang") == "de"
        assert _misfits(page) == []
