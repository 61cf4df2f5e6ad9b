"""The administrator's door: lists that stay cheap, pages that show everything, verbs that ask first and are written down."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from engine import runtime
from engine.models import Definition, Deployment, Instance, Job, UserTask
from tests.runtime import workflow_handlers  # noqa: F401 - registers the handlers
from tests.runtime.models import handler, model, user
from tests.runtime.queue import drain, hurry

pytestmark = pytest.mark.django_db

ASYNC = 'flowable:async="true"'


@pytest.fixture
def desk(admin: User) -> Client:
    client = Client()
    client.force_login(admin)
    return client


def started(*steps: str, number: int = 1) -> list[Instance]:
    runtime.deploy({"story.bpmn": model(*steps)}, name="story")
    return [runtime.start("story", business_key=f"order {i}") for i in range(number)]


def dead_letter() -> Job:
    (instance,) = started(handler("store", "failing", ASYNC))
    for _ in range(3):
        hurry()
        drain()
    return Job.objects.get(instance=instance.pk, state="dead")


def text(client: Client, address: str) -> str:
    answer = client.get(address, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("table", ["definition", "deployment", "instance", "job", "usertask", "ledger", "worker", "subscription"])
def test_lists_cost_the_same_however_long_they_are(desk: Client, table: str) -> None:
    started(user("enter"), handler("store", "outside", ASYNC), number=2)
    for task in UserTask.objects.all():
        runtime.complete(task.pk)
    desk.get(f"/admin/towpath/{table}/")
    with CaptureQueriesContext(connection) as few:
        text(desk, f"/admin/towpath/{table}/")
    for _ in range(15):
        runtime.complete(UserTask.objects.get(instance=runtime.start("story").pk).pk)
    with CaptureQueriesContext(connection) as many:
        text(desk, f"/admin/towpath/{table}/")
    assert len(many) <= len(few) <= 12, [q["sql"] for q in many.captured_queries]


def test_the_first_page_says_how_the_engine_stands(desk: Client) -> None:
    dead_letter()
    shown = text(desk, "/admin/")
    assert (
        '<a class="towpath-figure towpath-bad" href="/admin/towpath/job/?state__exact=dead"><strong>1</strong> <span>dead letters</span>'
        in shown
    )


def test_a_job_shows_its_error_its_traceback_and_every_attempt(desk: Client) -> None:
    job = dead_letter()
    shown = text(desk, f"/admin/towpath/job/{job.pk}/")
    assert "the shop is closed" in shown
    assert shown.count("<summary>Traceback</summary>") == 4  # the last error's, and one for each of three attempts
    assert "/retry/" in shown


def test_retry_asks_first_then_lets_the_job_run_again_and_is_written_down(desk: Client, admin: User) -> None:
    job = dead_letter()
    address = f"/admin/towpath/job/{job.pk}/retry/"
    assert "Let it run again" in text(desk, address)
    assert Job.objects.get(pk=job.pk).state == "dead"
    desk.post(address, {"confirm": "yes"})
    assert list(Job.objects.filter(pk=job.pk).values_list("state", "retries")) == [("ready", 3)]
    assert LogEntry.objects.get(user=admin).change_message == "retry"


def test_many_dead_letters_are_retried_at_once(desk: Client) -> None:
    dead_letter()
    chosen = {"action": "retry", "_selected_action": [str(j.pk) for j in Job.objects.all()]}
    asked = desk.post("/admin/towpath/job/", chosen).content.decode()
    assert "This concerns 1 record" in asked
    desk.post("/admin/towpath/job/", {**chosen, "confirm": "yes"})
    assert Job.objects.get().state == "ready"


def test_run_now_tells_what_failed(desk: Client) -> None:
    started(handler("store", "failing", ASYNC))
    job = Job.objects.get()
    shown = desk.post(f"/admin/towpath/job/{job.pk}/run/", {"confirm": "yes"}, follow=True).content.decode()
    assert "the shop is closed" in shown
    assert Job.objects.get(pk=job.pk).retries == 2


def test_an_instance_shows_diagram_variables_ledger_and_jobs(desk: Client) -> None:
    (instance,) = started(user("enter"), handler("store", "outside", ASYNC))
    runtime.complete(UserTask.objects.get().pk, {"pizza": "<b>Diavola</b>"})
    shown = text(desk, f"/admin/towpath/instance/{instance.pk}/")
    assert "<svg" in shown
    assert "&lt;b&gt;Diavola&lt;/b&gt;" in shown
    assert "T2" in shown
    assert "asynchronous step Store" in shown


def test_an_instance_is_cancelled_with_a_reason(desk: Client) -> None:
    (instance,) = started(user("enter"))
    desk.post(f"/admin/towpath/instance/{instance.pk}/cancel/", {"confirm": "yes", "reason": "a mistake"})
    instance.refresh_from_db()
    assert (instance.state, instance.reason) == ("cancelled", "a mistake")
    assert LogEntry.objects.get().change_message == "cancel: a mistake"


def test_a_task_is_given_to_somebody_else(desk: Client) -> None:
    started(user("enter"))
    task = UserTask.objects.get()
    desk.post(f"/admin/towpath/usertask/{task.pk}/reassign/", {"confirm": "yes", "assignee": "bob"})
    assert UserTask.objects.get().assignee == "bob"


def test_a_refused_file_lists_all_its_problems_and_stores_nothing(desk: Client) -> None:
    bad = model(user("enter"), user("enter")).replace(b'targetRef="end"', b'targetRef="nowhere"')
    answer = desk.post("/admin/towpath/definition/deploy/", {"file": SimpleUploadedFile("bad.bpmn", bad)})
    shown = answer.content.decode()
    assert answer.status_code == 400
    assert "Nothing was deployed" in shown
    assert "nowhere" in shown
    assert "enter" in shown
    assert not Deployment.objects.exists()


def test_a_file_is_deployed_and_shown(desk: Client) -> None:
    answer = desk.post("/admin/towpath/definition/deploy/", {"file": SimpleUploadedFile("story.bpmn", model(user("enter")))}, follow=True)
    assert "Story is deployed: 1 process." in answer.content.decode()
    definition = Definition.objects.get()
    assert "<svg" in text(desk, f"/admin/towpath/definition/{definition.pk}/")
    desk.post(f"/admin/towpath/definition/{definition.pk}/suspend/", {"confirm": "yes"})
    assert Definition.objects.get().suspended


def test_a_deployment_with_running_instances_needs_the_cascade(desk: Client) -> None:
    started(user("enter"))
    made = Deployment.objects.get()
    address = f"/admin/towpath/deployment/{made.pk}/remove/"
    assert "end them first" in desk.post(address, {"confirm": "yes"}, follow=True).content.decode()
    desk.post(address, {"confirm": "yes", "cascade": "on"})
    assert not Deployment.objects.exists()
    assert not Instance.objects.exists()


def test_records_are_read_only_even_for_the_superuser(desk: Client) -> None:
    (instance,) = started(user("enter"))
    assert desk.post(f"/admin/towpath/instance/{instance.pk}/change/", {"state": "completed"}).status_code == 403
    assert desk.get("/admin/towpath/job/add/").status_code == 403
    assert desk.post(f"/admin/towpath/instance/{instance.pk}/delete/", {"post": "yes"}).status_code == 403


def test_staff_without_the_permission_to_operate_sees_nothing(alice: User) -> None:
    alice.is_staff = True
    alice.save()
    client = Client()
    client.force_login(alice)
    (instance,) = started(user("enter"))
    assert "towpath-figure" not in text(client, "/admin/")
    assert client.get(f"/admin/towpath/instance/{instance.pk}/change/").status_code == 403
    client.post(f"/admin/towpath/instance/{instance.pk}/cancel/", {"confirm": "yes"})
    assert Instance.objects.get().ended is None
