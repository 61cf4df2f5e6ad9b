"""Branches part and meet: parallel and inclusive gateways by their tokens, event gateways by the first event."""

from __future__ import annotations

from drawn import model

from engine.testing import play

FORK = """
<startEvent id="begin"/><parallelGateway id="fork"/><userTask id="a"/><userTask id="b"/><parallelGateway id="join"/><userTask id="after"/>
begin -> fork
fork -> a
fork -> b
a -> join
b -> join
join -> after
"""


def test_a_parallel_join_waits_for_all_and_counts_each_arrival() -> None:
    story = play(model(FORK)).start().waits_at("a", "b").complete("a").waits_at("b").has_done(join=1)
    story.complete("b").waits_at("after").has_done(fork=1, join=2).complete("after").has_ended()


def test_an_instance_ends_with_its_last_branch() -> None:
    ends = model('<startEvent id="begin"/><userTask id="a"/><userTask id="b"/><endEvent id="one"/><endEvent id="two"/>\n'
                 "begin -> a\nbegin -> b\na -> one\nb -> two")  # fmt: skip
    play(ends).start().complete("b").is_running().complete("a").has_ended(at="one")


def test_joins_count_tokens_whatever_the_shape() -> None:
    unbalanced = model("""
    <startEvent id="begin"/><parallelGateway id="one"/><parallelGateway id="two"/><parallelGateway id="join"/>
    <userTask id="a"/><userTask id="b"/><userTask id="c"/><userTask id="d"/>
    begin -> one
    one -> a
    one -> two
    two -> b
    two -> c
    a -> join
    b -> join
    c -> join
    join -> d
    """)
    play(unbalanced).start().complete("c").complete("a").waits_at("b").complete("b").waits_at("d").has_done(join=3)


def test_an_exclusive_merge_lets_every_token_through() -> None:
    merge = model(FORK.replace('<parallelGateway id="join"/>', '<exclusiveGateway id="join"/>'))
    play(merge).start().complete("a").complete("b").waits_at("after", "after")


INCLUSIVE = """
<startEvent id="begin"/><inclusiveGateway id="choose" default="choose_to_c"/><userTask id="a"/><userTask id="b"/><userTask id="c"/>
<inclusiveGateway id="join"/><userTask id="after"/>
begin -> choose
choose -> a if ${x > 0}
choose -> b if ${x > 1}
choose -> c
a -> join
b -> join
c -> join
join -> after
"""


def test_an_inclusive_join_waits_for_the_chosen_branches_only() -> None:
    play(model(INCLUSIVE)).start(x=2).waits_at("a", "b").complete("a").waits_at("b").complete("b").waits_at("after")
    play(model(INCLUSIVE)).start(x=1).waits_at("a").complete("a").waits_at("after")
    play(model(INCLUSIVE)).start(x=0).waits_at("c").complete("c").waits_at("after")


def test_an_inclusive_join_goes_on_when_a_branch_ends_before_it() -> None:
    early = model("""
    <startEvent id="begin"/><inclusiveGateway id="fork"/><userTask id="a"/><userTask id="b"/><endEvent id="off"/><inclusiveGateway id="join"/><userTask id="after"/>
    begin -> fork
    fork -> a
    fork -> b
    a -> join
    b -> join if ${stay}
    b -> off if ${!stay}
    join -> after
    """)
    play(early).start().complete("a").waits_at("b").complete("b", stay=False).waits_at("after")


def test_an_inclusive_join_waits_for_a_branch_that_loops_back() -> None:
    looping = model("""
    <startEvent id="begin"/><parallelGateway id="fork"/><userTask id="a"/><exclusiveGateway id="again"/><userTask id="sand"/><exclusiveGateway id="smooth"/>
    <inclusiveGateway id="join"/><userTask id="after"/>
    begin -> fork
    fork -> a
    fork -> again
    again -> sand
    sand -> smooth
    smooth -> again if ${!done}
    smooth -> join if ${done}
    a -> join
    join -> after
    """)
    story = play(looping).start().complete("a").complete("sand", done=False).waits_at("sand").complete("sand", done=True)
    story.waits_at("after")


def test_an_inclusive_join_waits_for_a_sub_process_on_its_way() -> None:
    nested = model("""
    <startEvent id="begin"/><inclusiveGateway id="fork"/><userTask id="a"/>
    <subProcess id="part"><startEvent id="in"/><userTask id="inside"/><endEvent id="out"/>
      <sequenceFlow id="i1" sourceRef="in" targetRef="inside"/><sequenceFlow id="i2" sourceRef="inside" targetRef="out"/></subProcess>
    <inclusiveGateway id="join"/><userTask id="after"/>
    begin -> fork
    fork -> a
    fork -> part
    a -> join
    part -> join
    join -> after
    """)
    play(nested).start().complete("a").waits_at("inside").complete("inside").waits_at("after")


EVENTS = model(
    """
<startEvent id="begin"/><eventBasedGateway id="first"/><userTask id="ship"/><userTask id="refund"/><userTask id="remind"/>
<intermediateCatchEvent id="paid"><messageEventDefinition messageRef="payment"/></intermediateCatchEvent>
<intermediateCatchEvent id="closed"><signalEventDefinition signalRef="closing"/></intermediateCatchEvent>
<intermediateCatchEvent id="late"><timerEventDefinition><timeDuration>PT2H</timeDuration></timerEventDefinition></intermediateCatchEvent>
begin -> first
first -> paid
first -> closed
first -> late
paid -> ship
closed -> refund
late -> remind
""",
    more='<message id="payment" name="payment received"/><signal id="closing" name="shop closed"/>',
)


def test_the_first_event_wins_and_the_others_are_cancelled() -> None:
    story = play(EVENTS).start().awaits("payment received", "shop closed").has_timers("late")
    story.message("payment received", receipt="R-1").waits_at("ship").awaits().has_timers().knows(receipt="R-1")
    story.has_done(first=1, paid=1, closed=1, late=1).complete("ship").has_ended()
    play(EVENTS).start().signal("shop closed").waits_at("refund").awaits()
    play(EVENTS).start().advance(hours=1).waits_at().advance(hours=1).waits_at("remind").awaits()
