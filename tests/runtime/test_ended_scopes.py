"""A variable whose scope ends stays in the history with its last value, also where it was written in the unit that ended its scope."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from django.test import override_settings

from engine import runtime
from engine.models import Blob, Instance, Token, UserTask, Variable
from engine.runtime import work
from engine.runtime.store.values import value_of
from tests.runtime.models import service
from tests.runtime.queue import deploy

pytestmark = pytest.mark.django_db

ROUNDS = (
    '<userTask id="eat"><multiInstanceLoopCharacteristics isSequential="{}" flowable:collection="guests" flowable:elementVariable="guest"/>'
    "</userTask>"
)
AGAIN = '<manualTask id="{}"><multiInstanceLoopCharacteristics><loopCardinality>1</loopCardinality></multiInstanceLoopCharacteristics></manualTask>'
DATA = (
    '<dataObject id="size" name="size" itemSubjectRef="xsd:int"><extensionElements><flowable:value>5</flowable:value></extensionElements>'
    "</dataObject>"
)


EAT, REST = '<userTask id="eat"/>', '<userTask id="rest"/>'


def given(name: str, value: str) -> str:
    return service(f"set_{name}", f"${{execution.setVariable('{name}', {value})}}")


def inside(*steps: str) -> str:
    """A sub-process of these steps with a data object `size` of 5."""
    ids = ["first", *(step.split('id="')[1].split('"')[0] for step in steps)]
    flows = "".join(f'<sequenceFlow id="g{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(pairwise(ids)))
    return f'<subProcess id="part">{DATA}<startEvent id="first"/>{"".join(steps)}{flows}</subProcess>'


def start(*steps: str, **variables: Any) -> Any:
    """An instance of a process of these steps; its id."""
    deploy(*steps)
    return runtime.start("story", variables=variables).pk


def local(**only: Any) -> list[tuple[str, Any, bool]]:
    """Name, value and whether it is live, of all variables but the process's own."""
    rows = Variable.objects.filter(token__gt=0, task=None, **only)
    return sorted((row.name, kept(row), row.live) for row in rows)


def kept(row: Variable) -> Any:
    content = Blob.objects.get(pk=row.blob).content if row.blob else None
    columns = {"text": row.text, "number": row.number, "time": row.time, "json": row.json, "blob": row.blob}
    return value_of(row.type, columns, content)


def done(name: str) -> None:
    runtime.complete(UserTask.objects.get(node=name, state="open").pk)


def test_the_last_value_of_what_was_stored_before_stays() -> None:
    start(inside(EAT, given("size", "9")), REST)
    assert local() == [("size", 5, True)]
    done("eat")
    assert local() == [("size", 9, False)]


def test_what_lived_for_one_unit_only_stays_too() -> None:
    start(inside(given("size", "9")), REST)
    assert local() == [("size", 9, False)]


@pytest.mark.parametrize("ends", [True, False])
def test_parallel_rounds_leave_their_numbers_and_elements(ends: bool) -> None:
    eat = ROUNDS.format("false").replace("userTask", "manualTask")
    start(eat, *([] if ends else [REST]), guests=["ann", "bert"])
    numbers = [("nrOfActiveInstances", 0, False), ("nrOfCompletedInstances", 2, False), ("nrOfInstances", 2, False)]
    rounds = [("guest", "ann", False), ("guest", "bert", False), ("loopCounter", 0, False), ("loopCounter", 1, False)]
    assert local() == sorted([*numbers, *rounds])


def test_of_rounds_one_by_one_the_last_is_remembered() -> None:
    start(ROUNDS.format("true"), REST, guests=["ann", "bert"])
    numbers = [("nrOfActiveInstances", 1), ("nrOfCompletedInstances", 0), ("nrOfInstances", 2)]
    assert local() == sorted((*one, True) for one in [*numbers, ("guest", "ann"), ("loopCounter", 0)])
    done("eat")
    assert local(live=True) == local()
    done("eat")
    numbers[1] = ("nrOfCompletedInstances", 2)
    assert local() == sorted((*one, False) for one in [*numbers, ("guest", "bert"), ("loopCounter", 1)])


def test_rounds_that_come_again_by_the_same_token_have_rows_of_their_own() -> None:
    start(ROUNDS.format("false"), AGAIN.format("drink"), ROUNDS.format("false").replace("eat", "sing"), REST, guests=["ann"])
    done("eat")
    assert local(name="nrOfCompletedInstances") == [("nrOfCompletedInstances", n, n == 0) for n in (0, 1, 1)]


def test_a_large_value_is_replaced_by_the_last_one_and_nothing_is_left_of_it() -> None:
    one = start(inside(EAT, given("size", "short")), REST, short="x")
    token = Token.objects.get(instance=one, node="part").number
    work.run(work.Order(one, work.SetVariables(token, {"size": "y" * 100_000}), "variables"))
    assert Blob.objects.count() == 1
    done("eat")
    assert local() == [("size", "x", False)]
    assert Blob.objects.count() == 0


def test_a_variable_removed_by_name_leaves_nothing_though_the_instance_ends() -> None:
    gone = service("forget", "${execution.removeVariable('secret')}")
    one = start(EAT, gone, secret="s")
    done("eat")
    assert Instance.objects.get(pk=one).ended
    assert not Variable.objects.filter(name="secret").exists()


@override_settings(ENGINE_HISTORY="none")
def test_without_a_history_nothing_is_written_of_what_is_past() -> None:
    start(inside(given("size", "9")), REST)
    assert local() == []
