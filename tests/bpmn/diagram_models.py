"""Small BPMN files for the tests of drawings, written by hand or by chance."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import strategies as st

from engine.bpmn.diagram.values import Bounds, Shape

HEAD = (
    '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:di="http://www.omg.org/spec/BPMN/20100524/DI" '
    'xmlns:dc="http://www.omg.org/spec/DD/20100524/DC" xmlns:dd="http://www.omg.org/spec/DD/20100524/DI" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" targetNamespace="test" name="Test">'
)


def process(inner: str, key: str = "p") -> bytes:
    """A file with one process that is not drawn."""
    return f'{HEAD}<process id="{key}">{inner}</process></definitions>'.encode()


def drawn(inner: str, boxes: dict[str, tuple[float, float, float, float]], edges: str = "", more: str = "") -> bytes:
    """A file with one process whose elements are drawn at `boxes` (x, y, width, height); `edges` and `more` are DI as it stands."""
    shapes = "".join(
        f'<di:BPMNShape bpmnElement="{key}"><dc:Bounds x="{x}" y="{y}" width="{w}" height="{h}"/></di:BPMNShape>'
        for key, (x, y, w, h) in boxes.items()
    )
    plane = f'<di:BPMNDiagram><di:BPMNPlane bpmnElement="p">{shapes}{edges}</di:BPMNPlane></di:BPMNDiagram>'
    return f'{HEAD}<process id="p">{inner}</process>{more}{plane}</definitions>'.encode()


def flow(source: str, target: str, inner: str = "") -> str:
    return f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inner}</sequenceFlow>'


def one(element: str, width: float = 100, height: float = 80) -> bytes:
    """A file that draws a single element, whose id must be `x`."""
    return drawn(element, {"x": (100, 100, width, height)})


# --- by chance ------------------------------------------------------------------------------------------------------------

KINDS = ("task", "userTask", "startEvent", "endEvent", "exclusiveGateway", "parallelGateway", "intermediateCatchEvent")
NAMES = ("", "Ok", "Order wanted", "A rather long name of several words", "Donaudampfschifffahrtsgesellschaftskapitän")


@dataclass
class Random:
    """A process with any flows between any of its nodes, boundary events and sub-processes."""

    xml: bytes = b""
    nodes: set[str] = field(default_factory=set)
    flows: set[str] = field(default_factory=set)


@st.composite
def random_processes(draw: st.DrawFn) -> Random:
    found = Random()
    found.xml = process(_scope(draw, found, "n", 2))
    return found


def _scope(draw: st.DrawFn, found: Random, prefix: str, levels: int) -> str:
    count = draw(st.integers(1, 8 if levels == 2 else 4))
    ends, inner = [], ""
    for i in range(count):
        key = f"{prefix}{i}"
        kind = draw(st.sampled_from((*KINDS, "subProcess") if levels else KINDS))
        children = _scope(draw, found, f"{key}_", levels - 1) if kind == "subProcess" else ""
        inner += f'<{kind} id="{key}" name="{draw(st.sampled_from(NAMES))}">{children}</{kind}>'
        ends.append(key)
        if "ask" in kind or kind == "subProcess":
            for event in range(draw(st.integers(0, 2))):
                ends.append(f"{key}e{event}")
                inner += f'<boundaryEvent id="{key}e{event}" attachedToRef="{key}" name="{draw(st.sampled_from(NAMES))}"/>'
    found.nodes |= set(ends)
    pairs = draw(st.lists(st.tuples(st.sampled_from(ends), st.sampled_from([e for e in ends if "e" not in e])), max_size=14))
    for number, (source, target) in enumerate(pairs):
        key = f"f{prefix}{number}"
        found.flows.add(key)
        inner += f'<sequenceFlow id="{key}" sourceRef="{source}" targetRef="{target}" name="{draw(st.sampled_from(NAMES[:3]))}"/>'
    return inner


# --- what may not be --------------------------------------------------------------------------------------------------------


def overlaps(shapes: tuple[Shape, ...]) -> list[tuple[str, str]]:
    """Pairs of shapes that cover each other, but for what stands within another and events on the border of their host."""
    found = []
    for i, one in enumerate(shapes):
        for other in shapes[i + 1 :]:
            nested = one.bounds.contains(other.bounds) or other.bounds.contains(one.bounds)
            attached = one.host == other.element or other.host == one.element
            if one.bounds.overlaps(other.bounds) and not nested and not attached:
                found.append((one.element, other.element))
    return found


def shrunk(box: Bounds, by: float) -> Bounds:
    return Bounds(box.x + by, box.y + by, box.width - 2 * by, box.height - 2 * by)
