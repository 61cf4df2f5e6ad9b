"""What unusual members of bodies mean: empty texts and lists, things said twice, things that stand beside an action."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import MINE, REVIEW, Api

pytestmark = pytest.mark.django_db

DEFINITIONS, TASKS, INSTANCES = "repository/process-definitions", "runtime/tasks", "runtime/process-instances"


@pytest.mark.parametrize("name", ["deploymentIdIn", "excludeProcessDefinitionKeys"])
def test_an_empty_list_in_a_query_asks_for_nothing_in_particular(operator: Api, name: str) -> None:
    operator.deploy(REVIEW)
    operator.start("review")
    assert operator.send("POST", "query/process-instances", {name: []})["total"] == 1
    operator.send("POST", "query/process-instances", {name: "review"}, 400)


@pytest.mark.parametrize("name", ["processInstanceIds", "processDefinitionKeys", "activeActivityIds"])
def test_some_lists_of_running_instances_must_not_be_empty(operator: Api, name: str) -> None:
    operator.deploy(REVIEW)
    operator.start("review")
    operator.send("POST", "query/process-instances", {name: []}, 400)
    assert operator.send("POST", "query/historic-process-instances", {name: []})["total"] == 1


def test_an_empty_date_in_a_query_is_none_and_an_empty_sort_is_refused(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.start("review")
    assert operator.send("POST", "query/process-instances", {"startedAfter": ""})["total"] == 1
    for path in ("query/executions", "query/historic-activity-instances", "query/variable-instances"):
        operator.send("POST", path, {"sort": ""}, 400)


def test_a_category_goes_before_an_action(operator: Api) -> None:
    operator.deploy(REVIEW)
    path = f"{DEFINITIONS}/{operator.get(DEFINITIONS)['data'][0]['id']}"
    operator.send("PUT", path, {"action": "suspend", "category": "paper"})
    shown = operator.get(path)
    assert (shown["category"], shown["suspended"]) == ("paper", False)
    operator.send("PUT", path, {"category": None}, 400)
    operator.send("PUT", path, {"action": "suspend", "category": None})
    assert operator.get(path)["suspended"]


def test_an_empty_due_date_is_none(operator: Api) -> None:
    task = operator.send("POST", TASKS, {"name": "Wash", "dueDate": "2031-01-01T00:00:00Z"}, 201)["id"]
    assert operator.send("PUT", f"{TASKS}/{task}", {"dueDate": ""})["dueDate"] is None


def test_a_task_cannot_be_changed_twice_at_once(operator: Api) -> None:
    task = operator.send("POST", TASKS, {"name": "Wash"}, 201)["id"]
    operator.send("PUT", TASKS, {"taskIds": [task, task], "name": "Dry"}, 404)
    assert operator.get(f"{TASKS}/{task}")["name"] == "Wash"


def test_who_has_a_task_claims_it_by_saying_so(operator: Api) -> None:
    operator.deploy(MINE)
    path = f"{TASKS}/{operator.task(operator.start('mine'))}"
    assert operator.get(path)["claimTime"] is None
    operator.send("POST", path, {"action": "claim", "assignee": "alice"})
    claimed = operator.get(path)["claimTime"]
    assert claimed is not None
    operator.send("POST", path, {"action": "claim", "assignee": "alice"})
    assert operator.get(path)["claimTime"] == claimed


@pytest.mark.parametrize(("sent", "kept"), [("", ""), ("late", "late"), (None, "process instance deleted")])
def test_an_empty_reason_is_a_reason(operator: Api, sent: str | None, kept: str) -> None:
    operator.deploy(REVIEW)
    one, other = operator.start("review"), operator.start("review")
    more: dict[str, Any] = {} if sent is None else {"deleteReason": sent}
    query = "" if sent is None else f"?deleteReason={sent}"
    operator.send("DELETE", f"{INSTANCES}/{one}{query}", status=204)
    operator.send("POST", f"{INSTANCES}/delete", {"action": "delete", "instanceIds": [other], **more}, 204)
    assert {row["deleteReason"] for row in operator.get("history/historic-process-instances")["data"]} == {kept}


def test_a_group_keeps_its_id(operator: Api) -> None:
    operator.send("POST", "identity/groups", {"id": "bakers"}, 201)
    operator.send("PUT", "identity/groups/bakers", {"id": "cooks"}, 400)
    operator.send("PUT", "identity/groups/bakers", {"id": "bakers", "name": "The bakers"})


@pytest.mark.parametrize("value", [[], {}, ["x"]])
@pytest.mark.parametrize("name", ["processInstanceId", "executionId", "taskId"])
def test_an_id_in_a_query_is_one_id(operator: Api, name: str, value: Any) -> None:
    assert operator.send("POST", "query/tasks", {name: value}, 400)["field"] == name


@pytest.mark.parametrize("name", ["size", "start", "priority", "unassigned", "withoutDueDate", "includeProcessVariables", "active"])
def test_what_is_empty_in_a_query_asks_for_nothing_unless_it_is_a_text(operator: Api, name: str) -> None:
    operator.send("POST", "runtime/tasks", {"name": "Wash"}, 201)
    assert operator.send("POST", "query/tasks", {name: ""})["total"] == 1
    assert operator.send("POST", "query/tasks", {"name": ""})["total"] == 0


def test_takes_a_moment_as_milliseconds_since_1970(operator: Api) -> None:
    task = operator.send("POST", "runtime/tasks", {"name": "Wash", "dueDate": 1_300_000_000_000}, 201)
    assert task["dueDate"] == "2011-03-13T07:06:40.000Z"
    assert [operator.send("POST", "query/tasks", {"dueBefore": at})["total"] for at in (1_299_999_999_999, 1_300_000_000_001)] == [0, 1]
    operator.send("POST", "query/tasks", {"dueBefore": 10**18}, 400)
    operator.send("POST", "query/tasks", {"dueBefore": True}, 400)


@pytest.mark.parametrize("names", ["x", []])
def test_the_names_of_variables_to_include_are_a_list_that_is_not_empty(operator: Api, names: Any) -> None:
    for path in ("query/process-instances", "query/historic-process-instances"):
        operator.send("POST", path, {"includeProcessVariablesNames": names}, 400)
