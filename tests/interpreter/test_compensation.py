"""What was done is undone, newest first: by throwing compensation, and by cancelling a transaction."""

from __future__ import annotations

from itertools import pairwise

from drawn import model

from engine.testing import play


def step(name: str, handler: str = '<serviceTask id="undo_{0}" isForCompensation="true" flowable:class="undo"/>') -> str:
    return (
        f'<serviceTask id="{name}" flowable:class="do"/><boundaryEvent id="b_{name}" attachedToRef="{name}"><compensateEventDefinition/></boundaryEvent>'
        f'{handler.format(name)}<association id="a_{name}" sourceRef="b_{name}" targetRef="undo_{name}" associationDirection="One"/>'
    )


def flow(*names: str) -> str:
    return "".join(f'<sequenceFlow id="{a}_{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in pairwise(names))


class Log(list[str]):
    """Handlers that note what was done and undone."""

    def do(self, call: object) -> None:
        self.append(f"+{call.node}")  # type: ignore[attr-defined]

    def undo(self, call: object) -> None:
        self.append(f"-{call.node.removeprefix('undo_')}")  # type: ignore[attr-defined]


def test_steps_are_undone_newest_first_and_only_once() -> None:
    log = Log()
    drawn = model(
        '<startEvent id="begin"/>' + step("hotel") + step("flight") + '<userTask id="decide"/>'
        '<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent>'
        '<intermediateThrowEvent id="again"><compensateEventDefinition/></intermediateThrowEvent><userTask id="after"/>'
        + flow("begin", "hotel", "flight", "decide", "undo", "again", "after")
    )
    play(drawn, do=log.do, undo=log.undo).start().complete("decide").waits_at("after").has_done(undo_hotel=1, undo_flight=1, undo=1)
    assert log == ["+hotel", "+flight", "-flight", "-hotel"]


def test_one_activity_can_be_undone_alone() -> None:
    log = Log()
    drawn = model(
        '<startEvent id="begin"/>' + step("hotel") + step("flight")
        + '<intermediateThrowEvent id="undo"><compensateEventDefinition activityRef="hotel"/></intermediateThrowEvent><userTask id="after"/>'
        + flow("begin", "hotel", "flight", "undo", "after")
    )  # fmt: skip
    story = play(drawn, do=log.do, undo=log.undo).start().waits_at("after")
    assert (log, [w[3] for w in story.case.waits]) == (["+hotel", "+flight", "-hotel"], ["flight"])


def test_the_throwing_event_waits_for_a_handler_that_waits() -> None:
    log = Log()
    drawn = model(
        '<startEvent id="begin"/>' + step("hotel", '<userTask id="undo_{0}" isForCompensation="true"/>')
        + '<intermediateThrowEvent id="undo"><compensateEventDefinition/></intermediateThrowEvent><userTask id="after"/>'
        + flow("begin", "hotel", "undo", "after")
    )  # fmt: skip
    play(drawn, do=log.do).start().waits_at("undo_hotel").has_done(undo=0).complete("undo_hotel").waits_at("after").has_done(undo=1)


def test_a_finished_sub_process_is_undone_with_the_variables_it_had() -> None:
    log = Log()
    drawn = model(
        '<startEvent id="begin"/><subProcess id="trip"><multiInstanceLoopCharacteristics isSequential="true"><loopCardinality>2</loopCardinality>'
        '</multiInstanceLoopCharacteristics><startEvent id="in"/>' + step("hotel") + flow("in", "hotel") + "</subProcess>"
        '<userTask id="decide"/><endEvent id="undo"><compensateEventDefinition/></endEvent>' + flow("begin", "trip", "decide", "undo")
    )

    def undo(call: object) -> None:
        log.append(f"-{call.variables['loopCounter']}")  # type: ignore[attr-defined]

    play(drawn, do=log.do, undo=undo).start().complete("decide").has_ended()
    assert log == ["+hotel", "+hotel", "-1", "-0"]


def test_an_event_sub_process_undoes_what_its_scope_had_done() -> None:
    log = Log()
    drawn = model(
        '<startEvent id="begin"/><subProcess id="trip"><startEvent id="in"/>'
        + step("hotel")
        + '<userTask id="pay"/><endEvent id="broken"><errorEventDefinition errorRef="err"/></endEvent>'
        + flow("in", "hotel", "pay", "broken")
        + '<subProcess id="rescue" triggeredByEvent="true"><startEvent id="caught"><errorEventDefinition errorRef="err"/></startEvent>'
        '<endEvent id="undo"><compensateEventDefinition/></endEvent>' + flow("caught", "undo") + "</subProcess></subProcess>"
        '<userTask id="after"/>' + flow("begin", "trip", "after"),
        more='<error id="err" errorCode="BAD"/>',
    )
    play(drawn, do=log.do, undo=log.undo).start().complete("pay").waits_at("after").has_done(undo_hotel=1)
    assert log == ["+hotel", "-hotel"]


TRIP = (
    '<startEvent id="begin"/><transaction id="trip"><startEvent id="in"/>' + step("hotel") + '<userTask id="ask"/><userTask id="beside"/>'
    '<exclusiveGateway id="ok" default="ok_off"/><endEvent id="fine"/><endEvent id="off"><cancelEventDefinition/></endEvent>'
    + flow("in", "hotel", "ask", "ok", "off") + flow("hotel", "beside")
    + '<sequenceFlow id="yes" sourceRef="ok" targetRef="fine"><conditionExpression>${ok}</conditionExpression></sequenceFlow></transaction>'
    '<boundaryEvent id="failed" attachedToRef="trip"><cancelEventDefinition/></boundaryEvent><userTask id="tell"/><userTask id="travel"/>'
    + flow("begin", "trip", "travel") + flow("failed", "tell")
)  # fmt: skip


def test_a_cancelled_transaction_undoes_its_steps_and_leaves_by_its_boundary() -> None:
    log = Log()
    story = play(model(TRIP), do=log.do, undo=log.undo).start().waits_at("ask", "beside").complete("ask", ok=False)
    story.waits_at("tell").has_done(failed=1, trip=1, off=1, beside=1)
    assert (log, story.case.waits) == (["+hotel", "-hotel"], [])


def test_a_successful_transaction_stays_known_until_the_instance_ends() -> None:
    log = Log()
    story = play(model(TRIP), do=log.do, undo=log.undo).start().complete("ask", ok=True).complete("beside").waits_at("travel")
    assert sorted(w[3] for w in story.case.waits) == ["hotel", "trip"]
    story.complete("travel").has_ended()
    assert log == ["+hotel"]
