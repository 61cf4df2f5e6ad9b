"""The form of a task: filled, refused, saved, completed, too late, or not yours; valid input is never lost."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engine import runtime
from engine.models import Draft, Instance, Ledger, UserTask, Variable
from engine.runtime import instances, tasks
from tests.runtime.models import service, user
from tests.tasks_ui.conftest import ORDER, deploy, enter_order, failing_store, started

pytestmark = pytest.mark.django_db

Browser = Callable[[User], Client]


def address(task: UserTask) -> str:
    return f"/tasks/{task.pk}/"


def test_shows_the_fields_of_the_form_with_their_defaults(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    shown = browser(alice).get(address(task)).content.decode()
    assert '<input type="text" name="customername" required id="id_customername">' in shown
    assert 'value="Margherita" required id="id_pizza_0" checked' in shown
    assert ">Complete</button>" in shown


def test_completes_the_task_with_what_was_entered_and_goes_straight_to_the_next_form(alice: User, browser: Browser) -> None:
    deploy(enter_order(), user("confirm"))
    instance, task = started(alice)
    answer = browser(alice).post(address(task), ORDER)
    following = UserTask.objects.get(instance=instance.pk, state="open")
    assert (answer.status_code, answer["Location"]) == (302, f"/tasks/{following.pk}/#title")
    assert instances.variables(instance.pk)["pizza"] == "Margherita"


def test_goes_to_the_request_when_nothing_is_left_to_do(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    instance, task = started(alice)
    answer = browser(alice).post(address(task), ORDER, follow=True)
    assert answer.redirect_chain == [(f"/requests/{instance.pk}/?follow=1#title", 302)]
    assert "Done. Nothing is left to do here." in answer.content.decode()


def test_a_refused_form_comes_back_filled_with_a_summary_that_links_to_the_fields(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    answer = browser(alice).post(address(task), {"customername": "Alice Lock", "pizza": "Marinara"})
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert '<div class="alert" role="alert" tabindex="-1">' in shown
    assert '<a href="#id_deliveryaddress">Delivery address: This field is required.</a>' in shown
    assert 'value="Alice Lock"' in shown
    assert 'value="Marinara" required id="id_pizza_1" checked' in shown
    assert UserTask.objects.get(pk=task.pk).state == "open"


def test_what_only_the_engine_refuses_is_said_at_its_field(alice: User, browser: Browser, settings: object) -> None:
    settings.ENGINE_MAX_TEXT_FIELD = 10  # type: ignore[attr-defined]
    deploy(enter_order())
    _, task = started(alice)
    answer = browser(alice).post(address(task), ORDER | {"customername": "A name that is too long"})
    assert answer.status_code == 400
    assert "This text is too long: 23 characters, 10 are allowed." in answer.content.decode()


def test_a_choice_that_is_not_offered_is_refused(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    assert browser(alice).post(address(task), ORDER | {"pizza": "Hawaii"}).status_code == 400
    assert UserTask.objects.get(pk=task.pk).state == "open"


def test_when_a_step_behind_the_form_fails_the_form_comes_back_filled_with_the_error_and_nothing_is_stored(
    alice: User, browser: Browser
) -> None:
    deploy(enter_order(), failing_store())
    instance, task = started(alice)
    answer = browser(alice).post(address(task), ORDER)
    shown = answer.content.decode()
    assert answer.status_code == 500
    assert 'role="alert"' in shown
    assert "nosuchthing" in shown
    assert "Nothing was stored, and the task is still open with what you entered." in shown
    assert 'value="Alice"' in shown
    assert "Tow Path 1</textarea>" in shown
    assert UserTask.objects.get(pk=task.pk).state == "open"
    assert not Variable.objects.filter(instance=instance.pk, name="pizza").exists()
    assert list(Ledger.objects.filter(instance=instance.pk).values_list("number", "outcome")) == [(1, "committed"), (2, "rolled back")]


def test_an_unexpected_error_shows_a_user_no_detail(alice: User, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(enter_order())
    _, task = started(alice)

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("password=secret")

    monkeypatch.setattr(tasks, "submit", explode)
    shown = browser(alice).post(address(task), ORDER).content.decode()
    assert "secret" not in shown
    assert "The step that follows could not be carried out." in shown
    assert 'value="Alice"' in shown


def test_a_second_completion_says_by_whom_it_was_done_and_gives_back_what_was_typed(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    tasks.complete(task.pk, ORDER, user=alice)
    answer = browser(alice).post(address(task), ORDER | {"customername": "Alice the Second"})
    shown = answer.content.decode()
    assert answer.status_code == 409
    assert "This task is done already" in shown
    assert "completed by you" in shown
    assert "<dd>Alice the Second</dd>" in shown


def test_a_task_done_between_opening_and_sending_is_stale(alice: User, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy(enter_order())
    _, task = started(alice)
    real = tasks.submit

    def somebody_first(*arguments: object, **named: object) -> None:
        tasks.complete(task.pk, ORDER, user=None)
        real(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tasks, "submit", somebody_first)
    answer = browser(alice).post(address(task), ORDER)
    assert answer.status_code == 409
    assert "<dd>Tow Path 1</dd>" in answer.content.decode()


def test_an_ended_task_says_so(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    instance, task = started(alice)
    instances.cancel(instance.pk, user=alice)
    answer = browser(alice).get(address(task))
    assert answer.status_code == 200
    assert "It was cancelled" in answer.content.decode()


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_stranger_is_refused(alice: User, charlie: User, browser: Browser, method: str) -> None:
    deploy(enter_order())
    _, task = started(alice)
    assert getattr(browser(charlie), method)(address(task), ORDER).status_code == 403
    assert UserTask.objects.get(pk=task.pk).state == "open"


def test_who_only_watches_may_not_complete(alice: User, bob: User, browser: Browser) -> None:
    deploy(user("bake", 'flowable:assignee="bob"'))
    _, task = started(alice)
    watching = browser(alice)
    shown = watching.get(address(task)).content.decode()
    assert "bob works on this task." in shown
    assert ">Complete</button>" not in shown
    assert watching.post(address(task), {}).status_code == 403


def test_who_has_lost_a_task_to_somebody_else_gets_back_what_he_typed(alice: User, bob: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    tasks.reassign(task.pk, "bob", alice)
    answer = browser(alice).post(address(task), ORDER)
    assert answer.status_code == 403
    assert "bob works on this task. What you sent was not stored." in answer.content.decode()
    assert "<dd>Tow Path 1</dd>" in answer.content.decode()


def test_a_task_that_is_not_there_is_a_404(alice: User, browser: Browser) -> None:
    assert browser(alice).get("/tasks/00000000-0000-7000-8000-000000000000/").status_code == 404


def test_outcomes_are_buttons_and_the_one_clicked_becomes_a_variable(alice: User, browser: Browser) -> None:
    form = {"key": "order", "name": "Order", "fields": [], "outcomes": [{"id": "yes", "name": "Accept"}, {"id": "no", "name": "Reject"}]}
    deploy(enter_order(), user("confirm"), form=form)
    instance, task = started(alice)
    client = browser(alice)
    shown = client.get(address(task)).content.decode()
    assert '<button name="_outcome" value="yes">Accept</button>' in shown
    assert ">Complete</button>" not in shown
    assert client.post(address(task), {"_outcome": "no"}).status_code == 302
    assert instances.variables(instance.pk)["form_order_outcome"] == "no"


def test_an_outcome_that_the_form_has_not_is_refused(alice: User, browser: Browser) -> None:
    form = {"key": "order", "name": "Order", "fields": [], "outcomes": [{"id": "yes", "name": "Accept"}]}
    deploy(enter_order(), form=form)
    _, task = started(alice)
    assert browser(alice).post(address(task), {"_outcome": "perhaps"}).status_code == 400


# -- drafts ---------------------------------------------------------------------------------------------------------------
def test_a_draft_is_kept_unchecked_and_is_there_again(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    client = browser(alice)
    answer = client.post(address(task), {"customername": "Half a na", "_save": "yes"}, follow=True)
    assert "Your draft is saved" in answer.content.decode()
    assert 'value="Half a na"' in client.get(address(task)).content.decode()
    assert UserTask.objects.get(pk=task.pk).state == "open"


def test_a_draft_is_for_its_writers_eyes_only(alice: User, admin: User, browser: Browser) -> None:
    deploy(enter_order())
    _, task = started(alice)
    browser(alice).post(address(task), {"customername": "Half a na", "_save": "yes"})
    assert "Half a na" not in browser(admin).get(address(task)).content.decode()


def test_a_password_is_never_kept_in_a_draft(alice: User, browser: Browser) -> None:
    form = {"key": "order", "name": "Order", "fields": [{"id": "secret", "name": "Secret", "type": "password"}], "outcomes": []}
    deploy(enter_order(), form=form)
    _, task = started(alice)
    browser(alice).post(address(task), {"secret": "hush", "_save": "yes"})
    assert "hush" not in json.dumps(Draft.objects.get(task=task.pk).values)


# -- claiming -------------------------------------------------------------------------------------------------------------
def kitchen_task() -> UserTask:
    deploy(user("bake", 'flowable:candidateGroups="kitchen" flowable:formKey="order"'))
    instance = runtime.start("story")
    return UserTask.objects.get(instance=instance.pk)


def test_a_candidate_claims_first_and_then_fills_the_form(bob: User, browser: Browser) -> None:
    task = kitchen_task()
    client = browser(bob)
    before = client.get(address(task)).content.decode()
    assert ">Claim</button>" in before
    assert 'name="customername" required disabled' in before
    assert client.post(f"{address(task)}claim/", follow=True).status_code == 200
    assert UserTask.objects.get(pk=task.pk).assignee == "bob"
    assert ">Complete</button>" in client.get(address(task)).content.decode()


def test_what_another_has_claimed_cannot_be_claimed(bob: User, admin: User, browser: Browser) -> None:
    task = kitchen_task()
    tasks.claim(task.pk, admin)
    answer = browser(bob).post(f"{address(task)}claim/")
    assert answer.status_code == 409
    assert "claimed by admin already" in answer.content.decode()


def test_a_stranger_cannot_claim(charlie: User, browser: Browser) -> None:
    task = kitchen_task()
    assert browser(charlie).post(f"{address(task)}claim/").status_code == 403
    assert UserTask.objects.get(pk=task.pk).assignee is None


def test_a_released_task_is_free_again(bob: User, browser: Browser) -> None:
    task = kitchen_task()
    tasks.claim(task.pk, bob)
    browser(bob).post(f"{address(task)}release/")
    assert UserTask.objects.get(pk=task.pk).assignee is None


def test_claiming_needs_a_post(bob: User, browser: Browser) -> None:
    task = kitchen_task()
    assert browser(bob).get(f"{address(task)}claim/").status_code == 405


def test_a_form_without_its_csrf_token_is_refused(alice: User) -> None:
    deploy(enter_order())
    _, task = started(alice)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post(address(task), ORDER)
    assert answer.status_code == 403
    assert "Nothing was stored." in answer.content.decode()
    assert UserTask.objects.get(pk=task.pk).state == "open"


# -- states of a request --------------------------------------------------------------------------------------------------
def test_a_task_on_hold_says_so_and_cannot_be_sent(alice: User, browser: Browser) -> None:
    deploy(enter_order())
    instance, task = started(alice)
    instances.suspend(instance.pk)
    client = browser(alice)
    assert "This request is on hold." in client.get(address(task)).content.decode()
    answer = client.post(address(task), ORDER)
    assert answer.status_code == 409
    assert 'value="Alice"' in answer.content.decode()


def test_a_delegated_task_is_given_back_to_its_owner(alice: User, bob: User, browser: Browser) -> None:
    deploy(enter_order(), user("confirm"))
    _, task = started(alice)
    tasks.delegate(task.pk, "bob", alice)
    client = browser(bob)
    assert "Give back to alice" in client.get(address(task)).content.decode()
    client.post(address(task), ORDER | {"_give_back": "yes"})
    task.refresh_from_db()
    assert (task.assignee, task.delegation, task.state) == ("alice", "resolved", "open")


def test_a_task_that_belongs_to_no_process_is_completed_too(alice: User, browser: Browser) -> None:
    task = UserTask.objects.create(name="Sweep", assignee="alice", created="2026-01-01T00:00:00Z")
    answer = browser(alice).post(address(task), {}, follow=True)
    assert answer.redirect_chain[-1][0] == "/inbox/"
    assert UserTask.objects.get(pk=task.pk).state == "completed"


def test_a_synchronous_step_runs_within_the_request(alice: User, browser: Browser) -> None:
    deploy(enter_order(), service("store", "${1 + 1}", 'flowable:resultVariable="number"'), user("confirm"))
    instance, task = started(alice)
    browser(alice).post(address(task), ORDER)
    assert instances.variables(instance.pk)["number"] == 2
    assert Instance.objects.get(pk=instance.pk).revision == 2
