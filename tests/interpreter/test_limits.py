"""Cost is linear in the steps taken, nothing nests, and a unit that never comes to rest is stopped."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from built import Quiet, graph

from engine import interpreter
from engine.bpmn.graph import Graph, Loop, Node, Script
from engine.errors import TechnicalError
from engine.interpreter.journal import Begin, Entered
from engine.interpreter.state import Facts
from tests.effort import calls


def row(length: int) -> Graph:
    """So many tasks in a row."""
    names = ["s", *(f"t{i}" for i in range(length)), "e"]
    kinds = {"s": "startEvent", "e": "endEvent"}
    return graph([Node(id=n, type=kinds.get(n, "task")) for n in names], [(a, b, None) for a, b in pairwise(names)])


COUNT = Script("juel", "${n + 1}", result="n")


def looping(rounds: int) -> Graph:
    """A loop of so many rounds through a script and a gateway."""
    nodes = [
        Node(id="s", type="startEvent"), Node(id="add", type="scriptTask", detail=COUNT),
        Node(id="more", type="exclusiveGateway", default="more>e"), Node(id="e", type="endEvent"),
    ]  # fmt: skip
    return graph(nodes, [("s", "add", None), ("add", "more", None), ("more", "add", f"${{n < {rounds}}}"), ("more", "e", None)])


def nested(depth: int) -> Graph:
    """Sub-processes inside each other."""
    nodes = []
    links: list[tuple[str, str, str | None]] = []
    parent = None
    for i in range(depth):
        nodes += [Node(id=f"s{i}", type="startEvent", parent=parent), Node(id=f"p{i}", type="subProcess", parent=parent)]
        links.append((f"s{i}", f"p{i}", None))
        parent = f"p{i}"
    nodes += [Node(id="s", type="startEvent", parent=parent), Node(id="e", type="endEvent", parent=parent)]
    return graph(nodes, [*links, ("s", "e", None)])


def fork(width: int) -> Graph:
    """So many branches that meet again."""
    nodes = [
        Node(id="s", type="startEvent"),
        Node(id="f", type="parallelGateway"),
        Node(id="j", type="parallelGateway"),
        Node(id="e", type="endEvent"),
    ]
    nodes += [Node(id=f"t{i}", type="task") for i in range(width)]
    links: list[tuple[str, str, str | None]] = [("s", "f", None), ("j", "e", None)]
    for i in range(width):
        links += [("f", f"t{i}", None), (f"t{i}", "j", None)]
    return graph(nodes, links)


def rounds(count: int) -> Graph:
    """A parallel multi-instance of so many rounds."""
    task = Node(id="t", type="task", loop=Loop(cardinality=str(count)))
    return graph([Node(id="s", type="startEvent"), task, Node(id="e", type="endEvent")], [("s", "t", None), ("t", "e", None)])


def run(one: Graph, **variables: Any) -> interpreter.Change:
    """Start a process and let it run to its end."""
    change = interpreter.start(one, Facts("i", "d", one.key), Begin(variables), Quiet())
    assert change.state.ended
    assert not change.state.tokens
    return change


def steps(change: interpreter.Change) -> int:
    """How many nodes were entered."""
    return sum(isinstance(f, Entered) for f in change.journal)


def test_500_tasks_in_a_row_need_no_depth() -> None:
    assert steps(run(row(500))) == 502


def test_a_loop_of_10_000_rounds_ends() -> None:
    change = run(looping(10_000), n=0)
    assert (steps(change), change.state.variables[0]["n"]) == (20_002, 10_000)


def test_sub_processes_nest_200_deep() -> None:
    assert steps(run(nested(200))) == 402


def test_1_000_branches_meet_again() -> None:
    assert steps(run(fork(1_000))) == 2_003


def test_10_000_rounds_at_once() -> None:
    assert steps(run(rounds(10_000))) == 10_002


def cost(one: Graph) -> float:
    """How many functions are called for a step."""
    return calls(lambda: run(one)) / steps(run(one))


@pytest.mark.parametrize("kind", [row, fork, rounds])
def test_a_step_costs_the_same_however_many_there_are(kind: Any) -> None:
    assert cost(kind(2_000)) < 1.1 * cost(kind(100))


def test_a_process_that_never_rests_is_stopped() -> None:
    endless = graph([Node(id="s", type="startEvent"), Node(id="t", type="task")], [("s", "t", None), ("t", "t", None)])
    with pytest.raises(TechnicalError, match="did not come to rest within 1000 steps"):
        interpreter.start(endless, Facts("i", "d", "p"), Begin(), Quiet(), steps=1000)
