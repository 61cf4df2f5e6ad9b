"""From a grid to pixels: how wide columns and rows are, and the ways of the links between them.
Links run level through cells kept free for them, upright in the channels between columns or under the node they leave;
those that run backwards (or too far) go around, above or below all rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate

from engine.bpmn.diagram.grid import Grid, Link
from engine.bpmn.diagram.values import Point

CHANNEL = 50.0  # least distance of columns
ROW_GAP = 30.0
PORT_RADIUS = 18.0  # of a boundary event
MOST_LINES = 100  # around the rows, on either side
LARGE = 60.0  # height of a box that has room for a second line at its side
TRACK = 12.0  # between lines that run side by side


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
class Route:
    """How a link goes. Between rows: `leave` level, upright or channel, `row` to travel on, `arrive` likewise.
    Around all rows: `leave` and `arrive` upright or channel, `row` the number of the line around (from 1; negative: above)."""

    link: Link
    leave: str
    arrive: str
    row: int


@dataclass(slots=True)
class Plan:
    """All routes of a container, and how many lines run in each channel: (rank, owner) by channel."""

    routes: list[Route] = field(default_factory=list)
    lines: dict[int, set[tuple[int, int, str]]] = field(default_factory=dict)
    asides: set[str] = field(default_factory=set)  # artifacts whose line runs through the channel
    above: int = 0
    below: int = 0

    def use(self, channel: int, rank: int, row: int, owner: str) -> None:
        self.lines.setdefault(channel, set()).add((rank, row, owner))


# --- which way -----------------------------------------------------------------------------------------------------------


def plan(grid: Grid, links: Iterable[Link], boxes: Mapping[str, Box], notes: Mapping[str, str]) -> Plan:
    """Choose a way for each link; marks the cells it passes in `grid.taken`. `notes` maps artifacts to the nodes they are about."""
    planned = Plan()
    forward = [k for k in links if k.element not in grid.around]
    leaves = {k.element: _leave(grid, k, boxes) for k in forward}
    forward.sort(key=lambda k: abs(grid.ways[k.element] - grid.cells[k.target][1]))
    for link in forward:
        planned.routes.append(Route(link, leaves[link.element], _arrive(grid, link, boxes), grid.ways[link.element]))
    for route in planned.routes:
        _use_channels(planned, grid, route)
    _plan_notes(planned, grid, notes, boxes)
    _plan_back(planned, grid, [k for k in links if k.element in grid.around], boxes)
    return planned


def _leave(grid: Grid, link: Link, boxes: Mapping[str, Box]) -> str:
    column, row = grid.cells[link.source]
    way = grid.ways[link.element]
    if way == row:
        return "level"
    if boxes[link.source].ports and (not link.port or way < row):
        return "channel"
    return "upright" if _claim(grid, column, row, way, link, f"from {link.source}") else "channel"


def _arrive(grid: Grid, link: Link, boxes: Mapping[str, Box]) -> str:
    column, row = grid.cells[link.target]
    way = grid.ways[link.element]
    if way == row:
        return "level"
    if way > row and boxes[link.target].ports:
        return "channel"
    return "upright" if _claim(grid, column, row, way, link, f"to {link.target}") else "channel"


def _claim(grid: Grid, column: int, row: int, way: int, link: Link, owner: str) -> bool:
    """Take the cells of a column between a node's row and a way, the corner included, if none but its own lines are there."""
    step = 1 if way > row else -1
    so_far = grid.claimed.get((owner, step), row)
    cells = [(column, r) for r in range(so_far + step, way + step, step)]
    if any(grid.taken.get(c, owner) not in (owner, link.element) for c in cells):
        return False
    grid.taken.update((c, owner) for c in cells)
    grid.claimed[owner, step] = max(so_far, way) if step > 0 else min(so_far, way)
    return True


def _use_channels(planned: Plan, grid: Grid, route: Route) -> None:
    """Lines that leave stand left of those that arrive; of two that leave, the one that would be crossed comes first."""
    link = route.link
    column, row = grid.cells[link.source]
    end, target_row = grid.cells[link.target]
    if route.leave == "channel":
        planned.use(column, 0 if route.row > row else 1, -row if route.row > row else row, _leaving(link))
    if route.arrive == "channel" and not _is_one_line(route, grid):
        planned.use(end - 1, 3, -target_row, _arriving(link))


def _is_one_line(route: Route, grid: Grid) -> bool:
    """Between neighbouring columns one upright line will do."""
    near = grid.cells[route.link.target][0] - grid.cells[route.link.source][0] == 1
    return near and route.leave == route.arrive == "channel" and not route.link.port


def _leaving(link: Link) -> str:
    return f"from {link.port or link.source}"


def _arriving(link: Link) -> str:
    return f"to {link.target}"


def _plan_notes(planned: Plan, grid: Grid, notes: Mapping[str, str], boxes: Mapping[str, Box]) -> None:
    """Straight to the node where nothing is between, else through the channel behind both."""
    for note, node in notes.items():
        column, row = grid.cells[note]
        _, end = grid.cells[node]
        between = [(column, r) for r in range(min(row, end) + 1, max(row, end))]
        if any(cell in grid.taken for cell in between) or (row > end and boxes[node].ports):
            planned.asides.add(note)
            planned.use(column, 1, row, f"note {note}")
        else:
            grid.taken.update((cell, note) for cell in between)


def _plan_back(planned: Plan, grid: Grid, links: list[Link], boxes: Mapping[str, Box]) -> None:
    taken: dict[bool, list[list[tuple[int, int]]]] = {True: [], False: []}
    top, bottom = min(r for _, r in grid.taken), max(r for _, r in grid.taken)
    for link in sorted(links, key=lambda k: abs(grid.cells[k.source][0] - grid.cells[k.target][0])):
        up = _goes_above(grid, link, boxes, top, bottom)
        edge = top - 1 if up else bottom + 1
        leave = "upright" if _can_turn(grid, link.source, edge, boxes, link, True) else "channel"
        arrive = "upright" if _can_turn(grid, link.target, edge, boxes, link, False) else "channel"
        start, end = sorted((grid.cells[link.source][0], grid.cells[link.target][0]))
        line = _line(taken[up], start, end)
        planned.routes.append(Route(link, leave, arrive, -line if up else line))
        if leave == "channel":
            planned.use(grid.cells[link.source][0], 2, 0, f"{_leaving(link)} back")
        if arrive == "channel":
            planned.use(grid.cells[link.target][0] - 1, 3, 0, _arriving(link))
    planned.above, planned.below = len(taken[True]), len(taken[False])


def _goes_above(grid: Grid, link: Link, boxes: Mapping[str, Box], top: int, bottom: int) -> bool:
    if link.port:
        return False
    ends = (link.source, link.target)
    above = sum(_is_clear(grid, node, top - 1) for node in ends)
    below = sum(_is_clear(grid, node, bottom + 1) and not boxes[node].ports for node in ends)
    return above >= below


def _is_clear(grid: Grid, node: str, edge: int) -> bool:
    column, row = grid.cells[node]
    return all((column, r) not in grid.taken for r in range(min(row, edge), max(row, edge)) if r != row)


def _can_turn(grid: Grid, node: str, edge: int, boxes: Mapping[str, Box], link: Link, leaving: bool) -> bool:
    """Whether a link may go straight up (or down) from a node to the lines around, or come from there; claims the way."""
    column, row = grid.cells[node]
    if edge > row and boxes[node].ports and not (leaving and link.port):
        return False
    owner = f"from {link.source}" if leaving else f"to {link.target}"
    cells = [(column, r) for r in range(min(row, edge), max(row, edge) + 1) if r != row]
    if any(grid.taken.get(c, owner) != owner for c in cells):
        return False
    grid.taken.update((c, owner) for c in cells)
    return True


def _line(lines: list[list[tuple[int, int]]], start: int, end: int) -> int:
    """The first line around (from 1) on which nothing else runs between two columns; the outermost is shared if there are too many."""
    for number, stretches in enumerate(lines, 1):
        if all(end < s or e < start for s, e in stretches):
            stretches.append((start, end))
            return number
    if len(lines) < MOST_LINES:
        lines.append([(start, end)])
    return len(lines)


# --- how many pixels -----------------------------------------------------------------------------------------------------


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
    if _is_one_line(route, grid):
        x = m.tracks[grid.cells[link.source][0], _leaving(link)]
        return [*_out_of_side(link.source, grid, boxes, m, x), *_into_side(link.target, grid, boxes, m, x)]
    return [*_start(route, grid, boxes, m, y), *_end(route, grid, boxes, m, y)]


def _start(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    link = route.link
    if route.leave == "upright":
        return _upright(link.source, link.port, grid, boxes, m, y)
    track = m.tracks.get((grid.cells[link.source][0], _leaving(link)), 0.0)
    if link.port:
        return _around_corner(link, grid, boxes, m, track, y)
    out = _out_of_side(link.source, grid, boxes, m, track)
    return out[:1] if route.leave == "level" else [*out, (track, y)]


def _end(route: Route, grid: Grid, boxes: Mapping[str, Box], m: Metrics, y: float) -> list[Point]:
    target = route.link.target
    if route.arrive == "upright":
        return list(reversed(_upright(target, "", grid, boxes, m, y)))
    track = m.tracks.get((grid.cells[target][0] - 1, _arriving(route.link)), 0.0)
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
    track = m.tracks[grid.cells[link.source][0], f"{_leaving(link)} back"]
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
