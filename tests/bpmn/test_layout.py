"""Files that draw nothing get a picture in which nothing covers anything else."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings

from engine.bpmn import drawing
from engine.bpmn.diagram.values import Bounds, Plane, Shape
from tests.bpmn.diagram_models import HEAD, Random, flow, overlaps, process, random_processes, shrunk
from tests.effort import calls

ORDER = (
    '<startEvent id="start"/><userTask id="enter"/><exclusiveGateway id="choice"/><task id="yes"/><task id="no"/><endEvent id="end"/>'
    + flow("start", "enter")
    + flow("enter", "choice")
    + flow("choice", "yes")
    + flow("choice", "no")
    + flow("yes", "end")
    + flow("no", "end")
)


def laid_out(xml: bytes) -> Plane:
    return drawing.read(xml).planes[0]


def boxes(xml: bytes) -> dict[str, Bounds]:
    return {s.element: s.bounds for s in laid_out(xml).shapes}


def test_runs_from_left_to_right_in_a_straight_line() -> None:
    at = boxes(process(ORDER))
    path = [at[key] for key in ("start", "enter", "choice", "yes", "end")]
    assert all(a.right < b.x for a, b in pairwise(path))
    assert len({b.cy for b in path}) == 1


def test_puts_a_second_branch_below_the_first() -> None:
    at = boxes(process(ORDER))
    assert at["no"].y > at["yes"].bottom
    assert at["no"].cx == at["yes"].cx


def test_uses_the_rows_of_a_branch_again_after_it_has_joined() -> None:
    diamonds = "".join(f'<parallelGateway id="g{i}"/><task id="a{i}"/><task id="b{i}"/><parallelGateway id="j{i}"/>' for i in range(6))
    flows = "".join(flow(f"g{i}", f"{x}{i}") + flow(f"{x}{i}", f"j{i}") for i in range(6) for x in "ab")
    joins = "".join(flow(f"j{i}", f"g{i + 1}") for i in range(5))
    at = boxes(process(diamonds + flows + joins))
    assert len({at[f"a{i}"].cy for i in range(6)} | {at[f"b{i}"].cy for i in range(6)}) == 2


def test_leads_a_flow_that_goes_back_around_the_nodes() -> None:
    plane = laid_out(process(ORDER + flow("no", "enter")))
    at = {s.element: s.bounds for s in plane.shapes}
    back = next(e for e in plane.edges if e.element == "no-enter")
    assert at["enter"].x < at["no"].x
    assert min(y for _, y in back.points) < at["enter"].y or max(y for _, y in back.points) > at["no"].bottom


def test_sets_a_boundary_event_on_its_host_and_its_flow_below() -> None:
    inner = '<task id="work"/><boundaryEvent id="late" attachedToRef="work"/><task id="hurry"/>' + flow("late", "hurry")
    at = boxes(process(inner))
    assert at["late"].cy == at["work"].bottom
    assert at["work"].x < at["late"].cx < at["work"].right
    assert at["hurry"].y > at["work"].bottom


def test_widens_a_host_for_many_boundary_events() -> None:
    events = "".join(f'<boundaryEvent id="e{i}" attachedToRef="work" name="Event {i}"/>' for i in range(5))
    shapes = laid_out(process('<task id="work"/>' + events)).shapes
    assert overlaps(shapes) == []
    assert len(shapes) == 6


def test_opens_sub_processes_around_what_is_in_them() -> None:
    inner = '<subProcess id="outer"><subProcess id="inner"><task id="work"/></subProcess></subProcess>'
    plane = laid_out(process(inner))
    at = {s.element: s.bounds for s in plane.shapes}
    assert at["outer"].contains(at["inner"])
    assert at["inner"].contains(at["work"])
    assert all(s.expanded for s in plane.shapes if s.kind == "subProcess")


def test_lays_out_sub_processes_nested_as_deep_as_a_file_may_be() -> None:
    depth = 200
    xml = process("".join(f'<subProcess id="s{i}">' for i in range(depth)) + '<task id="t"/>' + "</subProcess>" * depth)
    assert len(laid_out(xml).shapes) == depth + 1


def test_connects_flows_whose_nodes_do_not_list_them() -> None:
    assert len(laid_out(process(ORDER)).edges) == 6


def test_leaves_out_a_flow_without_ends() -> None:
    assert laid_out(process('<task id="work"/>' + flow("work", "nowhere"))).edges == ()


def test_draws_compensation_handlers_beside_their_event() -> None:
    inner = (
        '<task id="book"/><boundaryEvent id="undo" attachedToRef="book"><compensateEventDefinition/></boundaryEvent>'
        '<task id="cancel" isForCompensation="true"/><association id="a" sourceRef="undo" targetRef="cancel" associationDirection="One"/>'
    )
    plane = laid_out(process(inner))
    at = {s.element: s.bounds for s in plane.shapes}
    assert [e.kind for e in plane.edges] == ["association"]
    assert at["cancel"].y > at["book"].bottom


def test_sets_annotations_and_data_beside_what_they_are_about() -> None:
    inner = (
        '<task id="work"><dataInputAssociation id="read"><sourceRef>data</sourceRef></dataInputAssociation></task>'
        '<textAnnotation id="note"><text>Mind the gap</text></textAnnotation><association id="a" sourceRef="note" targetRef="work"/>'
        '<dataObjectReference id="data" name="Order"/>'
    )
    plane = laid_out(process(inner + '<endEvent id="end"/>' + flow("work", "end")))
    at = {s.element: s.bounds for s in plane.shapes}
    assert at["note"].cx == at["work"].cx == at["data"].cx
    assert {e.element for e in plane.edges} == {"a", "read", "work-end"}
    assert overlaps(plane.shapes) == []


POOLS = (
    f'{HEAD}<collaboration id="c"><participant id="customer" name="Customer"/><participant id="shop" processRef="p"/>'
    '<participant id="bank" processRef="q"/><messageFlow id="m1" sourceRef="customer" targetRef="take"/>'
    '<messageFlow id="m2" sourceRef="bake" targetRef="pay"/></collaboration>'
    '<process id="p"><laneSet><lane id="counter"><flowNodeRef>take</flowNodeRef></lane>'
    '<lane id="kitchen"><flowNodeRef>bake</flowNodeRef></lane></laneSet>'
    f'<startEvent id="take"/><task id="bake"/>{flow("take", "bake")}</process>'
    '<process id="q"><task id="pay"/></process><process id="alone"><task id="rest"/></process></definitions>'
).encode()


def test_stacks_the_pools_of_a_collaboration_with_their_lanes_and_messages() -> None:
    plane = laid_out(POOLS)
    at = {s.element: s.bounds for s in plane.shapes}
    assert at["customer"].bottom < at["shop"].y < at["shop"].bottom < at["bank"].y
    assert at["counter"].contains(at["take"])
    assert at["kitchen"].contains(at["bake"])
    assert at["shop"].contains(at["counter"])
    assert at["shop"].contains(at["kitchen"])
    assert not at["counter"].overlaps(at["kitchen"])
    assert {e.element for e in plane.edges} == {"m1", "m2", "take-bake"}


def test_gives_a_process_outside_of_the_collaboration_a_page_of_its_own() -> None:
    pages = drawing.read(POOLS)
    assert [p.element for p in pages.planes] == ["c", "alone"]
    assert pages.plane_of("q") == 0
    assert pages.plane_of("alone") == 1


@given(random_processes())
@settings(max_examples=80, deadline=None)
def test_draws_every_node_and_flow_once_and_none_over_another(model: Random) -> None:
    plane = laid_out(model.xml)
    assert sorted(s.element for s in plane.shapes) == sorted(model.nodes)
    assert sorted(e.element for e in plane.edges) == sorted(model.flows)
    assert overlaps(plane.shapes) == []


@given(random_processes())
@settings(max_examples=80, deadline=None)
def test_leads_flows_level_and_upright_past_all_nodes(model: Random) -> None:
    plane = laid_out(model.xml)
    by_id = {s.element: s for s in plane.shapes}
    for edge in plane.edges:
        strokes = list(pairwise(edge.points))
        assert all(a[0] == b[0] or a[1] == b[1] for a, b in strokes)
        for shape in plane.shapes:
            if not _may_touch(shape, by_id[edge.source], by_id[edge.target]):
                assert not any(_stroke(a, b).overlaps(shrunk(shape.bounds, 1)) for a, b in strokes), (edge.element, shape.element)


def _may_touch(shape: Shape, source: Shape, target: Shape) -> bool:
    """The ends themselves, the host of the event it leaves from, and what is around both."""
    ends = (source, target)
    return shape in ends or shape.element == source.host or all(shape.bounds.contains(end.bounds) for end in ends)


def _stroke(a: tuple[float, float], b: tuple[float, float]) -> Bounds:
    return Bounds(min(a[0], b[0]), min(a[1], b[1]), abs(a[0] - b[0]), abs(a[1] - b[1]))


@pytest.mark.parametrize("shape", ["chain", "fan", "ladder"])
def test_lays_out_500_nodes_with_an_effort_that_takes_no_second(shape: str) -> None:
    flows = {
        "chain": [(i, i + 1) for i in range(499)],
        "fan": [(0, i) for i in range(1, 499)] + [(i, 499) for i in range(1, 499)],
        "ladder": [(i, i + 1) for i in range(499)]
        + [(i, max(0, i - 7)) for i in range(0, 500, 3)]
        + [(i, i + 9) for i in range(0, 490, 2)],
    }[shape]
    nodes = "".join(f'<task id="t{i}" name="Task number {i}"/>' for i in range(500))
    xml = process(nodes + "".join(flow(f"t{a}", f"t{b}") for a, b in dict.fromkeys(flows)))
    assert calls(lambda: laid_out(xml)) < 1_200_000  # half as many are 0.15 s on an idle machine
