"""What Flowable 7.2 was seen to do where its clients would notice: which words a list heeds, and what happens around an end."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api import words
from tests.api.conftest import MINE, REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

INSTANCES, EXECUTIONS, PAST = "runtime/process-instances", "runtime/executions", "history/historic-process-instances"
CALLER = model("caller", line('<callActivity id="call" calledElement="review"/>', '<userTask id="after" name="After"/>'))
NOTE = model("note", line('<userTask id="write" name="Write" flowable:owner="bob" flowable:category="paper"/>'))


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["data"]]


def child_of(operator: Api, instance: str) -> str:
    found: str = ids(operator.get(INSTANCES, {"superProcessInstanceId": instance}))[0]
    return found


# -- lists ----------------------------------------------------------------------------------------------------------------
def test_ignores_a_word_that_only_the_query_by_post_knows(operator: Api) -> None:
    operator.deploy(REVIEW)
    one, other = operator.start("review"), operator.start("review")
    assert set(ids(operator.get(INSTANCES, {"processInstanceIds": one}))) == {one, other}
    assert ids(operator.send("POST", "query/process-instances", {"processInstanceIds": [one]})) == [one]


@pytest.mark.parametrize("path", sorted(words.FILTERS))
def test_knows_every_word_of_a_list_and_heeds_no_other(operator: Api, path: str) -> None:
    sent = {"start": 0, "size": 1, "nobody knows": {"this": 1}}
    operator.get(path, {**sent, "nobody knows": "this"}) if not path.startswith("query/") else operator.send("POST", path, sent)


@pytest.mark.parametrize("path", sorted(words.SORTS))
def test_sorts_by_what_flowable_sorts_by(operator: Api, path: str) -> None:
    for sort in words.SORTS[path]:
        asked = {"sort": sort, "order": "desc"}
        assert operator.send("POST", path, asked)["sort"] == sort if path.startswith("query/") else operator.get(path, asked)
    asked = {"sort": "nonsense"}
    operator.send("POST", path, asked, 400) if path.startswith("query/") else operator.get(path, asked, 400)


def test_shows_only_the_variables_that_are_named(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review", title="Letter", pages=3)
    asked = {"processInstanceIds": [one], "includeProcessVariablesNames": ["pages"]}
    for path in ("query/process-instances", "query/historic-process-instances"):
        assert [v["name"] for v in operator.send("POST", path, asked)["data"][0]["variables"]] == ["pages"]


def test_finds_tasks_by_the_categories_they_are_not_in(operator: Api) -> None:
    operator.deploy(NOTE)
    operator.deploy(REVIEW)
    noted, plain = operator.task(operator.start("note")), operator.task(operator.start("review"))
    assert ids(operator.get("runtime/tasks", {"categoryNotIn": "wood"})) == [noted]
    assert ids(operator.get("runtime/tasks", {"categoryNotIn": "paper"})) == []
    assert ids(operator.get("runtime/tasks", {"withoutCategory": "true"})) == [plain]


def test_finds_executions_by_their_own_variables(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review", title="Letter")
    [waiting] = ids(operator.get(EXECUTIONS, {"processInstanceId": one, "activityId": "check"}))
    operator.send("POST", f"{EXECUTIONS}/{waiting}/variables", [{"name": "near", "value": 1, "scope": "local"}], 201)
    for name, value, found in (("near", 1, waiting), ("title", "Letter", one)):
        asked = {"variables": [{"name": name, "operation": "equals", "value": value}]}
        assert ids(operator.send("POST", "query/executions", asked)) == [found]


@pytest.mark.parametrize(
    "condition",
    [{"name": "n", "value": 5}, {"name": "n", "operation": "greaterThan", "value": 4}, {"operation": "equals", "value": 5}],
    ids=["no operation", "another than equals", "no name"],
)
def test_refuses_what_cannot_be_asked_of_a_list_of_variables(operator: Api, condition: dict[str, Any]) -> None:
    operator.send("POST", "query/variable-instances", {"variables": [condition]}, 400)


def test_drops_from_the_runtime_lists_what_has_ended(operator: Api) -> None:
    operator.deploy(MINE)
    one = operator.start("mine")
    task = operator.task(one)
    operator.send("POST", f"runtime/tasks/{task}/variables", [{"name": "near", "value": 1}], 201)
    operator.send("POST", f"runtime/tasks/{task}", {"action": "complete"})
    for word in ("activity", "variable"):
        assert operator.get(f"runtime/{word}-instances", {"processInstanceId": one})["total"] == 0
        assert operator.get(f"history/historic-{word}-instances", {"processInstanceId": one})["total"] > 0


def test_shows_the_caller_of_one_instance_but_not_in_a_list(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    child = child_of(operator, one)
    assert operator.get(f"{INSTANCES}/{child}")["superProcessInstanceId"] == one
    assert operator.get(INSTANCES, {"superProcessInstanceId": one})["data"][0]["superProcessInstanceId"] is None


# -- ends -----------------------------------------------------------------------------------------------------------------
def test_lets_the_caller_go_on_when_what_it_called_is_deleted(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    operator.send("DELETE", f"{INSTANCES}/{child_of(operator, one)}", status=204)
    assert operator.get("runtime/tasks", {"processInstanceId": one})["data"][0]["name"] == "After"


def test_deletes_a_caller_with_what_it_called(operator: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(CALLER)
    one = operator.start("caller")
    child = child_of(operator, one)
    operator.send("DELETE", f"{INSTANCES}/{one}", status=204)
    for gone in (one, child):
        assert operator.get(f"{PAST}/{gone}")["deleteReason"] == "process instance deleted"


def test_counts_who_completed_a_task_and_who_owns_it_among_the_participants(operator: Api) -> None:
    operator.deploy(NOTE)
    one = operator.start("note")
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete"})
    found = {link["userId"] for link in operator.get(f"{PAST}/{one}/identitylinks") if link["type"] == "participant"}
    assert found == {"admin", "bob"}


def test_ignores_an_unknown_id_when_many_histories_are_deleted(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("DELETE", f"{INSTANCES}/{one}", status=204)
    operator.send("POST", f"{PAST}/delete", {"action": "delete", "instanceIds": ["nobody", one]}, 204)
    operator.get(f"{PAST}/{one}", status=404)


@pytest.mark.parametrize("path", [INSTANCES, PAST])
def test_wants_the_ids_of_what_is_to_be_deleted(operator: Api, path: str) -> None:
    operator.send("POST", f"{path}/delete", {"action": "delete"}, 400)


# -- changes --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", [{}, {"name": ""}, {"action": "", "name": None}, {"businessStatus": "x"}], ids=str)
def test_changes_nothing_of_an_instance_by_what_is_empty(operator: Api, body: dict[str, Any]) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("PUT", f"{INSTANCES}/{one}", {"name": "First"})
    assert operator.send("PUT", f"{INSTANCES}/{one}", body)["name"] == "First"


def test_refuses_to_rename_or_to_discuss_what_is_suspended(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    task = operator.task(one)
    operator.send("PUT", f"{INSTANCES}/{one}", {"action": "suspend"})
    operator.send("PUT", f"{INSTANCES}/{one}", {"name": "Another"}, 409)
    operator.send("POST", f"runtime/tasks/{task}/comments", {"message": "Well"}, 409)
    operator.send("POST", f"runtime/tasks/{task}/identitylinks", {"user": "bob", "type": "candidate"}, 409)


@pytest.mark.parametrize(
    ("kind", "value"), [("date", "2011-03-04T05:06:07"), ("instant", "2011-03-04"), ("localDateTime", "2011-03-04")], ids=str
)
def test_refuses_a_moment_of_which_a_part_is_missing(operator: Api, kind: str, value: str) -> None:
    operator.deploy(REVIEW)
    sent = {"processDefinitionKey": "review", "variables": [{"name": "v", "type": kind, "value": value}]}
    operator.send("POST", INSTANCES, sent, 400)
