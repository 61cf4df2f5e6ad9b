"""Who hears a thrown signal or message, now or by a job of his own, and what starts by itself: messages, signals and timers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from engine import runtime
from engine.errors import Conflict, DeploymentError, NotFound, TechnicalError
from engine.models import Definition, Instance, Job, Ledger, Subscription, UserTask
from engine.runtime import definitions, deliveries, instances, messages
from tests.runtime.models import HEAD, user
from tests.runtime.queue import drain, hurry

pytestmark = pytest.mark.django_db

DECLARED = """
<signal id="bell" name="bell"/><signal id="whisper" name="whisper" flowable:scope="processInstance"/><message id="letter" name="letter"/>"""
BELL = '<signalEventDefinition signalRef="bell"/>'
WHISPER = '<signalEventDefinition signalRef="whisper"/>'
LETTER = '<messageEventDefinition messageRef="letter"/>'
LATER = '<signalEventDefinition signalRef="bell" flowable:async="true"/>'


def process(key: str, *steps: str, start: str = "") -> str:
    """A process of steps in a row; `start` is what its start event waits for."""
    ids = ["start", *(s.split('id="', 1)[1].split('"', 1)[0] for s in steps), "end"]
    flows = "".join(
        f'<sequenceFlow id="{key}-{i}" sourceRef="{ids[i]}-{key}" targetRef="{ids[i + 1]}-{key}"/>' for i in range(len(ids) - 1)
    )
    body = "".join(s.replace('id="', f'id="{"@"}', 1) for s in steps)
    for one in ids[1:-1]:
        body = body.replace(f'id="@{one}"', f'id="{one}-{key}"')
    return f'<process id="{key}"><startEvent id="start-{key}">{start}</startEvent>{body}<endEvent id="end-{key}"/>{flows}</process>'


def deploy(*processes: str) -> Any:
    return runtime.deploy({"events.bpmn": f"{HEAD}{DECLARED}{''.join(processes)}</definitions>".encode()}, name="events")


def catch(what: str) -> str:
    return f'<intermediateCatchEvent id="catch">{what}</intermediateCatchEvent>'


def throw(what: str) -> str:
    return f'<intermediateThrowEvent id="throw">{what}</intermediateThrowEvent>'


def every(text: str, kind: str = "timeCycle") -> str:
    return f"<timerEventDefinition><{kind}>{text}</{kind}></timerEventDefinition>"


def states(rows: Iterable[Instance]) -> list[str]:
    return [instances.get(row.pk).state for row in rows]


FAILING = '<serviceTask id="failing" flowable:expression="${unknown}"/>'


# -- who hears ------------------------------------------------------------------------------------------------------------
def test_a_signal_reaches_everybody_who_waits_and_starts_what_begins_with_it() -> None:
    deploy(process("waits", catch(BELL)), process("begins", user("greet", ""), start=BELL), process("rings", throw(BELL)))
    waiting = [runtime.start("waits") for _ in range(2)]
    ringing = runtime.start("rings")
    assert states([*waiting, ringing]) == ["completed"] * 3
    assert UserTask.objects.get().definition.key == "begins"


def test_a_signal_of_instance_scope_stays_in_its_instance_and_is_not_heard_from_outside() -> None:
    both = (
        '<parallelGateway id="fork"/><intermediateCatchEvent id="catch"><signalEventDefinition signalRef="whisper"/></intermediateCatchEvent>'
        '<userTask id="work"/><intermediateThrowEvent id="throw"><signalEventDefinition signalRef="whisper"/></intermediateThrowEvent>'
        '<endEvent id="heard"/><endEvent id="said"/>'
        '<sequenceFlow id="f1" sourceRef="start" targetRef="fork"/><sequenceFlow id="f2" sourceRef="fork" targetRef="catch"/>'
        '<sequenceFlow id="f3" sourceRef="fork" targetRef="work"/><sequenceFlow id="f4" sourceRef="work" targetRef="throw"/>'
        '<sequenceFlow id="f5" sourceRef="catch" targetRef="heard"/><sequenceFlow id="f6" sourceRef="throw" targetRef="said"/>'
    )
    deploy(f'<process id="both"><startEvent id="start"/>{both}</process>')
    one, other = runtime.start("both"), runtime.start("both")
    assert runtime.signal("whisper") == 0
    token = Subscription.objects.get(instance=one.pk).token
    messages.event(one.pk, token or 0, "signal", "whisper")
    assert states([one, other]) == ["active", "active"]
    runtime.complete(UserTask.objects.get(instance=one.pk).pk)
    assert states([one, other]) == ["completed", "active"]


def test_a_broadcast_passes_suspended_instances_by() -> None:
    deploy(process("waits", catch(BELL)), process("rings", throw(BELL)))
    asleep, awake = runtime.start("waits"), runtime.start("waits")
    instances.suspend(asleep.pk)
    runtime.start("rings")
    assert states([asleep, awake]) == ["active", "completed"]


def test_if_one_receiver_fails_none_receives_the_signal() -> None:
    deploy(process("waits", catch(BELL)), process("fails", catch(BELL), FAILING))
    rows = [runtime.start("waits"), runtime.start("fails")]
    with pytest.raises(TechnicalError):
        runtime.signal("bell")
    assert states(rows) == ["active", "active"]


def test_a_thrown_message_reaches_the_one_who_waits_longest_else_it_starts_a_process() -> None:
    deploy(process("waits", catch(LETTER)), process("begins", user("read", ""), start=LETTER), process("writes", throw(LETTER)))
    waiting = [runtime.start("waits") for _ in range(2)]
    runtime.start("writes")
    assert states(waiting) == ["completed", "active"]
    runtime.start("writes")
    runtime.start("writes")
    assert states(waiting) == ["completed", "completed"]
    assert UserTask.objects.get().definition.key == "begins"


# -- later ----------------------------------------------------------------------------------------------------------------
def test_an_asynchronous_throw_makes_a_job_for_each_receiver() -> None:
    deploy(
        process("waits", catch(BELL)), process("fails", catch(BELL), FAILING), process("begins", start=BELL), process("rings", throw(LATER))
    )
    good, bad = runtime.start("waits"), runtime.start("fails")
    runtime.start("rings")
    assert states([good, bad]) == ["active", "active"]
    assert Job.objects.filter(kind="deliver").count() == 3
    drain()
    assert states([good, bad]) == ["completed", "active"]
    assert Instance.objects.filter(definition__key="begins", state="completed").count() == 1
    failed = Job.objects.get()
    assert (failed.instance_id, failed.state, failed.retries) == (bad.pk, "waiting", 2)


def test_who_waits_no_more_when_his_delivery_is_run_is_passed_by() -> None:
    deploy(process("waits", catch(BELL), user("after", "")))
    instance = runtime.start("waits")
    assert deliveries.signal("bell") == 1
    assert deliveries.signal("bell") == 1
    job = Job.objects.first()
    assert job
    Job.objects.filter(pk=job.pk).update(token=99)  # as if that token had gone on another way
    drain()
    assert UserTask.objects.get().node == "after-waits"
    assert not Job.objects.exists()
    assert states([instance]) == ["active"]
    assert Ledger.objects.filter(outcome="overtaken").count() == 1


def test_a_delivery_brings_variables_with_their_types() -> None:
    deploy(process("waits", catch(BELL), user("after", "")))
    runtime.start("waits")
    given = {"amount": 3, "rate": 0.5, "tags": ["a", {"b": None}], "none": None, "text": "ü"}
    deliveries.signal("bell", given)
    drain()
    assert instances.variables(Instance.objects.get().pk) == given


# -- what waits ends with the instance ------------------------------------------------------------------------------------
def test_nothing_waits_any_more_for_an_instance_that_has_ended() -> None:
    listening = "".join(
        f'<subProcess id="{name}" triggeredByEvent="true"><startEvent id="{name}Begin">{what}</startEvent><endEvent id="{name}End"/>'
        f'<sequenceFlow id="{name}Flow" sourceRef="{name}Begin" targetRef="{name}End"/></subProcess>'
        for name, what in (("ring", BELL), ("read", LETTER), ("wake", every("PT1H", "timeDuration")))
    )
    deploy(process("waits", user("work", "")).replace("</process>", f"{listening}</process>"))
    runtime.start("waits")
    assert (Subscription.objects.count(), Job.objects.count()) == (2, 1)
    runtime.complete(UserTask.objects.get().pk)
    assert (Subscription.objects.count(), Job.objects.count()) == (0, 0)


# -- timers that start ----------------------------------------------------------------------------------------------------
def begun() -> int:
    hurry()
    drain()
    return Instance.objects.count()


def test_a_start_timer_starts_one_instance_of_nobody() -> None:
    deploy(process("timed", user("work", ""), start=every("PT1H", "timeDuration")))
    assert (begun(), begun()) == (1, 1)
    instance = Instance.objects.get()
    assert (instance.starter, instance.start_node) == (None, "start-timed")
    assert Ledger.objects.get().trigger == "timer"


def test_a_start_cycle_starts_as_often_as_it_says() -> None:
    deploy(process("timed", user("work", ""), start=every("R2/PT1H")))
    assert [begun() for _ in range(3)] == [1, 2, 2]


def test_a_start_cycle_goes_on_with_an_instance_that_fails_at_once() -> None:
    deploy(process("timed", FAILING, start=every("R/PT1H")))
    assert begun() == 0
    job = Job.objects.get()
    assert (job.state, job.retries, job.data["fired"]) == ("waiting", 2, 0)


def test_a_suspended_definition_starts_nothing_and_its_cycle_goes_on() -> None:
    deploy(process("timed", user("work", ""), start=every("R/PT1H")))
    key = Definition.objects.get().pk
    instances.suspend_definition(key, True)
    assert begun() == 0
    assert Job.objects.get().data["fired"] == 1
    instances.suspend_definition(key, False)
    assert begun() == 1


def test_a_start_timer_whose_end_is_past_is_never_due() -> None:
    deploy(process("timed", user("work", ""), start=every("R/2001-01-01T00:00:00Z/PT1H/2001-01-02T00:00:00Z")))
    assert not Job.objects.exists()


@pytest.mark.parametrize("start", [BELL, LETTER, every("PT1H", "timeDuration")], ids=["signal", "message", "timer"])
def test_a_new_version_listens_instead_and_the_old_one_again_when_it_is_deleted(start: str) -> None:
    def listening() -> list[int]:
        rows = [*Subscription.objects.all(), *Job.objects.all()]
        return [Definition.objects.get(pk=row.definition_id).version for row in rows]

    deploy(process("story", user("work", ""), start=start))
    newer = deploy(process("story", user("other", ""), start=start))
    assert listening() == [2]
    definitions.delete_deployment(newer.pk)
    assert listening() == [1]


def test_a_message_starts_the_process_that_begins_with_it_and_no_other() -> None:
    deploy(process("story", user("work", ""), start=LETTER))
    with pytest.raises(NotFound):
        runtime.start(message="parcel")
    assert runtime.start(message="letter").start_node == "start-story"


def test_a_message_to_a_token_that_does_not_wait_for_it_is_a_conflict() -> None:
    deploy(process("waits", catch(LETTER)))
    instance = runtime.start("waits")
    with pytest.raises(Conflict):
        messages.event(instance.pk, 1, "message", "parcel")


def test_a_message_that_starts_another_process_already_is_refused() -> None:
    deploy(process("first", user("work", ""), start=LETTER))
    with pytest.raises(DeploymentError, match="starts the process first already"):
        deploy(process("second", user("work", ""), start=LETTER))
    assert [d.key for d in Definition.objects.all()] == ["first"]


def test_an_older_version_comes_back_without_the_message_that_another_process_has_taken() -> None:
    deploy(process("story", user("work", ""), start=LETTER))
    newer = deploy(process("story", user("other", "")))
    deploy(process("second", user("work", ""), start=LETTER))
    definitions.delete_deployment(newer.pk)
    assert [s.definition.key for s in Subscription.objects.all() if s.definition] == ["second"]


# -- suspended ------------------------------------------------------------------------------------------------------------
def test_a_suspended_instance_takes_no_variables() -> None:
    deploy(process("story", user("work", "")))
    instance = runtime.start("story")
    instances.suspend(instance.pk)
    with pytest.raises(Conflict, match="suspended"):
        runtime.set_variables(instance.pk, {"x": 1})
    instances.activate(instance.pk)
    runtime.set_variables(instance.pk, {"x": 1})
    assert instances.variables(instance.pk) == {"x": 1}


def test_a_failed_step_is_tried_at_once_when_its_instance_is_activated_and_a_timer_waits_on() -> None:
    failing = '<serviceTask id="failing" flowable:async="true" flowable:expression="${unknown}"/>'
    deploy(process("fails", failing), process("waits", catch(every("PT1H", "timeDuration"))))
    rows = [runtime.start("fails"), runtime.start("waits")]
    drain()
    for verb in (instances.suspend, instances.activate):
        for row in rows:
            verb(row.pk)
    assert dict(Job.objects.values_list("kind", "state")) == {"async": "ready", "timer": "waiting"}
