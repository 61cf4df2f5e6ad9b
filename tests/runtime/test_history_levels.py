"""How much of the past a process wants to have kept, whatever the site keeps (Flowable's historyLevel and includeInHistory)."""

from __future__ import annotations

import pytest

from engine import runtime
from engine.errors import DeploymentError
from engine.models import Activity, Instance, UserTask
from engine.runtime import queries
from tests.runtime.models import model, user

pytestmark = pytest.mark.django_db

MARKED = "<extensionElements><flowable:includeInHistory>true</flowable:includeInHistory></extensionElements>"


def run(level: str | None) -> set[str]:
    """The nodes and flows that are in the history of an instance that has ended."""
    wanted = f"<extensionElements><flowable:historyLevel>{level}</flowable:historyLevel></extensionElements>" if level else ""
    first, second = user("first"), user("second").replace("/>", f">{MARKED}</userTask>")
    runtime.deploy({"story.bpmn": model(first, second).replace(b"<startEvent", f"{wanted}<startEvent".encode(), 1)}, name="story")
    instance = runtime.start("story")
    for _ in range(2):
        runtime.complete(UserTask.objects.get(instance=instance.pk, state="open").pk)
    assert Instance.objects.get(pk=instance.pk).state == "completed"
    return set(Activity.objects.filter(instance=instance.pk).values_list("node", flat=True))


@pytest.mark.parametrize("level", [None, "activity", "audit", "full"])
def test_every_run_and_flow_is_kept(level: str | None) -> None:
    assert run(level) == {"start", "first", "second", "end", "f0", "f1", "f2"}


@pytest.mark.parametrize("level", ["instance", "task"])
def test_only_what_is_marked_is_kept_below_the_level_of_activities(level: str) -> None:
    assert run(level) == {"second"}


def test_nothing_is_kept_at_the_level_none() -> None:
    assert run("none") == set()


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(DeploymentError, match="historyLevel must be one of"):
        run("much")


def test_a_node_that_the_file_gives_no_id_has_no_runs_in_the_history() -> None:
    nameless = (
        '<subProcess triggeredByEvent="true"><startEvent id="wake"><signalEventDefinition signalRef="bell"/></startEvent></subProcess>'
    )
    xml = model(user("first"), more=nameless).replace(b"<process", b'<signal id="bell" name="bell"/><process', 1)
    runtime.deploy({"story.bpmn": xml}, name="story")
    instance = runtime.start("story")
    runtime.signal("bell")
    assert Instance.objects.get(pk=instance.pk).state == "completed"
    assert set(Activity.objects.filter(instance=instance.pk).values_list("node", flat=True)) == {"start", "f0", "first", "wake"}


@pytest.mark.parametrize(("level", "names"), [(None, ["amount", "initiator"]), ("task", [])])
def test_variables_are_in_the_history_as_runs_of_activities_are(level: str | None, names: list[str]) -> None:
    wanted = f"<extensionElements><flowable:historyLevel>{level}</flowable:historyLevel></extensionElements>" if level else ""
    runtime.deploy({"story.bpmn": model(user("first")).replace(b"<startEvent", f"{wanted}<startEvent".encode(), 1)}, name="story")
    instance = runtime.start("story", variables={"amount": 3})
    assert sorted(v.name for v in queries.historic_variables.seen(None).filter(instance=instance.pk)) == names
    assert runtime.instances.variables(instance.pk)["amount"] == 3
