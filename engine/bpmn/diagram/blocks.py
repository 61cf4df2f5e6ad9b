"""The pieces of a layout: boxes for nodes that have no place yet, and blocks of shapes and edges that move together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.bpmn.diagram.values import Bounds, Edge, Point, Shape

PORT_RADIUS = 18.0  # of a boundary event


@dataclass(frozen=True, slots=True)
class Box:
    """What a node needs around its centre; `ports` are the places of its boundary events, to the right of the centre."""

    width: float
    height: float
    reach: float = 0.0  # to either side, its label included
    above: float = 0.0
    below: float = 0.0
    ports: Mapping[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Block:
    """Shapes and edges in coordinates of their own, from (0, 0) to (width, height)."""

    shapes: list[Shape] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    inner: list[tuple[Block, float, float]] = field(default_factory=list)  # with its place in this one
    width: float = 0.0
    height: float = 0.0

    def add(self, other: Block, dx: float, dy: float) -> None:
        """Set another block into this one, moved by (dx, dy)."""
        self.inner.append((other, dx, dy))

    def move(self, dx: float, dy: float) -> None:
        """Move all that is in this block; its size grows by as much."""
        self.shapes = [_moved_shape(s, dx, dy) for s in self.shapes]
        self.edges = [_moved_edge(e, dx, dy) for e in self.edges]
        self.inner = [(block, x + dx, y + dy) for block, x, y in self.inner]
        self.width, self.height = self.width + dx, self.height + dy

    def flat(self) -> Block:
        """The same block with all that is in inner ones as its own; each part is moved once, however deep it is."""
        whole = Block(width=self.width, height=self.height)
        waiting = [(self, 0.0, 0.0)]
        while waiting:
            block, dx, dy = waiting.pop()
            whole.shapes += [_moved_shape(s, dx, dy) for s in block.shapes]
            whole.edges += [_moved_edge(e, dx, dy) for e in block.edges]
            waiting += [(each, dx + x, dy + y) for each, x, y in reversed(block.inner)]
        return whole


def _moved_shape(shape: Shape, dx: float, dy: float) -> Shape:
    return replace(shape, bounds=shape.bounds.moved(dx, dy), label=_moved_label(shape.label, dx, dy))


def _moved_edge(edge: Edge, dx: float, dy: float) -> Edge:
    return replace(edge, points=_moved_points(edge.points, dx, dy), label=_moved_label(edge.label, dx, dy))


def _moved_points(points: Sequence[Point], dx: float, dy: float) -> tuple[Point, ...]:
    return tuple((x + dx, y + dy) for x, y in points)


def _moved_label(label: Bounds | None, dx: float, dy: float) -> Bounds | None:
    return label and label.moved(dx, dy)
