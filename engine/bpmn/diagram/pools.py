"""Pools, lanes and message flows of a collaboration that nobody has drawn: pools one under the other, lanes as bands of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from engine.bpmn.diagram.blocks import Block
from engine.bpmn.diagram.elements import Element, Model, child, edge_of, local, shape_of
from engine.bpmn.diagram.values import ACTIVITIES, POOLS, Bounds, Point, Shape

BAND = 30.0  # the strip with the name of a pool or lane
PADDING = 20.0
POOL_GAP = 70.0
CLOSED = 60.0  # height of a pool that shows nothing of its process
LEAST = 300.0  # width of a pool
ASIDE = 15.0  # how far beside a node a message flow may run


def collaboration_of(root: Element) -> Element | None:
    return child(root, "collaboration")


def participants_of(collaboration: Element | None) -> list[Element]:
    return [] if collaboration is None else [e for e in collaboration if local(e) == "participant"]


# --- lanes ----------------------------------------------------------------------------------------------------------------


def leaves_of(scope: Element) -> list[frozenset[str]]:
    """The nodes in each lane that holds no other lanes, from top to bottom."""
    return [_members(lane) for lane in _leaves(scope)]


def _lanes(around: Element) -> Iterator[Element]:
    sets = (e for e in around if local(e) in ("laneSet", "childLaneSet"))
    return (lane for each in sets for lane in each if local(lane) == "lane")


def _leaves(around: Element) -> Iterator[Element]:
    """Depth first, without recursion."""
    waiting = list(_lanes(around))[::-1]
    while waiting:
        lane = waiting.pop()
        inner = list(_lanes(lane))
        if not inner:
            yield lane
        waiting += inner[::-1]


def _members(lane: Element) -> frozenset[str]:
    return frozenset((e.text or "").strip().rpartition(":")[2] for e in lane if local(e) == "flowNodeRef")


def add_lanes(block: Block, scope: Element, model: Model, bands: Sequence[tuple[float, float]]) -> None:
    """Draw the lanes around what is in the block; `bands` are the upper and lower ends of the innermost ones."""
    ends = [min(0.0, bands[0][0]), *(bottom for _, bottom in bands[:-1]), max(block.height, bands[-1][1])]
    span = {id(leaf): (ends[i], ends[i + 1]) for i, leaf in enumerate(_leaves(scope))}
    depth = max((_depth(leaf) for leaf in _leaves(scope)), default=0)
    block.move(BAND * depth + PADDING, -ends[0])
    block.width, block.height = block.width + PADDING, ends[-1] - ends[0]
    drawn = [_lane(lane, model, span, block.width, ends[0]) for lane in scope.iter() if local(lane) == "lane" and lane.get("id")]
    block.shapes[:0] = drawn


def _depth(lane: Element) -> int:
    """How many lanes are around a lane, itself included."""
    return 1 + sum(local(e) == "lane" for e in lane.iterancestors())


def _lane(lane: Element, model: Model, span: Mapping[int, tuple[float, float]], width: float, top: float) -> Shape:
    spans = [span[id(e)] for e in (*_leaves(lane), lane) if id(e) in span]
    first, last = min(s[0] for s in spans) - top, max(s[1] for s in spans) - top
    left = BAND * (_depth(lane) - 1)
    return shape_of(lane, model, Bounds(left, first, width - left, last - first))


# --- pools ----------------------------------------------------------------------------------------------------------------


def stack(collaboration: Element, model: Model, blocks: Mapping[str, Block]) -> Block:
    """All pools under each other, equally wide, and the message flows between them."""
    members = [(p, blocks.get(model.referred(p.get("processRef")))) for p in participants_of(collaboration)]
    whole = Block()
    whole.width = max(LEAST, *(_width(b) for _, b in members))
    y = 0.0
    for participant, block in members:
        y = _add_pool(whole, participant, model, block, y) + POOL_GAP
    whole.height = y - POOL_GAP
    whole = whole.flat()
    _add_messages(whole, collaboration, model)
    return whole


def _has_lanes(block: Block) -> bool:
    return any(s.kind == "lane" for s in block.shapes)


def _width(block: Block | None) -> float:
    if block is None or not block.shapes:
        return 0.0
    return BAND + block.width + (0 if _has_lanes(block) else 2 * PADDING)


def _add_pool(whole: Block, participant: Element, model: Model, block: Block | None, y: float) -> float:
    """Draw one pool from the height `y` on; its lower end."""
    open_block = block if block is not None and block.shapes else None
    padding = 0.0 if open_block and _has_lanes(open_block) else PADDING
    height = CLOSED if open_block is None else open_block.height + 2 * padding
    bounds = Bounds(0, y, whole.width, height)
    whole.shapes.append(shape_of(participant, model, bounds, band="name" if open_block else ""))
    if open_block:
        whole.add(_stretched(open_block, whole.width - BAND), BAND + padding, y + padding)
    return y + height


def _stretched(block: Block, width: float) -> Block:
    """The same block with its lanes reaching to the end of the pool."""
    wider = [replace(s, bounds=replace(s.bounds, width=width - s.bounds.x)) if s.kind == "lane" else s for s in block.shapes]
    return Block(wider, block.edges, block.inner, block.width, block.height)


# --- message flows --------------------------------------------------------------------------------------------------------


def _add_messages(whole: Block, collaboration: Element, model: Model) -> None:
    shapes = {s.element: s for s in whole.shapes}
    pools = [s.bounds for s in whole.shapes if s.kind == "participant"]
    for number, element in enumerate(e for e in collaboration if local(e) == "messageFlow"):
        edge = edge_of(element, model, ())
        source, target = shapes.get(edge.source), shapes.get(edge.target)
        if source and target and source is not target:
            points = _message(source, target, [*_obstacles(whole)], pools, number % 4)
            whole.edges.append(replace(edge, points=points))


def _obstacles(whole: Block) -> Iterator[tuple[str, Bounds]]:
    """What an upright line may not run over: nodes, by id, and other upright lines."""
    yield from ((s.element, s.bounds) for s in whole.shapes if s.kind not in POOLS)
    for edge in whole.edges:
        upright = ((a, b) for a, b in pairwise(edge.points) if a[0] == b[0])
        yield from (("", Bounds(a[0] - 1, min(a[1], b[1]), 2, abs(b[1] - a[1]))) for a, b in upright)


def _message(
    source: Shape, target: Shape, obstacles: Sequence[tuple[str, Bounds]], pools: Sequence[Bounds], number: int
) -> tuple[Point, ...]:
    """Out of the source towards the target's pool, along the gap between pools, and into the target."""
    down = source.bounds.cy <= target.bounds.cy
    near, far = (_pool_of(s, pools) for s in (source, target))
    gap = (near.bottom if down else far.bottom) + POOL_GAP * (0.3 + number * 0.13)
    out = _exit(source, target, obstacles, gap)
    into = _exit(target, source, obstacles, gap)
    if len(out) == len(into) == 1 and abs(out[0][0] - into[0][0]) < 1:
        return out[0], into[0]
    return (*out, (out[-1][0], gap), (into[-1][0], gap), *reversed(into))


def _pool_of(shape: Shape, pools: Sequence[Bounds]) -> Bounds:
    return next((p for p in pools if p.contains(shape.bounds)), shape.bounds)


def _exit(shape: Shape, other: Shape, obstacles: Sequence[tuple[str, Bounds]], gap: float) -> list[Point]:
    """Where to leave a shape towards the height `gap`: straight if the way is clear, else at a side."""
    b = shape.bounds
    border = b.bottom if gap > b.cy else b.y
    if shape.kind in POOLS:
        x = other.bounds.cx if other.kind not in POOLS else b.cx
        return [(x, border)]
    others = [box for key, box in obstacles if key != shape.element and not box.contains(b)]
    for x in (b.cx, b.cx + b.width / 4, b.cx - b.width / 4) if shape.kind in ACTIVITIES else (b.cx,):
        if _is_clear(x, border, gap, others):
            return [(x, border)]
    y = b.cy + (b.height / 4 if gap > b.cy else -b.height / 4) if shape.kind in ACTIVITIES else b.cy
    for x in (b.right + ASIDE, b.x - ASIDE, b.right + 2 * ASIDE, b.x - 2 * ASIDE):
        if _is_clear(x, y, gap, others):
            return [(b.right if x > b.cx else b.x, y), (x, y)]
    return [(b.cx, border)]


def _is_clear(x: float, start: float, end: float, boxes: Iterable[Bounds]) -> bool:
    strip = Bounds(x - 4, min(start, end) + 1, 8, abs(end - start) - 1)
    return not any(strip.overlaps(box) for box in boxes)
