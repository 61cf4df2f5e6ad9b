"""Call activities: what goes in and comes out, and what crosses the border between caller and called."""

from __future__ import annotations

import pytest
from drawn import model

from engine.errors import NotFound, TechnicalError
from engine.testing import play

MORE = '<message id="m" name="stop"/><error id="err" errorCode="BAD"/><escalation id="esc" escalationCode="HELP"/>'


def caller(call: str = "", attributes: str = "", beside: str = "", flows: str = "") -> bytes:
    return model(
        f"""<startEvent id="begin"/><callActivity id="call" calledElement="child" {attributes}><extensionElements>{call}</extensionElements></callActivity>
        <userTask id="after"/>{beside}
        begin -> call
        call -> after
        {flows}""",
        more=MORE,
    )


def child(end: str = "", before: str = "work") -> bytes:
    return model(
        f'<startEvent id="cb"/><userTask id="work"/><endEvent id="ce">{end}</endEvent>\ncb -> work\nwork -> ce', key="child", more=MORE
    )


def test_values_go_in_and_come_out() -> None:
    mapping = """<flowable:in source="amount" target="n"/><flowable:in sourceExpression="${amount * 2}" target="twice"/>
      <flowable:in source="missing" target="nothing"/><flowable:out source="answer" target="result"/>"""
    story = play(caller(mapping), child()).start(amount=4, secret="kept").waits_at("work")
    assert story.cases[1].state.variables[0] == {"n": 4, "twice": 8, "nothing": None}
    story.complete("work", answer=41).waits_at("after").knows(result=41, amount=4).knows_nothing_of("answer", "n")


def test_everything_is_inherited_where_the_call_says_so() -> None:
    story = play(caller(attributes='flowable:inheritVariables="true" flowable:inheritBusinessKey="true"'), child()).start(
        business_key="K-1", amount=4
    )
    assert (story.cases[1].state.variables[0], story.cases[1].state.facts.business_key) == ({"amount": 4}, "K-1")


def test_an_unknown_process_fails_the_step() -> None:
    with pytest.raises(NotFound, match="child"):
        play(caller()).start()


def test_a_boundary_event_ends_the_called_process() -> None:
    beside = '<boundaryEvent id="stopped" attachedToRef="call"><messageEventDefinition messageRef="m"/></boundaryEvent>'
    story = play(caller(beside=beside), child()).start().message("stop").has_ended(at="stopped")
    assert [(c.outcome, bool(c.ended)) for c in story.cases] == [("completed", True), ("cancelled", True)]


def test_an_error_of_the_child_is_caught_by_the_caller() -> None:
    beside = '<boundaryEvent id="bad" attachedToRef="call"><errorEventDefinition errorRef="err"/></boundaryEvent><userTask id="repair"/>'
    story = play(caller(beside=beside, flows="bad -> repair"), child('<errorEventDefinition errorRef="err"/>')).start()
    story.complete("work").waits_at("repair")
    assert story.cases[1].outcome == "error"


def test_an_error_that_the_caller_does_not_catch_fails_both() -> None:
    story = play(caller(), child('<errorEventDefinition errorRef="err"/>')).start()
    with pytest.raises(TechnicalError, match="BAD"):
        story.complete("work")
    story.waits_at("work")


def test_an_escalation_of_the_child_is_heard_beside_it() -> None:
    beside = (
        '<boundaryEvent id="heard" attachedToRef="call" cancelActivity="false"><escalationEventDefinition escalationRef="esc"/></boundaryEvent>'
        '<userTask id="help"/>'
    )
    story = play(caller(beside=beside, flows="heard -> help"), child('<escalationEventDefinition escalationRef="esc"/>')).start()
    story.complete("work").waits_at("after", "help")


def test_terminate_ends_the_child_and_terminate_all_the_callers_too() -> None:
    play(caller(), child("<terminateEventDefinition/>")).start().complete("work").waits_at("after")
    story = play(caller(), child('<terminateEventDefinition flowable:terminateAll="true"/>')).start().complete("work").has_ended()
    assert [c.outcome for c in story.cases] == ["terminated", "terminated"]


def test_a_held_child_ends_in_a_job_of_its_caller() -> None:
    story = play(caller(attributes='flowable:completeAsync="true"'), child()).start().complete("work").has_jobs("call")
    assert [bool(c.ended) for c in story.cases] == [False, False]
    story.run_jobs().waits_at("after")
    assert [bool(c.ended) for c in story.cases] == [False, True]


def test_cancelling_the_caller_cancels_the_child() -> None:
    story = play(caller(), child()).start().cancel("gone").has_ended()
    assert [c.outcome for c in story.cases] == ["cancelled", "cancelled"]
