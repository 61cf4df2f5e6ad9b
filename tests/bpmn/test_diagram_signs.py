"""Each BPMN element carries the sign the standard gives it."""

from __future__ import annotations

import pytest

from engine.bpmn import diagram, drawing
from engine.bpmn.diagram import icons
from engine.bpmn.diagram.elements import EVENT_SIGNS
from engine.bpmn.diagram.values import Shape
from tests.bpmn.diagram_models import drawn, flow, one


def shape_of(element: str) -> Shape:
    return drawing.read(one(element)).planes[0].shapes[0]


def painted(element: str, width: float = 100, height: float = 80) -> str:
    return diagram.paint(drawing.read(one(element, width, height)), standalone=False)


def signature(svg: str) -> str:
    """What is drawn, without words."""
    return svg[svg.index("</title>") :]


def test_draws_each_event_definition_with_a_sign_of_its_own() -> None:
    drawn_as = {
        name: signature(painted(f'<intermediateCatchEvent id="x"><{name}/></intermediateCatchEvent>', 36, 36)) for name in EVENT_SIGNS
    }
    drawn_as["none"] = signature(painted('<intermediateCatchEvent id="x"/>', 36, 36))
    assert len(set(drawn_as.values())) == len(EVENT_SIGNS) + 1


@pytest.mark.parametrize("name", ["message", "signal", "compensate", "link", "escalation", "error", "cancel"])
def test_fills_the_sign_of_what_is_thrown(name: str) -> None:
    caught = painted(f'<intermediateCatchEvent id="x"><{name}EventDefinition/></intermediateCatchEvent>', 36, 36)
    thrown = painted(f'<intermediateThrowEvent id="x"><{name}EventDefinition/></intermediateThrowEvent>', 36, 36)
    assert 'class="solid"' not in caught
    assert 'class="solid"' in thrown


@pytest.mark.parametrize(
    ("attributes", "inner", "icon"),
    [
        ("", "<timerEventDefinition/><messageEventDefinition/>", "multiple"),
        ('parallelMultiple="true"', "<timerEventDefinition/><messageEventDefinition/>", "parallelMultiple"),
        ("", "<eventDefinitionRef>other</eventDefinitionRef>", "multiple"),
    ],
)
def test_draws_several_event_definitions_as_one_sign(attributes: str, inner: str, icon: str) -> None:
    assert shape_of(f'<intermediateCatchEvent id="x" {attributes}>{inner}</intermediateCatchEvent>').icon == icon


@pytest.mark.parametrize("tag", ["boundaryEvent", "startEvent"])
def test_dashes_events_that_do_not_interrupt(tag: str) -> None:
    attribute = "cancelActivity" if tag == "boundaryEvent" else "isInterrupting"
    assert 'class="box dashed"' in painted(f'<{tag} id="x" {attribute}="false"/>', 36, 36)
    assert "dashed" not in painted(f'<{tag} id="x"/>', 36, 36)


def test_draws_end_events_thick_and_others_between_start_and_end_double() -> None:
    assert 'class="box thick"' in painted('<endEvent id="x"/>', 36, 36)
    assert painted('<startEvent id="x"/>', 36, 36).count("<circle") == 1
    assert painted('<boundaryEvent id="x"/>', 36, 36).count("<circle") == 2


def test_draws_each_kind_of_task_with_a_sign_of_its_own() -> None:
    drawn_as = {signature(painted(f'<{kind} id="x"/>')) for kind in (*icons.TASKS, "task")}
    assert len(drawn_as) == len(icons.TASKS) + 1


@pytest.mark.parametrize(
    ("element", "markers"),
    [
        ('<task id="x"><standardLoopCharacteristics/></task>', ("loop",)),
        ('<task id="x"><multiInstanceLoopCharacteristics/></task>', ("parallel",)),
        ('<task id="x"><multiInstanceLoopCharacteristics isSequential="true"/></task>', ("sequential",)),
        ('<task id="x" isForCompensation="true"/>', ("compensation",)),
        ('<adHocSubProcess id="x"/>', ("adhoc", "collapsed")),
        (
            '<subProcess id="x" isForCompensation="true"><multiInstanceLoopCharacteristics/></subProcess>',
            ("parallel", "compensation", "collapsed"),
        ),
        ('<callActivity id="x"/>', ("collapsed",)),
    ],
)
def test_marks_activities(element: str, markers: tuple[str, ...]) -> None:
    assert shape_of(element).markers == markers
    assert all(icons.MARKERS[m] in painted(element) for m in markers)


def test_draws_a_call_activity_thick_and_a_transaction_double() -> None:
    assert 'class="box thick"' in painted('<callActivity id="x"/>')
    assert painted('<transaction id="x"/>').count("<rect") == 2


def test_dots_event_sub_processes() -> None:
    svg = painted('<subProcess id="x" triggeredByEvent="true"/>')
    assert "dotted" in svg
    assert "x (event sub process)" in svg


def test_draws_each_gateway_with_a_sign_of_its_own() -> None:
    gateways = ["parallelGateway", "inclusiveGateway", "complexGateway", "eventBasedGateway", "exclusiveGateway"]
    drawn_as = {signature(painted(f'<{kind} id="x"/>', 50, 50)) for kind in gateways}
    drawn_as.add(signature(painted('<eventBasedGateway id="x" instantiate="true"/>', 50, 50)))
    drawn_as.add(signature(painted('<eventBasedGateway id="x" instantiate="true" eventGatewayType="Parallel"/>', 50, 50)))
    assert len(drawn_as) == 7


def test_draws_the_x_of_an_exclusive_gateway_only_where_the_file_says_so() -> None:
    xml = one('<exclusiveGateway id="x"/>', 50, 50)
    marked = xml.replace(b'bpmnElement="x"', b'bpmnElement="x" isMarkerVisible="true"')
    cross = icons.GATEWAYS["exclusiveGateway"]
    assert cross not in diagram.paint(drawing.read(xml))
    assert cross in diagram.paint(drawing.read(marked))


def edges_of(inner: str) -> dict[str, str]:
    """The SVG of each edge between the tasks a and b and the gateway g."""
    nodes = '<task id="a" default="d"/><task id="b"/><exclusiveGateway id="g"/>'
    points = '<dd:waypoint x="100" y="40"/><dd:waypoint x="200" y="40"/>'
    keys = ["plain", "d", "c", "gc", "note", "both", "data", "message"]
    di = "".join(f'<di:BPMNEdge bpmnElement="{key}">{points}</di:BPMNEdge>' for key in keys)
    boxes = {"a": (0.0, 0.0, 100.0, 80.0), "b": (200.0, 0.0, 100.0, 80.0), "g": (0.0, 200.0, 50.0, 50.0)}
    svg = diagram.paint(drawing.read(drawn(nodes + inner, boxes, di)), standalone=False)
    parts = svg.split('<g id="d-')[1:]
    return {part[: part.index('"')]: part for part in parts}


CONDITION = "<conditionExpression>${ok}</conditionExpression>"
EDGES = (
    '<sequenceFlow id="plain" sourceRef="a" targetRef="b"/>'
    '<sequenceFlow id="d" sourceRef="a" targetRef="b"/>'
    f'<sequenceFlow id="c" sourceRef="a" targetRef="b">{CONDITION}</sequenceFlow>'
    f'<sequenceFlow id="gc" sourceRef="g" targetRef="b">{CONDITION}</sequenceFlow>'
    '<association id="note" sourceRef="a" targetRef="b"/>'
    '<association id="both" sourceRef="a" targetRef="b" associationDirection="Both"/>'
    '<dataOutputAssociation id="data"><targetRef>b</targetRef></dataOutputAssociation>'
    '<messageFlow id="message" sourceRef="a" targetRef="b"/>'
)


def test_draws_each_kind_of_connection_its_own_way() -> None:
    full, angle = "M0,0L-10,-4V4Z", "M-8,-4.5L0,0L-8,4.5"
    slash, diamond, hollow = "M-7,5L-12,-5", "M0,0L-7,-4.5L-14,0L-7,4.5Z", "M0,0L-10,-4.5V4.5Z"
    signs = {
        "full": full,
        "angle": angle,
        "slash": slash,
        "diamond": diamond,
        "hollow": hollow,
        "dotted": "line dotted",
        "dashed": "line dashed",
    }
    found = {key: {name for name, sign in signs.items() if sign in svg} for key, svg in edges_of(EDGES).items() if key not in "abg"}
    assert found == {
        "plain": {"full"},
        "d": {"full", "slash"},
        "c": {"full", "diamond"},
        "gc": {"full"},
        "note": {"dotted"},
        "both": {"dotted", "angle"},
        "data": {"dotted", "angle"},
        "message": {"dashed", "hollow"},
    }


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("message", "message"),
        ("conversation", "conversation"),
        ("subConversation", "sub conversation"),
        ("dataStoreReference", "data store reference"),
        ("dataInput", "data input"),
        ("choreographyTask", "choreography task"),
        ("magicTask", "magic task"),
    ],
)
def test_draws_what_no_engine_executes(kind: str, words: str) -> None:
    svg = painted(f'<{kind} id="x" name="Some name"/>')
    assert f'aria-label="Some name ({words})"' in svg
    assert ">Some name</tspan>" in svg


def test_names_a_group_by_its_category() -> None:
    value = '<category id="c"><categoryValue id="v" value="Urgent"/></category>'
    svg = diagram.paint(drawing.read(drawn('<group id="x" categoryValueRef="v"/>', {"x": (0, 0, 300, 200)}, more=value)))
    assert ">Urgent</tspan>" in svg
    assert "dashdot" in svg


def test_draws_participants_at_the_edges_of_a_choreography_task() -> None:
    more = '<choreography id="c"><participant id="one" name="One"/><participant id="two" name="Two"/></choreography>'
    shapes = "".join(
        f'<di:BPMNShape bpmnElement="{key}" participantBandKind="{kind}"><dc:Bounds x="0" y="{y}" width="100" height="20"/></di:BPMNShape>'
        for key, kind, y in (("one", "top_initiating", 0), ("two", "bottom_non_initiating", 60))
    )
    svg = diagram.paint(drawing.read(drawn('<choreographyTask id="x"/>', {"x": (0, 0, 100, 80)}, shapes, more)), standalone=False)
    assert svg.count('class="shade"') == 1
    assert svg.index("One</tspan>") > svg.index('data-element="x"')


def test_wraps_the_text_of_an_annotation() -> None:
    svg = painted('<textAnnotation id="x"><text>Some words that take more than one line</text></textAnnotation>')
    assert svg.count("<tspan") > 1


def test_says_default_of_a_default_flow() -> None:
    svg = edges_of(flow("a", "b") + EDGES)["d"]
    assert "(default sequence flow from a to b)" in svg
