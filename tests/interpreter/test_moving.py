"""An operator begins a node, takes away what stands at one, or lets it begin again; the rest of the process counts rightly afterwards."""

from __future__ import annotations

import pytest
from drawn import model

from engine.errors import BadInput, Conflict
from engine.interpreter.journal import Dropped, Entering
from engine.testing import play
from engine.testing.story import Story

FORK = """<startEvent id="begin"/><parallelGateway id="fork"/><userTask id="a"/><userTask id="b"/><userTask id="c"/><endEvent id="x"/><endEvent id="y"/>
    begin -> fork
    fork -> a
    fork -> b
    a -> x
    b -> y
    c -> x"""
PART = """<startEvent id="begin"/><subProcess id="part"><startEvent id="in"/><userTask id="a"/><userTask id="b"/><endEvent id="out"/>
    in -> a
    a -> b
    b -> out
    </subProcess><userTask id="after"/><boundaryEvent id="late" attachedToRef="part"><timerEventDefinition>
    <timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent><userTask id="instead"/>
    begin -> part
    part -> after
    late -> instead"""


def at(story: Story, node: str) -> int:
    """The token that stands at a node."""
    (found,) = (t.number for t in story.case.state.tokens.values() if t.node == node)
    return found


def begin(story: Story, node: str) -> Story:
    story.world.work((story.instance, Entering(node)))
    return story


def drop(story: Story, node: str, *, again: bool = False) -> Story:
    story.world.work((story.instance, Dropped(at(story, node), again)))
    return story


def test_a_node_begins_beside_what_is_open_and_its_branch_has_to_end_too() -> None:
    story = begin(play(model(FORK)).start(), "c").waits_at("a", "b", "c")
    story.complete("a").complete("b").is_running().complete("c").has_ended()


def test_what_is_taken_away_need_not_end() -> None:
    drop(play(model(FORK)).start(), "a").waits_at("b").complete("b").has_ended()


def test_an_instance_whose_last_branch_is_taken_away_stands_until_another_begins() -> None:
    story = drop(drop(play(model(FORK)).start(), "a"), "b").waits_at().is_running()
    begin(story, "c").complete("c").has_ended()


def test_what_begins_again_stands_there_anew() -> None:
    story = play(model(FORK)).start()
    before = at(story, "a")
    drop(story, "a", again=True).waits_at("a", "b")
    assert at(story, "a") != before
    story.complete("a").complete("b").has_ended()


def test_a_sub_process_goes_with_all_that_is_in_it_and_who_listens_at_it() -> None:
    story = drop(play(model(PART)).start(), "part").waits_at().has_timers()
    begin(story, "after").complete("after").has_ended()


def test_a_sub_process_begins_again_from_its_start() -> None:
    drop(play(model(PART)).start().complete("a").waits_at("b"), "part", again=True).waits_at("a").has_timers("late")


def test_a_node_begins_in_the_sub_process_that_it_lies_in() -> None:
    story = begin(play(model(PART)).start(), "b").waits_at("a", "b")
    story.complete("b").waits_at("a").complete("a").complete("b").waits_at("after")


def test_a_node_of_what_is_not_open_cannot_begin() -> None:
    story = play(model(PART)).start().complete("a").complete("b").waits_at("after")
    with pytest.raises(Conflict, match="open 0 times"):
        begin(story, "b")


@pytest.mark.parametrize(("node", "error"), [("late", Conflict), ("nobody", BadInput)])
def test_what_is_no_step_of_its_own_cannot_begin(node: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        begin(play(model(PART)).start(), node)


def test_who_only_listens_cannot_be_taken_away() -> None:
    story = play(model(PART)).start()
    with pytest.raises(Conflict, match="no branch of its own"):
        drop(story, "late")


def test_a_round_cannot_be_taken_away_but_all_rounds_can() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    story = play(model(f'<startEvent id="begin"/><userTask id="a">{loop}</userTask><userTask id="b"/>\nbegin -> a\na -> b')).start()
    (body,) = (t.number for t in story.case.state.tokens.values() if "rounds" in t.counters)
    (one, *_) = (t.number for t in story.case.state.tokens.values() if t.parent == body)
    with pytest.raises(Conflict):
        story.world.work((story.instance, Dropped(one)))
    story.world.work((story.instance, Dropped(body, again=True)))
    story.waits_at("a", "a", "a").complete("a").complete("a").complete("a").waits_at("b")


def test_rivals_behind_an_event_gateway_go_together() -> None:
    rivals = """<startEvent id="begin"/><eventBasedGateway id="which"/><intermediateCatchEvent id="p"><signalEventDefinition signalRef="s"/>
        </intermediateCatchEvent><intermediateCatchEvent id="q"><messageEventDefinition messageRef="m"/></intermediateCatchEvent>
        begin -> which
        which -> p
        which -> q"""
    story = play(model(rivals, more='<signal id="s" name="news"/><message id="m" name="mail"/>')).start().awaits("mail", "news")
    drop(story, "p", again=True).awaits("mail", "news")
    drop(story, "q").awaits().is_running()


def test_what_is_gone_cannot_be_taken_away_again() -> None:
    story = play(model(FORK)).start()
    gone = at(story, "a")
    story.complete("a")
    with pytest.raises(Conflict):
        story.world.work((story.instance, Dropped(gone)))
