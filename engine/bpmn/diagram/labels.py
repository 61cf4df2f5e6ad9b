"""Where names stand whose place the file does not say: beside their shape or along their edge, clear of all else if it can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, pairwise
from typing import TypeVar

from engine.bpmn.diagram.text import height_of, width_of, wrap
from engine.bpmn.diagram.values import EVENTS, LABELLED_OUTSIDE, POOLS, SUB_PROCESSES, Bounds, Edge, Plane, Point, Shape

Part = TypeVar("Part", Shape, Edge)

WRAP = 90.0  # the width at which names outside of shapes break
GAP = 4.0
CELL = 64.0
LONGEST = 20_000.0  # pixels of an edge that are looked at


class Crowd:
    """What is already on the page, in squares, so that looking around is cheap."""

    def __init__(self) -> None:
        self.cells: dict[tuple[int, int], list[Bounds]] = {}

    def add(self, box: Bounds) -> None:
        for cell in _cells(box):
            self.cells.setdefault(cell, []).append(box)

    def hits(self, box: Bounds) -> int:
        """How many things a box would cover."""
        return sum(box.overlaps(other) for cell in _cells(box) for other in self.cells.get(cell, ()))


def _cells(box: Bounds) -> Iterator[tuple[int, int]]:
    for column in range(int(box.x // CELL), int(min(box.right, box.x + LONGEST) // CELL) + 1):
        for row in range(int(box.y // CELL), int(min(box.bottom, box.y + LONGEST) // CELL) + 1):
            yield column, row


def place(plane: Plane) -> Plane:
    """The same page, with a place for every name that stands outside of its shape."""
    if not any(_is_lost(part) for part in chain[Shape | Edge](plane.shapes, plane.edges)):
        return plane
    crowd = _crowd(plane)
    shapes = tuple(_placed(s, _around(s), crowd) for s in plane.shapes)
    edges = tuple(_placed(e, _along(e), crowd) for e in plane.edges)
    return replace(plane, shapes=shapes, edges=edges)


def _is_lost(part: Shape | Edge) -> bool:
    outside = isinstance(part, Edge) or part.kind in LABELLED_OUTSIDE
    return outside and part.label is None and bool(part.name.strip())


def _crowd(plane: Plane) -> Crowd:
    crowd = Crowd()
    for shape in plane.shapes:
        for box in _solid(shape):
            crowd.add(box)
    for edge in plane.edges:
        for box in _strokes(edge.points):
            crowd.add(box)
    for part in chain[Shape | Edge](plane.shapes, plane.edges):
        if part.label is not None and part.name:
            crowd.add(part.label)
    return crowd


def _solid(shape: Shape) -> Iterator[Bounds]:
    """What of a shape must not be written over: all of it, or the border of what has others inside."""
    b = shape.bounds
    if shape.kind in POOLS or shape.kind == "group" or (shape.kind in SUB_PROCESSES and shape.expanded):
        yield from _strokes(((b.x, b.y), (b.right, b.y), (b.right, b.bottom), (b.x, b.bottom), (b.x, b.y)))
    else:
        yield b


def _strokes(points: Iterable[Point]) -> Iterator[Bounds]:
    for (x1, y1), (x2, y2) in pairwise(points):
        straight = x1 == x2 or y1 == y2
        steps = 1 if straight else max(1, int(min(max(abs(x2 - x1), abs(y2 - y1)), LONGEST) / 16))
        for i in range(steps):
            xs = x1 + (x2 - x1) * i / steps, x1 + (x2 - x1) * (i + 1) / steps
            ys = y1 + (y2 - y1) * i / steps, y1 + (y2 - y1) * (i + 1) / steps
            yield Bounds(min(xs) - 1, min(ys) - 1, abs(xs[1] - xs[0]) + 2, abs(ys[1] - ys[0]) + 2)


def _placed(part: Part, places: Iterable[Bounds], crowd: Crowd) -> Part:
    if not _is_lost(part):
        return part
    best = _best(places, crowd)
    if best is None:
        return part
    crowd.add(best)
    return replace(part, label=best)


def _best(places: Iterable[Bounds], crowd: Crowd) -> Bounds | None:
    """The first place that covers nothing, or that which covers least."""
    best, fewest = None, 0
    for place in places:
        hits = crowd.hits(place)
        if hits == 0:
            return place
        if best is None or hits < fewest:
            best, fewest = place, hits
    return best


def size_of(name: str, font: float, width: float = WRAP) -> tuple[float, float]:
    """Width and height of a name outside of its shape, broken at `width`."""
    lines = wrap(name, width, font)
    return max((width_of(line, font) for line in lines), default=0.0), height_of(len(lines), font)


def _around(shape: Shape) -> Iterator[Bounds]:
    b = shape.bounds
    width, height = size_of(shape.name, shape.font)
    middle, left, right = b.cx - width / 2, b.x - width - GAP, b.right + GAP
    above, below = b.y - height - GAP, b.bottom + GAP
    if shape.kind not in EVENTS or not shape.host:
        yield Bounds(middle, below, width, height)
        yield Bounds(middle, above, width, height)
    for x, y in ((right - b.width / 4, b.cy + 4), (right - b.width / 4, b.cy - 4 - height), (left, b.cy + 4), (left, b.cy - 4 - height)):
        yield Bounds(x, y, width, height)
    for x, y in ((right, below - 4), (left, below - 4), (right, above + 4), (left, above + 4), (middle, below), (middle, above)):
        yield Bounds(x, y, width, height)


def _along(edge: Edge) -> Iterator[Bounds]:
    """Above or below level stretches and beside upright ones: first those long enough, near the edge's start."""
    width, height = size_of(edge.name, edge.font)
    stretches = [(a, b) for a, b in pairwise(edge.points) if a != b]
    stretches.sort(key=lambda s: not _is_level(s) or abs(s[1][0] - s[0][0]) < width + 2 * GAP)
    for share in (0.5, 0.25, 0.75, 0.1, 0.9):
        for (x1, y1), (x2, y2) in stretches:
            x, y = x1 + (x2 - x1) * share, y1 + (y2 - y1) * share
            if abs(x2 - x1) > abs(y2 - y1):
                yield Bounds(x - width / 2, y - height - 2, width, height)
                yield Bounds(x - width / 2, y + 2, width, height)
            else:
                yield Bounds(x + GAP, y - height / 2, width, height)
                yield Bounds(x - width - GAP, y - height / 2, width, height)


def _is_level(stretch: tuple[Point, Point]) -> bool:
    (x1, y1), (x2, y2) = stretch
    return abs(x2 - x1) > abs(y2 - y1)
