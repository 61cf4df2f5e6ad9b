"""A large value has a row of its own, which goes when the value is replaced or removed; what a scope leaves behind is history and stays."""

from __future__ import annotations

from typing import Any

import pytest

from engine import runtime
from engine.errors import NotFound
from engine.models import Blob, Instance, UserTask, Variable
from engine.runtime import instances, standalone, tasks
from tests.runtime.models import script, user
from tests.runtime.queue import deploy

pytestmark = pytest.mark.django_db
LARGE, OTHER = "x" * 70_000, "y" * 80_000


@pytest.fixture
def instance() -> Instance:
    """An instance with a large variable, at its first task."""
    deploy(user("enter"), script("write", f'execution.setVariable("long", "{"z" * 5}".repeat(20000))'), user("confirm"))
    return runtime.start("story", variables={"long": LARGE, "short": 1})


def blobs() -> set[Any]:
    return set(Blob.objects.values_list("pk", flat=True))


def used() -> set[Any]:
    return set(Variable.objects.exclude(blob=None).values_list("blob", flat=True))


def test_a_large_value_that_is_written_anew_leaves_nothing_behind(instance: Instance) -> None:
    before = blobs()
    runtime.set_variables(instance.pk, {"long": OTHER})
    assert instances.variables(instance.pk)["long"] == OTHER
    assert blobs() == used()
    assert len(blobs()) == 1
    assert blobs() != before


def test_a_large_value_that_becomes_small_or_is_removed_leaves_nothing_behind(instance: Instance) -> None:
    runtime.set_variables(instance.pk, {"long": "short now"})
    assert blobs() == set()
    runtime.set_variables(instance.pk, {"long": OTHER})
    runtime.set_variables(instance.pk, {}, remove=("long",))
    assert "long" not in instances.variables(instance.pk)
    assert blobs() == set()


def test_a_step_that_writes_it_leaves_nothing_behind_and_one_that_fails_takes_nothing(instance: Instance) -> None:
    runtime.complete(UserTask.objects.get(instance=instance).pk)
    assert blobs() == used()
    assert len(blobs()) == 1
    deploy(user("enter"), script("fail", 'execution.setVariable("long", "no"); throw new Error("no")'), key="failing")
    failing = runtime.start("failing", variables={"long": LARGE})
    with pytest.raises(Exception, match="no"):
        runtime.complete(UserTask.objects.get(instance=failing, state="open").pk)
    assert instances.variables(failing.pk)["long"] == LARGE


def test_what_an_ended_instance_leaves_is_history_and_can_be_read(instance: Instance) -> None:
    for _ in range(2):
        runtime.complete(UserTask.objects.get(instance=instance, state="open").pk)
    row = Variable.objects.get(instance=instance, name="long")
    assert not row.live
    assert instances.decoded([row])["long"] == "z" * 100_000


def test_a_tasks_own_values_leave_nothing_behind_either(instance: Instance) -> None:
    task = UserTask.objects.get(instance=instance)
    for value in (LARGE, OTHER):
        tasks.set_variables(task.pk, {"own": value})
    assert tasks.own_variables(task.pk) == {"own": OTHER}
    assert blobs() == used()
    tasks.remove_variable(task.pk, "own")
    assert len(blobs()) == 1
    with pytest.raises(NotFound):
        tasks.remove_variable(task.pk, "own")


def test_a_task_without_a_process_has_values_of_its_own_that_go_with_it() -> None:
    task = standalone.create({"name": "Call back", "assignee": "alice"})
    for value in (LARGE, "small", OTHER):
        tasks.set_variables(task.pk, {"own": value})
    assert tasks.own_variables(task.pk) == {"own": OTHER}
    assert blobs() == used()
    standalone.delete(task, history=True)
    assert not Variable.objects.exists()
    assert blobs() == set()
