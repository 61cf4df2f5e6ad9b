"""One unit of work: all or nothing, late transactions, conflicts that repeat no effect, and a ledger that says it all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from engine import runtime
from engine.errors import BadInput, Conflict, Forbidden, HandlerError, NotFound, TechnicalError
from engine.models import Activity, Draft, Instance, Job, Ledger, Token, UserTask, Variable
from engine.runtime import attempts, instances, tasks
from engine.runtime.store import claims
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler, model, script, service, user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _fresh() -> None:
    handlers.CALLS.clear()
    handlers.AFTER.clear()


def deploy(*steps: str, key: str = "story") -> None:
    runtime.deploy({f"{key}.bpmn": model(*steps, key=key)}, name=key)


def open_task(instance: Instance) -> UserTask:
    return UserTask.objects.get(instance=instance, state="open")


def ledger(instance: Instance | None) -> list[tuple[str, int, str]]:
    return [(str(row), row.attempt, row.outcome) for row in Ledger.objects.filter(instance=instance)]


def test_runs_to_the_next_wait_state_in_one_transaction() -> None:
    deploy(service("add", "${1 + 1}", 'flowable:resultVariable="sum"'), user("enter"))
    instance = runtime.start("story")
    assert open_task(instance).name == "Enter"
    assert instances.variables(instance.pk)["sum"] == 2
    assert ledger(instance) == [("T1", 1, "committed")]


def test_an_ended_instance_leaves_no_token_and_no_live_variable() -> None:
    deploy(user("enter"))
    instance = runtime.start("story", variables={"a": 1})
    runtime.complete(open_task(instance).pk, {"b": "two"})
    instance.refresh_from_db()
    assert (instance.state, instance.end_node) == ("completed", "end")
    assert not Token.objects.filter(instance=instance).exists()
    assert dict(Variable.objects.filter(instance=instance).values_list("name", "live")) == {"a": False, "b": False, "initiator": False}
    assert not Activity.objects.filter(instance=instance, ended=None).exists()


def test_a_unit_takes_no_more_steps_than_the_setting_says(settings: Any) -> None:
    deploy(*(service(f"s{n}", "${1}") for n in range(50)))
    settings.ENGINE_MAX_STEPS = 100
    with pytest.raises(TechnicalError, match="did not come to rest within 100 steps"):
        runtime.start("story")
    settings.ENGINE_MAX_STEPS = 1000
    assert runtime.start("story").state == "completed"


def test_a_failing_step_leaves_everything_as_it_was_and_the_ledger_names_it() -> None:
    deploy(user("enter"), script("store", 'throw new Error("Failure!")'))
    instance = runtime.start("story")
    task = open_task(instance)
    with pytest.raises(Exception, match="Failure!"):
        runtime.complete(task.pk, {"pizza": "Margherita"})
    assert open_task(instance) == task
    assert "pizza" not in instances.variables(instance.pk)
    assert ledger(instance) == [("T1", 1, "committed"), ("T2", 1, "rolled back")]
    undone = Ledger.objects.get(instance=instance, outcome="rolled back")
    assert "Failure!" in (undone.error or "")
    assert undone.node == "store"
    assert [step[:2] for step in undone.journal] == [["left", "enter"], ["taken", "f1"], ["entered", "store"]]


def test_further_attempts_at_a_transaction_are_counted() -> None:
    deploy(user("enter"), handler("store", "failing"))
    instance = runtime.start("story")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            runtime.complete(open_task(instance).pk)
    assert ledger(instance)[1:] == [("T2", 1, "rolled back"), ("T2", 2, "rolled back")]


def test_a_failed_start_leaves_only_its_line_in_the_ledger() -> None:
    deploy(handler("store", "failing"))
    with pytest.raises(RuntimeError):
        runtime.start("story")
    assert not Instance.objects.exists()
    assert ledger(None) == [("T1", 1, "rolled back")]


def test_remote_work_runs_before_the_transaction_opens_and_transactional_handlers_in_it() -> None:
    deploy(handler("far", "outside"), handler("near", "inside"))
    instance = runtime.start("story")
    assert [(name, within) for name, _, within in handlers.CALLS] == [("outside", False), ("inside", True)]
    assert Group.objects.filter(name=f"made by {instance.pk}").exists()


def test_what_a_transactional_handler_wrote_goes_with_the_unit() -> None:
    deploy(handler("near", "inside"), script("store", "throw new Error('no')"))
    with pytest.raises(Exception, match="no"):
        runtime.start("story")
    assert not Group.objects.filter(name__startswith="made by").exists()


def test_a_conflict_does_not_repeat_remote_work() -> None:
    deploy(user("enter"), handler("far", "outside"), user("confirm"))
    instance = runtime.start("story")
    handlers.AFTER.append(lambda: runtime.set_variables(instance.pk, {"changed": "meanwhile"}))
    runtime.complete(open_task(instance).pk)
    assert len(handlers.CALLS) == 1
    assert open_task(instance).name == "Confirm"
    assert instances.variables(instance.pk)["changed"] == "meanwhile"
    assert ledger(instance) == [("T1", 1, "committed"), ("T2", 1, "committed"), ("T3", 1, "committed")]


def test_who_comes_second_to_a_task_is_told_and_repeats_nothing() -> None:
    deploy(user("enter"), handler("far", "outside"), user("confirm"))
    instance = runtime.start("story")
    task = open_task(instance)
    handlers.AFTER.append(lambda: runtime.complete(task.pk, {"by": "the other"}))
    with pytest.raises(Conflict):
        runtime.complete(task.pk, {"by": "me"})
    assert instances.variables(instance.pk)["by"] == "the other"
    assert UserTask.objects.filter(instance=instance, name="Confirm").count() == 1


def test_the_rounds_of_a_loop_have_idempotency_keys_of_their_own() -> None:
    loop = "<multiInstanceLoopCharacteristics><loopCardinality>3</loopCardinality></multiInstanceLoopCharacteristics>"
    deploy(handler("far", "outside").replace("/>", f">{loop}</serviceTask>"))
    runtime.start("story")
    assert len({key for _, key, _ in handlers.CALLS}) == len(handlers.CALLS) == 3


def test_a_step_that_takes_time_shows_it_in_the_history() -> None:
    deploy(script("store", "Thread.sleep(120)", language="groovy"), user("confirm"))
    instance = runtime.start("story")
    store = Activity.objects.get(instance=instance, node="store")
    assert store.ended is not None
    assert (store.ended - store.started).total_seconds() >= 0.1


def test_the_idempotency_key_is_the_same_for_every_attempt_of_a_task() -> None:
    deploy(user("enter"), handler("store", "failing"))
    instance = runtime.start("story")
    for _ in range(2):
        with pytest.raises(RuntimeError):
            runtime.complete(open_task(instance).pk)
    keys = {key for _, key, _ in handlers.CALLS}
    assert len(handlers.CALLS) == 2
    assert len(keys) == 1


def test_inside_a_hosts_transaction_it_joins_and_refuses_remote_work() -> None:
    deploy(user("enter"), user("confirm"))
    deploy(handler("far", "outside"), key="remote")
    with transaction.atomic():
        runtime.start("story")
        transaction.set_rollback(True)
    assert not Instance.objects.exists()
    with pytest.raises(HandlerError, match="remote work"), transaction.atomic():
        runtime.start("remote")


def test_an_async_step_ends_the_unit_with_a_job_in_the_same_transaction() -> None:
    deploy(user("enter"), handler("store", "outside", 'flowable:async="true"'))
    instance = runtime.start("story")
    runtime.complete(open_task(instance).pk)
    job = Job.objects.get(instance=instance)
    assert (job.kind, job.state, job.node, job.name, job.retries, job.exclusive) == ("async", "ready", "store", "Store", 3, True)
    assert handlers.CALLS == []


def test_a_cancelled_instance_keeps_its_reason_and_its_task_ends() -> None:
    deploy(user("enter"))
    instance = runtime.start("story")
    task = open_task(instance)
    runtime.cancel(instance.pk, "changed my mind")
    instance.refresh_from_db()
    task.refresh_from_db()
    assert (instance.state, instance.reason) == ("cancelled", "changed my mind")
    assert (task.state, task.reason) == ("deleted", "changed my mind")
    with pytest.raises(Conflict):
        runtime.cancel(instance.pk, "again")


def test_a_stranger_may_neither_start_nor_complete(alice: User, charlie: User) -> None:
    deploy(user("enter"))
    with pytest.raises(Forbidden):
        runtime.start("story", user=charlie)
    instance = runtime.start("story", user=alice)
    with pytest.raises(Forbidden):
        runtime.complete(open_task(instance).pk, user=charlie)
    runtime.complete(open_task(instance).pk, user=alice)


def test_a_task_is_completed_once() -> None:
    deploy(user("enter"))
    task = open_task(runtime.start("story"))
    runtime.complete(task.pk)
    with pytest.raises(Conflict):
        runtime.complete(task.pk)
    with pytest.raises(NotFound):
        runtime.complete("no such task")


def _statements(captured: CaptureQueriesContext) -> list[str]:
    """Without BEGIN, COMMIT and savepoints."""
    return [q["sql"] for q in captured.captured_queries if not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK"))]


@pytest.mark.parametrize(("steps", "most"), [((script("add", "1 + 1"),), 6), ((user("enter"),), 8)], ids=["script", "user task"])
def test_a_start_takes_few_statements(steps: tuple[str, ...], most: int) -> None:
    deploy(*steps)
    runtime.start("story")  # the graph is parsed once in a process
    with CaptureQueriesContext(connection) as captured:
        runtime.start("story", variables={"a": 1})
    assert len(_statements(captured)) <= most, _statements(captured)


def test_completing_the_last_task_takes_few_statements(alice: User) -> None:
    deploy(user("enter"))
    task = open_task(runtime.start("story", variables={"a": 1}, user=alice))
    with CaptureQueriesContext(connection) as captured:
        runtime.complete(task.pk, {"b": 2}, user=alice)
    assert len(_statements(captured)) <= 11, _statements(captured)


def test_the_statements_of_a_unit_do_not_grow_with_its_steps() -> None:
    deploy(*(service(f"s{i}", "${1 + 1}", f'flowable:resultVariable="v{i}"') for i in range(2)), key="two")
    deploy(*(service(f"s{i}", "${1 + 1}", f'flowable:resultVariable="v{i}"') for i in range(40)), key="forty")
    counts = []
    for key in ("two", "forty"):
        runtime.start(key)
        with CaptureQueriesContext(connection) as captured:
            runtime.start(key)
        counts.append(len(_statements(captured)))
    assert counts[0] == counts[1]


def test_a_conflict_does_not_repeat_remote_work_of_a_called_process() -> None:
    deploy(handler("far", "outside"), user("confirm"), key="called")
    deploy(user("enter"), '<callActivity id="call" calledElement="called"/>')
    instance = runtime.start("story")
    handlers.AFTER.append(lambda: runtime.set_variables(instance.pk, {"changed": "meanwhile"}))
    runtime.complete(open_task(instance).pk)
    assert len(handlers.CALLS) == 1
    assert Instance.objects.filter(parent=instance.pk).count() == 1


def test_what_an_expression_writes_is_not_lost_to_a_conflict() -> None:
    deploy(user("enter"), service("note", "${execution.setVariable('noted', 1)}"), handler("far", "outside"), user("confirm"))
    instance = runtime.start("story")
    handlers.AFTER.append(lambda: runtime.set_variables(instance.pk, {"changed": "meanwhile"}))
    runtime.complete(open_task(instance).pk)
    assert instances.variables(instance.pk)["noted"] == 1


def test_what_belongs_to_a_task_alone_ends_with_it(alice: User) -> None:
    deploy(user("enter"), user("confirm"))
    instance = runtime.start("story", user=alice)
    task = open_task(instance)
    tasks.save_draft(task.pk, {"pizza": "half typed"}, alice)
    tasks.set_variables(task.pk, {"note": "mine"}, user=alice)
    tasks.complete(task.pk, {"pizza": "Diavola"}, local={"said": "only here"}, user=alice)
    assert not Draft.objects.exists()
    assert "said" not in instances.variables(instance.pk)
    assert Variable.objects.get(task=task.pk, name="said").live is False


def test_what_a_step_refuses_is_a_failure_of_the_step() -> None:
    deploy(user("enter"), handler("odd", "unstorable"))
    instance = runtime.start("story")
    with pytest.raises(BadInput):
        runtime.complete(open_task(instance).pk)
    assert ledger(instance)[1:] == [("T2", 1, "rolled back")]


def test_an_asynchronous_step_takes_few_statements_from_its_claim_to_the_end() -> None:
    deploy(service("add", "${a + 1}", 'flowable:async="true" flowable:resultVariable="sum"'))
    instance = runtime.start("story", variables={"a": 1})
    with CaptureQueriesContext(connection) as captured:
        (job,) = claims.claim_jobs("tests:1", 1)
        begun = attempts.begin(job)
        assert begun is not None
        attempts.Attempt(begun).run()
    assert instances.get(instance.pk).ended
    assert len(_statements(captured)) <= 13, _statements(captured)
