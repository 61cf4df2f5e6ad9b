"""The same activity several times: how many rounds, what each round sees, when it is enough, and what becomes of the rest."""

from __future__ import annotations

import pytest
from drawn import model

from engine.errors import TechnicalError
from engine.interpreter.journal import Answer
from engine.testing import Story, play


def many(
    inside: str, *, task: str = '<userTask id="each" name="Each ${loopCounter}">{}</userTask>', attributes: str = "", more: str = ""
) -> bytes:
    loop = f"<multiInstanceLoopCharacteristics {attributes}>{inside}</multiInstanceLoopCharacteristics>"
    return model(f'<startEvent id="begin"/>{task.replace("{}", loop)}<userTask id="after"/>{more}\nbegin -> each\neach -> after')


THREE = "<loopCardinality>3</loopCardinality>"


def test_parallel_rounds_are_open_together() -> None:
    story = play(many(THREE)).start().waits_at("Each 0", "Each 1", "Each 2").complete("Each 1").complete("Each 0").waits_at("Each 2")
    story.complete("Each 2").waits_at("after").has_done(each=3).knows_nothing_of("loopCounter", "nrOfInstances")


def test_sequential_rounds_come_one_after_the_other() -> None:
    story = play(many(THREE, attributes='isSequential="true"')).start()
    for number in range(3):
        story.waits_at(f"Each {number}").complete(f"Each {number}")
    story.waits_at("after").has_done(each=3)


def test_rounds_go_through_a_collection() -> None:
    drawn = many(
        "",
        task='<userTask id="each" name="Ask ${who.name}">{}</userTask>',
        attributes='flowable:collection="people" flowable:elementVariable="who"',
    )
    play(drawn).start(people=[{"name": "ann"}, {"name": "bob"}]).waits_at("Ask ann", "Ask bob").complete("Ask bob").complete(
        "Ask ann"
    ).waits_at("after")


def test_no_rounds_leave_no_trace() -> None:
    drawn = many("", attributes='flowable:collection="${people}" flowable:elementVariable="who"')
    play(drawn).start(people=[]).waits_at("after").has_done(each=0)


def test_a_negative_number_of_rounds_and_a_missing_collection_fail() -> None:
    with pytest.raises(TechnicalError, match="non-negative"):
        play(many("<loopCardinality>${-1}</loopCardinality>")).start()
    with pytest.raises(TechnicalError, match="'people' was not found"):
        play(many("", attributes='flowable:collection="people"')).start()


def test_enough_is_enough() -> None:
    until = "<completionCondition>${nrOfCompletedInstances >= 2}</completionCondition>"
    story = play(many(THREE + until)).start().complete("Each 2").complete("Each 0").waits_at("after").has_done(each=3)
    assert story.awaits().has_jobs().open_tasks == ["after"]
    play(many(THREE + until, attributes='isSequential="true"')).start().complete("Each 0").complete("Each 1").waits_at("after").has_done(
        each=2
    )


def test_rounds_see_how_far_the_activity_is() -> None:
    seen: list[tuple[int, int, int]] = []

    def look(call: object) -> None:
        values = call.variables  # type: ignore[attr-defined]
        seen.append((values["loopCounter"], values["nrOfCompletedInstances"], values["nrOfActiveInstances"]))

    drawn = many(THREE, task='<serviceTask id="each" flowable:class="look">{}</serviceTask>', attributes='isSequential="true"')
    play(drawn, look=look).start().waits_at("after")
    assert seen == [(0, 0, 1), (1, 1, 1), (2, 2, 1)]


def test_every_flagged_round_has_its_own_job() -> None:
    task = '<scriptTask id="each" scriptFormat="juel" flowable:async="true">{}<script>${1}</script></scriptTask>'
    play(many(THREE, task=task)).start().has_jobs("each", "each", "each").run_jobs().waits_at("after").has_done(each=3)
    play(many(THREE, task=task, attributes='isSequential="true"')).start().has_jobs("each").run_jobs().waits_at("after")


def test_the_leave_job_comes_once_behind_all_rounds() -> None:
    task = '<scriptTask id="each" scriptFormat="juel" flowable:asyncLeave="true">{}<script>${1}</script></scriptTask>'
    play(many(THREE, task=task)).start().has_jobs("each").has_done(each=3).run_jobs().waits_at("after")


def test_a_boundary_event_ends_all_rounds() -> None:
    more = '<boundaryEvent id="late" attachedToRef="each"><timerEventDefinition><timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>'
    story = play(many(THREE, more=more)).start().complete("Each 1").advance(hours=1)
    story.has_ended(at="late").has_done(each=3, late=1)


def test_rounds_of_a_sub_process_have_variables_of_their_own() -> None:
    task = """<subProcess id="each">{}<startEvent id="in"/>
      <serviceTask id="price" flowable:expression="${line.pieces * 10}" flowable:resultVariable="sum" flowable:useLocalScopeForResultVariable="true"/>
      <userTask id="check" name="Check ${line.what}"/><sequenceFlow id="f1" sourceRef="in" targetRef="price"/>
      <sequenceFlow id="f2" sourceRef="price" targetRef="check"/></subProcess>"""
    drawn = many("", task=task, attributes='flowable:collection="lines" flowable:elementVariable="line"')
    story = play(drawn).start(lines=[{"what": "rope", "pieces": 1}, {"what": "sail", "pieces": 2}]).waits_at("Check rope", "Check sail")
    story.complete("Check sail").waits_at("Check rope").complete("Check rope").waits_at("after").has_done(each=2).knows_nothing_of(
        "sum", "line"
    )


def test_what_the_rounds_made_is_gathered_in_their_order() -> None:
    gather = """<extensionElements><flowable:variableAggregation target="votes"><flowable:variable source="vote"/><flowable:variable source="loopCounter" target="by"/>
      </flowable:variableAggregation></extensionElements><loopCardinality>2</loopCardinality>"""

    def vote(story: Story, number: int, value: str) -> None:
        story.complete(f"Each {number}", vote=value)

    story = play(many(gather)).start()
    vote(story, 1, "no")
    vote(story, 0, "yes")
    assert story.waits_at("after").variables["votes"] == [{"vote": "yes", "by": 0}, {"vote": "no", "by": 1}]


def test_what_a_round_does_not_have_is_left_out_of_what_is_gathered() -> None:
    gather = """<extensionElements><flowable:variableAggregation target="seen"><variable source="loopCounter" target="by"/><variable source="vote"/>
      </flowable:variableAggregation></extensionElements><loopCardinality>1</loopCardinality>"""
    story = play(many(gather)).start().complete("Each 0")
    assert story.waits_at("after").variables["seen"] == [{"by": 0}]


def test_a_standard_loop_goes_on_while_its_condition_holds() -> None:
    def drawn(attributes: str) -> bytes:
        loop = f"<standardLoopCharacteristics {attributes}><loopCondition>${{n &lt; 3}}</loopCondition></standardLoopCharacteristics>"
        return model(
            f'<startEvent id="begin"/><serviceTask id="each" flowable:class="add">{loop}</serviceTask><userTask id="after"/>\nbegin -> each\neach -> after'
        )

    def add(call: object) -> Answer:
        return Answer(set={"n": call.variables["n"] + 1})  # type: ignore[attr-defined]

    play(drawn(""), add=add).start(n=0).waits_at("after").knows(n=3)
    play(drawn(""), add=add).start(n=5).waits_at("after").knows(n=6)
    play(drawn('testBefore="true"'), add=add).start(n=5).waits_at("after").knows(n=5)
    play(drawn('loopMaximum="2"'), add=add).start(n=0).waits_at("after").knows(n=2)


def test_execution_listeners_hear_of_the_body_and_of_every_round() -> None:
    def note(event: str, text: str) -> str:
        return (
            f"""<flowable:executionListener event="{event}" expression="${{execution.setVariable('trail', trail.concat('{text} '))}}"/>"""
        )

    heard = f"<extensionElements>{note('start', 'in')}{note('end', 'out')}</extensionElements>"
    drawn = many(THREE, task=f'<userTask id="each" name="Each ${{loopCounter}}">{heard}{{}}</userTask>', attributes='isSequential="true"')
    story = play(drawn).start(trail="").knows(trail="in in ")
    for number in range(3):
        story.complete(f"Each {number}")
    story.knows(trail="in in out in out in out out ")


def test_delete_listeners_hear_of_the_rounds_that_are_not_needed() -> None:
    gone = """<extensionElements><flowable:taskListener event="delete" expression="${execution.setVariable('gone', gone + 1)}"/></extensionElements>"""
    until = "<completionCondition>${nrOfCompletedInstances >= 1}</completionCondition>"
    task = f'<userTask id="each" name="Each ${{loopCounter}}">{gone}{{}}</userTask>'
    play(many(THREE + until, task=task)).start(gone=0).complete("Each 1").knows(gone=3)  # completing deletes a task, too
