"""Lists of variables hold what is seen one by one, and find texts whether or not their case counts, by an index."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from engine import runtime
from engine.models import Definition, Instance, UserTask, Variable
from engine.runtime import queries
from tests.runtime.models import model
from tests.runtime.models import user as task_named

pytestmark = pytest.mark.django_db

of_variables: Any = import_module("engine.runtime.queries.variables")  # the package gives its list the same name
LONG = "n" * 99 + "ö"  # as much of a text as the index holds


@pytest.fixture
def people() -> dict[str, User]:
    found = {name: User.objects.create_user(name) for name in ("alice", "bob", "charlie")}
    found["admin"] = User.objects.create_superuser("admin")
    return found


@pytest.fixture
def definition() -> Definition:
    [found] = runtime.deploy({"a.bpmn": model(task_named("look", ""), key="a")}, name="a").definitions.all()
    return found


def started(definition: Definition, starter: str, *, ended: bool = False, **values: str) -> Instance:
    now = timezone.now()
    found = Instance.objects.create(definition=definition, starter=starter, started=now, ended=now if ended else None)
    for name, value in values.items():
        variable(name, value, instance=found, live=not ended)
    return found


def variable(name: str, value: str, **of: Any) -> Variable:
    now = timezone.now()
    return Variable.objects.create(name=name, type="string", text=value, created=now, updated=now, **of)


@pytest.fixture
def several(definition: Definition) -> None:
    """Alice started two instances, one of which has ended; bob one; and each has a task without an instance that has a variable."""
    started(definition, "alice", said="yes", done="no")
    started(definition, "alice", ended=True, said="perhaps")
    started(definition, "bob", said="no")
    for who in ("alice", "bob"):
        task = UserTask.objects.create(assignee=who, created=timezone.now())
        variable("noted", f"by {who}", task=task.pk)


def shown(listing: Any, user: User, **filters: object) -> list[tuple[str, str]]:
    found, total = listing.page(user, filters, None, False, 0, 100)
    assert total == len(found)
    assert [row.name for row in found] == sorted(row.name for row in found)
    return sorted((row.name, row.text) for row in found)


# -- who sees them --------------------------------------------------------------------------------------------------------
OF_ALICE = [("done", "no"), ("noted", "by alice"), ("said", "perhaps"), ("said", "yes")]
ALL = [("done", "no"), ("noted", "by alice"), ("noted", "by bob"), ("said", "no"), ("said", "perhaps"), ("said", "yes")]


@pytest.mark.parametrize(("who", "expected"), [("alice", OF_ALICE), ("admin", ALL), ("charlie", [])])
def test_lists_the_variables_of_instances_and_of_tasks_alone(
    who: str, expected: list[tuple[str, str]], people: dict[str, User], several: None
) -> None:
    assert shown(queries.historic_variables, people[who]) == expected


@pytest.mark.parametrize("who", ["alice", "admin"])
@pytest.mark.parametrize("order", [False, True])
def test_turns_the_pages_of_variables_without_missing_one(who: str, order: bool, people: dict[str, User], definition: Definition) -> None:
    for number in range(5):
        started(definition, "alice", ended=number > 2, said=str(number % 2), done="no")
    pages = [queries.historic_variables.page(people[who], {}, None, order, start, 3) for start in range(0, 10, 3)]
    rows = [row for page, _ in pages for row in page]
    assert {total for _, total in pages} == {10}
    assert {row.pk for row in rows} == set(Variable.objects.values_list("pk", flat=True))
    assert [row.name for row in rows] == sorted(["said", "done"] * 5, reverse=order)


@pytest.mark.parametrize(("who", "expected"), [("alice", OF_ALICE), ("admin", ALL), ("charlie", [])])
def test_lists_among_those_that_live_none_that_has_ended(
    who: str, expected: list[tuple[str, str]], people: dict[str, User], several: None
) -> None:
    assert shown(queries.variables, people[who]) == [one for one in expected if one != ("said", "perhaps")]


@pytest.mark.parametrize("listing", [queries.variables, queries.historic_variables], ids=["live", "history"])
def test_asks_of_each_variable_of_an_instance_who_sees_it(listing: Any, people: dict[str, User], definition: Definition) -> None:
    instance = started(definition, "alice", said="yes")
    given = {"processInstanceId": str(instance.pk)}
    assert shown(listing, people["alice"], **given) == shown(listing, people["admin"], **given) == [("said", "yes")]
    assert shown(listing, people["bob"], **given) == []


@pytest.mark.parametrize("listing", [queries.variables, queries.historic_variables], ids=["live", "history"])
def test_asks_of_each_variable_of_a_task_alone_who_sees_it(listing: Any, people: dict[str, User], several: None) -> None:
    given = {"taskId": str(UserTask.objects.get(assignee="alice").pk)}
    assert shown(listing, people["alice"], **given) == shown(listing, people["admin"], **given) == [("noted", "by alice")]
    assert shown(listing, people["bob"], **given) == []


@pytest.mark.parametrize("who", ["alice", "admin"])
def test_keeps_out_of_the_history_what_a_process_does_not_want_kept(who: str, people: dict[str, User], several: None) -> None:
    Definition.objects.update(history="task")
    assert shown(queries.historic_variables, people[who]) == [one for one in ALL if one[0] == "noted" and who in (one[1][3:], "admin")]


# -- by name --------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("most", [of_variables.MOST_NAMES, 1], ids=["few names", "many names"])
@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("%a%", ["a*b", "a_b", "aXb", "a[b"]),
        ("a_b", ["a*b", "a_b", "aXb", "a[b"]),
        ("a*b", ["a*b"]),
        ("a[b", ["a[b"]),
        ("A%", []),
        ("", []),
    ],
)
def test_finds_variables_by_a_pattern_of_their_names(
    pattern: str, names: list[str], most: int, people: dict[str, User], definition: Definition, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_variables, "MOST_NAMES", most)
    started(definition, "alice", **dict.fromkeys(("a*b", "a_b", "aXb", "a[b", "other"), "x"))
    for who in ("admin", "alice"):
        assert sorted(name for name, _ in shown(queries.historic_variables, people[who], variableNameLike=pattern)) == sorted(names)


# -- by value -------------------------------------------------------------------------------------------------------------
def found(user: User, operation: str, value: str) -> set[str]:
    given: Mapping[str, object] = {"variables": [{"name": "said", "operation": operation, "value": value}]}
    return set(queries.historic_instances(user, given).values_list("business_key", flat=True))


@pytest.fixture
def said(definition: Definition) -> None:
    for key, text in {"short": "Yes", "shouted": "YES", "long": LONG + "a", "longer": LONG + "A and more", "other": "no"}.items():
        Instance.objects.filter(pk=started(definition, "alice", said=text).pk).update(business_key=key)
    Instance.objects.filter(pk=started(definition, "alice", heard="Yes").pk).update(business_key="without")


@pytest.mark.parametrize(
    ("operation", "value", "keys"),
    [
        ("equals", "Yes", {"short"}),
        ("equals", "yes", set()),
        ("equals", LONG + "a", {"long"}),
        ("equalsIgnoreCase", "yES", {"short", "shouted"}),
        ("equalsIgnoreCase", LONG + "A", {"long"}),
        ("equalsIgnoreCase", LONG, set()),
        ("equalsIgnoreCase", "n" * 33, set()),
        ("notEquals", "Yes", {"shouted", "long", "longer", "other"}),
        ("notEquals", LONG + "a", {"short", "shouted", "longer", "other"}),
        ("notEqualsIgnoreCase", "yes", {"long", "longer", "other"}),
        ("notEqualsIgnoreCase", LONG + "A", {"short", "shouted", "longer", "other"}),
    ],
)
def test_compares_whole_texts_though_their_beginnings_are_indexed(
    operation: str, value: str, keys: set[str], people: dict[str, User], said: None
) -> None:
    assert found(people["admin"], operation, value) == keys


@pytest.mark.parametrize("value", ["Yes", LONG + "a"], ids=["short", "long"])
@pytest.mark.parametrize("operation", ["equals", "notEquals", "equalsIgnoreCase", "notEqualsIgnoreCase"])
def test_looks_for_a_text_in_the_index_of_texts(operation: str, value: str, people: dict[str, User], said: None) -> None:
    asked = of_variables.Condition.read("variables", {"name": "said", "operation": operation, "value": value})
    rows = Variable.objects.filter(asked.where()).order_by()
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # of a few rows none would be looked for in an index
            cursor.execute("SET LOCAL enable_seqscan = off")
    plan = rows.explain()
    assert "towpath_variable_text" in plan, plan
    if connection.vendor == "postgresql":  # SQLite puts the value in place of the column, and so does not know the expression again
        assert "upper" in plan.lower().partition("index cond")[2], plan
