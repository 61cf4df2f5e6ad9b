"""`runtime/tasks`: lists, filters, and what people may do with a task."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import MINE, REVIEW, Api

pytestmark = pytest.mark.django_db

PATH = "runtime/tasks"


def names(found: Any) -> list[str]:
    return [one["name"] for one in found["data"]]


@pytest.fixture
def both(operator: Api) -> tuple[str, str]:
    """An instance of each process, the first offered to bob and the kitchen, the second alice's."""
    operator.deploy(REVIEW)
    operator.deploy(MINE)
    return operator.start("review", title="Letter"), operator.start("mine")


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({"sort": "name"}, ["Check it", "Write it"]),
    ({"name": "Check it"}, ["Check it"]),
    ({"nameLike": "%it", "sort": "name", "order": "desc"}, ["Write it", "Check it"]),
    ({"nameLikeIgnoreCase": "CH%"}, ["Check it"]),
    ({"assignee": "alice"}, ["Write it"]),
    ({"unassigned": "true"}, ["Check it"]),
    ({"candidateUser": "bob"}, ["Check it"]),
    ({"candidateUser": "alice"}, []),
    ({"candidateGroup": "kitchen"}, ["Check it"]),
    ({"candidateGroups": "kitchen,nobody"}, ["Check it"]),
    ({"candidateOrAssigned": "alice"}, ["Write it"]),
    ({"involvedUser": "bob"}, ["Check it"]),
    ({"taskDefinitionKey": "check"}, ["Check it"]),
    ({"processDefinitionKey": "mine"}, ["Write it"]),
    ({"priority": 50, "sort": "name"}, ["Check it", "Write it"]),
    ({"minimumPriority": 51}, []),
    ({"delegationState": "pending"}, []),
    ({"dueAfter": "2011-01-01"}, []),
    ({"active": "true", "sort": "name", "size": 1}, ["Check it"]),
    ({"withoutDueDate": "true", "sort": "name"}, ["Check it", "Write it"]),
    ({"withoutProcessInstanceId": "true"}, []),
]


def test_lists_tasks_by_each_filter(operator: Api, both: tuple[str, str]) -> None:
    for given, wanted in FILTERS:
        assert names(operator.get(PATH, given)) == wanted, given


def test_queries_tasks_by_the_variables_of_their_process(operator: Api, both: tuple[str, str]) -> None:
    for value, wanted in (("Letter", ["Check it"]), ("Parcel", [])):
        condition = {"name": "title", "operation": "equals", "value": value}
        assert names(operator.send("POST", "query/tasks", {"processInstanceVariables": [condition]})) == wanted


def test_shows_the_variables_that_are_asked_for(operator: Api, both: tuple[str, str]) -> None:
    found = operator.get(PATH, {"name": "Check it", "includeProcessVariables": "true"})["data"][0]
    assert found["variables"] == [{"name": "title", "scope": "global", "type": "string", "value": "Letter"}]


def test_needs_few_statements_for_a_page(operator: Api, both: tuple[str, str], django_assert_max_num_queries: Any) -> None:
    with django_assert_max_num_queries(4 + 2):  # session and user besides
        operator.get(PATH, {"includeProcessVariables": "true", "includeTaskLocalVariables": "true"})


def test_shows_each_his_own_tasks(of_alice: Api, of_bob: Api, of_charlie: Api, both: tuple[str, str]) -> None:
    assert names(of_alice.get(PATH)) == ["Write it"]
    assert names(of_bob.get(PATH)) == ["Check it"]
    assert names(of_charlie.get(PATH)) == []


# -- doing ----------------------------------------------------------------------------------------------------------------
def test_completes_a_task_with_variables_of_process_and_task(operator: Api, both: tuple[str, str]) -> None:
    task = operator.task(both[0])
    sent = [{"name": "done", "value": True}, {"name": "near", "scope": "local", "value": 1}]
    answer = operator.call("POST", f"{PATH}/{task}", {"action": "complete", "variables": sent})
    assert (answer.status_code, answer.content) == (200, b"")
    found = operator.get("history/historic-variable-instances", {"processInstanceId": both[0]})["data"]
    assert {(v["variable"]["name"], v["variable"]["scope"], v["taskId"]) for v in found} == {
        ("done", "global", None),
        ("near", "local", task),
        ("title", "global", None),
    }
    assert operator.get(f"history/historic-process-instances/{both[0]}")["endTime"]


def test_completes_a_task_once(operator: Api, both: tuple[str, str]) -> None:
    task = operator.task(both[0])
    operator.send("POST", f"{PATH}/{task}", {"action": "complete"})
    operator.send("POST", f"{PATH}/{task}", {"action": "complete"}, 404)
    operator.get(f"{PATH}/{task}", status=404)


def test_lets_no_stranger_touch_a_task(of_charlie: Api, operator: Api, both: tuple[str, str]) -> None:
    task = operator.task(both[0])
    of_charlie.get(f"{PATH}/{task}", status=404)
    for body in ({"action": "complete"}, {"action": "claim", "assignee": "charlie"}, {"action": "delegate", "assignee": "charlie"}):
        of_charlie.send("POST", f"{PATH}/{task}", body, 403)
    assert operator.get(f"{PATH}/{task}")["assignee"] is None


def test_claims_and_gives_back(operator: Api, of_bob: Api, both: tuple[str, str]) -> None:
    path = f"{PATH}/{operator.task(both[0])}"
    of_bob.send("POST", path, {"action": "claim", "assignee": "bob"})
    of_bob.send("POST", path, {"action": "claim", "assignee": "bob"})
    assert operator.get(path)["assignee"] == "bob"
    assert operator.get(path)["claimTime"]
    operator.send("POST", path, {"action": "claim", "assignee": "alice"}, 409)
    of_bob.send("POST", path, {"action": "claim", "assignee": None})
    assert operator.get(path)["assignee"] is None


def test_delegates_and_resolves(operator: Api, of_alice: Api, of_bob: Api, both: tuple[str, str]) -> None:
    path = f"{PATH}/{operator.task(both[1])}"
    of_alice.send("POST", path, {"action": "delegate"}, 400)
    of_alice.send("POST", path, {"action": "delegate", "assignee": "bob"})
    found = operator.get(path)
    assert (found["owner"], found["assignee"], found["delegationState"]) == ("alice", "bob", "pending")
    of_bob.send("POST", path, {"action": "complete"}, 409)
    of_bob.send("POST", path, {"action": "resolve"})
    found = operator.get(path)
    assert (found["assignee"], found["delegationState"]) == ("alice", "resolved")


WRONG_ACTIONS: list[dict[str, Any]] = [
    {},
    {"action": "dance"},
    {"action": 5},
    {"action": "complete", "variables": [{"value": 1}]},
    {"action": "complete", "variables": 5},
]


@pytest.mark.parametrize("body", WRONG_ACTIONS, ids=str)
def test_refuses_an_action(operator: Api, both: tuple[str, str], body: dict[str, Any]) -> None:
    task = operator.task(both[0])
    operator.send("POST", f"{PATH}/{task}", body, 400)
    operator.get(f"{PATH}/{task}")


@pytest.mark.parametrize("key", ["nobody", "00000000-0000-0000-0000-000000000000"])
def test_knows_no_other_task(operator: Api, key: str) -> None:
    operator.get(f"{PATH}/{key}", status=404)
    operator.send("POST", f"{PATH}/{key}", {"action": "complete"}, 404)


def test_shows_who_is_linked_to_a_task(operator: Api, both: tuple[str, str]) -> None:
    found = operator.get(f"{PATH}/{operator.task(both[0])}/identitylinks")
    assert {(link["type"], link["user"], link["group"]) for link in found} == {("candidate", "bob", None), ("candidate", None, "kitchen")}
