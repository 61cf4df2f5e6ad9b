"""What a handler does outside is done under one name, however often and by whomever it is tried; and never for a step that is another's."""

from __future__ import annotations

from typing import Any

import pytest

from engine import runtime
from engine.errors import LeaseLost
from engine.models import Definition, Instance, Job, Request
from engine.models.fields import uuid7
from engine.runtime import attempts, requests
from engine.runtime.attempts import Attempt
from engine.runtime.operations import Wanted
from engine.runtime.store import claims, leases
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler, model
from tests.runtime.queue import ASYNC, ago, deploy, drain, hurry, start

pytestmark = pytest.mark.django_db
CALL = '<callActivity id="call" calledElement="called" flowable:async="true"/>'


@pytest.fixture(autouse=True)
def _fresh() -> None:
    handlers.CALLS.clear()
    handlers.AFTER.clear()
    attempts._OWED.clear()


def keys_of_all_attempts() -> list[str]:
    """Try until nothing is left to try."""
    for _ in range(4):
        drain()
        hurry()
    assert not Job.objects.exclude(state="dead").exists()
    return [key for _, key, _ in handlers.CALLS]


def begun(worker: str) -> claims.Claimed:
    (job,) = claims.claim_jobs(f"{worker}:1")
    ready = attempts.begin(job)
    assert ready
    return ready


def test_a_worker_that_lost_its_lease_does_not_do_the_step_that_came_after_its_own() -> None:
    start(handler("one", "outside", ASYNC), handler("two", "outside", ASYNC))
    stale = begun("w1")
    leases.release_worker("w1")
    Attempt(begun("w2")).run()
    leases.release_instances("w2", {stale.instance})  # type: ignore[arg-type]
    assert len(handlers.CALLS) == 1
    late = Attempt(stale)
    late.run()
    assert isinstance(late.error, LeaseLost)
    assert len(handlers.CALLS) == 1, "the token waits for another job now, and that step would have been done under this one's name"
    drain()
    assert len({key for _, key, _ in handlers.CALLS}) == len(handlers.CALLS) == 2
    assert Instance.objects.get().state == "completed"


def test_a_worker_that_lost_its_lease_does_nothing_outside_any_more() -> None:
    start(handler("one", "outside", ASYNC))
    stale = begun("w1")
    leases.release_worker("w1")
    late = Attempt(stale)
    late.run()
    assert isinstance(late.error, LeaseLost)
    assert handlers.CALLS == []
    assert Job.objects.get().state == "ready"


def test_a_called_process_that_begins_in_the_same_step_has_the_same_keys_at_every_attempt() -> None:
    runtime.deploy({"called.bpmn": model(handler("first", "outside"), handler("then", "failing"), key="called")}, name="called")
    start(CALL)
    keys = keys_of_all_attempts()
    assert len(keys) == 6, "two steps, three times"
    assert len(set(keys)) == 2


def test_two_processes_that_one_step_calls_have_keys_of_their_own() -> None:
    runtime.deploy({"called.bpmn": model(handler("first", "outside"), key="called")}, name="called")
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    start(f'<callActivity id="call" calledElement="called" flowable:async="true">{loop}</callActivity>')
    drain()
    assert len({key for _, key, _ in handlers.CALLS}) == len(handlers.CALLS) == 3


def test_a_process_that_is_started_by_a_timer_has_the_same_keys_at_every_attempt() -> None:
    event = '<startEvent id="start"><timerEventDefinition><timeDate>2020-01-01T00:00:00Z</timeDate></timerEventDefinition></startEvent>'
    source = model(handler("first", "failing")).replace(b'<startEvent id="start" flowable:initiator="initiator"/>', event.encode())
    runtime.deploy({"story.bpmn": source}, name="story")
    Job.objects.update(due=ago(1))
    keys = keys_of_all_attempts()
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_start_that_was_accepted_has_the_same_keys_at_every_attempt(admin: Any) -> None:
    deploy(handler("first", "failing"))
    request = _accepted(admin)
    keys = keys_of_all_attempts()
    assert len(keys) == 3
    assert len(set(keys)) == 1
    request.refresh_from_db()
    assert request.state == "failed"


def _accepted(caller: Any) -> Request:
    definition = Definition.objects.get()
    wanted = Wanted("start", definition, uuid7(), accepted=True)
    return requests.accept(wanted, caller)
