"""How connections are painted: a line with rounded bends, its ends cut where they run into shapes, heads, tails and names.
Heads are paths of their own rather than markers: they take the colour of their edge everywhere, and need no ids."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import atan2, degrees, hypot

from engine.bpmn.diagram.labels import WRAP
from engine.bpmn.diagram.shapes import words_in
from engine.bpmn.diagram.svg import num, path
from engine.bpmn.diagram.values import EVENTS, GATEWAYS, Bounds, Edge, Point, Shape

BEND = 6.0
INSIDE = 2.0  # pixels an end may reach into its shape before it is cut

LINES = {
    "sequenceFlow": "line",
    "messageFlow": "line dashed",
    "association": "line dotted",
    "dataInputAssociation": "line dotted",
    "dataOutputAssociation": "line dotted",
    "conversationLink": "line",
}
FULL = path("solid", "M0,0L-10,-4V4Z")
HOLLOW = path("open", "M0,0L-10,-4.5V4.5Z")
ANGLE = path("line", "M-8,-4.5L0,0L-8,4.5")
BALL = '<circle class="open" cx="-4" r="4"/>'
SLASH = path("line", "M-7,5L-12,-5")
DIAMOND = path("open", "M0,0L-7,-4.5L-14,0L-7,4.5Z")
LETTER = "M-11,-7H11V7H-11ZL0,2L11,-7"


def paint(edge: Edge, shapes: Mapping[str, Shape]) -> str:
    """The line of an edge with its ends; the name is painted apart, above all lines."""
    points = docked(edge, shapes)
    d = _rounded(points)
    doubled = path("line thick", d) + path("inverse", d) if edge.kind == "conversationLink" else ""
    return (doubled or path(LINES.get(edge.kind, "line"), d)) + _ends(edge, points) + _letter(edge, points)


def label(edge: Edge) -> str:
    """The name of an edge at its place, or in the middle of the line where nobody has found one."""
    x, y = middle(edge.points)
    return words_in(edge.name, edge.label or Bounds(x - WRAP / 2, y - 14, WRAP, 0), edge.font)


def _ends(edge: Edge, points: Sequence[Point]) -> str:
    head, tail = HEADS.get(edge.kind, ("", ""))
    if edge.kind == "association":
        head = "" if edge.direction == "none" else ANGLE
        tail = ANGLE if edge.direction == "both" else ""
    elif edge.kind == "sequenceFlow":
        tail = SLASH if edge.default else DIAMOND if edge.conditional else ""
    return _pointing(head, points) + _pointing(tail, points[::-1])


HEADS = {
    "sequenceFlow": (FULL, ""),
    "messageFlow": (HOLLOW, BALL),
    "dataInputAssociation": (ANGLE, ""),
    "dataOutputAssociation": (ANGLE, ""),
}


def _pointing(drawn: str, points: Sequence[Point]) -> str:
    """Something drawn for the end of a line to the right, turned to where the last stretch of `points` leads."""
    x, y = points[-1]
    before = next((p for p in reversed(points) if hypot(p[0] - x, p[1] - y) > 0.5), None)
    if not drawn or before is None:
        return ""
    angle = degrees(atan2(y - before[1], x - before[0]))
    turn = f" rotate({num(angle)})" if abs(angle) > 0.1 else ""
    return f'<g transform="translate({num(x)} {num(y)}){turn}">{drawn}</g>'


def _letter(edge: Edge, points: Sequence[Point]) -> str:
    if not edge.message:
        return ""
    x, y = middle(points)
    fill = "box" if edge.message == "initiating" else "box shade"
    return f'<g transform="translate({num(x)} {num(y)})">{path(fill, LETTER)}</g>'


def _rounded(points: Sequence[Point]) -> str:
    """A path through the points; bends are rounded as far as both stretches allow."""
    d = f"M{_pair(points[0])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(BEND, _distance(before, corner) / 2, _distance(corner, after) / 2)
        if radius < 1:
            d += f"L{_pair(corner)}"
        else:
            d += f"L{_pair(_towards(corner, before, radius))}Q{_pair(corner)} {_pair(_towards(corner, after, radius))}"
    return f"{d}L{_pair(points[-1])}"


def _pair(point: Point) -> str:
    return f"{num(point[0])},{num(point[1])}"


def _distance(one: Point, other: Point) -> float:
    return hypot(other[0] - one[0], other[1] - one[1])


def _towards(start: Point, end: Point, by: float) -> Point:
    share = by / _distance(start, end)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share


def middle(points: Sequence[Point]) -> Point:
    """The point halfway along a line."""
    rest = sum(_distance(a, b) for a, b in pairwise(points)) / 2
    for one, other in pairwise(points):
        length = _distance(one, other)
        if rest <= length and length:
            return _towards(one, other, rest)
        rest -= length
    return points[0]


# --- ends that run into shapes ---------------------------------------------------------------------------------------------


def docked(edge: Edge, shapes: Mapping[str, Shape]) -> list[Point]:
    """The points of an edge, cut at the outlines of its shapes where a modeler let them run to the middle."""
    points = list(edge.points)
    source, target = shapes.get(edge.source), shapes.get(edge.target)
    if target is not None:
        points = _cut(points, target)
    if source is not None:
        points = _cut(points[::-1], source)[::-1]
    return points


def _cut(points: list[Point], shape: Shape) -> list[Point]:
    inside = _outline(shape)
    if not inside(points[-1], INSIDE):
        return points
    last = next((i for i in range(len(points) - 2, -1, -1) if not inside(points[i], 0)), None)
    if last is None:
        return points
    return [*points[: last + 1], _crossing(points[last], points[last + 1], inside)]


def _crossing(outside: Point, within: Point, inside: Callable[[Point, float], bool]) -> Point:
    """Where a stretch enters an outline, by halving."""
    for _ in range(16):
        half = (outside[0] + within[0]) / 2, (outside[1] + within[1]) / 2
        if inside(half, 0):
            within = half
        else:
            outside = half
    return outside


def _outline(shape: Shape) -> Callable[[Point, float], bool]:
    """Whether a point is inside a shape, by more than a margin."""
    b = shape.bounds
    half_width, half_height = b.width / 2, b.height / 2
    if shape.kind in EVENTS:
        return lambda p, margin: hypot(p[0] - b.cx, p[1] - b.cy) < half_width - margin
    if shape.kind in GATEWAYS:
        return lambda p, margin: abs(p[0] - b.cx) / half_width + abs(p[1] - b.cy) / half_height < 1 - margin / half_width
    return lambda p, margin: abs(p[0] - b.cx) < half_width - margin and abs(p[1] - b.cy) < half_height - margin
