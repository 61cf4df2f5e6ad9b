"""Lay out what nobody has drawn: the nodes of each process and sub-process in columns and rows, inner ones first.
It is deterministic, and nearly linear in the number of nodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from engine.bpmn.diagram import labels, pools
from engine.bpmn.diagram.blocks import PORT_RADIUS, Block, Box
from engine.bpmn.diagram.boxes import PADDING, Size, box_of, size_of_node
from engine.bpmn.diagram.elements import SCOPES, Element, Model, edge_of, ends_of, index, local, shape_of
from engine.bpmn.diagram.grid import Grid, Link, arrange
from engine.bpmn.diagram.pixels import Metrics, measure, trace, trace_note
from engine.bpmn.diagram.routes import Plan, plan
from engine.bpmn.diagram.values import (
    ACTIVITIES,
    EVENTS,
    FONT_SIZE,
    GATEWAYS,
    SUB_PROCESSES,
    Bounds,
    Drawing,
    Plane,
    Shape,
)

FLOW_NODES = EVENTS | GATEWAYS | ACTIVITIES
NOTES = frozenset({"textAnnotation", "dataObjectReference", "dataStoreReference"})
LINKS = frozenset({"association", "dataInputAssociation", "dataOutputAssociation"})
LOOSE_WIDTH = 800.0  # at which a row of unconnected nodes ends
GAP = 30.0


def lay_out(root: Element) -> Drawing:
    """Draw all of a file anew: a page for its collaboration, and one for each process that takes no part in it."""
    model = index(root)
    together = pools.collaboration_of(root)
    members = {model.referred(p.get("processRef")) for p in pools.participants_of(together)}
    pages = [_page_of_pools(together, model)] if together is not None and members else []
    alone = [e for e in root if local(e) == "process" and e.get("id", "") not in members]
    pages += [lay_out_process(e, model) for e in alone]
    return Drawing(tuple(pages), root.get("name", ""), model.parents())


def lay_out_process(process: Element, model: Model) -> Plane:
    """A page for one process of a file."""
    blocks = _blocks(process, model)
    block = blocks[process.get("id", "")]
    return _page(process, block, tuple(blocks))


def _page_of_pools(together: Element, model: Model) -> Plane:
    members = [model.find(p.get("processRef")) for p in pools.participants_of(together)]
    blocks: dict[str, Block] = {}
    for process in members:
        if process is not None:
            blocks |= _blocks(process, model)
    return _page(together, pools.stack(together, model, blocks), tuple(blocks))


def _page(subject: Element, block: Block, processes: tuple[str, ...]) -> Plane:
    whole = block.flat()
    plane = Plane(subject.get("id", ""), subject.get("name", ""), tuple(whole.shapes), tuple(whole.edges), processes)
    return labels.place(plane)


def _blocks(process: Element, model: Model) -> dict[str, Block]:
    """The layouts of a process and all in it by id, the innermost first, as their sizes are needed around them."""
    scopes = [e for e in process.iter() if local(e) in SCOPES]
    insides = _insides(process, scopes, model)
    blocks: dict[str, Block] = {}
    for scope in reversed(scopes):
        blocks[scope.get("id", "")] = _Layout(insides[scope.get("id", "")], model, blocks).block()
    return blocks


@dataclass(slots=True)
class Inside:
    """What stands directly in a process or sub-process."""

    scope: Element
    nodes: dict[str, Element] = field(default_factory=dict)  # without boundary events
    events: dict[str, list[Element]] = field(default_factory=dict)  # boundary events by host
    notes: dict[str, Element] = field(default_factory=dict)
    flows: list[tuple[Element, str, str]] = field(default_factory=list)  # with the ids of both ends
    asides: list[tuple[Element, str, str]] = field(default_factory=list)  # associations, likewise


def _insides(process: Element, scopes: Sequence[Element], model: Model) -> dict[str, Inside]:
    found = {scope.get("id", ""): Inside(scope) for scope in scopes}
    home: dict[str, Inside] = {}
    for scope in scopes:
        inside = found[scope.get("id", "")]
        _sort_children(inside, model)
        home |= dict.fromkeys(chain(inside.nodes, inside.notes, _ids(inside.events.values())), inside)
    for element in process.iter():
        if local(element) == "sequenceFlow" or local(element) in LINKS:
            source, target = ends_of(element, model)
            inside = home.get(source) or Inside(element)
            if home.get(target) is inside:
                (inside.flows if local(element) == "sequenceFlow" else inside.asides).append((element, source, target))
    return found


def _ids(lists: Iterable[list[Element]]) -> Iterator[str]:
    return (e.get("id", "") for e in chain.from_iterable(lists))


def _sort_children(inside: Inside, model: Model) -> None:
    """A boundary event whose host is missing is a node like any other."""
    children = [e for e in inside.scope if e.get("id")]
    inside.nodes = {e.get("id", ""): e for e in children if local(e) in FLOW_NODES}
    inside.notes = {e.get("id", ""): e for e in children if local(e) in NOTES}
    for key, element in list(inside.nodes.items()):
        host = model.referred(element.get("attachedToRef"))
        if host in inside.nodes and host != key and not inside.nodes[host].get("attachedToRef"):
            inside.events.setdefault(host, []).append(inside.nodes.pop(key))


class _Layout:
    """The layout of one container, step by step."""

    def __init__(self, inside: Inside, model: Model, blocks: Mapping[str, Block]) -> None:
        self.inside, self.model, self.blocks = inside, model, blocks
        self.hosts = {e.get("id", ""): host for host, events in inside.events.items() for e in events}
        self.links = self._links()
        self.about = self._about()
        self.lanes = pools.leaves_of(inside.scope)
        linked = {end for k in self.links for end in (k.source, k.target)}
        self.loose = [] if self.lanes else [n for n in inside.nodes if n not in linked]
        self.boxes = self._boxes()

    def _links(self) -> list[Link]:
        """Sequence flows, and the associations that lead from a boundary event to a compensation handler."""
        place = {e.get("id", ""): i for events in self.inside.events.values() for i, e in enumerate(events)}
        handlers = [a for a in self.inside.asides if a[1] in self.hosts and a[2] in self.inside.nodes]
        links = []
        for element, source, target in chain(self.inside.flows, handlers):
            port = source if source in self.hosts else ""
            links.append(Link(element.get("id") or str(id(element)), self.hosts.get(source, source), self.hosts.get(target, target), port))
        return sorted(links, key=lambda k: place.get(k.port, -1))

    def _about(self) -> dict[str, str]:
        """The node each artifact is about: the first it is associated with."""
        about: dict[str, str] = {}
        for _, source, target in self.inside.asides:
            for note, end in ((source, target), (target, source)):
                node = self.hosts.get(end, end)
                if note in self.inside.notes and node in self.inside.nodes:
                    about.setdefault(note, node)
        return about

    def _boxes(self) -> dict[str, Box]:
        leaving = Counter(k.source for k in self.links if not k.port)
        boxes = {}
        for key, element in chain(self.inside.nodes.items(), self.inside.notes.items()):
            size = size_of_node(element, self.model, self._size_inside(key, element))
            boxes[key] = box_of(element, self.model, size, self.inside.events.get(key, ()), leaving[key] > 1)
        return boxes

    def _size_inside(self, key: str, element: Element) -> Size | None:
        return (self.blocks[key].width, self.blocks[key].height) if local(element) in SUB_PROCESSES else None

    def block(self) -> Block:
        """Place and connect everything."""
        block = Block()
        linked = [n for n in self.inside.nodes if n not in set(self.loose)]
        if linked:
            self._fill(block, linked)
        self._add_loose(block)
        return block

    def _fill(self, block: Block, nodes: list[str]) -> None:
        wide = {k.source for k in self.links}
        grid = arrange(nodes, self.links, wide)
        notes = {note: node for note, node in self.about.items() if node in grid.cells}
        _add_notes(grid, notes, self.boxes, wide)
        bands = _settle(grid, self.links, self.lanes, notes)
        rows = 1 + max(max(band) for band in bands)
        planned = plan(grid, self.links, self.boxes, notes)
        metrics = measure(grid, planned, self.boxes, self._names(grid), rows)
        for node in grid.cells:
            column, row = grid.cells[node]
            self._draw(block, node, metrics.x[column], metrics.y[row])
        self._connect(block, grid, planned, metrics, notes)
        block.width, block.height = metrics.width, metrics.height
        if self.lanes:
            pools.add_lanes(block, self.inside.scope, self.model, [_band(metrics, band) for band in bands])

    def _names(self, grid: Grid) -> dict[int, float]:
        """The room behind each column for the names of the flows that leave it."""
        named = {e.get("id"): e.get("name", "") for e, _, _ in self.inside.flows if e.get("name")}
        room: dict[int, float] = {}
        for link in self.links:
            if link.element in named:
                column = grid.cells[link.source][0]
                room[column] = max(room.get(column, 0.0), labels.size_of(named[link.element], FONT_SIZE)[0] + 30)
        return room

    def _draw(self, block: Block, node: str, x: float, y: float) -> None:
        box = self.boxes[node]
        element = self.inside.nodes.get(node)
        element = self.inside.notes[node] if element is None else element
        bounds = Bounds(x - box.width / 2, y - box.height / 2, box.width, box.height)
        inner = self.blocks.get(node)
        block.shapes.append(shape_of(element, self.model, bounds, expanded=inner is not None))
        if inner is not None:
            left, above, right, _ = PADDING
            slack = (box.width - left - right - inner.width) / 2
            block.add(inner, bounds.x + left + slack, bounds.y + above)
        for event in self.inside.events.get(node, ()):
            port = box.ports[event.get("id", "")]
            circle = Bounds(x + port - PORT_RADIUS, bounds.bottom - PORT_RADIUS, 2 * PORT_RADIUS, 2 * PORT_RADIUS)
            block.shapes.append(self._event(event, circle))

    def _event(self, event: Element, circle: Bounds) -> Shape:
        """Its name stands right below the border of the host, where `box_of` left room."""
        shape = shape_of(event, self.model, circle)
        width, height = labels.size_of(shape.name, shape.font, 80.0)
        return replace(shape, label=Bounds(circle.right - 2, circle.cy + 5, width, height)) if shape.name else shape

    def _connect(self, block: Block, grid: Grid, planned: Plan, metrics: Metrics, notes: Mapping[str, str]) -> None:
        elements = {e.get("id") or str(id(e)): e for e, _, _ in chain(self.inside.flows, self.inside.asides)}
        for route in planned.routes:
            points = trace(route, grid, self.boxes, metrics)
            block.edges.append(edge_of(elements[route.link.element], self.model, points))
        for element, source, target in self.inside.asides:
            note, node = (source, target) if source in notes else (target, source)
            if notes.get(note) == self.hosts.get(node, node):
                points = trace_note(note, notes[note], planned, grid, self.boxes, metrics)
                block.edges.append(edge_of(element, self.model, points if note == source else points[::-1]))

    def _add_loose(self, block: Block) -> None:
        """Nodes and artifacts without connection stand under all else, side by side."""
        drawn = {s.element for s in block.shapes}
        x, y, deep = 0.0, block.height + GAP if block.shapes else 0.0, 0.0
        for key in chain(self.loose, (n for n in self.inside.notes if n not in drawn)):
            box = self.boxes[key]
            if x and x + 2 * box.reach > max(LOOSE_WIDTH, block.width):
                x, y, deep = 0.0, y + deep + GAP, 0.0
            self._draw(block, key, x + box.reach, y + box.above)
            x, deep = x + 2 * box.reach + GAP, max(deep, box.above + box.below)
            block.width = max(block.width, x - GAP)
            block.height = max(block.height, y + deep)


def _add_notes(grid: Grid, notes: Mapping[str, str], boxes: Mapping[str, Box], wide: set[str]) -> None:
    """Artifacts stand above all nodes of their column, or below where only that way is clear."""
    top, bottom = min(r for _, r in grid.taken), max(r for _, r in grid.taken)
    for note, node in notes.items():
        column, row = grid.cells[node]
        free_above = all((column, r) not in grid.taken for r in range(top, row))
        free_below = all((column, r) not in grid.taken for r in range(row + 1, bottom + 1))
        down = free_below and not free_above and not boxes[node].ports and node not in wide
        at, step = (bottom + 1, 1) if down else (top - 1, -1)
        while (column, at) in grid.taken:
            at += step
        grid.cells[note] = (column, at)
        grid.taken[column, at] = note


def _settle(grid: Grid, links: Sequence[Link], lanes: Sequence[frozenset[str]], notes: Mapping[str, str]) -> list[list[int]]:
    """Number the rows from 0 without gaps, lane by lane; the rows of each lane (of the one, if there are none)."""
    home = {node: i for i, lane in enumerate(lanes) for node in lane}
    home |= {note: home.get(node, 0) for note, node in notes.items()}
    home |= {k.element: home.get(k.source, 0) for k in links}
    places = {(home.get(name, 0), row) for (_, row), name in grid.taken.items()}
    places |= {(i, 0) for i in range(len(lanes)) if i not in {lane for lane, _ in places}}
    number = {place: i for i, place in enumerate(sorted(places))}
    _renumber(grid, links, home, number)
    return [[i for (lane, _), i in number.items() if lane == wanted] for wanted in range(max(1, len(lanes)))]


def _renumber(grid: Grid, links: Sequence[Link], home: Mapping[str, int], number: Mapping[tuple[int, int], int]) -> None:
    starts = {k.element: (grid.cells[k.source][0] + 1, grid.ways[k.element]) for k in links if k.element in grid.ways}
    first = {key: grid.taken[cell] for key, cell in starts.items()}
    grid.ways = {key: number[home.get(first[key], 0), way] for key, way in grid.ways.items()}
    grid.cells = {key: (column, number[home.get(key, 0), row]) for key, (column, row) in grid.cells.items()}
    grid.taken = {(column, number[home.get(name, 0), row]): name for (column, row), name in grid.taken.items()}


def _band(metrics: Metrics, rows: Sequence[int]) -> tuple[float, float]:
    """Upper and lower end of a lane."""
    return metrics.tops[rows[0]][0] - GAP / 2, metrics.tops[rows[-1]][1] + GAP / 2
