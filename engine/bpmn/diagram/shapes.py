"""How each kind of shape is painted: outline, sign, markers and name."""

from __future__ import annotations

from collections.abc import Callable

from engine.bpmn.diagram import icons
from engine.bpmn.diagram.labels import WRAP
from engine.bpmn.diagram.svg import at, circle, lines, num, path, rect
from engine.bpmn.diagram.text import LINE, height_of, narrowest, squeeze, width_of, wrap
from engine.bpmn.diagram.values import DATA, EVENTS, GATEWAYS, LABELLED_OUTSIDE, SUB_PROCESSES, Bounds, Shape

BAND = 30.0  # of a pool or lane, where its name stands
ICON = 18.0
MARKER_ROW = 18.0
CONTAINERS = frozenset({"participant", "lane", "group"})


def paint(shape: Shape) -> str:
    """The SVG of one shape, its name included."""
    return _painter(shape)(shape) + (label(shape) if shape.kind in LABELLED_OUTSIDE else "")


def is_container(shape: Shape) -> bool:
    """Whether others stand on it, so that it is painted first."""
    if is_choreography_band(shape):
        return False
    return shape.kind in CONTAINERS or (shape.kind in SUB_PROCESSES and shape.expanded)


def is_choreography_band(shape: Shape) -> bool:
    """Whether it is a participant at the edge of a choreography task."""
    return shape.band not in ("", "name")


def label(part: Shape) -> str:
    """The name outside of a shape, where its label says, else below."""
    box = part.label or Bounds(part.bounds.cx - WRAP / 2, part.bounds.bottom + 4, WRAP, 0)
    return words_in(part.name, box, part.font)


def words_in(name: str, box: Bounds, font: float) -> str:
    """A name at a label's place: in as many lines as that is high, wider than it if need be."""
    height = max(1, round(box.height / (font * LINE))) if box.height else 99
    said = wrap(name, narrowest(name, height, box.width, font), font)
    top = box.cy - height_of(len(said), font) / 2 if box.height else box.y
    return lines(said, box.cx, top, font, "halo")


def _painter(shape: Shape) -> Callable[[Shape], str]:
    if shape.kind in EVENTS:
        return _event
    if shape.kind in GATEWAYS:
        return _gateway
    if shape.kind in DATA:
        return _store if shape.kind.startswith("dataStore") else _data
    return OTHERS.get(shape.kind, _activity)


def _event(shape: Shape) -> str:
    """All events are painted at radius 18 and scaled."""
    b = shape.bounds
    dashed = "" if shape.interrupting else " dashed"
    outline = circle(f"box{' thick' if shape.kind == 'endEvent' else ''}{dashed}", 17.2 if shape.kind == "endEvent" else 18)
    inner = circle(f"thin{dashed}", 14.5) if shape.kind not in ("startEvent", "endEvent") else ""
    sign = icons.event(shape.icon, shape.throwing)
    sign = at(0, 0, sign, 0.88) if inner and sign else sign
    return at(b.cx, b.cy, outline + inner + sign, min(b.width, b.height) / 36)


def _gateway(shape: Shape) -> str:
    b = shape.bounds
    x, y, left, right, top, bottom = map(num, (b.cx, b.cy, b.x, b.right, b.y, b.bottom))
    diamond = path("box", f"M{x},{top}L{right},{y}L{x},{bottom}L{left},{y}Z")
    sign = icons.GATEWAYS.get(shape.icon, "")
    return diamond + (at(b.cx, b.cy, sign, min(b.width, b.height) / 50) if sign else "")


# --- activities -----------------------------------------------------------------------------------------------------------


def _activity(shape: Shape) -> str:
    outline = _outline(shape)
    if shape.kind in SUB_PROCESSES and shape.expanded:
        said, size = squeeze(shape.name, shape.bounds.width - 20, max(30.0, shape.bounds.height / 3), shape.font)
        return outline + lines(said, shape.bounds.x + 10, shape.bounds.y + 7, size, "left") + _markers(shape)
    sign = icons.TASKS.get(shape.icon, "")
    sign = at(shape.bounds.x + 5, shape.bounds.y + 4, sign, min(1.0, shape.bounds.height / 50)) if sign else ""
    return outline + sign + _name_within(shape, bool(sign)) + _markers(shape)


def _outline(shape: Shape) -> str:
    b = shape.bounds
    kinds = ["box"]
    kinds += ["scope"] if shape.expanded else []
    kinds += ["thick"] if shape.kind in ("callActivity", "callChoreography") else []
    kinds += ["dotted"] if shape.event_sub_process else []
    radius = min(10.0, b.height / 5)
    inner = rect("thin", b.x + 3, b.y + 3, b.width - 6, b.height - 6, radius - 2) if shape.kind == "transaction" else ""
    return rect(" ".join(kinds), b.x, b.y, b.width, b.height, radius) + inner


def _name_within(shape: Shape, with_icon: bool) -> str:
    """The name in the middle; moved down where it would meet the icon if there is room, else to the right."""
    b = shape.bounds
    room = b.height - 6 - (MARKER_ROW if shape.markers else 0)
    said, size = squeeze(shape.name, b.width - 14, room, shape.font)
    height = height_of(len(said), size)
    top, lowest = b.y + 3 + (room - height) / 2, b.y + 3 + room - height
    half = width_of(said[0], size) / 2 if said and with_icon else 0.0
    x = max(b.cx, min(b.x + ICON + 8 + half, b.right - 6 - half))
    if x == b.cx or top >= b.y + ICON + 4:
        return lines(said, b.cx, top, size)
    down = b.y + ICON + 5 <= lowest
    return lines(said, b.cx if down else x, b.y + ICON + 5 if down else top, size)


def _markers(shape: Shape) -> str:
    b = shape.bounds
    start = b.cx - (len(shape.markers) - 1) * MARKER_ROW / 2
    scale = min(1.0, b.height / 50)
    return "".join(at(start + i * MARKER_ROW, b.bottom - 11 * scale, icons.MARKERS[m], scale) for i, m in enumerate(shape.markers))


# --- pools, data, artifacts ------------------------------------------------------------------------------------------------


def _participant(shape: Shape) -> str:
    b = shape.bounds
    if is_choreography_band(shape):
        return _choreography_band(shape)
    outline = rect("box hollow", b.x, b.y, b.width, b.height)
    if not shape.band:
        said, size = squeeze(shape.name, b.width - 10, b.height - 6, shape.font)
        return outline + lines(said, b.cx, b.cy - height_of(len(said), size) / 2, size, "halo") + _markers(shape)
    line = f"M{num(b.x + BAND)},{num(b.y)}V{num(b.bottom)}" if shape.horizontal else f"M{num(b.x)},{num(b.y + BAND)}H{num(b.right)}"
    return outline + path("line", line) + _name_in_band(shape) + _markers(shape)


def _lane(shape: Shape) -> str:
    b = shape.bounds
    return rect("box hollow", b.x, b.y, b.width, b.height) + _name_in_band(shape)


def _name_in_band(shape: Shape) -> str:
    b = shape.bounds
    if not shape.horizontal:
        said, size = squeeze(shape.name, b.width - 10, BAND - 2, shape.font)
        return lines(said, b.cx, b.y + BAND / 2 - height_of(len(said), size) / 2, size)
    said, size = squeeze(shape.name, b.height - 8, BAND - 2, shape.font)
    x, y = b.x + BAND / 2, b.cy
    return lines(said, x, y - height_of(len(said), size) / 2, size, turned=(x, y))


def _choreography_band(shape: Shape) -> str:
    """A participant at the upper or lower edge of a choreography task; who does not initiate is shaded (BPMN 2.0 §11)."""
    b = shape.bounds
    said, size = squeeze(shape.name, b.width - 8, b.height - 2, shape.font)
    kind = "shade" if shape.band.endswith("non_initiating") else "box hollow"
    return rect(kind, b.x, b.y, b.width, b.height, 4) + lines(said, b.cx, b.cy - height_of(len(said), size) / 2, size)


def _data(shape: Shape) -> str:
    """A page with a folded corner; an arrow says that it is input (hollow) or output of the process."""
    b = shape.bounds
    fold = min(b.width, b.height) * 0.35
    x, y = num(b.right - fold), num(b.y + fold)
    page = path("box", f"M{num(b.x)},{num(b.y)}H{x}L{num(b.right)},{y}V{num(b.bottom)}H{num(b.x)}ZM{x},{num(b.y)}V{y}H{num(b.right)}")
    arrow = {"dataInput": path("thin", icons.ARROW), "dataOutput": path("solid", icons.ARROW)}.get(shape.kind, "")
    return page + (at(b.x + 4, b.y + 4, arrow, b.width / 36) if arrow else "") + _markers(shape)


def _store(shape: Shape) -> str:
    b = shape.bounds
    lid = min(b.height / 5, 9.0)
    x, right, top, bottom = num(b.x), num(b.right), num(b.y + lid), num(b.bottom - lid)
    arc = f"A{num(b.width / 2)},{num(lid)} 0 0"
    rings = "".join(f"M{x},{num(b.y + lid + d)}{arc} 0 {right},{num(b.y + lid + d)}" for d in (0, b.height / 10, b.height / 5))
    return path("box", f"M{x},{top}{arc} 1 {right},{top}V{bottom}{arc} 1 {x},{bottom}Z{rings}")


def _annotation(shape: Shape) -> str:
    b = shape.bounds
    bracket = path("line", f"M{num(b.x + 10)},{num(b.y)}H{num(b.x)}V{num(b.bottom)}H{num(b.x + 10)}")
    said, size = squeeze(shape.name, b.width - 8, b.height, shape.font)
    return bracket + lines(said, b.x + 7, b.cy - height_of(len(said), size) / 2, size, "left halo")


def _group(shape: Shape) -> str:
    b = shape.bounds
    return rect("line dashdot", b.x, b.y, b.width, b.height, 10) + lines(
        wrap(shape.name, b.width, shape.font), b.cx, b.y + 4, shape.font, "halo"
    )


def _message(shape: Shape) -> str:
    b = shape.bounds
    x, y, right, bottom = map(num, (b.x, b.y, b.right, b.bottom))
    return path("box", f"M{x},{y}H{right}V{bottom}H{x}ZL{num(b.cx)},{num(b.cy)}L{right},{y}")


def _conversation(shape: Shape) -> str:
    b = shape.bounds
    slant = b.width / 4
    left, right = num(b.x + slant), num(b.right - slant)
    kind = "box thick" if shape.kind == "callConversation" else "box"
    outline = f"M{num(b.x)},{num(b.cy)}L{left},{num(b.y)}H{right}L{num(b.right)},{num(b.cy)}L{right},{num(b.bottom)}H{left}Z"
    inside = at(b.cx, b.bottom - 9, icons.MARKERS["collapsed"], 0.8) if shape.kind == "subConversation" else ""
    return path(kind, outline) + inside


OTHERS: dict[str, Callable[[Shape], str]] = {
    "participant": _participant,
    "lane": _lane,
    "textAnnotation": _annotation,
    "group": _group,
    "message": _message,
    "conversation": _conversation,
    "callConversation": _conversation,
    "subConversation": _conversation,
}
