"""A file that cannot run is refused with all its problems at once, each with element, line and reason; nothing else is ever raised."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.bpmn import parse
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError
from tests.bpmn.models import BEFORE, HEAD, bpmn, ext, line, problems, refused


def test_says_all_problems_at_once_in_the_order_of_the_file() -> None:
    found = problems(bpmn(
        '<startEvent id="s"/>\n<userTask id="u" assigne="x"/>\n<sequenceFlow id="a" sourceRef="s" targetRef="gone"/>\n'
        '<serviceTask id="t"/>\n<scriptTask id="c" scriptFormat="javascript">\n<script>var a = 1;\nvar b = ;</script></scriptTask>\n'
        '<userTask id="v" flowable:assignee="${oh no}"/>'))  # fmt: skip
    assert [(p.element, p.line) for p in found] == [
        ("u", BEFORE + 1), ("a", BEFORE + 2), ("t", BEFORE + 3), ("c", BEFORE + 6), ("v", BEFORE + 7),
    ]  # fmt: skip
    assert {p.file for p in found} == {"model.bpmn"}


@pytest.mark.parametrize(
    ("xml", "said"),
    [
        (b"", "no element found"),
        (b"this is no XML", "syntax error"),
        (b"<definitions>", "no element found"),
        (b"<a/>", "root must be 'definitions'"),
        (b"\xff\xfe\x00", "not well-formed XML"),
        (b'<?xml version="1.0" encoding="no-such"?><a/>', "unknown encoding"),
        (b"<!DOCTYPE a SYSTEM 'http://example.org/a.dtd'><a/>", "a DOCTYPE is not allowed"),
        (b'<!DOCTYPE a [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><a>&c;</a>', "a DOCTYPE is not allowed"),
        ('<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]><a>&a;</a>'.encode("utf-16"), "a DOCTYPE is not allowed"),
    ],
)
def test_refuses_what_is_no_xml_or_declares_a_dtd(xml: bytes, said: str) -> None:
    (problem,) = problems(xml)
    assert said in problem.message
    assert problem.line is not None


def test_refuses_what_is_too_large_too_deep_or_too_full() -> None:
    def said(xml: bytes, limits: Limits) -> str:
        with pytest.raises(DeploymentError) as refusal:
            parse.read(xml, limits=limits)
        return str(refusal.value)

    assert "too large" in said(bpmn(line()), Limits(xml_size=100))
    assert "nested too deeply: 500 levels" in said(b"<a>" * 100_000, Limits())
    assert "too many elements" in said(bpmn("<task/>" * 50), Limits(xml_elements=40))
    assert "a text is too long" in said(bpmn(f"<documentation>{'x' * 500}</documentation>"), Limits(text_length=400))


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="x"/>', "f: targetRef is 'x', which is no node of this process"),
        ('<startEvent id="s"/><sequenceFlow id="f" sourceRef="s"/>', "f: a sequenceFlow needs a targetRef"),
        ('<startEvent id="s"/><task id="s"/>', "s: the id 's' is used twice, first on line 5"),
        ('<startEvent id="s"/><startEvent id="t"/>', "t: there is a second start event without an event definition, beside 's'"),
        ('<startEvent id="1s"/>', "'1s' is not a valid id"),
        (f'<startEvent id="{"x" * 256}"/>', "the id is too long: 256 characters"),
        ('<startEventish id="s"/>', "s: unknown element <startEventish>"),
        ('<startEvent id="s" assignee="x"/>', "unknown attribute 'assignee' on <startEvent>"),
        ('<userTask id="s" assignee="x"/>', "unknown attribute 'assignee' on <userTask>; write flowable:assignee"),
        ('<userTask id="s"><startEvent id="t"/></userTask>', "t: <startEvent> may not stand in <userTask>"),
        ('<task id="s" startQuantity="2"/>', "s: startQuantity='2' is not supported: one token starts an activity"),
        ('<task id="s" flowable:async="perhaps"/>', "s: async must be true or false, not 'perhaps'"),
        ('<task id="s" default="f"/>', "s: the default flow 'f' does not leave this element"),
        ('<exclusiveGateway id="s"/>', "s: an exclusiveGateway needs an outgoing flow"),
        ('<serviceTask id="s"/>', "s: a serviceTask needs one of class, delegateExpression, expression or type"),
        ('<serviceTask id="s" flowable:class="a" flowable:expression="b"/>', "s: serviceTask has both class and expression"),
        ('<serviceTask id="s" flowable:type="shell"/>', "s: serviceTask of type shell is not supported: a model may not run commands on the server"),
        ('<serviceTask id="s" flowable:type="mystery"/>', "s: serviceTask of type mystery is not supported"),
        ('<serviceTask id="s" flowable:type="http"/>', "s: an http task needs the field requestUrl"),
        ('<serviceTask id="s" flowable:type="mail"/>', "s: a mail task needs one of the fields to, cc and bcc"),
        ('<scriptTask id="s" scriptFormat="javascript"/>', "s: a scriptTask needs a script"),
        ('<scriptTask id="s" scriptFormat="python"><script>1</script></scriptTask>', "s: python script: scripts in 'python' are not"),
        ('<userTask id="s" flowable:dueDate="${"/>', "s: wrong expression '${'"),
        ('<subProcess id="s"/>', "s: a sub-process needs a start event"),
        ('<subProcess id="s"><startEvent id="t"><timerEventDefinition/></startEvent></subProcess>', "may not be a timer event"),
        ('<boundaryEvent id="s" attachedToRef="x"><cancelEventDefinition/></boundaryEvent>', "which is no activity of this process"),
        ('<startEvent id="s"><signalEventDefinition signalRef="x"/></startEvent>', "s: there is no signal 'x'"),
        ('<startEvent id="s"><messageEventDefinition/></startEvent>', "s: messageEventDefinition needs a messageRef"),
        ('<startEvent id="s"><timerEventDefinition/></startEvent>', "s: a timer needs one of timeDate, timeDuration and timeCycle"),
        ('<userTask id="s" flowable:businessCalendarName="x"/>', "flowable:businessCalendarName on <userTask> is not supported"),
        ('<choreographyTask id="s"/>', "<choreographyTask> is not supported: choreographies are not executed"),
        ("<foo xmlns=''/>", "<foo> is in no namespace"),
    ],
)  # fmt: skip
def test_refuses_what_cannot_be(inside: str, said: str) -> None:
    assert said in refused(inside)


def test_names_every_element_that_is_not_executed_with_id_and_line() -> None:
    found = problems(bpmn('<startEvent id="s"/>\n<businessRuleTask id="rule" flowable:rules="x"/>\n<task id="t"/>'))
    assert ("rule", BEFORE + 1) in {(p.element, p.line) for p in found}
    assert any("businessRuleTask is not supported: it needs a decision engine (DMN)" in p.message for p in found)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('<flowable:executionListener event="start"/>', "executionListener needs one of class, expression, delegateExpression"),
        ('<flowable:executionListener event="oops" class="k"/>', "needs an event, one of start, end, take, not 'oops'"),
        ('<flowable:executionListener event="end" class="k" onTransaction="committed"/>', "onTransaction on <flowable:executionLis"),
        ('<flowable:taskListener event="timeout" class="k"/>', "taskListener needs an event"),
        ('<flowable:formProperty id="a" type="colour"/>', "unknown type 'colour' of a form property"),
        ('<flowable:formProperty name="a"/>', "formProperty needs an id"),
        ('<flowable:formProperty id="a"/><flowable:formProperty id="a"/>', "the form property 'a' is declared twice"),
        ('<flowable:formProperty id="a" type="date" datePattern="qq"/>', "the letters 'qq' of a date pattern are not supported"),
        ('<camunda:inputOutput/>', "<camunda:inputOutput> is not supported"),
    ],
)  # fmt: skip
def test_refuses_wrong_extensions(extra: str, said: str) -> None:
    assert said in refused(line(f'<userTask id="n">{ext(extra)}</userTask>'))


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ('<boundaryEvent id="b" attachedToRef="n"><cancelEventDefinition/></boundaryEvent>', "a cancel boundaryEvent belongs to a"),
        ('<boundaryEvent id="b" attachedToRef="n"/>', "b: a boundaryEvent needs an event definition"),
        ('<boundaryEvent id="b"><errorEventDefinition/></boundaryEvent>', "b: a boundaryEvent needs an attachedToRef"),
        ('<boundaryEvent id="b" attachedToRef="n"><compensateEventDefinition/></boundaryEvent>', "needs an association to its handler"),
        ('<endEvent id="b"><errorEventDefinition/></endEvent>', "a thrown error needs an errorRef"),
        ('<endEvent id="b"><cancelEventDefinition/></endEvent>', "a cancel endEvent belongs to a transaction"),
        ('<endEvent id="b"><errorEventDefinition errorRef="e"/></endEvent>', "the error 'e' has an empty errorCode"),
        ('<intermediateThrowEvent id="b"><compensateEventDefinition activityRef="x"/></intermediateThrowEvent>', "activityRef is 'x'"),
        ('<intermediateThrowEvent id="b"><linkEventDefinition name="x"/></intermediateThrowEvent>', "must be caught once in its scope"),
        ('<intermediateCatchEvent id="b"/>', "an intermediateCatchEvent needs an event definition"),
        ('<intermediateCatchEvent id="b"><conditionalEventDefinition/></intermediateCatchEvent>', "a conditional event needs a condition"),
        ('<task id="b"><multiInstanceLoopCharacteristics/></task>', "a multi-instance needs a loopCardinality or a collection"),
        ('<task id="b"><standardLoopCharacteristics loopMaximum="many"/></task>', "loopMaximum must be a whole number, not 'many'"),
        ('<callActivity id="b"/>', "a callActivity needs a calledElement"),
        ('<serviceTask id="b" flowable:type="external-worker"/>', "an external-worker needs a topic"),
        ('<dataObject id="b" itemSubjectRef="xsd:int"/>', "a dataObject needs a name"),
        ('<eventBasedGateway id="b"/><sequenceFlow id="f" sourceRef="b" targetRef="n"/>', "leads only to intermediateCatchEvents"),
        ('<task id="b" isForCompensation="true"/><sequenceFlow id="f" sourceRef="b" targetRef="n"/>', "may have no sequence flows"),
    ],
)  # fmt: skip
def test_refuses_events_and_loops_that_cannot_be(inside: str, said: str) -> None:
    assert said in refused(line('<userTask id="n"/>') + inside, roots='<error id="e" errorCode=""/>')


@pytest.mark.usefixtures("everything")
def test_refuses_messages_and_signals_that_cannot_be_told_apart() -> None:
    roots = '<signal id="s1" name="a"/><signal id="s2" name="a"/><signal name="b"/><message id="m1"/><message id="m" name="go"/>'
    start = '<startEvent id="{}"><messageEventDefinition messageRef="m"/></startEvent>'
    said = refused(start.format("x") + start.format("y"), roots)
    assert "a second signal with the name 'a'" in said
    assert "<signal> needs an id" in said
    assert "a message needs a name" in said
    assert "y: there is a second start event for the message 'go'" in said


def test_refuses_a_flow_across_the_border_of_a_sub_process() -> None:
    said = refused(line('<subProcess id="n"><startEvent id="s"/></subProcess>') + '<sequenceFlow id="f" sourceRef="s" targetRef="done"/>')
    assert "f: a sequenceFlow may not cross the border of a sub-process ('s' to 'done')" in said


def test_refuses_conditions_where_there_is_no_choice() -> None:
    condition = "<conditionExpression>${true}</conditionExpression>"
    only = f'<sequenceFlow id="f" sourceRef="g" targetRef="e">{condition}</sequenceFlow>'
    around = '<startEvent id="s"/><exclusiveGateway id="g" default="f"/><endEvent id="e"/>'
    assert "f: the only flow out of an exclusiveGateway may not have a condition" in refused(around + only)
    second = '<sequenceFlow id="h" sourceRef="g" targetRef="e"/>'
    assert "f: the default flow of an exclusiveGateway may not have a condition" in refused(around + only + second)


def test_warns_of_what_will_not_do_what_it_seems_to() -> None:
    condition = "<conditionExpression>${true}</conditionExpression>"
    model = parse.read(bpmn(
        '<startEvent id="s" flowable:mystery="x"/><parallelGateway id="g"/><endEvent id="e"/><task id="alone" name="Costs ${"/>'
        f'<sequenceFlow id="a" sourceRef="s" targetRef="g"/><sequenceFlow id="b" sourceRef="g" targetRef="e">{condition}</sequenceFlow>'
        '<sequenceFlow id="c" sourceRef="g" targetRef="e"/>'))  # fmt: skip
    said = {(w.element, w.message.partition(":")[0]) for w in model.warnings}
    assert said == {
        ("s", "flowable"), ("b", "the condition is not looked at"), ("alone", "no flow leads here"),
        ("alone", "wrong expression, the text will appear as written"),
    }  # fmt: skip


def test_warns_of_a_form_field_that_cannot_be_stored() -> None:
    form = ext('<flowable:formProperty id="street" expression="${address.street}"/><flowable:formProperty id="x" expression="${x}"/>')
    model = parse.read(bpmn(line(f'<userTask id="n">{form}</userTask>')))
    assert [str(w) for w in model.warnings] == [
        "line 5, n: the form field 'street' can be shown but not stored: '${address.street}' is not the name of a variable"]  # fmt: skip


MODELS = [
    bpmn(line('<userTask id="a" name="Ask ${x}" flowable:assignee="${initiator}" flowable:async="true"/>', '<task id="b"/>')),
    bpmn(line(
        '<serviceTask id="a" flowable:expression="${1 + x}" flowable:resultVariable="r">'
        '<multiInstanceLoopCharacteristics isSequential="true">'
        '<loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics></serviceTask>',
        '<scriptTask id="b" scriptFormat="groovy"><script>println 1</script></scriptTask>',
        '<subProcess id="c"><startEvent id="cs"/><task id="ct"/></subProcess>',
    ) + '<boundaryEvent id="t" attachedToRef="c"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>'
        "</boundaryEvent>"),
    bpmn(line(
        '<callActivity id="a" calledElement="other"/>',
        '<intermediateCatchEvent id="b"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>',
        '<exclusiveGateway id="c" default="c_done"/>',
        '<userTask id="d"><extensionElements><flowable:formProperty id="x" type="date" datePattern="dd"/></extensionElements>'
        '<standardLoopCharacteristics loopMaximum="2"/></userTask>',
    ), roots='<message id="m" name="go"/><error id="e" errorCode="E"/>'),
]  # fmt: skip
_BITS = [
    "<", ">", "/", '"', "&", "${", "}", "id=", "<task", "</task>", "-1", "9" * 30, "\0", "é", "<!DOCTYPE a>", "true", " ", "xmlns=''",
    "]]>", "&#0;",
]  # fmt: skip


@pytest.mark.usefixtures("everything")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_any_mutation_of_a_model_is_accepted_or_refused_and_nothing_else(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(MODELS)).decode()
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(len(HEAD), len(text)))
        cut = data.draw(st.integers(0, 12))
        text = text[:at] + data.draw(st.sampled_from([*_BITS, "", text[at : at + 40]])) + text[at + cut :]
    try:
        parse.read(text.encode())
    except DeploymentError as error:
        if not error.problems:
            raise


@given(st.binary(max_size=300))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(DeploymentError):
        parse.read(data)


@pytest.mark.usefixtures("everything")
@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<timeDate>someday</timeDate>", "'someday' is neither an ISO 8601 date"),
        ("<timeDuration>10 minutes</timeDuration>", "'10 minutes' is neither an ISO 8601 date"),
        ("<timeCycle>often</timeCycle>", "'often'"),
        ('<timeCycle flowable:endDate="later">R3/PT1H</timeCycle>', "'later' is neither"),
        ("<timeDate>2030-01-01</timeDate><timeCycle>R3/PT1H</timeCycle>", "a timer needs one of timeDate, timeDuration and timeCycle, not"),
    ],
)
def test_refuses_times_that_cannot_be_read(inside: str, said: str) -> None:
    timer = f'<intermediateCatchEvent id="n"><timerEventDefinition>{inside}</timerEventDefinition></intermediateCatchEvent>'
    assert f"n: {said}" in refused(line(timer))


def test_refuses_a_retry_cycle_and_a_due_date_that_cannot_be_read() -> None:
    retry = ext("<flowable:failedJobRetryTimeCycle>five times</flowable:failedJobRetryTimeCycle>")
    assert "n: the retry cycle 'five times' has the wrong format" in refused(line(f'<task id="n">{retry}</task>'))
    assert "n: 'soon' is neither an ISO 8601 date" in refused(line('<userTask id="n" flowable:dueDate="soon"/>'))


@pytest.mark.usefixtures("everything")
def test_takes_times_that_are_expressions_or_can_be_read() -> None:
    cycles = "<timeCycle>0 0 12 * * ?</timeCycle>", "<timeCycle>R/P1D</timeCycle>"
    for inside in ("<timeDate>${when}</timeDate>", "<timeDuration>PT10M</timeDuration>", *cycles):
        timer = f'<intermediateCatchEvent id="n"><timerEventDefinition>{inside}</timerEventDefinition></intermediateCatchEvent>'
        assert not refused(line(timer))
