"""`runtime/process-instances`: starting with every kind of value, listing, suspending, cancelling, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test.utils import CaptureQueriesContext

from engine.models import Instance
from tests.api.conftest import MINE, REVIEW, Api, line, model

pytestmark = pytest.mark.django_db

PATH = "runtime/process-instances"


def ids(found: Any) -> list[str]:
    return [one["id"] for one in found["data"]]


# -- starting -------------------------------------------------------------------------------------------------------------
def test_starts_by_key(operator: Api) -> None:
    operator.deploy(REVIEW)
    made = operator.send("POST", PATH, {"processDefinitionKey": "review", "businessKey": "b-1", "name": "First"}, 201)
    assert (made["businessKey"], made["name"], made["startUserId"], made["ended"]) == ("b-1", "First", "admin", False)
    assert made["variables"] == []
    assert operator.get(f"{PATH}/{made['id']}") == made


def test_starts_by_id_and_shows_the_variables(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get("repository/process-definitions")["data"][0]["id"]
    sent = [{"name": "title", "value": "Letter"}, {"name": "pages", "value": 3}]
    made = operator.send("POST", PATH, {"processDefinitionId": key, "variables": sent}, 201)
    assert made["variables"] == [
        {"name": "pages", "scope": "local", "type": "integer", "value": 3},
        {"name": "title", "scope": "local", "type": "string", "value": "Letter"},
    ]


def test_tells_that_an_instance_ended_at_once(operator: Api) -> None:
    operator.deploy(model("nothing", line()))
    made = operator.send("POST", PATH, {"processDefinitionKey": "nothing"}, 201)
    assert made["ended"]
    assert made["completed"]
    operator.get(f"{PATH}/{made['id']}", status=404)


VALUES = [
    ("string", "häß & <b>", "häß & <b>"),
    ("integer", 42, 42),
    ("short", 7, 7),
    ("long", 123456789012, 123456789012),
    ("double", 1.25, 1.25),
    ("boolean", True, True),
    ("date", "2011-03-04T05:06:07+02:00", "2011-03-04T03:06:07Z"),
    ("date", "2011-03-04", "2011-03-04T00:00:00Z"),
    ("instant", "2011-03-04T05:06:07Z", "2011-03-04T05:06:07Z"),
    ("localDate", "2011-03-04", "2011-03-04"),
    ("localDateTime", "2011-03-04T05:06:07", "2011-03-04T05:06:07"),
    ("json", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
    ("json", [], []),
    ("uuid", "0b3f8f5e-9a0c-4b6e-8f0d-000000000001", "0b3f8f5e-9a0c-4b6e-8f0d-000000000001"),
    ("bigDecimal", "1.10", "1.10"),
]


@pytest.mark.parametrize(("kind", "sent", "shown"), VALUES, ids=str)
def test_takes_a_value_and_gives_it_back(operator: Api, kind: str, sent: Any, shown: Any) -> None:
    operator.deploy(REVIEW)
    body = {"processDefinitionKey": "review", "variables": [{"name": "v", "type": kind, "value": sent}]}
    made = operator.send("POST", PATH, body, 201)
    assert made["variables"] == [{"name": "v", "scope": "local", "type": kind, "value": shown}]
    assert operator.get(f"{PATH}/{made['id']}/variables") == made["variables"]


UNTYPED = [("x", "string"), (5, "integer"), (5000000000, "long"), (2.5, "double"), (False, "boolean"), ({"a": 1}, "json"), (None, None)]


@pytest.mark.parametrize(("value", "kind"), UNTYPED, ids=str)
def test_sees_the_type_of_a_value_without_one(operator: Api, value: Any, kind: str | None) -> None:
    operator.deploy(REVIEW)
    made = operator.send("POST", PATH, {"processDefinitionKey": "review", "variables": [{"name": "v", "value": value}]}, 201)
    assert made["variables"][0].get("type") == kind
    assert made["variables"][0]["value"] == value


WRONG_STARTS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an unknown key": {"processDefinitionKey": "nobody"},
    "an unknown id": {"processDefinitionId": "nobody:1:2"},
    "an unknown message": {"message": "nobody"},
    "an unknown tenant": {"processDefinitionKey": "review", "tenantId": "north"},
    "both key and message": {"processDefinitionKey": "review", "message": "m"},
    "variables that are no list": {"processDefinitionKey": "review", "variables": {"a": 1}},
    "variables that are no objects": {"processDefinitionKey": "review", "variables": ["a"]},
    "a variable without a name": {"processDefinitionKey": "review", "variables": [{"value": 1}]},
    "a name too long": {"processDefinitionKey": "review", "variables": [{"name": "x" * 256, "value": 1}]},
    "an unknown type": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "strange", "value": 1}]},
    "an integer that is none": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "integer", "value": "x"}]},
    "an integer too large": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "integer", "value": 2**40}]},
    "a date that is none": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "date", "value": "tomorrow"}]},
    "a boolean that is none": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "boolean", "value": "maybe"}]},
    "a string that is none": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "string", "value": 5}]},
    "a long that is a boolean": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": "long", "value": True}]},
    "a type that is no text": {"processDefinitionKey": "review", "variables": [{"name": "v", "type": 5, "value": 5}]},
    "a name with NUL": {"processDefinitionKey": "review", "variables": [{"name": "v\0", "value": 5}]},
    "a business key too long": {"processDefinitionKey": "review", "businessKey": "x" * 256},
}


@pytest.mark.parametrize("name", WRONG_STARTS)
def test_refuses_to_start_with(operator: Api, name: str) -> None:
    operator.deploy(REVIEW)
    assert operator.send("POST", PATH, WRONG_STARTS[name], 400)["exception"]
    assert not Instance.objects.exists()


def test_does_not_start_a_suspended_definition(operator: Api) -> None:
    operator.deploy(REVIEW)
    key = operator.get("repository/process-definitions")["data"][0]["id"]
    operator.send("PUT", f"repository/process-definitions/{key}", {"action": "suspend"})
    operator.send("POST", PATH, {"processDefinitionKey": "review"}, 409)


def test_lets_only_who_has_the_right_start(operator: Api, of_charlie: Api) -> None:
    operator.deploy(REVIEW)
    of_charlie.send("POST", PATH, {"processDefinitionKey": "review"}, 403)


# -- lists ----------------------------------------------------------------------------------------------------------------
def test_shows_what_one_started_or_takes_part_in(operator: Api, of_alice: Api, of_bob: Api, of_charlie: Api) -> None:
    operator.deploy(REVIEW)
    operator.deploy(MINE)
    mine, other = of_alice.start("review"), operator.start("mine")
    assert set(ids(of_alice.get(PATH))) == {mine, other}  # she started one and has a task of the other
    assert ids(of_bob.get(PATH)) == [mine]  # he is a candidate
    assert ids(of_charlie.get(PATH)) == []
    of_charlie.get(f"{PATH}/{mine}", status=404)
    assert set(ids(operator.get(PATH))) == {mine, other}


FILTERS: list[tuple[dict[str, Any], list[int]]] = [
    ({}, [0, 1, 2, 3]),
    ({"sort": "startTime", "order": "desc", "size": 2}, [3, 2]),
    ({"sort": "startTime", "start": 3, "size": 2}, [3]),
    ({"businessKey": "key-2"}, [2]),
    ({"businessKeyLike": "key-%"}, [0, 1, 2, 3]),
    ({"processDefinitionKey": "review"}, [0, 1, 2, 3]),
    ({"processDefinitionKey": "nobody"}, []),
    ({"startedBy": "alice"}, []),
    ({"involvedUser": "bob"}, [0, 1, 2, 3]),
    ({"activeActivityId": "check"}, [0, 1, 2, 3]),
    ({"superProcessInstanceId": "00000000-0000-0000-0000-000000000000"}, []),
    ({"suspended": "true"}, []),
    ({"startedAfter": "2011-01-01T00:00:00Z", "startedBefore": "2011-01-02"}, []),
    ({"id": "nobody"}, []),
]
QUERIES: list[tuple[list[dict[str, Any]], list[int]]] = [
    ([{"name": "number", "operation": "equals", "value": 2}], [2]),
    ([{"name": "number", "operation": "notEquals", "value": 2}], [0, 1, 3]),
    ([{"name": "number", "operation": "greaterThan", "value": 1}], [2, 3]),
    ([{"name": "number", "operation": "lessThanOrEquals", "value": 1}], [0, 1]),
    ([{"name": "number", "operation": "equals", "value": 2, "type": "integer"}], [2]),
    ([{"name": "number", "operation": "equals", "value": 2, "type": "long"}], []),  # as at Flowable: of another type
    ([{"name": "number", "operation": "lessThan", "value": 2.5}], []),
    ([{"name": "title", "operation": "notEquals", "value": 5}], [0, 1, 2, 3]),
    ([{"name": "number", "operation": "notEquals", "value": "2"}], [0, 1, 3]),
    ([{"name": "nobody", "operation": "notEquals", "value": 2}], []),
    ([{"name": "title", "operation": "like", "value": "Title%"}, {"name": "ready", "operation": "equals", "value": True}], [2, 3]),
    ([{"name": "title", "operation": "like", "value": "tITLE%"}], []),
    ([{"name": "title", "operation": "equalsIgnoreCase", "value": "tITLE 1"}], [1]),
    ([{"name": "title", "operation": "likeIgnoreCase", "value": "%LE 3"}], [3]),
    ([{"value": "Title 0", "operation": "equals"}], [0]),
    ([{"name": "title", "operation": "equals", "value": 5}], []),
]


@pytest.fixture
def four(operator: Api) -> list[str]:
    """Four instances of a process, in order."""
    operator.deploy(REVIEW)
    made = []
    for i in range(4):
        sent = [{"name": name, "value": value} for name, value in (("number", i), ("title", f"Title {i}"), ("ready", i > 1))]
        body = {"processDefinitionKey": "review", "businessKey": f"key-{i}", "variables": sent}
        made.append(operator.send("POST", PATH, body, 201)["id"])
    return made


def test_lists_instances_by_each_filter(operator: Api, four: list[str]) -> None:
    for given, wanted in FILTERS:
        assert [four.index(one) for one in ids(operator.get(PATH, given))] == wanted, given


def test_queries_instances_by_variables(operator: Api, four: list[str]) -> None:
    for conditions, wanted in QUERIES:
        found = operator.send("POST", "query/process-instances", {"variables": conditions, "sort": "startTime"})
        assert [four.index(one) for one in ids(found)] == wanted, conditions


WRONG_CONDITIONS: list[Any] = [
    {"name": "number", "operation": "sounds like", "value": 3},
    {"name": "number", "operation": "like", "value": 3},
    {"name": "number", "operation": "equals"},
    {"operation": "greaterThan", "value": 3},
    {"name": "ready", "operation": "greaterThan", "value": True},
    {"name": "number", "operation": "equals", "value": {"a": 1}},
    {"name": 5, "operation": "equals", "value": 1},
    {"name": "number", "operation": ["equals"], "value": 1},
    "number",
]


@pytest.mark.parametrize("condition", WRONG_CONDITIONS, ids=str)
def test_refuses_a_condition(operator: Api, condition: Any) -> None:
    assert operator.send("POST", "query/process-instances", {"variables": [condition]}, 400)["field"] == "variables"


@pytest.mark.parametrize("conditions", [5, {"name": "a"}, [{"name": "a", "value": 1}] * 21], ids=["number", "object", "too many"])
def test_refuses_conditions_that_are_no_list(operator: Api, conditions: Any) -> None:
    operator.send("POST", "query/process-instances", {"variables": conditions}, 400)


def test_needs_few_statements_for_a_page_whatever_its_size(
    operator: Api, four: list[str], django_assert_max_num_queries: Any
) -> None:  # fmt: skip
    with django_assert_max_num_queries(4 + 2):  # session and user besides
        found = operator.get(PATH, {"includeProcessVariables": "true", "size": 3})
    assert (found["size"], found["total"]) == (3, 4)
    assert [v["name"] for v in found["data"][0]["variables"]] == ["number", "ready", "title"]


def test_starts_with_no_statement_more_than_the_engine_needs(
    operator: Api, of_alice: Api, alice: User, django_assert_max_num_queries: Any
) -> None:  # fmt: skip
    operator.deploy(model("nothing", line()))
    of_alice.start("nothing")
    with django_assert_max_num_queries(40) as captured:
        of_alice.send("POST", PATH, {"processDefinitionKey": "nothing"}, 201)
    assert selects_of_the_door(captured) <= 4  # session, user, his two kinds of permissions


def selects_of_the_door(captured: CaptureQueriesContext) -> int:
    return sum('"auth_' in q["sql"] or '"django_session"' in q["sql"] for q in captured.captured_queries)


# -- changing -------------------------------------------------------------------------------------------------------------
def test_suspends_and_activates(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    assert operator.send("PUT", f"{PATH}/{one}", {"action": "suspend"})["suspended"]
    operator.send("PUT", f"{PATH}/{one}", {"action": "suspend"}, 409)
    operator.send("POST", f"runtime/tasks/{operator.task(one)}", {"action": "complete"}, 409)
    assert not operator.send("PUT", f"{PATH}/{one}", {"action": "activate"})["suspended"]
    operator.send("PUT", f"{PATH}/{one}", {"action": "activate"}, 409)


@pytest.mark.parametrize("body", [{"action": "explode"}, {"action": 5}, {"name": 5}], ids=str)
def test_refuses_to_change(operator: Api, body: dict[str, Any]) -> None:
    operator.deploy(REVIEW)
    operator.send("PUT", f"{PATH}/{operator.start('review')}", body, 400)


def test_renames(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    assert operator.send("PUT", f"{PATH}/{one}", {"name": "A new name"})["name"] == "A new name"
    changed = operator.send("PUT", f"{PATH}/{one}", {"businessKey": "b2"})
    assert (changed["name"], changed["businessKey"]) == ("A new name", "b2")


def test_a_suspended_instance_takes_another_business_key_but_no_other_name(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("PUT", f"{PATH}/{one}", {"action": "suspend"})
    assert operator.send("PUT", f"{PATH}/{one}", {"businessKey": "b2"})["businessKey"] == "b2"
    operator.send("PUT", f"{PATH}/{one}", {"name": "A new name"}, 409)


def test_cancels_with_a_reason_and_keeps_the_history(operator: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    operator.send("DELETE", f"{PATH}/{one}?deleteReason=no longer needed", status=204)
    operator.get(f"{PATH}/{one}", status=404)
    operator.send("DELETE", f"{PATH}/{one}", status=404)
    past = operator.get(f"history/historic-process-instances/{one}")
    assert past["deleteReason"] == "no longer needed"
    assert past["endTime"]


def test_lets_a_participant_neither_cancel_nor_suspend(operator: Api, of_bob: Api) -> None:
    operator.deploy(REVIEW)
    one = operator.start("review")
    of_bob.send("DELETE", f"{PATH}/{one}", status=403)
    of_bob.send("PUT", f"{PATH}/{one}", {"action": "suspend"}, 403)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("key", ["nobody", "00000000-0000-0000-0000-000000000000"])
def test_knows_no_other_instance(operator: Api, method: str, key: str) -> None:
    assert operator.call(method, f"{PATH}/{key}").status_code == 404


def test_cancels_many_at_once_or_none(operator: Api, four: list[str]) -> None:
    body = {"action": "delete", "instanceIds": [four[0], "nobody"], "deleteReason": "all of it"}
    operator.send("POST", f"{PATH}/delete", body, 404)
    assert operator.get(PATH)["total"] == 4
    operator.send("POST", f"{PATH}/delete", {**body, "instanceIds": four[:3]}, 204)
    assert ids(operator.get(PATH)) == four[3:]
    operator.send("POST", "history/historic-process-instances/delete", {"action": "delete", "instanceIds": four[:2]}, 204)
    assert set(ids(operator.get("history/historic-process-instances"))) == set(four[2:])
    operator.send("POST", f"{PATH}/delete", {"instanceIds": four[3:]}, 400)
