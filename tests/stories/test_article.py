"""The five tables of the article, played through the public doors: what the user sees, what the engine does, which transactions there are."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from engine.examples.pizza.models import Order
from engine.models import Activity, Job, Ledger, Variable
from engine.runtime import progress
from tests.stories.conftest import ORDER, Person, jobs, ledger, open_task, works

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("pizza")]

AtBrowser = Callable[[User], Person]
STARTED = ("T1", "start", "committed")


def test_synchronous_happy_path(alice: User, person: AtBrowser) -> None:
    """Three transactions; the confirmation is there as soon as the form is complete."""
    her = person(alice)
    instance = her.starts("pizza-order-unreliable")
    assert open_task(instance).name == "Enter Order"
    her.completes(open_task(instance), ORDER)
    confirmation = open_task(instance)
    assert confirmation.name == "Order Confirmation"
    assert confirmation.assignee == "alice"
    assert her.page.request["PATH_INFO"] == f"/tasks/{confirmation.pk}/"  # its form opened by itself
    her.completes(confirmation)
    instance.refresh_from_db()
    assert instance.state == "completed"
    assert ledger(instance) == [STARTED, ("T2", "task", "committed"), ("T3", "task", "committed")]
    assert Order.objects.exclude(accepted=None).count() == 1
    assert not Job.objects.exists()


def test_synchronous_and_the_shop_is_unreliable(alice: User, person: AtBrowser, shop: Any) -> None:
    """The same form comes back filled, the error on it; nothing of T2 is there but its line in the ledger."""
    shop("unreliable", failures=100)
    her = person(alice)
    instance = her.starts("pizza-order-unreliable")
    task = open_task(instance)
    shown = her.completes(task, ORDER)
    assert her.page.status_code >= 400
    assert 'value="Alice"' in shown
    assert "Tow Path 1" in shown
    assert "The pizza shop did not take the order" in shown
    assert open_task(instance) == task
    assert not Variable.objects.filter(instance=instance, name="pizza").exists()
    assert Activity.objects.get(instance=instance, node=task.node).ended is None
    assert not Activity.objects.filter(instance=instance, name="Store Order").exists()
    assert ledger(instance) == [STARTED, ("T2", "task", "rolled back")]
    undone = Ledger.objects.get(instance=instance, outcome="rolled back")
    assert "did not take the order" in undone.error

    shop("unreliable")  # she clicks a second time
    her.completes(task, ORDER)
    assert open_task(instance).name == "Order Confirmation"
    assert ledger(instance) == [STARTED, ("T2", "task", "rolled back"), ("T2", "task", "committed")]
    assert Order.objects.count() == 1  # the second attempt was known by its key


def test_synchronous_and_the_shop_is_slow(alice: User, person: AtBrowser, shop: Any) -> None:
    """The same transactions as on the happy path; it is the user who waits."""
    shop("slow", seconds=1)
    her = person(alice)
    instance = her.starts("pizza-order-slow")
    began = time.monotonic()
    her.completes(open_task(instance), ORDER)
    assert time.monotonic() - began >= 1
    her.completes(open_task(instance))
    assert ledger(instance) == [STARTED, ("T2", "task", "committed"), ("T3", "task", "committed")]
    assert Ledger.objects.get(instance=instance, number=2).took >= 1


def test_asynchronous_happy_path(alice: User, person: AtBrowser, shop: Any) -> None:
    """Four transactions: T2 ends with a job, which is T3; the user waits for nothing."""
    shop("slow", seconds=20)
    her = person(alice)
    instance = her.starts("pizza-order-slow-async")
    began = time.monotonic()
    shown = her.completes(open_task(instance), ORDER)
    assert time.monotonic() - began < 20  # whatever else the machine does: she has not waited for the shop
    shop("slow", seconds=1)
    assert "being processed" in shown
    assert (open_task(instance), jobs(instance)) == (None, [("ready", 3)])
    assert not Order.objects.exists()
    assert works() == 1
    assert her.client.get(f"/requests/{instance.pk}/news/?follow=1", HTTP_HX_REQUEST="true")["HX-Redirect"] == (
        f"/tasks/{open_task(instance).pk}/#title"
    )
    her.completes(open_task(instance))
    instance.refresh_from_db()
    assert instance.state == "completed"
    assert ledger(instance) == [
        STARTED,
        ("T2", "task", "committed"),
        ("T3", "job", "committed"),
        ("T4", "task", "committed"),
    ]


def test_asynchronous_and_the_shop_is_unreliable(alice: User, person: AtBrowser, shop: Any) -> None:
    """The first attempt fails and two are left; the second succeeds; the user never sees an error."""
    shop("unreliable", failures=100)
    her = person(alice)
    instance = her.starts("pizza-order-unreliable-async")
    shown = her.completes(open_task(instance), ORDER)
    assert "being processed" in shown
    assert jobs(instance) == [("ready", 3)]
    works()
    assert jobs(instance) == [("waiting", 2)]
    shown = her.get(f"/requests/{instance.pk}/")
    assert her.page.status_code == 200
    assert "being processed" in shown
    assert "did not take the order" not in shown
    shop("unreliable")
    works(later=True)
    assert open_task(instance).name == "Order Confirmation"
    her.completes(open_task(instance))
    assert ledger(instance) == [
        STARTED,
        ("T2", "task", "committed"),
        ("T3", "job", "rolled back"),
        ("T3", "job", "committed"),
        ("T4", "task", "committed"),
    ]
    assert Order.objects.count() == 1


def test_after_three_failures_a_dead_letter_that_an_administrator_retries(alice: User, admin: User, person: AtBrowser, shop: Any) -> None:
    """It keeps its message and traceback, its step is marked in the diagram, and Retry lets the same instance finish."""
    shop("unreliable", failures=100)
    her, him = person(alice), person(admin)
    instance = her.starts("pizza-order-unreliable-async")
    her.completes(open_task(instance), ORDER)
    for left in (2, 1):
        works(later=True)
        assert jobs(instance) == [("waiting", left)]
    works(later=True)
    assert jobs(instance) == [("dead", 0)]
    job = Job.objects.get(instance=instance)
    assert progress.states(instance)[0][job.node] == "failed"
    shown = him.get(f"/admin/towpath/job/{job.pk}/")
    assert "did not take the order" in shown
    assert "Traceback" in shown
    assert "did not take the order" not in her.get(f"/requests/{instance.pk}/")

    shop("unreliable")
    him.post(f"/admin/towpath/job/{job.pk}/retry/", {"confirm": "yes"})
    works()
    assert open_task(instance).name == "Order Confirmation"
    her.completes(open_task(instance))
    instance.refresh_from_db()
    assert instance.state == "completed"
    assert [outcome for _, _, outcome in ledger(instance)] == ["committed", "committed", *["rolled back"] * 3, "committed", "committed"]


def test_one_async_task_follows_the_other(alice: User, person: AtBrowser, caplog: pytest.LogCaptureFixture) -> None:
    """Asynchronous does not mean that the order of steps changes."""
    with caplog.at_level("INFO", logger="towpath.script"):
        person(alice).starts("two-async-tasks")
        while works():
            pass
    said = [r.getMessage() for r in caplog.records if r.name == "towpath.script"]
    assert said == ["Hello from Task1", "Hello from Task2"]


def test_a_mail_confirms_the_order_where_nobody_looks_for_a_form(alice: User, person: AtBrowser, mailoutbox: list[Any]) -> None:
    her = person(alice)
    instance = her.starts("pizza-order-mail")
    her.completes(open_task(instance), {**ORDER, "email": "alice@example.org"})
    while works():
        pass
    instance.refresh_from_db()
    assert instance.state == "completed"
    (mail,) = mailoutbox
    assert mail.to == ["alice@example.org"]
    assert "Diavola" in mail.subject + mail.body
