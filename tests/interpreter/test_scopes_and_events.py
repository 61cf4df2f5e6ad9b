"""Sub-processes, boundary events and event sub-processes: what is interrupted, what goes on beside, and how a scope ends."""

from __future__ import annotations

import pytest
from drawn import model

from engine.errors import TechnicalError
from engine.testing import play

SIGNALS = '<message id="m" name="stop"/><message id="n" name="ask"/><signal id="s" name="news"/><error id="err" errorCode="BAD"/><escalation id="esc" escalationCode="HELP"/>'


def inside(scope: str, body: str, kind: str = "subProcess", more: str = "") -> str:
    """A sub-process around plain elements, with flows written as `a>b`."""
    elements, _, flows = body.partition("|")
    drawn = "".join(f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in (f.split(">") for f in flows.split()))
    return f'<{kind} id="{scope}" {more}>{elements}{drawn}</{kind}>'


PART = inside("part", '<startEvent id="in"/><userTask id="a"/><userTask id="b"/><endEvent id="x"/><endEvent id="y"/>|in>a in>b a>x b>y')


def test_a_sub_process_ends_with_its_last_branch() -> None:
    story = play(model(f'<startEvent id="begin"/>{PART}<userTask id="after"/>\nbegin -> part\npart -> after')).start()
    story.waits_at("a", "b").complete("a").waits_at("b").complete("b").waits_at("after").has_done(part=1)


def test_variables_of_a_sub_process_vanish_with_it() -> None:
    scoped = inside(
        "part",
        '<dataObject id="d" name="size" itemSubjectRef="xsd:int" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><extensionElements><flowable:value>7</flowable:value></extensionElements></dataObject>'
        '<startEvent id="in"/><serviceTask id="see" flowable:expression="${size + 1}" flowable:resultVariable="seen"/><userTask id="a"/>|in>see see>a',
    )
    story = play(model(f'<startEvent id="begin"/>{scoped}<userTask id="after"/>\nbegin -> part\npart -> after')).start().knows(seen=8)
    story.complete("a").waits_at("after").knows(seen=8).knows_nothing_of("size")


def boundary(event: str, interrupting: bool = True, host: str = "part") -> bytes:
    cancel = "" if interrupting else 'cancelActivity="false"'
    return model(
        f"""<startEvent id="begin"/>{PART}<boundaryEvent id="event" attachedToRef="{host}" {cancel}>{event}</boundaryEvent>
        <userTask id="after"/><userTask id="instead"/>
        begin -> part
        part -> after
        event -> instead""",
        more=SIGNALS,
    )


TIMER = "<timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition>"
MESSAGE = '<messageEventDefinition messageRef="m"/>'
CONDITION = "<conditionalEventDefinition><condition>${hot}</condition></conditionalEventDefinition>"


def test_an_interrupting_boundary_event_ends_all_that_is_inside() -> None:
    story = play(boundary(MESSAGE)).start().complete("a").message("stop").waits_at("instead").has_done(a=1, b=1, part=1, event=1).awaits()
    story.complete("instead").has_ended()


def test_a_boundary_event_that_does_not_interrupt_goes_on_beside() -> None:
    story = play(boundary(MESSAGE, interrupting=False)).start().message("stop").message("stop").waits_at("a", "b", "instead", "instead")
    story.complete("a").complete("b").waits_at("after", "instead", "instead").awaits().has_done(event=3)


def test_a_boundary_timer_fires_in_time_and_goes_with_its_host() -> None:
    play(boundary(TIMER)).start().has_timers("event").advance(minutes=59).waits_at("a", "b").advance(minutes=1).waits_at(
        "instead"
    ).has_timers()
    play(boundary(TIMER)).start().complete("a").complete("b").waits_at("after").has_timers()


def test_a_spent_timer_stays_armed_until_its_host_is_left() -> None:
    story = play(boundary(TIMER, interrupting=False)).start().advance(hours=1).waits_at("a", "b", "instead").has_timers().has_done(event=1)
    story.complete("a").complete("b").has_done(event=2)


def test_conditions_look_only_when_told() -> None:
    story = play(boundary(CONDITION)).start(hot=False).evaluate_conditions().waits_at("a", "b").set(hot=True).waits_at("a", "b")
    story.evaluate_conditions().waits_at("instead")


def esp(event: str, interrupting: bool = True) -> bytes:
    flag = "" if interrupting else 'isInterrupting="false"'
    caught = inside(
        "caught", f'<startEvent id="heard" {flag}>{event}</startEvent><userTask id="care"/>|heard>care', more='triggeredByEvent="true"'
    )
    part = PART.replace("</subProcess>", f"{caught}</subProcess>")
    return model(f'<startEvent id="begin"/>{part}<userTask id="after"/>\nbegin -> part\npart -> after', more=SIGNALS)


def test_an_event_sub_process_replaces_what_its_scope_does() -> None:
    story = play(esp(MESSAGE)).start().awaits("stop").message("stop").waits_at("care").awaits().has_done(a=1, b=1, heard=1)
    story.complete("care").waits_at("after").has_done(caught=1, part=1)


def test_an_event_sub_process_runs_beside_as_often_as_its_event_comes() -> None:
    story = play(esp(MESSAGE, interrupting=False)).start().message("stop").message("stop").waits_at("a", "b", "care", "care").awaits("stop")
    story.complete("a").complete("b").awaits().waits_at("care", "care").complete("care").complete("care").waits_at("after").has_done(
        caught=2
    )


def test_a_variable_listener_hears_every_change_but_none_from_before() -> None:
    listening = (
        '<extensionElements><flowable:variableListenerEventDefinition variableName="colour" variableChangeType="all"/></extensionElements>'
    )
    story = play(esp(listening, interrupting=False)).start(colour="red").waits_at("a", "b").set(colour="blue").waits_at("a", "b", "care")
    story.complete("a", colour="green").waits_at("b", "care", "care").set(size=1).waits_at("b", "care", "care")


def thrower(event: str, catchers: str, flows: str) -> bytes:
    part = inside("part", f'<startEvent id="in"/><userTask id="a"/><endEvent id="x">{event}</endEvent>|in>a a>x')
    return model(f'<startEvent id="begin"/>{part}<userTask id="after"/>{catchers}\nbegin -> part\npart -> after\n{flows}', more=SIGNALS)


def test_an_error_takes_the_named_code_before_the_one_that_catches_all() -> None:
    catchers = (
        '<boundaryEvent id="any" attachedToRef="part"><errorEventDefinition/></boundaryEvent>'
        '<boundaryEvent id="named" attachedToRef="part"><errorEventDefinition errorRef="err" flowable:errorVariableName="code"/></boundaryEvent>'
        '<userTask id="by_name"/><userTask id="by_any"/>'
    )
    drawn = thrower('<errorEventDefinition errorRef="err"/>', catchers, "any -> by_any\nnamed -> by_name")
    play(drawn).start().complete("a").waits_at("by_name").knows(code="BAD").has_done(part=1, named=1, any=1)


def test_an_uncaught_error_fails_the_request_and_leaves_the_task_open() -> None:
    story = play(thrower('<errorEventDefinition errorRef="err"/>', "", "")).start()
    with pytest.raises(TechnicalError, match="BAD"):
        story.complete("a")
    story.waits_at("a")


def test_an_escalation_is_heard_beside_or_forgotten() -> None:
    catchers = '<boundaryEvent id="heard" attachedToRef="part" cancelActivity="false"><escalationEventDefinition escalationRef="esc"/></boundaryEvent><userTask id="help"/>'
    throw = '<escalationEventDefinition escalationRef="esc"/>'
    play(thrower(throw, catchers, "heard -> help")).start().complete("a").waits_at("after", "help")
    play(thrower(throw, "", "")).start().complete("a").waits_at("after")


def test_terminate_ends_its_own_scope_only() -> None:
    part = inside(
        "part",
        '<startEvent id="in"/><userTask id="a"/><userTask id="b"/><endEvent id="x"><terminateEventDefinition/></endEvent>|in>a in>b a>x',
    )
    story = play(model(f'<startEvent id="begin"/>{part}<userTask id="after"/>\nbegin -> part\npart -> after')).start()
    story.complete("a").waits_at("after").has_done(b=1, part=1)


def test_terminate_in_the_process_ends_the_instance() -> None:
    drawn = model('<startEvent id="begin"/><userTask id="a"/><userTask id="b"/><endEvent id="x"><terminateEventDefinition/></endEvent>\n'
                  "begin -> a\nbegin -> b\na -> x")  # fmt: skip
    story = play(drawn).start().complete("a").has_ended(at="x").has_done(b=1)
    assert story.case.outcome == "terminated"


def test_a_signal_reaches_everybody_also_the_one_who_throws_it() -> None:
    drawn = model(
        """<startEvent id="begin"/><userTask id="a"/><userTask id="b"/>
        <intermediateCatchEvent id="wait"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>
        <intermediateThrowEvent id="tell"><signalEventDefinition signalRef="s"/></intermediateThrowEvent><userTask id="heard"/>
        begin -> a
        begin -> wait
        a -> tell
        tell -> b
        wait -> heard""",
        more=SIGNALS,
    )
    story = play(drawn)
    first = story.start().instance
    story.start().complete("a").waits_at("b", "heard")
    story.instance = first
    story.waits_at("a", "heard")


def test_a_signal_that_interrupts_its_own_thrower_keeps_it_from_going_on() -> None:
    done: list[str] = []
    throwing = inside(
        "part",
        '<startEvent id="in"/><intermediateThrowEvent id="tell"><signalEventDefinition signalRef="s"/></intermediateThrowEvent>'
        '<serviceTask id="charge" flowable:class="charge"/>|in>tell tell>charge',
    )
    caught = '<boundaryEvent id="heard" attachedToRef="part"><signalEventDefinition signalRef="s"/></boundaryEvent><userTask id="after"/>'
    drawn = model(f'<startEvent id="begin"/>{throwing}{caught}\nbegin -> part\nheard -> after', more=SIGNALS)
    play(drawn, charge=lambda call: done.append("charged")).start().waits_at("after").has_done(tell=1, charge=0)
    assert done == []


def test_a_link_leads_to_its_catching_event() -> None:
    drawn = model("""<startEvent id="begin"/><intermediateThrowEvent id="off"><linkEventDefinition name="there"/></intermediateThrowEvent>
        <intermediateCatchEvent id="on"><linkEventDefinition name="there"/></intermediateCatchEvent><userTask id="a"/>
        begin -> off
        on -> a""")
    play(drawn).start().waits_at("a").has_done(off=1, on=1)


def test_an_ad_hoc_sub_process_ends_by_its_condition() -> None:
    part = inside("part", '<userTask id="a"/><userTask id="b"/><completionCondition>${done}</completionCondition>|', kind="adHocSubProcess")
    story = play(model(f'<startEvent id="begin"/>{part}<userTask id="after"/>\nbegin -> part\npart -> after')).start().waits_at()
    story.begin("part", "a").begin("part", "b").waits_at("a", "b").complete("a", done=False).waits_at("b")
    story.begin("part", "a").complete("a", done=True).waits_at("after").has_done(b=1)
