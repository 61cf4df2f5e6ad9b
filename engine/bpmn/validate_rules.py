"""How nodes and flows may be put together: one function a rule, each with Flowable's name for it where it has one."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn.graph import Flow, Graph, Node
from engine.bpmn.parse_reading import Reading
from engine.errors import Problem

Found = Iterator[tuple[Node | Flow, str]]


def check(graph: Graph, reading: Reading) -> None:
    """Note every rule that the process breaks."""
    for rule in RULES:
        reading.problems += [Problem(said, at.id, at.line, reading.file or None) for at, said in rule(graph)]


def flows_lead_somewhere(graph: Graph) -> Found:
    """Both ends of a flow are nodes, and lie in the same scope (seqflow-invalid-src, -target)."""
    for flow in graph.flows.values():
        ends = [graph.nodes.get(flow.source), graph.nodes.get(flow.target)]
        for node, name, attribute in zip(ends, (flow.source, flow.target), ("sourceRef", "targetRef"), strict=True):
            if node is None:
                yield flow, f"{attribute} is '{name}', which is no node of this process" if name else f"a sequenceFlow needs a {attribute}"
        if ends[0] and ends[1] and ends[0].parent != ends[1].parent:
            yield flow, f"a sequenceFlow may not cross the border of a sub-process ('{flow.source}' to '{flow.target}')"


RULES: tuple[Callable[[Graph], Found], ...] = (flows_lead_somewhere,)
