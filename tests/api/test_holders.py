"""Who had a task and who takes part in its instance by that stays known after it went on to somebody else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import MINE, REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

TASKS, PAST = "runtime/tasks", "history/historic-task-instances"


@pytest.fixture
def mine(operator: Api) -> str:
    """A task of alice's in an instance that the operator started."""
    operator.deploy(MINE)
    return operator.task(operator.start("mine"))


def act(api: Api, task: str, action: str, assignee: str | None = None) -> None:
    api.send("POST", f"{TASKS}/{task}", {"action": action, "assignee": assignee})


def holders(api: Api, task: str) -> set[tuple[str, str | None]]:
    return {(link["type"], link["userId"]) for link in api.get(f"{PAST}/{task}/identitylinks")}


def instance_of(api: Api, task: str) -> str:
    found: str = api.get(f"{PAST}/{task}")["processInstanceId"]
    return found


def participants(api: Api, task: str) -> list[Any]:
    path = f"history/historic-process-instances/{instance_of(api, task)}/identitylinks"
    return [link["userId"] for link in api.get(path) if link["type"] == "participant"]


def test_the_history_of_a_task_tells_each_holder_and_that_it_was_given_back(operator: Api, mine: str) -> None:
    act(operator, mine, "claim")
    act(operator, mine, "claim", "bob")
    assert holders(operator, mine) == {("assignee", "alice"), ("assignee", None), ("assignee", "bob")}
    assert [link["user"] for link in operator.get(f"{TASKS}/{mine}/identitylinks")] == ["bob"]


def test_a_task_that_was_handed_on_and_given_back_tells_of_both_and_of_its_owner(operator: Api, mine: str) -> None:
    act(operator, mine, "delegate", "bob")
    act(operator, mine, "resolve")
    act(operator, mine, "complete")
    assert holders(operator, mine) == {("assignee", "alice"), ("assignee", "bob"), ("owner", "alice")}
    assert participants(operator, mine) == ["admin", "alice", "bob"]


def test_a_task_that_nobody_had_belongs_to_nobody_when_it_is_resolved(operator: Api) -> None:
    operator.deploy(REVIEW)
    task = operator.task(operator.start("review"))
    act(operator, task, "delegate", "alice")
    act(operator, task, "resolve")
    shown = operator.get(f"{TASKS}/{task}")
    assert (shown["assignee"], shown["owner"], shown["delegationState"]) == (None, None, "resolved")


def test_who_is_put_in_as_assignee_or_owner_has_it_but_takes_no_part_by_that(operator: Api, mine: str) -> None:
    operator.send("PUT", f"{TASKS}/{mine}", {"assignee": "bob", "owner": "charlie"})
    operator.send("PUT", f"{TASKS}/{mine}", {"owner": None})
    assert holders(operator, mine) == {("assignee", "alice"), ("assignee", "bob"), ("owner", "charlie"), ("owner", None)}
    assert participants(operator, mine) == ["alice"]
    instance = instance_of(operator, mine)
    for who, found in (("alice", 1), ("bob", 0), ("charlie", 0)):
        assert operator.get("runtime/process-instances", {"involvedUser": who, "id": instance})["total"] == found, who
    for who, now, before in (("alice", 0, 1), ("bob", 1, 1), ("charlie", 0, 1)):
        assert operator.get(TASKS, {"involvedUser": who})["total"] == now, who
        assert operator.get(PAST, {"taskInvolvedUser": who})["total"] == before, who


def test_a_task_of_a_client_does_not_tell_whom_it_was_made_for(operator: Api) -> None:
    task = operator.send("POST", TASKS, {"name": "Wash", "assignee": "alice"}, 201)["id"]
    act(operator, task, "claim")
    act(operator, task, "claim", "bob")
    assert holders(operator, task) == {("assignee", None), ("assignee", "bob")}


def test_who_was_linked_to_a_task_takes_part_also_when_the_link_is_gone(operator: Api, mine: str) -> None:
    for kind in ("reader", "candidate"):
        operator.send("POST", f"{TASKS}/{mine}/identitylinks", {"user": "bob", "type": kind}, 201)
        operator.send("DELETE", f"{TASKS}/{mine}/identitylinks/users/bob/{kind}", status=204)
    assert participants(operator, mine) == ["alice", "bob"]
    assert holders(operator, mine) == {("assignee", "alice")}


def test_a_participant_can_be_taken_out_and_comes_back_with_the_task(operator: Api, mine: str) -> None:
    path = f"runtime/process-instances/{instance_of(operator, mine)}/identitylinks/users/alice/participant"
    operator.get(path)
    operator.send("DELETE", path, status=204)
    operator.send("DELETE", path, status=404)
    assert participants(operator, mine) == []
    act(operator, mine, "claim")
    act(operator, mine, "claim", "alice")
    assert participants(operator, mine) == ["alice"]


def test_to_have_had_a_task_gives_no_right_to_see_it_or_its_instance(operator: Api, of_bob: Api, mine: str) -> None:
    operator.send("POST", f"{TASKS}/{mine}/identitylinks", {"user": "bob", "type": "assignee"}, 201)
    instance = instance_of(operator, mine)
    of_bob.get(f"runtime/process-instances/{instance}")
    operator.send("DELETE", f"{TASKS}/{mine}/identitylinks/users/bob/assignee", status=204)
    assert participants(operator, mine) == ["alice", "bob"]
    of_bob.get(f"{TASKS}/{mine}", status=404)
    of_bob.get(f"runtime/process-instances/{instance}", status=404)


@pytest.mark.parametrize("kind", ["+participant", "-participant"])
def test_what_the_engine_keeps_for_itself_is_no_type_of_a_link(operator: Api, mine: str, kind: str) -> None:
    operator.send("POST", f"{TASKS}/{mine}/identitylinks", {"user": "bob", "type": kind}, 400)
    operator.send("DELETE", f"{TASKS}/{mine}/identitylinks/users/bob/{kind}", status=404)


def test_nobody_hides_who_started_an_instance_by_a_type_of_a_link(operator: Api, mine: str) -> None:
    path = f"runtime/process-instances/{instance_of(operator, mine)}/identitylinks"
    operator.send("POST", path, {"user": "admin", "type": "-starter"}, 400)
    assert "starter" in [link["type"] for link in operator.get(path)]


def test_a_run_was_completed_for_whom_the_task_belonged_to(operator: Api) -> None:
    operator.deploy(model("pair", line(*(f'<userTask id="{name}" flowable:assignee="alice"/>' for name in ("write", "read")))))
    instance = operator.start("pair")
    asked = {"processInstanceId": instance, "taskCompletedBy": "alice"}
    assert operator.get("runtime/activity-instances", asked)["total"] == 0
    act(operator, operator.task(instance), "complete")
    assert [run["activityId"] for run in operator.get("runtime/activity-instances", asked)["data"]] == ["write"]
    assert operator.get("runtime/activity-instances", {**asked, "taskCompletedBy": "admin"})["total"] == 0


def test_the_link_of_who_started_an_instance_can_be_taken_away_and_he_sees_it_yet(operator: Api, of_alice: Api) -> None:
    operator.deploy(REVIEW)
    instance = of_alice.start("review")
    paths = [f"{base}/{instance}/identitylinks" for base in ("runtime/process-instances", "history/historic-process-instances")]
    starter = f"{paths[0]}/users/alice/starter"
    assert all("starter" in [link["type"] for link in operator.get(path)] for path in paths)
    operator.send("DELETE", starter, status=204)
    assert not any("starter" in [link["type"] for link in operator.get(path)] for path in paths)
    operator.get(starter, status=404)
    operator.send("DELETE", starter, status=404)
    assert of_alice.get(f"runtime/process-instances/{instance}")["startUserId"] == "alice"
    operator.send("POST", paths[0], {"user": "alice", "type": "starter"}, 201)
    assert operator.get(starter)["user"] == "alice"
    operator.send("DELETE", starter, status=204)
    operator.get(starter, status=404)


def test_a_task_whose_assignee_is_an_empty_name_tells_so_in_its_links(operator: Api, mine: str) -> None:
    operator.send("PUT", f"{TASKS}/{mine}", {"assignee": ""})
    assert [(link["type"], link["user"]) for link in operator.get(f"{TASKS}/{mine}/identitylinks")] == [("assignee", "")]
