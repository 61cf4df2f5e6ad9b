"""The asynchronous flag: a flagged step is a wait state before it is entered, or before it is left; nothing else changes."""

from __future__ import annotations

import pytest
from drawn import model

from engine.errors import Conflict
from engine.interpreter.journal import Ran
from engine.testing import play

BEFORE = model("""
<startEvent id="begin"/>
<serviceTask id="store" flowable:async="true" flowable:expression="${amount * 2}" flowable:resultVariable="total">
  <extensionElements><flowable:executionListener event="start" expression="${execution.setVariable('heard', amount)}"/></extensionElements></serviceTask>
<boundaryEvent id="late" attachedToRef="store"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>
<endEvent id="done"/><endEvent id="given_up"/>
begin -> store
store -> done
late -> given_up
""")


def test_nothing_of_a_flagged_step_happens_before_its_job() -> None:
    story = play(BEFORE).start(amount=2).has_jobs("store").has_timers().has_done(begin=1, store=0).knows_nothing_of("heard", "total")
    story.set(amount=21)
    story.run_jobs().has_ended(at="done").knows(heard=21, total=42).has_done(store=1, late=1)


def test_a_job_fails_three_times_and_dies_with_its_error() -> None:
    story = play(BEFORE).start(amount="none").run_jobs().has_timers("store").advance(seconds=10).has_timers("store")
    story.advance(seconds=10).has_dead("store").is_running().has_done(store=0)
    assert "ExpressionError" in (story.failure or "")


def test_a_retry_cycle_counts_on_any_node() -> None:
    risky = model("""
    <startEvent id="begin"/>
    <exclusiveGateway id="risky" flowable:async="true"><extensionElements><flowable:failedJobRetryTimeCycle>R1/PT1M</flowable:failedJobRetryTimeCycle></extensionElements></exclusiveGateway>
    <endEvent id="a"/><endEvent id="b"/>
    begin -> risky
    risky -> a if ${x}
    risky -> b if ${!x}
    """)
    play(risky).start().run_jobs().has_dead("risky")


AFTER = model("""
<startEvent id="begin"/>
<serviceTask id="store" flowable:asyncLeave="true" flowable:expression="${1}" flowable:resultVariable="total">
  <extensionElements><flowable:executionListener event="end" expression="${execution.setVariable('left', true)}"/></extensionElements></serviceTask>
<userTask id="large"/><userTask id="small"/>
begin -> store
store -> large if ${total > 10}
store -> small if ${total <= 10}
""")


def test_async_leave_comes_between_the_work_and_its_flows() -> None:
    story = play(AFTER).start().has_jobs("store").knows(total=1).knows_nothing_of("left").has_done(store=0)
    story.set(total=500).run_jobs().waits_at("large").knows(left=True).has_done(store=1)


def test_an_exclusive_gateway_has_chosen_before_it_leaves() -> None:
    gateway = model("""
    <startEvent id="begin"/><exclusiveGateway id="which" flowable:asyncLeave="true"/><userTask id="large"/><userTask id="small"/>
    begin -> which
    which -> large if ${total > 10}
    which -> small if ${total <= 10}
    """)
    play(gateway).start(total=1).set(total=500).run_jobs().waits_at("small")


def test_a_flagged_join_has_a_job_for_every_arriving_token() -> None:
    joining = model("""
    <startEvent id="begin"/><parallelGateway id="fork" flowable:async="true"/><userTask id="a"/><userTask id="b"/>
    <parallelGateway id="join" flowable:async="true"/><endEvent id="done" flowable:async="true"/>
    begin -> fork
    fork -> a
    fork -> b
    a -> join
    b -> join
    join -> done
    """)
    story = play(joining).start().has_jobs("fork").run_jobs().complete("a").complete("b").has_jobs("join", "join")
    story.run_jobs().has_ended(at="done").has_done(join=2, done=1)


def test_two_flagged_tasks_in_a_row_hop_from_job_to_job() -> None:
    row = model(
        '<startEvent id="begin"/><task id="one" flowable:async="true"/><task id="two" flowable:async="true"/>\nbegin -> one\none -> two'
    )
    story = play(row).start().has_jobs("one")
    story.world.run_job(story.jobs("ready")[0])
    story.has_jobs("two").has_done(one=1, two=0).run_jobs().has_ended()


def test_a_job_whose_token_is_gone_is_a_conflict() -> None:
    story = play(BEFORE).start(amount=1)
    with pytest.raises(Conflict):
        story.world.work((story.instance, Ran(99, "async")))


def test_a_triggerable_service_waits_behind_its_work() -> None:
    asking = model("""
    <startEvent id="begin"/><serviceTask id="ask" flowable:triggerable="true" flowable:expression="${'asked'}" flowable:resultVariable="state"/><endEvent id="e"/>
    begin -> ask
    ask -> e
    """)
    play(asking).start().knows(state="asked").is_running().trigger("ask", answer="yes").has_ended().knows(answer="yes")


def test_a_flagged_boundary_event_goes_on_in_a_job() -> None:
    drawn = model("""
    <startEvent id="begin"/><userTask id="work"/><userTask id="after"/>
    <boundaryEvent id="late" attachedToRef="work" flowable:async="true"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>
    begin -> work
    late -> after
    """)
    story = play(drawn).start()
    story.world.run_job(story.jobs("waiting")[0])
    story.waits_at().has_jobs("late").run_jobs().waits_at("after").has_done(late=1, work=1)


def test_an_external_worker_answers_with_variables_or_an_error() -> None:
    offered = model(
        """
    <startEvent id="begin"/><serviceTask id="paint" flowable:type="external-worker" flowable:topic="painting"/><endEvent id="dry"/>
    <boundaryEvent id="spilled" attachedToRef="paint"><errorEventDefinition errorRef="spill"/></boundaryEvent><endEvent id="wiped"/>
    begin -> paint
    paint -> dry
    spilled -> wiped
    """,
        more='<error id="spill" errorCode="SPILLED"/>',
    )
    play(offered).start().answer("painting", colour="red").has_ended(at="dry").knows(colour="red")
    play(offered).start().answer("painting", error="SPILLED").has_ended(at="wiped")


# -- triggered before its time
def flagged(step: str) -> bytes:
    """A process in which this step, `store`, waits for its job."""
    return model(f"""
    <startEvent id="begin"/>
    {step.format('flowable:async="true"')}
    <userTask id="after"/>
    begin -> store
    store -> after
    """)


@pytest.mark.parametrize(
    "step",
    ['<serviceTask id="store" {} flowable:expression="${{kitchen.store()}}"/>', '<userTask id="store" {}/>', '<receiveTask id="store" {}/>',
     '<intermediateCatchEvent id="store" {}><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></intermediateCatchEvent>'],
    ids=["service", "user", "receive", "catch"],
)  # fmt: skip
def test_a_flagged_step_that_is_triggered_is_left_undone_and_its_job_is_gone(step: str) -> None:
    story = play(flagged(step)).start().has_jobs("store").trigger("store", seen=True)
    story.waits_at("after").has_jobs().has_timers().has_done(store=0, after=0).knows(seen=True)


@pytest.mark.parametrize(
    "step",
    ['<scriptTask id="store" {} scriptFormat="juel"><script>${{1}}</script></scriptTask>', '<exclusiveGateway id="store" {}/>',
     '<manualTask id="store" {}/>'],
    ids=["script", "gateway", "manual"],
)  # fmt: skip
def test_what_takes_no_trigger_waits_for_its_job(step: str) -> None:
    story = play(flagged(step)).start()
    with pytest.raises(Conflict):
        story.trigger("store")
    story.has_jobs("store")


def test_a_step_that_is_done_and_waits_to_be_left_takes_no_trigger() -> None:
    story = play(AFTER).start()
    with pytest.raises(Conflict):
        story.trigger("store")
    story.has_jobs("store").run_jobs().waits_at("small")


def test_a_trigger_takes_the_work_from_its_worker() -> None:
    drawn = model("""
    <startEvent id="begin"/>
    <serviceTask id="bake" flowable:type="external-worker" flowable:topic="oven"/>
    <userTask id="after"/>
    begin -> bake
    bake -> after
    """)
    story = play(drawn).start().trigger("bake", baked=False).waits_at("after").knows(baked=False).has_done(bake=1)
    assert not story.jobs("external")


def test_a_conditional_event_that_is_triggered_looks_at_its_condition() -> None:
    drawn = model("""
    <startEvent id="begin"/>
    <intermediateCatchEvent id="enough"><conditionalEventDefinition><condition>${amount > 3}</condition></conditionalEventDefinition></intermediateCatchEvent>
    <userTask id="after"/>
    begin -> enough
    enough -> after
    """)
    play(drawn).start(amount=1).trigger("enough", amount=2).knows(amount=2).waits_at().trigger("enough", amount=4).waits_at("after")
