"""Columns and rows for the nodes of one container: a layered layout on whole numbers, no pixels.
A column is the longest way from a start; a branch gets rows of its own for as long as it runs, so that nothing meets on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

Cell = tuple[int, int]  # column, row
PLACES = 20_000  # on the ways of links; those that would need more go around, as links that run backwards do
Item = tuple[str, int]  # a node (its id, 0), or a place on the way of a link (its id, 1 and up)


@dataclass(frozen=True, slots=True)
class Link:
    """A connection to lay out; `port` is the boundary event it leaves from, if it does."""

    element: str
    source: str
    target: str
    port: str = ""


@dataclass(slots=True)
class Grid:
    """Where each node is; the row each link travels on; the links that go around all rows; the cells links pass through."""

    cells: dict[str, Cell] = field(default_factory=dict)
    ways: dict[str, int] = field(default_factory=dict)
    around: set[str] = field(default_factory=set)
    taken: dict[Cell, str] = field(default_factory=dict)  # cell -> node, or link that passes
    claimed: dict[tuple[str, int], int] = field(default_factory=dict)  # owner, up or down -> the last row of its upright line


def arrange(nodes: Sequence[str], links: Sequence[Link], wide: Collection[str]) -> Grid:
    """Give every node a cell of its own. `wide` are the nodes whose branches leave downwards: what is under them stays free."""
    out = _outgoing(nodes, links)
    back = _back_links(nodes, out)
    forward = {n: [k for k in out[n] if k.element not in back] for n in nodes}
    column = _columns(nodes, forward)
    around = back | _too_long(forward, column)
    forest = _forest(nodes, {n: [k for k in ks if k.element not in around] for n, ks in forward.items()}, column)
    rows = _rows(forest, wide)
    return _grid(nodes, links, around, column, forest, rows)


def _outgoing(nodes: Sequence[str], links: Sequence[Link]) -> dict[str, list[Link]]:
    """Links by their source: ordinary ones in order, then those of boundary events, the last (leftmost) event lowest."""
    out: dict[str, list[Link]] = {n: [] for n in nodes}
    for link in links:
        out[link.source].append(link)
    return {n: [k for k in ks if not k.port] + [k for k in ks if k.port] for n, ks in out.items()}


def _roots(nodes: Sequence[str], out: Mapping[str, Sequence[Link]]) -> list[str]:
    """All nodes in the order in which to begin with them: first those nothing leads to."""
    reached = {k.target for ks in out.values() for k in ks if k.target != k.source}
    return sorted(nodes, key=lambda n: n in reached)


def _back_links(nodes: Sequence[str], out: Mapping[str, Sequence[Link]]) -> set[str]:
    """The links that close a cycle, found depth first without recursion."""
    back: set[str] = set()
    state: dict[str, str] = {}
    for root in _roots(nodes, out):
        if root in state:
            continue
        state[root] = "open"
        stack = [(root, iter(out[root]))]
        while stack:
            node, links = stack[-1]
            link = next(links, None)
            if link is None:
                state[node] = "closed"
                stack.pop()
            elif state.get(link.target) == "open":
                back.add(link.element)
            elif link.target not in state:
                state[link.target] = "open"
                stack.append((link.target, iter(out[link.target])))
    return back


def _columns(nodes: Sequence[str], forward: Mapping[str, Sequence[Link]]) -> dict[str, int]:
    """The longest way to each node (Kahn's algorithm)."""
    waiting = dict.fromkeys(nodes, 0)
    for links in forward.values():
        for link in links:
            waiting[link.target] += 1
    column = dict.fromkeys(nodes, 0)
    ready = deque(n for n in nodes if not waiting[n])
    while ready:
        node = ready.popleft()
        for link in forward[node]:
            column[link.target] = max(column[link.target], column[node] + 1)
            waiting[link.target] -= 1
            if not waiting[link.target]:
                ready.append(link.target)
    return column


def _too_long(forward: Mapping[str, Sequence[Link]], column: Mapping[str, int]) -> set[str]:
    """The longest links, if all together would need more places than there may be."""
    spans = sorted((column[k.target] - column[k.source], k.element) for links in forward.values() for k in links)
    used, found = 0, set()
    for span, element in spans:
        used += span
        if used > PLACES:
            found.add(element)
    return found


# --- the forest: each node below the first that leads to it, with places for links that run further ------------------------


@dataclass(slots=True)
class Forest:
    """Items in depth-first order, with their column, children, and the item they hang from."""

    order: list[Item] = field(default_factory=list)
    column: dict[Item, int] = field(default_factory=dict)
    children: dict[Item, list[Item]] = field(default_factory=dict)
    roots: list[Item] = field(default_factory=list)
    first: dict[str, Item] = field(default_factory=dict)  # link -> the item its way begins with
    low: set[Item] = field(default_factory=set)  # items that hang from a boundary event, so never beside its host

    def add(self, item: Item, column: int, parent: Item | None) -> None:
        self.order.append(item)
        self.column[item] = column
        self.children[item] = []
        (self.roots if parent is None else self.children[parent]).append(item)


def _forest(nodes: Sequence[str], forward: Mapping[str, Sequence[Link]], column: Mapping[str, int]) -> Forest:
    forest = Forest()
    seen: set[str] = set()
    for root in _roots(nodes, forward):
        if root in seen:
            continue
        seen.add(root)
        forest.add((root, 0), column[root], None)
        stack = [iter(forward[root])]
        while stack:
            link = next(stack[-1], None)
            if link is None:
                stack.pop()
            elif link.target in seen:
                _run(forest, link, column[link.source], column[link.target])
            else:
                seen.add(link.target)
                parent = _run(forest, link, column[link.source], column[link.target] - 1)
                forest.add((link.target, 0), column[link.target], parent)
                forest.first.setdefault(link.element, (link.target, 0))
                stack.append(iter(forward[link.target]))
            if link is not None and link.port:
                forest.low.add(forest.first[link.element])
    return forest


def _run(forest: Forest, link: Link, start: int, end: int) -> Item:
    """Hang a place for the link into every column after `start` up to `end`; the last of them."""
    parent: Item = (link.source, 0)
    for place in range(start + 1, end + 1):
        item = (link.element, place - start)
        forest.add(item, place, parent)
        forest.first.setdefault(link.element, item)
        parent = item
    return parent


# --- rows: subtrees are pushed under each other only as far as they would meet ----------------------------------------------


@dataclass(slots=True)
class Outline:
    """The highest and lowest row of a subtree by column; stored relative to `shift`, so that moving it costs nothing."""

    spans: dict[int, tuple[int, int]]
    shift: int = 0

    def at(self, column: int) -> tuple[int, int]:
        top, bottom = self.spans[column]
        return top + self.shift, bottom + self.shift

    def widen(self, column: int, top: int, bottom: int) -> None:
        if column in self.spans:
            old_top, old_bottom = self.at(column)
            top, bottom = min(top, old_top), max(bottom, old_bottom)
        self.spans[column] = (top - self.shift, bottom - self.shift)

    def clearance(self, other: Outline) -> int:
        """How far `other` must go down to lie below this one in all columns they share."""
        few = self.spans if len(self.spans) < len(other.spans) else other.spans
        return max((self.at(c)[1] - other.at(c)[0] + 1 for c in few if c in self.spans and c in other.spans), default=0)


def _joined(one: Outline, other: Outline) -> Outline:
    """Both outlines in one; the smaller is poured into the larger, which keeps the whole near linear."""
    big, small = (one, other) if len(one.spans) >= len(other.spans) else (other, one)
    for column in small.spans:
        big.widen(column, *small.at(column))
    return big


def _rows(forest: Forest, wide: Collection[str]) -> dict[Item, int]:
    below: dict[Item, int] = {}  # how far under its parent (or the first root) an item is
    outlines: dict[Item, Outline] = {}
    for item in reversed(forest.order):
        outline, lowest = _stack([(c, outlines.pop(c)) for c in forest.children[item]], below, forest.low)
        reserve = lowest if item[0] in wide and item[1] == 0 else 0
        outline.widen(forest.column[item], 0, reserve)
        outlines[item] = outline
    _stack([(r, outlines.pop(r)) for r in forest.roots], below, forest.low)
    rows = {r: below[r] for r in forest.roots}
    for item in forest.order:
        for child in forest.children[item]:
            rows[child] = rows[item] + below[child]
    return rows


def _stack(subtrees: list[tuple[Item, Outline]], below: dict[Item, int], low: set[Item]) -> tuple[Outline, int]:
    """Put subtrees under each other; their common outline and the row of the lowest."""
    common, row = Outline({}), -1
    for item, outline in subtrees:
        row = max(row + 1, common.clearance(outline), int(item in low))
        outline.shift += row
        below[item] = row
        common = _joined(common, outline)
    return common, max(row, 0)


def _grid(
    nodes: Sequence[str], links: Sequence[Link], around: set[str], column: Mapping[str, int], forest: Forest, rows: Mapping[Item, int]
) -> Grid:
    grid = Grid(around=around)
    grid.cells = {n: (column[n], rows[n, 0]) for n in nodes}
    grid.ways = {k.element: rows[forest.first[k.element]] for k in links if k.element not in around}
    grid.taken = {(forest.column[i], rows[i]): i[0] for i in forest.order}
    return grid
