"""The host is told of new user tasks and ended instances by Django signals: after the commit, and only of what was committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.dispatch import Signal

from engine import runtime
from engine.models import Instance, UserTask
from engine.runtime import hooks
from tests.runtime.models import HEAD, model, script, user
from tests.runtime.queue import ASYNC, deploy, drain

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def listen() -> Iterator[Callable[[Signal, Callable[..., None]], None]]:
    """Listens to a signal until the test ends."""
    begun: list[tuple[Signal, Any]] = []

    def on(signal: Signal, receiver: Callable[..., None]) -> None:
        signal.connect(receiver, weak=False)
        begun.append((signal, receiver))

    yield on
    for signal, receiver in begun:
        signal.disconnect(receiver)


@pytest.fixture
def tasks(listen: Any) -> list[dict[str, Any]]:
    """What was told of new tasks."""
    told: list[dict[str, Any]] = []
    listen(runtime.task_created, lambda **about: told.append(about))
    return told


@pytest.fixture
def ends(listen: Any) -> list[dict[str, Any]]:
    """What was told of ended instances."""
    told: list[dict[str, Any]] = []
    listen(runtime.instance_ended, lambda **about: told.append(about))
    return told


def test_a_new_task_is_told_with_whose_it_is(tasks: list[dict[str, Any]]) -> None:
    deploy(user("enter", 'flowable:assignee="alice"'))
    instance = runtime.start("story", business_key="7")
    (about,) = tasks
    assert {name: about[name] for name in ("task_id", "instance_id", "node", "name", "assignee")} == {
        "task_id": str(UserTask.objects.get().pk), "instance_id": str(instance.pk), "node": "enter", "name": "Enter", "assignee": "alice",
    }  # fmt: skip
    assert (about["definition_id"], about["definition_key"], about["business_key"]) == (instance.definition_id, "story", "7")


def test_an_ended_instance_is_told_with_how_it_ended(ends: list[dict[str, Any]]) -> None:
    deploy(user("enter"))
    first, second = runtime.start("story"), runtime.start("story")
    assert ends == []
    runtime.complete(UserTask.objects.get(instance=first).pk)
    runtime.cancel(second.pk, "no more dough")
    assert [(e["instance_id"], e["state"], e["reason"]) for e in ends] == [
        (str(first.pk), "completed", None), (str(second.pk), "cancelled", "no more dough"),
    ]  # fmt: skip


def test_it_is_told_when_all_is_committed_and_can_be_read(listen: Any) -> None:
    seen: list[tuple[bool, int]] = []
    listen(
        runtime.task_created, lambda task_id, **_: seen.append((connection.in_atomic_block, UserTask.objects.filter(pk=task_id).count()))
    )
    deploy(user("enter"))
    runtime.start("story")
    assert seen == [(False, 1)]


def test_inside_the_hosts_transaction_it_is_told_when_that_commits(tasks: list[dict[str, Any]]) -> None:
    deploy(user("enter"))
    with transaction.atomic():
        runtime.start("story")
        assert tasks == []
    assert len(tasks) == 1


def test_what_is_rolled_back_is_never_told(tasks: list[dict[str, Any]], ends: list[dict[str, Any]]) -> None:
    deploy(user("enter"))
    deploy(user("enter"), script("store", 'throw new Error("no")'), key="failing")
    with transaction.atomic():
        runtime.start("story")
        transaction.set_rollback(True)
    instance = runtime.start("failing")
    tasks.clear()
    with pytest.raises(Exception, match="no"):
        runtime.complete(UserTask.objects.get(instance=instance).pk)
    assert (tasks, ends) == ([], [])


def test_a_task_that_a_job_made_is_told_too(tasks: list[dict[str, Any]]) -> None:
    deploy(script("store", "1", ASYNC), user("confirm"))
    runtime.start("story")
    assert tasks == []
    drain()
    assert [about["node"] for about in tasks] == ["confirm"]


def test_a_task_that_ended_in_the_same_unit_is_not_told(tasks: list[dict[str, Any]], ends: list[dict[str, Any]]) -> None:
    """The other branch ends the process in the transaction that made the task."""
    flows = (("start", "fork"), ("fork", "enter"), ("fork", "stop"))
    runtime.deploy({
        "story.bpmn": f'{HEAD}<process id="story"><startEvent id="start"/><parallelGateway id="fork"/><userTask id="enter"/>'
        '<endEvent id="stop"><terminateEventDefinition/></endEvent>'.encode()
        + "".join(f'<sequenceFlow id="{a}-{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in flows).encode()
        + b"</process></definitions>"
    }, name="story")  # fmt: skip
    runtime.start("story")
    assert UserTask.objects.get().state == "deleted"
    assert tasks == []
    assert [about["state"] for about in ends] == ["terminated"]


def test_a_task_is_told_as_the_models_listeners_left_it(tasks: list[dict[str, Any]]) -> None:
    listener = '<extensionElements><flowable:taskListener event="create" expression="${task.setAssignee(\'bob\')}"/></extensionElements>'
    deploy(f'<userTask id="enter" name="Enter" flowable:assignee="alice">{listener}</userTask>')
    runtime.start("story")
    assert UserTask.objects.get().assignee == "bob"
    assert [about["assignee"] for about in tasks] == ["bob"]


def test_of_a_called_process_both_are_told(tasks: list[dict[str, Any]], ends: list[dict[str, Any]]) -> None:
    deploy(user("enter"), key="inner")
    runtime.deploy({"outer.bpmn": model('<callActivity id="call" calledElement="inner"/>', key="outer")}, name="outer")
    runtime.start("outer")
    assert [about["definition_key"] for about in tasks] == ["inner"]
    runtime.complete(UserTask.objects.get().pk)
    assert {about["definition_key"] for about in ends} == {"inner", "outer"}


def test_a_receiver_that_fails_undoes_nothing_and_hides_nothing(
    listen: Any, tasks: list[dict[str, Any]], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("the mail server is down")

    listen(runtime.task_created, fail)
    later: list[Any] = []
    listen(runtime.task_created, lambda **about: later.append(about))
    deploy(user("enter"))
    runtime.start("story")
    assert (len(tasks), len(later), UserTask.objects.count()) == (1, 1, 1)
    assert "the mail server is down" in caplog.text


def test_a_receiver_may_use_the_engine(listen: Any) -> None:
    deploy(user("enter"))
    deploy(user("evaluate"), key="survey")
    listen(runtime.instance_ended, lambda instance_id, **_: runtime.start("survey", business_key=instance_id))
    instance = runtime.start("story")
    runtime.complete(UserTask.objects.get().pk)
    assert Instance.objects.get(definition__key="survey").business_key == str(instance.pk)


def test_nothing_is_made_ready_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks.transaction, "on_commit", lambda *_: pytest.fail("nobody listens"))
    deploy(user("enter"))
    runtime.start("story")
