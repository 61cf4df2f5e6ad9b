"""The example's files are what the engine takes without a warning: processes that are drawn in full, and the forms they name."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.bpmn import drawing, forms_read, parse
from engine.bpmn.forms import FormSpec
from engine.bpmn.graph import Graph, UserTask
from engine.runtime.handlers import handlers

FOLDER = Path(__file__).parents[2] / "engine" / "examples" / "pizza" / "processes"
MODELS = sorted(FOLDER.glob("*.bpmn"))
ORDERS = {f"pizza-order-{shop}{way}" for shop in ("slow", "unreliable") for way in ("", "-async")}


def graph(path: Path) -> Graph:
    (found,) = parse.read(path.read_bytes()).graphs
    return found


def form(path: Path) -> FormSpec:
    return forms_read.from_json(path.read_bytes())


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_file_is_read_without_a_warning_and_called_as_its_process(path: Path) -> None:
    model = parse.read(path.read_bytes())
    assert model.warnings == ()
    assert [found.key for found in model.graphs] == [path.stem]


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_every_node_and_flow_is_drawn(path: Path) -> None:
    (plane,) = drawing.read(path.read_bytes()).planes
    drawn = {part.element for part in (*plane.shapes, *plane.edges)}
    found = graph(path)
    assert {*found.nodes, *found.flows} <= drawn


def test_the_order_comes_in_four_variants_and_with_a_mail() -> None:
    assert {path.stem for path in MODELS} == {*ORDERS, "pizza-order-mail", "two-async-tasks"}


@pytest.mark.parametrize("key", sorted(ORDERS))
def test_only_the_asynchronous_variants_flag_store_order(key: str) -> None:
    flagged = [node.id for node in graph(FOLDER / f"{key}.bpmn").nodes.values() if node.asynchronous]
    assert flagged == (["store-order"] if key.endswith("-async") else [])


def test_both_of_the_two_tasks_are_asynchronous() -> None:
    flagged = [node.id for node in graph(FOLDER / "two-async-tasks.bpmn").nodes.values() if node.asynchronous]
    assert flagged == ["task-1", "task-2"]


def test_every_form_that_a_task_names_is_there_and_no_other() -> None:
    named = {node.detail.form_key for path in MODELS for node in graph(path).nodes.values() if isinstance(node.detail, UserTask)}
    assert named == {form(path).key for path in FOLDER.glob("*.form")}


def test_the_order_form_asks_for_what_the_shop_wants() -> None:
    asked = form(FOLDER / "pizza-enter-order.form")
    assert [(field.id, field.required) for field in asked.fields] == [("customername", True), ("deliveryaddress", True), ("pizza", True)]
    assert asked.validate({"customername": "Alice", "deliveryaddress": "Canal Street 1", "pizza": "Diavola"}, strict=True)


def test_the_handler_that_stores_an_order_is_registered() -> None:
    assert "store_order" in handlers()
