"""A token moves from node to node until it rests: flows, conditions, user tasks, services, scripts, and how an instance ends."""

from __future__ import annotations

from typing import Any

import pytest
from drawn import model

from engine.errors import BpmnError, Conflict, ExpressionError, HandlerError, TechnicalError
from engine.interpreter.journal import Answer, Completed, Invocation
from engine.testing import play

ORDER = model(
    """
<startEvent id="begin"/>
<userTask id="enter" name="Enter Order" flowable:assignee="${initiator}"/>
<serviceTask id="store" flowable:class="store_order" flowable:resultVariable="number"/>
<userTask id="confirm" name="Order Confirmation"/>
<endEvent id="done"/>
begin -> enter
enter -> store
store -> confirm
confirm -> done
""".replace('<startEvent id="begin"/>', '<startEvent id="begin" flowable:initiator="initiator"/>')
)


def test_runs_from_wait_state_to_wait_state() -> None:
    order = play(ORDER, store_order=lambda call: f"A-{call.variables['amount']}")
    order.start().waits_at("Enter Order").complete("Enter Order", amount=3)
    order.waits_at("Order Confirmation").knows(number="A-3", initiator="alice")
    order.complete("Order Confirmation").has_ended(at="done").has_done(begin=1, enter=1, store=1, confirm=1, done=1)


def test_a_failing_step_leaves_everything_as_it_was() -> None:
    def closed(call: Invocation) -> None:
        raise RuntimeError("the shop is closed")

    order = play(ORDER, store_order=closed).start()
    with pytest.raises(RuntimeError, match="the shop is closed"):
        order.complete("Enter Order", amount=3)
    order.waits_at("Enter Order").knows_nothing_of("amount").has_done(enter=0, store=0)


def test_an_unknown_handler_is_an_error_of_the_step() -> None:
    order = play(ORDER).start()
    with pytest.raises(HandlerError, match="store_order"):
        order.complete("Enter Order", amount=3)


def test_a_handler_sets_and_removes_variables() -> None:
    order = play(ORDER, store_order=lambda call: Answer("A", set={"seen": True}, removed=frozenset({"amount"})))
    order.start().complete("Enter Order", amount=3).knows(seen=True, number="A").knows_nothing_of("amount")


def test_a_task_is_completed_only_once() -> None:
    order = play(ORDER, store_order=lambda call: 1).start()
    task = next(iter(order.case.tasks.values()))
    order.complete("Enter Order", amount=1).complete("Order Confirmation")
    order.start().complete("Enter Order", amount=1)
    with pytest.raises(Conflict):
        order.world.work((order.instance, Completed(task["token"] + 100, {})))


CHOICE = model("""
<startEvent id="begin"/>
<exclusiveGateway id="which" default="which_to_small"/>
<userTask id="large"/><userTask id="middle"/><userTask id="small"/>
begin -> which
which -> large if ${amount > 100}
which -> middle if ${amount > 10}
which -> small
""")


@pytest.mark.parametrize(("amount", "task"), [(500, "large"), (50, "middle"), (5, "small"), (None, "small")])
def test_takes_the_first_flow_that_holds_else_the_default(amount: Any, task: str) -> None:
    play(CHOICE).start(amount=amount).waits_at(task)


def test_fails_when_no_flow_can_be_taken() -> None:
    stuck = play(
        model("""<startEvent id="begin"/><exclusiveGateway id="which"/><endEvent id="e"/><endEvent id="f"/>
    begin -> which
    which -> e if ${false}
    which -> f if ${1 > 2}""")
    )
    with pytest.raises(TechnicalError, match="No outgoing sequence flow of element 'which'"):
        stuck.start()


def test_a_condition_must_be_true_or_false() -> None:
    odd = play(model('<startEvent id="begin"/><endEvent id="e"/>\nbegin -> e if ${3 + 4}'))
    with pytest.raises(ExpressionError, match="neither true nor false"):
        odd.start()


def test_a_task_is_left_on_every_flow_whose_condition_holds() -> None:
    inspection = model("""
    <startEvent id="begin"/><userTask id="inspect"/><userTask id="brakes"/><userTask id="lights"/>
    begin -> inspect
    inspect -> brakes if ${brakes}
    inspect -> lights if ${lights}
    """)
    play(inspection).start().complete("inspect", brakes=True, lights=True).waits_at("brakes", "lights")
    play(inspection).start().complete("inspect", brakes=False, lights=True).waits_at("lights")


def test_skips_only_where_skipping_is_enabled() -> None:
    skipping = model(
        '<startEvent id="begin"/><userTask id="work" flowable:skipExpression="${skip}"/><endEvent id="e"/>\nbegin -> work\nwork -> e'
    )
    play(skipping).start(skip=True).waits_at("work")
    play(skipping).start(skip=True, _FLOWABLE_SKIP_EXPRESSION_ENABLED=True).has_ended(at="e").has_done(work=1)


def test_a_user_task_is_made_of_its_expressions() -> None:
    written = model("""
    <startEvent id="begin"/>
    <userTask id="work" name="Pack ${what}" flowable:assignee="${who}" flowable:candidateUsers="alice, ${more}" flowable:candidateGroups="${groups}"
      flowable:dueDate="P2D" flowable:priority="${10 + 5}" flowable:category="paper"><documentation>For ${nobody}</documentation></userTask>
    begin -> work
    """)
    story = play(written).start(what="boat", who="bob", more="charlie,dora", groups=["kitchen", "bar"])
    (task,) = story.case.tasks.values()
    assert (task["name"], task["assignee"], task["priority"], task["category"]) == ("Pack boat", "bob", 15, "paper")
    assert task["description"] == "For ${nobody}"  # a failing expression shows as written
    assert task["candidates"] == (("user", "alice"), ("user", "charlie"), ("user", "dora"), ("group", "kitchen"), ("group", "bar"))
    assert (task["due"] - story.world.moment).days == 2


def test_listeners_run_in_their_order() -> None:
    def note(event: str) -> str:
        return (
            f"""<flowable:executionListener event="{event}" expression="${{execution.setVariable('trail', trail.concat('{event} '))}}"/>"""
        )

    def hear(event: str) -> str:
        return f"""<flowable:taskListener event="{event}" expression="${{task.setVariable('trail', trail.concat('{event} '))}}"/>"""

    listening = model(f"""
    <startEvent id="begin"/>
    <userTask id="work" flowable:assignee="bob"><extensionElements>
      {note("start")}{note("end")}{hear("create")}{hear("assignment")}{hear("complete")}{hear("delete")}</extensionElements></userTask>
    <sequenceFlow id="out" sourceRef="work" targetRef="e"><extensionElements>{note("take")}</extensionElements></sequenceFlow>
    <endEvent id="e"/>
    begin -> work
    """)
    play(listening).start(trail="").complete("work").knows(trail="start assignment create complete delete end take ")


def test_a_task_listener_may_give_the_task_to_somebody() -> None:
    giving = model("""
    <startEvent id="begin"/>
    <userTask id="work"><extensionElements><flowable:taskListener event="create" expression="${task.setAssignee('charlie')}"/></extensionElements></userTask>
    begin -> work
    """)
    assert [t["assignee"] for t in play(giving).start().case.tasks.values()] == ["charlie"]


def test_scripts_set_variables_and_speak() -> None:
    scripted = model("""
    <startEvent id="begin"/>
    <scriptTask id="sum" scriptFormat="javascript" flowable:resultVariable="total"><script>println('adding'); execution.setVariable('half', a / 2); a + b</script></scriptTask>
    <scriptTask id="more" scriptFormat="juel" flowable:resultVariable="more"><script>${total + 1}</script></scriptTask>
    begin -> sum
    sum -> more
    """)
    story = play(scripted).start(a=4, b=3).knows(half=2, total=7, more=8).has_ended()
    assert story.said == ["adding"]


def test_a_technical_error_is_a_business_error_where_the_model_maps_it() -> None:
    mapped = model(
        """
    <startEvent id="begin"/>
    <serviceTask id="ask" flowable:class="ask"><extensionElements>
      <flowable:mapException errorCode="CLOSED" includeChildExceptions="true">java.lang.LookupError</flowable:mapException></extensionElements></serviceTask>
    <boundaryEvent id="closed" attachedToRef="ask"><errorEventDefinition errorRef="closedError"/></boundaryEvent>
    <endEvent id="later"/>
    begin -> ask
    closed -> later
    """,
        more='<error id="closedError" errorCode="CLOSED"/>',
    )

    def ask(call: Invocation) -> None:
        raise KeyError("nobody")

    play(mapped, ask=ask).start().has_ended(at="later")


def test_an_error_that_nobody_catches_fails_the_step() -> None:
    def ask(call: Invocation) -> None:
        raise BpmnError("LOST")

    with pytest.raises(TechnicalError, match="No catching boundary event found for error with errorCode 'LOST'"):
        play(model('<startEvent id="begin"/><serviceTask id="ask" flowable:class="ask"/>\nbegin -> ask'), ask=ask).start()


def test_an_instance_is_cancelled_with_its_reason() -> None:
    story = play(ORDER).start().cancel("not wanted")
    assert (story.case.outcome, [r.reason for r in story.case.history.values() if r.node == "enter"]) == ("cancelled", ["not wanted"])
    story.has_ended()
    assert story.open_tasks == []


def test_data_objects_give_way_to_start_variables() -> None:
    declared = model("""
    <dataObject id="size" name="size" itemSubjectRef="xsd:int" xmlns:xsd="http://www.w3.org/2001/XMLSchema"><extensionElements><flowable:value>7</flowable:value></extensionElements></dataObject>
    <startEvent id="begin"/><userTask id="work"/>
    begin -> work
    """)
    play(declared).start().knows(size=7)
    play(declared).start(size=9).knows(size=9)
