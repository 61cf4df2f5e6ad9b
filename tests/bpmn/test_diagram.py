"""The picture shows every element once, tells states by more than colour, and lets nothing from outside into the markup."""

from __future__ import annotations

import re

import pytest
from lxml import etree

from engine.bpmn import diagram, drawing
from engine.bpmn.diagram.values import Drawing
from engine.errors import BadInput
from tests.bpmn.diagram_models import drawn, flow, process

SVG = "{http://www.w3.org/2000/svg}"
ORDER = (
    '<startEvent id="start" name="Order wanted"/><userTask id="enter" name="Enter Order"/><endEvent id="end"/>'
    + flow("start", "enter")
    + flow("enter", "end")
)


def order() -> Drawing:
    return drawing.read(process(ORDER))


def parsed(svg: str) -> etree._Element:
    return etree.fromstring(svg.encode())


def group(svg: str, element: str) -> etree._Element:
    found = [g for g in parsed(svg).iter(f"{SVG}g") if g.get("data-element") == element]
    assert len(found) == 1
    return found[0]


def test_shows_every_shape_and_edge_once() -> None:
    ids = [g.get("data-element", "") for g in parsed(diagram.paint(order())).iter(f"{SVG}g") if g.get("data-element")]
    assert sorted(ids) == ["end", "enter", "enter-end", "start", "start-enter"]


def test_says_what_each_element_is() -> None:
    svg = diagram.paint(order(), states={"enter": "active"}, badges={"enter": "running"})
    enter = group(svg, "enter")
    assert enter.get("role") == "img"
    assert enter.get("aria-label") == "Enter Order (user task), active, running"
    assert enter.findtext(f"{SVG}title") == enter.get("aria-label")
    assert group(svg, "start-enter").get("aria-label") == "(sequence flow from Order wanted to Enter Order)"


def test_names_the_whole_picture() -> None:
    root = parsed(diagram.paint(order(), title="Pizza <order>"))
    assert (root.get("role"), root.get("aria-label")) == ("group", "Pizza <order>")


NASTY = "<b>&\"'</b></svg><script>alert(1)</script>"


def test_lets_no_name_into_the_markup() -> None:
    escaped = NASTY.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    inner = f'<task id="x" name="{escaped}"/><endEvent id="y" name="{escaped}"/>'
    pages = drawing.read(process(f'{inner}<sequenceFlow id="f" name="{escaped}" sourceRef="x" targetRef="y"/>'))
    svg = diagram.paint(pages, badges={"x": NASTY}, title=NASTY, prefix='"><script>')
    assert not list(parsed(svg).iter(f"{SVG}script"))
    assert not list(parsed(svg).iter(f"{SVG}b"))
    assert NASTY in group(svg, "x").get("aria-label", "")


def test_replaces_what_xml_cannot_hold() -> None:
    svg = diagram.paint(order(), badges={"enter": "a\x00b\x1f\ud800"}, states={"enter": "failed"})
    assert "a\ufffdb" in group(svg, "enter").get("aria-label", "")


def test_keeps_the_ids_of_two_pictures_apart() -> None:
    pages = order()
    found = [set(re.findall(r' id="([^"]*)"', diagram.paint(pages, prefix=p, states={"enter": "done"}))) for p in ("one", "two")]
    assert found[0]
    assert not found[0] & found[1]


def test_gives_an_id_once_where_an_element_is_drawn_twice() -> None:
    again = '<di:BPMNShape bpmnElement="a"><dc:Bounds x="200" y="0" width="100" height="80"/></di:BPMNShape>'
    svg = diagram.paint(drawing.read(drawn('<task id="a"/>', {"a": (0, 0, 100, 80)}, again)))
    assert svg.count('data-element="a"') == 2
    assert svg.count(' id="d-a"') == 1


def test_refers_to_nothing_by_id() -> None:
    svg = diagram.paint(order(), states={"enter": "done"})
    assert not re.search(r"url\(|href|context-stroke", svg)


def test_has_no_inline_style_within_a_page() -> None:
    svg = diagram.paint(order(), states={"enter": "failed"}, badges={"enter": "failed"}, standalone=False)
    assert not re.search(r"<style|style=|<script|\son\w+=", svg)


def test_brings_light_and_dark_with_it_when_it_stands_alone() -> None:
    svg = diagram.paint(order())
    assert "<style>" in svg
    assert "prefers-color-scheme:dark" in svg
    assert "var(" not in svg


@pytest.mark.parametrize("state", ["done", "active", "failed", "waiting"])
def test_tells_a_state_by_colour_and_shape(state: str) -> None:
    plain, marked = diagram.paint(order()), diagram.paint(order(), states={"enter": state})
    assert group(marked, "enter").get("class") == state
    assert 'class="glyph"' not in plain
    assert marked.count('class="glyph"') == 1


def test_tells_states_apart_by_their_signs() -> None:
    signs = {
        re.findall(r'class="glyph" d="([^"]+)"', diagram.paint(order(), states={"enter": s}))[0]
        for s in ("done", "active", "failed", "waiting")
    }
    assert len(signs) == 4


def test_marks_flows_that_were_taken() -> None:
    svg = diagram.paint(order(), states={"start-enter": "done"})
    assert group(svg, "start-enter").get("class") == "done"


def test_writes_badges_out() -> None:
    svg = diagram.paint(order(), badges={"enter": "attempt 2"})
    assert "attempt 2</tspan>" in svg


def test_keeps_badges_within_the_picture() -> None:
    svg = diagram.paint(order(), badges={"end": "a badge that is much longer than its event"})
    x, _, width, _ = map(float, parsed(svg).get("viewBox", "").split())
    pill = next(r for r in parsed(svg).iter(f"{SVG}rect") if r.get("class") == "badge")
    assert x < float(pill.get("x", "nan"))
    assert float(pill.get("x", "nan")) + float(pill.get("width", "nan")) < x + width


@pytest.mark.parametrize(("width", "kind"), [(300.0, "bpmn"), (1500.0, "bpmn large"), (4000.0, "bpmn huge")])
def test_tells_the_page_how_wide_it_is(width: float, kind: str) -> None:
    assert parsed(diagram.paint(drawing.read(drawn('<task id="a"/>', {"a": (0, 0, width, 80)})))).get("class") == kind


def test_ignores_states_of_what_is_not_drawn() -> None:
    assert diagram.paint(order(), states={"elsewhere": "done"}) == diagram.paint(order())


def test_refuses_a_state_it_does_not_know() -> None:
    with pytest.raises(BadInput, match="'broken'"):
        diagram.paint(order(), states={"enter": "broken"})


@pytest.mark.parametrize("plane", [-1, 1])
def test_refuses_a_page_that_is_not_there(plane: int) -> None:
    with pytest.raises(BadInput, match="no page"):
        diagram.paint(order(), plane=plane)


FOLDED = '<subProcess id="sub"><subProcess id="deep"><task id="work"/><task id="other"/></subProcess></subProcess>'


@pytest.mark.parametrize(
    ("states", "shown"),
    [
        ({"work": "active"}, "active"),
        ({"work": "active", "other": "failed"}, "failed"),
        ({"work": "failed", "sub": "active"}, "failed"),
        ({"work": "done"}, None),
        ({"work": "waiting", "sub": "done"}, "waiting"),
    ],
)
def test_shows_on_a_folded_sub_process_what_goes_on_inside(states: dict[str, str], shown: str | None) -> None:
    pages = drawing.read(drawn(FOLDED, {"sub": (0, 0, 100, 80)}))
    assert group(diagram.paint(pages, states=states), "sub").get("class") == shown


def test_tells_on_which_page_a_folded_sub_process_is_drawn() -> None:
    more = (
        '<di:BPMNDiagram><di:BPMNPlane bpmnElement="sub"><di:BPMNShape bpmnElement="work">'
        '<dc:Bounds x="0" y="0" width="100" height="80"/></di:BPMNShape></di:BPMNPlane></di:BPMNDiagram>'
    )
    pages = drawing.read(drawn(FOLDED, {"sub": (0, 0, 100, 80)}, more=more))
    assert group(diagram.paint(pages), "sub").get("data-plane") == "1"


def test_paints_pools_below_sub_processes_below_flows_below_nodes() -> None:
    inner = '<subProcess id="sub"><task id="a"/><task id="b"/><boundaryEvent id="e" attachedToRef="a"/>' + flow("a", "b") + "</subProcess>"
    more = '<collaboration id="c"><participant id="pool" processRef="p"/></collaboration>'
    boxes = {
        "e": (80.0, 80.0, 36.0, 36.0),
        "a": (50, 50, 60, 50),
        "b": (200, 50, 60, 50),
        "sub": (40, 20, 400, 200),
        "pool": (0, 0, 500, 250),
    }
    edge = '<di:BPMNEdge bpmnElement="a-b"><dd:waypoint x="110" y="70"/><dd:waypoint x="200" y="70"/></di:BPMNEdge>'
    svg = diagram.paint(drawing.read(drawn(inner, boxes, edge, more)))
    assert re.findall(r'data-element="([^"]+)"', svg) == ["pool", "sub", "a-b", "a", "b", "e"]


def test_cuts_edges_that_run_to_the_middle_of_their_shapes() -> None:
    edge = '<di:BPMNEdge bpmnElement="a-b"><dd:waypoint x="50" y="40"/><dd:waypoint x="250" y="40"/></di:BPMNEdge>'
    inner = '<task id="a"/><exclusiveGateway id="b"/>' + flow("a", "b")
    svg = diagram.paint(drawing.read(drawn(inner, {"a": (0, 0, 100, 80), "b": (225, 15, 50, 50)}, edge)))
    assert group(svg, "a-b").find(f"{SVG}path").get("d") == "M100,40L225,40"  # type: ignore[union-attr]


def test_paints_a_file_that_draws_nothing() -> None:
    svg = diagram.paint(drawing.read(process("")))
    assert parsed(svg).get("viewBox")


def test_paints_the_same_picture_each_time() -> None:
    assert diagram.paint(order()) == diagram.paint(order())
