"""Which way each link goes, on the grid: level through cells kept free for it, upright in the channels between columns or in line
with the node it leaves or reaches. Links that run backwards (or too far) go around, above or below all rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.bpmn.diagram.blocks import Box
from engine.bpmn.diagram.grid import Grid, Link

MOST_LINES = 100  # around the rows, on either side


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
        planned.use(column, 0 if route.row > row else 1, -row if route.row > row else row, leaving_of(link))
    if route.arrive == "channel" and not is_one_line(route, grid):
        planned.use(end - 1, 3, -target_row, arriving_of(link))


def is_one_line(route: Route, grid: Grid) -> bool:
    """Between neighbouring columns one upright line will do."""
    near = grid.cells[route.link.target][0] - grid.cells[route.link.source][0] == 1
    return near and route.leave == route.arrive == "channel" and not route.link.port


def leaving_of(link: Link) -> str:
    """Who owns the upright line behind a column on which a link leaves."""
    return f"from {link.port or link.source}"


def arriving_of(link: Link) -> str:
    """Who owns the upright line before a column on which a link arrives."""
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
            planned.use(grid.cells[link.source][0], 2, 0, f"{leaving_of(link)} back")
        if arrive == "channel":
            planned.use(grid.cells[link.target][0] - 1, 3, 0, arriving_of(link))
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
