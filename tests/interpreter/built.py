"""Graphs built by hand, and an environment without a world: for tests that need many nodes and little else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any

from engine.bpmn.graph import Flow, Graph, Node
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter.journal import Answer, Invocation, Lookup


class Quiet:
    """An environment without a world."""

    zone: tzinfo = UTC

    def __init__(self) -> None:
        self.count = 0

    def now(self) -> datetime:
        return datetime(2030, 1, 1, tzinfo=UTC)

    def new_id(self) -> str:
        self.count += 1
        return str(self.count)

    def evaluate(self, source: str, lookup: Lookup) -> Any:
        return evaluate(parse(source), lookup)

    def invoke(self, call: Invocation) -> Answer:
        return Answer()


def graph(nodes: list[Node], links: list[tuple[str, str, str | None]]) -> Graph:
    """A process of one scope or several (by `parent`), with flows in order."""
    flows = {f"{a}>{b}": Flow(id=f"{a}>{b}", source=a, target=b, condition=c) for a, b, c in links}
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for flow in flows.values():
        out.setdefault(flow.source, []).append(flow.id)
        into.setdefault(flow.target, []).append(flow.id)
    children: dict[str | None, tuple[str, ...]] = {}
    made = {}
    for n in nodes:
        made[n.id] = replace(n, incoming=tuple(into.get(n.id, ())), outgoing=tuple(out.get(n.id, ())))
        children[n.parent] = (*children.get(n.parent, ()), n.id)
    return Graph(key="p", nodes=made, flows=flows, children=children)
