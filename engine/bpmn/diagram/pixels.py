"""From a planned grid to pixels: how wide columns and rows are, and the corners of the ways of its links."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import accumulate

from engine.bpmn.diagram.blocks import PORT_RADIUS, Box
from engine.bpmn.diagram.grid import Grid, Link
from engine.bpmn.diagram.routes import Plan, Route, arriving_of, is_one_line, leaving_of
from engine.bpmn.diagram.values import Point

CHANNEL = 50.0  # least distance of columns
ROW_GAP = 30.0
LARGE = 60.0  # height of a box that has room for a second line at its side
TRACK = 12.0  # between lines that run side by side


@dataclass(slots=True)
class Metrics:
    """Where columns, rows and channels are; the top left corner of the container is (0, 0)."""

    x: dict[int, float]  # centre of a column
    y: dict[int, float]  # middle of a row
    edges: dict[int, tuple[float, float]]  # left and right end of a column
    tops: dict[int, tuple[float, float]]  # upper and lower end of a row
    tracks: dict[tuple[int, str], float]  # channel, owner -> x
    width: float
    height: float
    first_line: tuple[float, float]  # y of the lines around next to the rows: above, below


def measure(grid: Grid, planned: Plan, boxes: Mapping[str, Box], names: Mapping[int, float], rows: int) -> Metrics:
    """Pixels for a grid of `rows` rows (from 0); `names` is the width that the names of links need behind a column."""
    columns = 1 + max(c for c, _ in grid.cells.values())
    halves = _extents(grid, boxes, 0, columns, lambda b: (b.reach, b.reach))
    depths = _extents(grid, boxes, 1, rows, lambda b: (b.above, b.below))
    channels = [_channel(planned, names, c, columns) for c in range(-1, columns)]
    lefts = list(accumulate((a + b + c for (a, b), c in zip(halves, channels[1:], strict=True)), initial=channels[0]))
    over = planned.above * TRACK + (ROW_GAP / 2 if planned.above else 0)
    under = planned.below * TRACK + (ROW_GAP / 2 if planned.below else 0)
    tops = list(accumulate((a + b + ROW_GAP for a, b in depths), initial=over))
    edges = {c: (lefts[c], lefts[c] + sum(halves[c])) for c in range(columns)}
    ends = {r: (tops[r], tops[r] + sum(depths[r])) for r in range(rows)}
    return Metrics(
        x={c: lefts[c] + halves[c][0] for c in range(columns)},
        y={r: tops[r] + depths[r][0] for r in range(rows)},
        edges=edges,
        tops=ends,
        tracks=_tracks(planned, edges, lefts[-1]),
        width=lefts[-1],
        height=tops[-1] - ROW_GAP + under,
        first_line=(over - ROW_GAP / 2, tops[-1] - ROW_GAP / 2),
    )


def _extents(
    grid: Grid, boxes: Mapping[str, Box], axis: int, count: int, of: Callable[[Box], tuple[float, float]]
) -> list[tuple[float, float]]:
    """The largest extents before and behind the middle, for each column (axis 0) or row (axis 1)."""
    found = [(10.0, 10.0)] * count
    for node, cell in grid.cells.items():
        before, behind = of(boxes[node])
        old_before, old_behind = found[cell[axis]]
        found[cell[axis]] = (max(before, old_before), max(behind, old_behind))
    return found


def _channel(planned: Plan, names: Mapping[int, float], channel: int, columns: int) -> float:
    """The width of the channel behind a column; before the first and behind the last there is one only if lines run there."""
    lines = len(planned.lines.get(channel, ()))
    needed = (lines + 2) * TRACK if lines else 0.0
    inner = 0 <= channel < columns - 1
    return max(needed, CHANNEL, names.get(channel, 0.0)) if inner else needed


def _tracks(planned: Plan, edges: Mapping[int, tuple[float, float]], width: float) -> dict[tuple[int, str], float]:
    found: dict[tuple[int, str], float] = {}
    for channel, lines in planned.lines.items():
        left = edges[channel][1] if channel in edges else 0.0
        right = edges[channel + 1][0] if channel + 1 in edges else width
        step = (right - left) / (len(lines) + 1)
        for place, (_, _, owner) in enumerate(sorted(lines), 1):
            found.setdefault((channel, owner), left + place * step)
    return found


# --- the points -----------------------------------------------------------------------------------------------------------


def trace(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics) -> tuple[Point, ...]:
    """The corners of a link's way, from border to border."""
    points = _back(route, grid, boxes, m) if route.link.element in grid.around else _forward(route, grid, boxes, m)
    return _tidy(points)


def _forward(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics) -> list[Point]:
    link, y = route.link, m.y[route.row]
    if is_one_line(route, grid):
        x = m.tracks[grid.cells[link.source][0], leaving_of(link)]
        return [*_out_of_side(link.source, grid, boxes, m, x), *_into_side(link.target, grid, boxes, m, x)]
    return [*_start(route, grid, boxes, m, y), *_end(route, grid, boxes, m, y)]


def _start(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    link = route.link
    if route.leave == "upright":
        return _upright(link.source, link.port, grid, boxes, m, y)
    track = m.tracks.get((grid.cells[link.source][0], leaving_of(link)), 0.0)
    if link.port:
        return _around_corner(link, grid, boxes, m, track, y)
    out = _out_of_side(link.source, grid, boxes, m, track)
    return out[:1] if route.leave == "level" else [*out, (track, y)]


def _end(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    target = route.link.target
    if route.arrive == "upright":
        return list(reversed(_upright(target, "", grid, boxes, m, y)))
    track = m.tracks.get((grid.cells[target][0] - 1, arriving_of(route.link)), 0.0)
    into = _into_side(target, grid, boxes, m, track)
    return into[1:] if route.arrive == "level" else [(track, y), *into]


def _upright(node: str, port: str, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    """From the upper or lower end of a node (or its boundary event) straight to a height."""
    x, middle = _centre(node, grid, m)
    x += boxes[node].ports[port] if port else 0.0
    half = boxes[node].height / 2 + (PORT_RADIUS if port else 0.0)
    return [(x, middle + (half if y > middle else -half)), (x, y)]


def _around_corner(link: Link, grid: Grid, boxes: Mapping[str, Box], m: Metrics, track: float, y: float) -> list[Point]:
    """From a boundary event down into the gap under its row, to the channel, and there to a height."""
    gap = m.tops[grid.cells[link.source][1]][1] + ROW_GAP / 3
    return [*_upright(link.source, link.port, grid, boxes, m, gap), (track, gap), (track, y)]


def _out_of_side(node: str, grid: Grid, boxes: Mapping[str, Box], m: Metrics, x: float) -> list[Point]:
    centre, y = _centre(node, grid, m)
    return [(centre + boxes[node].width / 2, y), (x, y)]


def _into_side(node: str, grid: Grid, boxes: Mapping[str, Box], m: Metrics, x: float) -> list[Point]:
    centre, y = _centre(node, grid, m)
    return [(x, y), (centre - boxes[node].width / 2, y)]


def _centre(node: str, grid: Grid, m: Metrics) -> Point:
    column, row = grid.cells[node]
    return m.x[column], m.y[row]


def _back(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics) -> list[Point]:
    above, below = m.first_line
    y = above + (route.row + 1) * TRACK if route.row < 0 else below + (route.row - 1) * TRACK
    return [*_start_back(route, grid, boxes, m, y), *_end(route, grid, boxes, m, y)]


def _start_back(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    link = route.link
    if route.leave == "upright":
        return _upright(link.source, link.port, grid, boxes, m, y)
    track = m.tracks[grid.cells[link.source][0], f"{leaving_of(link)} back"]
    if link.port:
        return _around_corner(link, grid, boxes, m, track, y)
    return [*_out_of_side(link.source, grid, boxes, m, track), (track, y)]


def trace_note(note: str, node: str, planned: Plan, grid: Grid, boxes: Mapping[str, Box], m: Metrics) -> tuple[Point, ...]:
    """The line from an artifact to the node it is about, in the same column."""
    x, y = _centre(note, grid, m)
    _, end = _centre(node, grid, m)
    if note in planned.asides:
        track = m.tracks[grid.cells[note][0], f"note {note}"]
        aside = end + boxes[node].height / 4 if boxes[node].height >= LARGE else end  # beside the flows that leave there
        border = m.x[grid.cells[node][0]] + boxes[node].width / 2
        return (*_out_of_side(note, grid, boxes, m, track), (track, aside), (border, aside))
    down = 1 if end > y else -1
    return (x, y + down * boxes[note].height / 2), (x, end - down * boxes[node].height / 2)


def _tidy(points: list[Point]) -> tuple[Point, ...]:
    """Without points that repeat or lie on a straight line."""
    kept: list[Point] = []
    for point in points:
        if kept and kept[-1] == point:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]):
            kept.pop()
        kept.append(point)
    return tuple(kept)
