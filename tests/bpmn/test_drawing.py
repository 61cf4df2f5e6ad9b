"""What a file draws is read whole, whatever its prefixes, encoding and gaps."""

from __future__ import annotations

import pytest

from engine.bpmn import drawing
from engine.bpmn.diagram.values import Bounds, Plane
from tests.bpmn.diagram_models import HEAD, drawn, flow

TASKS = '<task id="a" name="A"/><task id="b" name="B"/>' + flow("a", "b")
BOXES = {"a": (0.0, 0.0, 100.0, 80.0), "b": (200.0, 0.0, 100.0, 80.0)}


def edge(element: str, points: list[tuple[float, float]], inner: str = "") -> str:
    waypoints = "".join(f'<dd:waypoint x="{x}" y="{y}"/>' for x, y in points)
    return f'<di:BPMNEdge bpmnElement="{element}">{waypoints}{inner}</di:BPMNEdge>'


def first(xml: bytes) -> Plane:
    return drawing.read(xml).planes[0]


def test_reads_shapes_and_edges_where_they_are_drawn() -> None:
    plane = first(drawn(TASKS, BOXES, edge("a-b", [(100, 40), (200, 40)])))
    assert {s.element: s.bounds for s in plane.shapes} == {k: Bounds(*b) for k, b in BOXES.items()}
    assert [(e.element, e.points, e.source, e.target) for e in plane.edges] == [("a-b", ((100, 40), (200, 40)), "a", "b")]


def test_reads_any_prefixes() -> None:
    xml = drawn(TASKS, BOXES).decode()
    for name in ("definitions", "process", "task", "sequenceFlow"):
        xml = xml.replace(f"<{name}", f"<semantic:{name}").replace(f"</{name}", f"</semantic:{name}")
    for old, new in (("di:", "picture:"), ("dc:", "box:"), (":di=", ":picture="), (":dc=", ":box="), ('xmlns="', 'xmlns:semantic="')):
        xml = xml.replace(old, new)
    assert len(first(xml.encode()).shapes) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "iso-8859-1", "utf-16", "windows-1252", "utf-8-sig"])
def test_reads_umlauts_in_any_encoding(encoding: str) -> None:
    declared = encoding.removesuffix("-sig")
    xml = f'<?xml version="1.0" encoding="{declared}"?>' + drawn('<task id="a" name="Prüfen"/>', {"a": (0, 0, 9, 9)}).decode()
    assert first(xml.encode(encoding)).shapes[0].name == "Prüfen"


def test_finds_elements_behind_qualified_references() -> None:
    xml = drawn(TASKS, BOXES).replace(b'bpmnElement="a"', b'bpmnElement="tns:a"')
    assert {s.element for s in first(xml).shapes} == {"a", "b"}


def test_leaves_out_what_cannot_be_resolved() -> None:
    boxes = BOXES | {"ghost": (0.0, 200.0, 10.0, 10.0)}
    plane = first(drawn(TASKS, boxes, edge("nothing", [(0, 0), (1, 1)]) + "<di:BPMNEdge/>"))
    assert {s.element for s in plane.shapes} == {"a", "b"}
    assert plane.edges == ()


@pytest.mark.parametrize(
    "bad", ['x="oops" y="0" width="1" height="1"', 'x="nan" y="0" width="1" height="1"', 'x="1e308" y="0" width="1" height="1"']
)
def test_leaves_out_shapes_at_no_place(bad: str) -> None:
    plane = first(drawn(TASKS, {"a": BOXES["a"]}, f'<di:BPMNShape bpmnElement="b"><dc:Bounds {bad}/></di:BPMNShape>'))
    assert {s.element for s in plane.shapes} == {"a"}


def test_draws_an_edge_without_bends_from_shape_to_shape() -> None:
    assert first(drawn(TASKS, BOXES, edge("a-b", []))).edges[0].points == ((50, 40), (250, 40))


def test_leads_an_edge_that_ends_in_its_own_source_to_its_target() -> None:
    plane = first(drawn(TASKS, BOXES, edge("a-b", [(100, 40), (50, 40)])))
    assert plane.edges[0].points == ((100, 40), (250, 40))


def test_leads_an_edge_that_begins_elsewhere_to_its_source() -> None:
    plane = first(drawn(TASKS, BOXES, edge("a-b", [(250, 300), (250, 80)])))
    assert plane.edges[0].points == ((50, 40), (250, 300), (250, 80))


def test_keeps_the_place_of_a_label() -> None:
    label = '<di:BPMNLabel><dc:Bounds x="1" y="2" width="30" height="14"/></di:BPMNLabel>'
    assert first(drawn(TASKS, BOXES, edge("a-b", [(0, 0), (9, 9)], label))).edges[0].label == Bounds(1, 2, 30, 14)


def test_opens_a_sub_process_that_does_not_say_so_if_its_inside_is_drawn() -> None:
    inner = '<subProcess id="open"><task id="in"/></subProcess><subProcess id="shut"><task id="hidden"/></subProcess>'
    plane = first(drawn(inner, {"open": (0, 0, 300, 200), "in": (50, 50, 100, 80), "shut": (400, 0, 100, 80)}))
    assert {s.element: s.expanded for s in plane.shapes} == {"open": True, "in": False, "shut": False}


def test_gives_an_empty_pool_no_band() -> None:
    more = '<collaboration id="c"><participant id="full" name="Full" processRef="p"/><participant id="empty" name="Empty"/></collaboration>'
    plane = first(drawn('<task id="a"/>', {"full": (0, 0, 500, 100), "empty": (0, 200, 500, 60), "a": (100, 10, 100, 80)}, more=more))
    assert {s.element: s.band for s in plane.shapes} == {"full": "name", "empty": "", "a": ""}


def two_planes(first_subject: str, second_subject: str) -> bytes:
    def page(subject: str, element: str) -> str:
        shape = f'<di:BPMNShape bpmnElement="{element}"><dc:Bounds x="0" y="0" width="100" height="80"/></di:BPMNShape>'
        return f'<di:BPMNDiagram><di:BPMNPlane bpmnElement="{subject}">{shape}</di:BPMNPlane></di:BPMNDiagram>'

    inside = {"p": "sub", "sub": "work"}
    pages = "".join(page(s, inside[s]) for s in (first_subject, second_subject))
    return f'{HEAD}<process id="p"><subProcess id="sub"><task id="work"/></subProcess></process>{pages}</definitions>'.encode()


@pytest.mark.parametrize("order", [("p", "sub"), ("sub", "p")])
def test_puts_the_page_of_the_process_before_those_of_folded_sub_processes(order: tuple[str, str]) -> None:
    pages = drawing.read(two_planes(*order))
    assert [p.element for p in pages.planes] == ["p", "sub"]
    assert (pages.plane_of("p"), pages.plane_of("sub")) == (0, 1)
    assert pages.parents["work"] == "sub"


def test_lays_out_a_process_beside_one_that_is_drawn() -> None:
    more = '<process id="q"><startEvent id="s"/></process>'
    pages = drawing.read(drawn('<task id="a"/>', {"a": BOXES["a"]}, more=more))
    assert [p.element for p in pages.planes] == ["p", "q"]


def test_puts_what_the_engine_runs_before_what_it_does_not() -> None:
    xml = drawn('<task id="a"/>', {"a": BOXES["a"]}, more='<process id="q" isExecutable="true"><startEvent id="s"/></process>')
    pages = drawing.read(xml.replace(b'<process id="p"', b'<process id="p" isExecutable="false"'))
    assert [p.element for p in pages.planes] == ["q", "p"]


def test_reads_a_file_without_any_process() -> None:
    pages = drawing.read(f"{HEAD}</definitions>".encode())
    assert len(pages.planes) == 1
    assert pages.planes[0].shapes == ()


def test_says_what_data_is_about_with_its_state() -> None:
    inner = '<dataObject id="o" name="Order" isCollection="true"/>'
    inner += '<dataObjectReference id="x" dataObjectRef="o"><dataState name="paid"/></dataObjectReference>'
    shape = first(drawn(inner, {"x": (0, 0, 36, 50)})).shapes[0]
    assert (shape.name, shape.markers) == ("Order [paid]", ("collection",))
