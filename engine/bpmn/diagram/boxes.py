"""How large a node is drawn that nobody has drawn yet: the usual sizes, grown for long names and many boundary events."""

from __future__ import annotations

from collections.abc import Sequence

from engine.bpmn.diagram.blocks import PORT_RADIUS, Box
from engine.bpmn.diagram.elements import Element, Model, local, name_of
from engine.bpmn.diagram.labels import GAP, size_of
from engine.bpmn.diagram.text import height_of, wrap
from engine.bpmn.diagram.values import EVENTS, FONT_SIZE, GATEWAYS, LABELLED_OUTSIDE

Size = tuple[float, float]

EVENT: Size = (36, 36)
GATEWAY: Size = (50, 50)
TASK: Size = (100, 80)
DATA: Size = (36, 50)
STORE: Size = (50, 50)
NOTE_WIDTH = 140.0
INNER = 14.0  # around the name within a task
PADDING = (20.0, 34.0, 20.0, 24.0)  # of a sub-process: left, above (its name), right, below (its markers)
PORT_WRAP = 80.0  # where the name of a boundary event breaks
PORT_PITCH = 48.0  # least distance of boundary events


def size_of_node(element: Element, model: Model, inside: Size | None) -> Size:
    """Width and height of a node; `inside` is what a sub-process has to hold."""
    kind, name = local(element), name_of(element, model)
    if inside is not None:
        left, above, right, below = PADDING
        return max(inside[0] + left + right, size_of(name, FONT_SIZE, 400)[0] + 20, TASK[0]), inside[1] + above + below
    if kind in EVENTS:
        return EVENT
    if kind in GATEWAYS:
        return GATEWAY
    if kind == "textAnnotation":
        return _size_of_note(name)
    if kind.startswith("data"):
        return STORE if kind == "dataStoreReference" else DATA
    return _size_of_task(name)


def _size_of_note(name: str) -> Size:
    width, height = size_of(name, FONT_SIZE, NOTE_WIDTH)
    return max(40.0, width + 16), max(30.0, height + 10)


def _size_of_task(name: str) -> Size:
    """Wider for long names, until they fit."""
    width, height = TASK
    while width < 220 and height_of(len(wrap(name, width - INNER, FONT_SIZE)), FONT_SIZE) > height - 32:
        width += 20
    return width, height


def box_of(element: Element, model: Model, size: Size, events: Sequence[Element], dropping: bool) -> Box:
    """What a node needs: its size, the room of its name outside, and places for boundary `events`, from right to left.
    `dropping` says that links leave downwards, so that the name will stand above."""
    width, height = size
    ports, needed = _ports(events, model)
    width = max(width, needed)
    above = below = height / 2
    reach = width / 2
    if local(element) in LABELLED_OUTSIDE and name_of(element, model):
        across, high = size_of(name_of(element, model), FONT_SIZE)
        reach = max(reach, across / 2 + GAP)
        above, below = (above + high + GAP, below) if dropping else (above, below + high + GAP)
    if events:
        below += PORT_RADIUS + max(size_of(name_of(e, model), FONT_SIZE, PORT_WRAP)[1] for e in events)
    return Box(width, height, reach, above, below, {key: width / 2 - x for key, x in ports.items()})


def _ports(events: Sequence[Element], model: Model) -> tuple[dict[str, float], float]:
    """Distances of boundary events from the right end of their host, each followed by room for its name; and the width that takes."""
    places: dict[str, float] = {}
    x = 0.0
    for event in events:
        name = size_of(name_of(event, model), FONT_SIZE, PORT_WRAP)[0]
        x += max(PORT_PITCH, PORT_RADIUS + GAP + name + PORT_RADIUS) if places else max(PORT_RADIUS + 10, name - 10)
        places[event.get("id", "")] = x
    return places, x + PORT_RADIUS + 4 if places else 0.0
