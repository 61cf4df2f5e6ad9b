"""Read what a BPMN file draws, by itself and tolerantly: collaborations, pools and elements no engine executes included.
What cannot be resolved is left out; what cannot be XML, or is too big, is refused. A process nobody drew is laid out."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from lxml import etree

from engine.bpmn import layout
from engine.bpmn.diagram.elements import EDGES, Element, Model, child, edge_of, index, is_true, local, name_of, shape_of
from engine.bpmn.diagram.values import (
    ACTIVITIES,
    EVENTS,
    FONT_SIZE,
    GATEWAYS,
    POOLS,
    SUB_PROCESSES,
    Bounds,
    Drawing,
    Edge,
    Plane,
    Point,
    Shape,
)
from engine.bpmn.limits import Limits
from engine.errors import BadInput

MAX_BYTES = Limits().xml_size
MAX_DEPTH = 250  # of nested XML elements
MAX_PARTS = 100_000  # shapes, edges and bends together
FARTHEST = 100_000.0  # pixels from the origin; beyond it coordinates are nonsense
ASTRAY = 20.0  # pixels between the end of an edge and its shape
FONT_SIZES = (11.0, 14.0)  # a file may choose within what stays readable

PROLOG = re.compile(rb"(?:\s+|\xef\xbb\xbf|\xff\xfe|\xfe\xff|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
FLOW_NODES = EVENTS | GATEWAYS | ACTIVITIES


def read(xml: bytes) -> Drawing:
    """Read the pages a file draws, the main one first. Raises BadInput if it is no XML, has a DTD, or is beyond the limits."""
    root = parse_xml(xml)
    model = index(root)
    sizes = _font_sizes(root)
    drawn = [_plane(e, model, sizes) for e in root.iter() if local(e) == "BPMNPlane"]
    planes = [p for p in drawn if p.shapes]
    planes += _undrawn(root, model, planes)
    planes.sort(key=lambda p: (_is_drill_down(p, model), not _is_executable(p, model)))
    return Drawing(tuple(planes) or (Plane("", ""),), root.get("name", ""), model.parents())


def parse_xml(xml: bytes) -> Element:
    """Parse bytes of any encoding without DTD, entities, network or endless depth. Raises BadInput."""
    if len(xml) > MAX_BYTES:
        raise BadInput(f"The file is larger than {MAX_BYTES:,} bytes.", "file")
    _refuse_doctype(xml)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True)
    try:
        root = etree.fromstring(xml, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as error:
        said = error.msg if isinstance(error, etree.XMLSyntaxError) else error
        raise BadInput(f"The file is not well-formed XML: {said}", "file") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadInput("A document type (DTD) is not allowed.", "file")
    _refuse_depth(root)
    return root


def _refuse_doctype(xml: bytes) -> None:
    """Before parsing, as a parser would already have expanded what a DTD declares; zero bytes go so that UTF-16 is seen too."""
    plain = xml.replace(b"\0", b"")
    prolog = PROLOG.match(plain)
    if prolog and plain.startswith(b"<!DOCTYPE", prolog.end()):
        raise BadInput("A document type (DTD) is not allowed.", "file")


def _refuse_depth(root: Element) -> None:
    depth = 0
    for event, _ in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if depth > MAX_DEPTH:
            raise BadInput(f"The elements are nested deeper than {MAX_DEPTH}.", "file")


# --- the pages a file draws itself -----------------------------------------------------------------------------------


def _plane(element: Element, model: Model, sizes: dict[str, float]) -> Plane:
    drawn = [e for e in element.iter() if local(e) in ("BPMNShape", "BPMNEdge", "waypoint")]
    if len(drawn) > MAX_PARTS:
        raise BadInput(f"The drawing has more than {MAX_PARTS:,} shapes, edges and bends.", "file")
    found = ((e, model.find(e.get("bpmnElement"))) for e in drawn if local(e) == "BPMNShape")
    placed = [(e, meant, bounds) for e, meant in found if meant is not None and (bounds := _bounds(e))]
    inside = _scopes_shown(meant for _, meant, _ in placed)
    boxes = [bounds for _, meant, bounds in placed if local(meant) in FLOW_NODES]
    shapes = [_shape(e, meant, bounds, model, sizes, inside, boxes) for e, meant, bounds in placed]
    by_id = {s.element: s.bounds for s in shapes}
    edges = [edge for e in drawn if local(e) == "BPMNEdge" and (edge := _edge(e, model, sizes, by_id))]
    subject = model.find(element.get("bpmnElement"))
    name = "" if subject is None else name_of(subject, model)
    return Plane(model.referred(element.get("bpmnElement")), name, tuple(shapes), tuple(edges), tuple(sorted(inside)))


def _scopes_shown(elements: Iterable[Element]) -> set[str]:
    """Ids of the processes and sub-processes of which some node is drawn."""
    shown: set[str] = set()
    for element in elements:
        parent = element.getparent()
        if local(element) in FLOW_NODES and parent is not None:
            shown.add(parent.get("id", ""))
        elif local(element) == "participant":
            shown.add(element.get("processRef", "").rpartition(":")[2])
    return shown - {""}


def _shape(
    drawn: Element, meant: Element, bounds: Bounds, model: Model, sizes: dict[str, float], inside: set[str], boxes: list[Bounds]
) -> Shape:
    label, size = _label(drawn, sizes)
    horizontal = is_true(drawn, "isHorizontal", True)
    shape = shape_of(meant, model, bounds, label=label, font=size, horizontal=horizontal, **_unfolding(drawn, meant, inside))
    if shape.kind == "exclusiveGateway" and not is_true(drawn, "isMarkerVisible"):
        return replace(shape, icon="")
    if shape.kind == "participant":
        return replace(shape, band=_band(drawn, bounds, boxes))
    return shape


def _unfolding(drawn: Element, meant: Element, inside: set[str]) -> dict[str, bool]:
    """A sub-process that does not say whether it is expanded is so if its insides are on the same page."""
    if local(meant) not in SUB_PROCESSES:
        return {}
    return {"expanded": is_true(drawn, "isExpanded", meant.get("id", "") in inside)}


def _band(drawn: Element, bounds: Bounds, boxes: list[Bounds]) -> str:
    """Where a participant's name stands: across an empty pool, in a strip beside what a pool holds, at an edge of a choreography task."""
    kind = drawn.get("participantBandKind")
    if kind:
        return kind
    return "name" if any(bounds.contains(box) for box in boxes) else ""


def _edge(drawn: Element, model: Model, sizes: dict[str, float], boxes: dict[str, Bounds]) -> Edge | None:
    meant = model.find(drawn.get("bpmnElement"))
    if meant is None or local(meant) not in EDGES:
        return None
    label, size = _label(drawn, sizes)
    points = tuple(p for e in drawn if local(e) == "waypoint" and (p := _point(e)))
    edge = edge_of(meant, model, points, label=label, font=size, message=drawn.get("messageVisibleKind", ""))
    return replace(edge, points=_mended(edge, boxes)) if len(points) > 1 else _straight(edge, boxes)


def _mended(edge: Edge, boxes: dict[str, Bounds]) -> tuple[Point, ...]:
    """Flowable's modeler may end a flow in the middle of its own source; an end far from its shape is led there."""
    source, target = boxes.get(edge.source), boxes.get(edge.target)
    points = list(edge.points)
    if target is not None and _distance(points[-1], target) > ASTRAY:
        points = _led_to(target, points, source)
    if source is not None and _distance(points[0], source) > ASTRAY:
        points = _led_to(source, points[::-1], target)[::-1]
    return tuple(points)


def _distance(point: Point, box: Bounds) -> float:
    """How far a point is outside of a box."""
    across = max(box.x - point[0], 0.0, point[0] - box.right)
    return math.hypot(across, max(box.y - point[1], 0.0, point[1] - box.bottom))


def _led_to(box: Bounds, points: list[Point], start: Bounds | None) -> list[Point]:
    """Points that end in a box, without those that turned back into the start."""
    while start is not None and len(points) > 1 and _distance(points[-1], start) == 0:
        points = points[:-1]
    x, y = points[-1]
    level, upright = box.y <= y <= box.bottom, box.x <= x <= box.right
    return [*points, (x if upright else box.cx, y if level else box.cy)]


def _straight(edge: Edge, boxes: dict[str, Bounds]) -> Edge | None:
    """An edge without bends is drawn from shape to shape, if both are there."""
    ends = [boxes[i] for i in (edge.source, edge.target) if i in boxes]
    if len(ends) < 2:
        return None
    return replace(edge, points=tuple((b.cx, b.cy) for b in ends))


def _label(drawn: Element, sizes: dict[str, float]) -> tuple[Bounds | None, float]:
    label = child(drawn, "BPMNLabel")
    if label is None:
        return None, FONT_SIZE
    return _bounds(label), sizes.get(label.get("labelStyle", "").rpartition(":")[2], FONT_SIZE)


def _bounds(drawn: Element) -> Bounds | None:
    box = child(drawn, "Bounds")
    if box is None:
        return None
    numbers = [_number(box.get(a)) for a in ("x", "y", "width", "height")]
    x, y, width, height = (math.nan if n is None else n for n in numbers)
    return Bounds(x, y, width, height) if width > 0 and height > 0 and not math.isnan(x + y) else None


def _point(waypoint: Element) -> Point | None:
    x, y = _number(waypoint.get("x")), _number(waypoint.get("y"))
    return None if x is None or y is None else (x, y)


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if abs(value) <= FARTHEST else None


def _font_sizes(root: Element) -> dict[str, float]:
    """The size of each label style, kept within what is readable."""
    fonts = ((e.get("id", ""), child(e, "Font")) for e in root.iter() if local(e) == "BPMNLabelStyle")
    sizes = ((key, _number(font.get("size"))) for key, font in fonts if font is not None)
    return {key: min(max(size, FONT_SIZES[0]), FONT_SIZES[1]) for key, size in sizes if size}


# --- which page comes first, and what nobody drew -----------------------------------------------------------------------


def _is_drill_down(plane: Plane, model: Model) -> bool:
    subject = model.find(plane.element)
    return subject is not None and local(subject) in SUB_PROCESSES


def _is_executable(plane: Plane, model: Model) -> bool:
    """Whether a page shows what the engine runs; `isExecutable` is true unless said otherwise, as Flowable takes it."""
    found = (model.find(p) for p in plane.processes)
    return any(local(e) == "process" and is_true(e, "isExecutable", True) for e in found if e is not None)


def _undrawn(root: Element, model: Model, planes: list[Plane]) -> Iterator[Plane]:
    """Pages of our own for the processes of which not one node is drawn."""
    shown = {s.element for plane in planes for s in plane.shapes}
    if not shown:
        return iter(layout.lay_out(root).planes)
    bare = [e for e in root if local(e) == "process" and not shown & _nodes(e)]
    return (layout.lay_out_process(e, model) for e in bare if _nodes(e))


def _nodes(process: Element) -> set[str]:
    return {e.get("id", "") for e in process if local(e) in FLOW_NODES}


__all__ = ["POOLS", "Bounds", "Drawing", "Edge", "Plane", "Point", "Shape", "parse_xml", "read"]
