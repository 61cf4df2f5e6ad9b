"""What ended long enough ago is removed, with every row that refers to it, in small transactions; nothing else is."""

from __future__ import annotations

import threading
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from engine import runtime
from engine.errors import DeploymentError, NotFound
from engine.models import (
    Activity,
    Attachment,
    Blob,
    Comment,
    Delivery,
    Draft,
    IdentityLink,
    Instance,
    Job,
    Ledger,
    Promise,
    Request,
    Token,
    UserTask,
    Variable,
    Worker,
)
from engine.models.fields import uuid7
from engine.runtime import definitions, drain, instances, retention, standalone
from engine.runtime.store import claims, erasing
from tests.runtime.models import model, script, user
from tests.runtime.queue import ago, deploy, make_job
from tests.runtime.queue import drain as drained

pytestmark = pytest.mark.django_db
DAY = 86_400.0
KEEPS = ("towpath_deployment", "towpath_resource", "towpath_definition", "towpath_worker", "towpath_promise")
_counter = count()


def ended(days: float, key: str = "story", **more: Any) -> Instance:
    """An instance that ended so many days ago; its process is deployed when it is not there."""
    if not definitions.Definition.objects.filter(key=key).exists():
        deploy(user("enter"), key=key)
    instance = runtime.start(key, variables={"note": "n", "long": "x" * 70_000})
    runtime.complete(UserTask.objects.get(instance=instance).pk)
    Instance.objects.filter(pk=instance.pk).update(ended=ago(days * DAY), **more)
    return instance


def called(root: Instance, **more: Any) -> Instance:
    """An instance that another one called."""
    return Instance.objects.create(definition=root.definition, parent=root.pk, root=root.pk, started=ago(1), **more)


def swept(*, size: int | None = None, **how: Any) -> int:
    return sum(batch.number for batch in retention.remove(retention.rules(**how), size=size) if batch.what == "instances")


def left() -> set[Any]:
    return set(Instance.objects.values_list("pk", flat=True))


# -- what goes ------------------------------------------------------------------------------------------------------------
def test_what_ended_long_ago_goes_and_what_ended_lately_or_runs_stays(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    ended(31)
    lately = ended(29)
    running = runtime.start("story")
    assert swept() == 1
    assert left() == {lately.pk, running.pk}


def test_everything_is_kept_for_ever_unless_something_is_said() -> None:
    old = ended(10_000)
    assert retention.rules() == []
    assert swept() == 0
    assert left() == {old.pk}


def test_a_process_can_be_kept_longer_shorter_or_for_ever(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    settings.ENGINE_RETENTION = {"brief": 1, "audit": 0, "long": 3650}
    ended(2, "brief"), ended(40, "other")
    kept = {ended(0.5, "brief").pk, ended(9999, "audit").pk, ended(40, "long").pk}
    assert swept() == 2
    assert left() == kept


def test_one_process_can_have_a_time_where_all_others_are_kept(settings: Any) -> None:
    settings.ENGINE_RETENTION = {"brief": 1}
    ended(2, "brief")
    other = ended(9999, "other")
    assert swept() == 1
    assert left() == {other.pk}


def test_all_versions_of_a_process_are_meant(settings: Any) -> None:
    settings.ENGINE_RETENTION = {"story": 1}
    ended(2)
    deploy(user("enter"), user("confirm"))
    assert definitions.latest("story").version == 2
    assert swept() == 1


# -- trees ----------------------------------------------------------------------------------------------------------------
def test_called_instances_go_with_their_root_and_not_before() -> None:
    recent, old = ended(1), ended(40)
    kept = called(recent, ended=ago(50 * DAY))
    child = called(old, ended=ago(41 * DAY))
    (
        called(old, ended=ago(41 * DAY)),
        Instance.objects.create(definition=old.definition, parent=child.pk, root=old.pk, started=ago(1), ended=ago(41 * DAY)),
    )
    assert swept(older_than=30) == 4
    assert left() == {recent.pk, kept.pk}


def test_a_tree_stays_while_anything_in_it_runs() -> None:
    old = ended(40)
    child = called(old)
    assert swept(older_than=30) == 0
    assert left() == {old.pk, child.pk}


def test_a_large_tree_goes_in_several_transactions_the_root_last(monkeypatch: pytest.MonkeyPatch) -> None:
    old = ended(40)
    Instance.objects.bulk_create(
        Instance(definition=old.definition, parent=old.pk, root=old.pk, started=ago(1), ended=ago(1)) for _ in range(25)
    )
    parts: list[list[Any]] = []
    erase = erasing.erase
    monkeypatch.setattr(erasing, "erase", lambda keys: (parts.append(list(keys)), erase(keys)))
    assert swept(older_than=30, size=10) == 26
    assert [len(part) for part in parts] == [10, 10, 6]
    assert [old.pk in part for part in parts] == [False, False, True]


def test_a_real_call_goes_as_a_whole() -> None:
    deploy(user("enter"), key="inner")
    runtime.deploy({"outer.bpmn": model('<callActivity id="call" calledElement="inner"/>', key="outer")}, name="outer")
    runtime.start("outer")
    runtime.complete(UserTask.objects.get().pk)
    assert Instance.objects.exclude(ended=None).count() == 2
    assert swept(older_than=0) == 2
    assert rows() == {}


# -- promises -------------------------------------------------------------------------------------------------------------
def test_an_instance_stays_while_a_callback_is_on_its_way() -> None:
    old = ended(40)
    delivery = Delivery.objects.create(instance=old.pk, url="http://x", status="Completed", body="{}", due=ago(1), created=ago(1))
    assert swept(older_than=30) == 0
    Delivery.objects.filter(pk=delivery.pk).update(state="dead")
    assert swept(older_than=30) == 1
    assert not Delivery.objects.exists()


def test_an_instance_stays_while_a_job_is_to_be_done_for_it_but_not_for_a_dead_letter() -> None:
    old = ended(40)
    job = make_job(instance=old)
    assert swept(older_than=30) == 0
    Job.objects.filter(pk=job.pk).update(state="dead")
    assert swept(older_than=30) == 1
    assert not Job.objects.exists()


# -- every row ------------------------------------------------------------------------------------------------------------
def rows() -> dict[str, int]:
    """How many rows are where, without what is not of instances."""
    found = {m._meta.db_table: m._default_manager.count() for m in apps.get_app_config("towpath").get_models()}
    return {table: number for table, number in found.items() if number and table not in KEEPS}


def furnish(instance: Instance) -> None:
    """All that can belong to an instance."""
    now = timezone.now()
    task = UserTask.objects.filter(instance=instance).first()
    assert task
    below = UserTask.objects.create(parent=task.pk, name="sub-task", created=now, assignee="alice")
    deeper = UserTask.objects.create(parent=below.pk, name="below", created=now, assignee="alice")
    for about in ({"task": task}, {"instance": instance}, {"task": deeper}):
        Comment.objects.create(user="alice", time=now, message="m", **about)
        IdentityLink.objects.create(type="participant", user="bob", **about)
        Attachment.objects.create(user="alice", time=now, name="a", blob=Blob.objects.create(content=b"a").pk, **about)
    Draft.objects.create(task=task, user="alice", saved=now)
    blob = Blob.objects.create(content=b"own").pk
    Variable.objects.create(instance=instance, task=task.pk, name="own", type="string", blob=blob, created=now, updated=now)
    Token.objects.create(instance=instance, number=99)
    make_job(instance=instance, state="dead")
    request = Request.objects.create(instance=instance.pk, operation="start", created=now)
    told = {"url": "http://x", "status": "Completed", "body": "{}", "due": now, "created": now, "state": "delivered"}
    Delivery.objects.create(instance=instance.pk, request=request, stream="a", number=next(_counter), **told)
    Delivery.objects.create(instance=None, request=request, stream="a", number=next(_counter), **told)


def test_nothing_of_an_instance_is_left_and_nothing_of_another_is_touched() -> None:
    other = ended(1)
    furnish(other)
    before = rows()
    furnish(ended(40))
    assert swept(older_than=30) == 1
    assert rows() == before
    assert swept(older_than=0) == 1
    assert rows() == {}


def test_an_operator_and_a_deployment_that_is_deleted_leave_nothing_either() -> None:
    instance = ended(1)
    furnish(instance)
    instances.delete_history(instance.pk)
    assert rows() == {}
    furnish(ended(1))
    runtime.start("story")
    definitions.delete_deployment(definitions.latest("story").deployment_id, cascade=True)
    assert rows() == {}


def test_every_table_that_refers_to_instances_tasks_or_blobs_is_known() -> None:
    found: dict[str, set[str]] = {"instance": set(), "task": set(), "blob": set()}
    for table in apps.get_app_config("towpath").get_models():
        for field in table._meta.concrete_fields:
            if field.name in found and isinstance(field, models.ForeignKey | models.UUIDField):
                found[field.name].add(table._meta.db_table)
    assert found["instance"] == erasing.OF_INSTANCES.keys() - {"towpath_instance"} | {"towpath_usertask"}
    assert found["task"] == erasing.OF_TASKS.keys() - {"towpath_usertask"} | {"towpath_activity"}  # goes with its instance
    assert found["blob"] == set(erasing.WITH_BLOBS)
    referring = {f.related_model._meta.db_table for f in Instance._meta.related_objects}
    assert referring <= erasing.OF_INSTANCES.keys() | {"towpath_usertask"}


# -- cost -----------------------------------------------------------------------------------------------------------------
def statements(size: int) -> int:
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert next(retention.remove(retention.rules(older_than=30), size=size)).number == size
    return len([q for q in seen if "SAVEPOINT" not in q["sql"]])


def test_a_batch_takes_as_many_statements_whatever_its_size() -> None:
    for _ in range(12):
        furnish(ended(40))
    few, many = statements(1), statements(11)
    assert few == many
    assert many < 33
    assert rows() == {}


def test_a_look_in_vain_is_one_statement_for_a_definition() -> None:
    ended(1)
    wanted = retention.rules(older_than=30, key="story")
    with CaptureQueriesContext(connection) as seen:
        assert list(retention.remove(wanted)) == []
    assert len([q for q in seen if "SAVEPOINT" not in q["sql"]]) == 1


def test_batches_are_no_larger_than_the_setting_says(settings: Any) -> None:
    settings.ENGINE_RETENTION_BATCH = 2
    for _ in range(5):
        ended(40)
    assert [batch.number for batch in retention.remove(retention.rules(older_than=30))] == [2, 2, 1]


@pytest.mark.django_db(transaction=True)
def test_each_batch_is_a_transaction_of_its_own() -> None:
    for _ in range(3):
        ended(40)
    batches = retention.remove(retention.rules(older_than=30), size=1)
    next(batches)
    assert not connection.in_atomic_block
    batches.close()
    assert len(left()) == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_who_cleans_up_at_the_same_time_passes_by_what_another_is_at() -> None:
    held, free = ended(41), ended(40)
    locked, done = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with transaction.atomic():
                Instance.objects.select_for_update().get(pk=held.pk)
                locked.set()
                done.wait(600)
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    try:
        assert locked.wait(600)
        assert swept(older_than=30) == 1
        assert left() == {held.pk}
    finally:
        done.set()
        thread.join()
    assert free.pk not in left()


# -- what belongs to no process -------------------------------------------------------------------------------------------
def test_ended_tasks_without_a_process_and_failed_starts_go_by_the_default(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    for days in (40, 1, None):
        task = standalone.create({"name": f"ended {days}", "assignee": "alice"})
        UserTask.objects.create(parent=task.pk, name="below", created=ago(1))
        Comment.objects.create(task=task, user="alice", time=ago(1), message="m")
        UserTask.objects.filter(pk=task.pk).update(state="completed" if days else "open", ended=ago(days * DAY) if days else None)
    deploy(script("fails", "throw new Error('no')"))
    for days in (40, 1):
        with pytest.raises(Exception, match="no"):
            runtime.start("story")
        Ledger.objects.filter(at__gte=ago(60)).update(at=ago(days * DAY))
    assert [(b.what, b.number) for b in retention.remove(retention.rules())] == [("tasks without a process", 1), ("failed starts", 1)]
    assert set(UserTask.objects.values_list("name", flat=True)) == {"ended 1", "ended None", "below"}
    assert UserTask.objects.count() == 4
    assert (Comment.objects.count(), Ledger.objects.count()) == (2, 1)


# -- the cluster's job ----------------------------------------------------------------------------------------------------
def cleanup() -> Job:
    return Job.objects.get(kind="cleanup")


def test_a_worker_that_begins_arms_the_job_once(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    drain.retention.begin(), drain.retention.begin()
    job = cleanup()
    assert (job.state, job.exclusive, job.instance_id, job.category) == ("waiting", False, None, "cleanup")
    assert 3500 < (job.due - timezone.now()).total_seconds() <= 3600


def test_where_everything_is_kept_there_is_no_job(settings: Any) -> None:
    settings.ENGINE_RETENTION = {"audit": 0}
    retention.begin()
    assert not Job.objects.exists()


def test_a_shorter_interval_counts_as_soon_as_a_worker_begins(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    retention.begin()
    settings.ENGINE_RETENTION_INTERVAL = 60
    retention.begin()
    assert (cleanup().due - timezone.now()).total_seconds() <= 60


def test_the_job_removes_and_arms_the_next_run(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    ended(40)
    recent = ended(1)
    retention.arm(0)
    assert drained() == 1
    assert left() == {recent.pk}
    job = cleanup()
    assert (job.state, job.attempts, job.error, job.lease_owner) == ("waiting", 0, None, None)
    assert 3500 < (job.due - timezone.now()).total_seconds() <= 3600


def test_a_cluster_that_serves_some_queues_runs_it_if_it_is_among_them(settings: Any) -> None:
    retention.arm(0)
    assert claims.claim_jobs("w1:1", lane="due", queues=["order"]) == []
    assert [job.id for job in claims.claim_jobs("w1:2", lane="due", queues=["order", "cleanup"])] == [retention.JOB]


def test_the_job_stops_after_a_slice_and_soon_goes_on(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS, settings.ENGINE_RETENTION_BATCH, settings.ENGINE_JOB_SLICE = 30, 1, 0
    ended(40), ended(40)
    retention.arm(0)
    assert drained() == 1
    assert len(left()) == 1
    assert (cleanup().due - timezone.now()).total_seconds() < 2


def test_the_job_goes_where_nothing_is_to_be_removed_any_more() -> None:
    retention.arm(0)
    assert drained() == 1
    assert not Job.objects.exists()


def test_a_run_that_fails_shows_its_error_and_is_tried_again_without_end(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.ENGINE_RETENTION_DAYS = 30

    def fail(keys: Any) -> None:
        raise RuntimeError("the disk is broken")

    ended(40)
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "erase", fail)
        retention.arm(0)
        for _ in range(5):
            drained()
            Job.objects.update(due=ago(1))
    assert Job.objects.values_list("state", "error", "attempts").get() == ("waiting", "the disk is broken", 5)
    drained()
    assert not left()
    assert cleanup().error is None


def test_workers_that_are_long_gone_are_forgotten() -> None:
    for name, seen in (("gone", ago(2 * DAY)), ("alive", ago(1))):
        Worker.objects.create(id=name, host="h", pid=1, started=seen, seen=seen)
    retention.begin()
    assert list(Worker.objects.values_list("pk", flat=True)) == ["alive"]


# -- the command ----------------------------------------------------------------------------------------------------------
def told(*arguments: str) -> str:
    out = StringIO()
    call_command("workflow_cleanup", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_removes_by_the_settings_and_says_how_many(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 30
    ended(40), ended(1)
    assert told() == "1 instances have ended long enough ago.\nRemoved: 1 instances.\n"
    assert told() == "0 instances have ended long enough ago.\nRemoved: nothing.\n"


def test_the_command_says_that_all_is_kept_where_nothing_is_set() -> None:
    ended(40)
    assert "kept for ever" in told()
    assert left()


def test_a_dry_run_only_counts_called_instances_too() -> None:
    called(ended(40), ended=ago(1))
    assert told("--older-than", "30", "--dry-run") == "2 instances have ended long enough ago.\n"
    assert len(left()) == 2


def test_the_command_keeps_what_has_a_rule_of_its_own_unless_it_is_named(settings: Any) -> None:
    settings.ENGINE_RETENTION = {"audit": 0}
    audit = ended(40, "audit")
    ended(40)
    told("--older-than", "0.5")
    assert left() == {audit.pk}
    told("--older-than", "30", "--definition", "audit")
    assert not left()


def test_the_command_can_be_meant_for_one_process() -> None:
    ended(40, "one")
    two = ended(40, "two")
    task = standalone.create({"name": "kept", "assignee": "alice"})
    UserTask.objects.filter(pk=task.pk).update(state="completed", ended=ago(40 * DAY))
    told("--older-than", "30", "--definition", "one", "--batch", "5")
    assert left() == {two.pk}
    assert UserTask.objects.filter(pk=task.pk).exists()


def test_the_command_shows_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.management.commands.workflow_cleanup.SAY_EVERY", 0)
    ended(40), ended(40)
    assert "1 of 2 ...\n2 of 2 ...\n" in told("--older-than", "30", "--batch", "1")


@pytest.mark.parametrize("arguments", [["--older-than", "-1"], ["--older-than", "nan"], ["--batch", "0"], ["--definition", "riddle"]])
def test_the_command_refuses_what_cannot_be(arguments: list[str]) -> None:
    with pytest.raises(CommandError):
        told(*arguments)


def test_a_rule_for_an_unknown_process_is_refused() -> None:
    with pytest.raises(NotFound):
        retention.rules(key="riddle")


def test_activities_of_others_may_still_name_a_called_instance_that_is_gone() -> None:
    """A called instance that an operator removed by itself leaves its caller as it is."""
    root = ended(1)
    child = called(root, ended=ago(1))
    Activity.objects.filter(instance=root).update(called=child.pk)
    instances.delete_history(child.pk)
    assert left() == {root.pk}


# -- what a model says of itself ------------------------------------------------------------------------------------------
def lives(days: str, key: str = "short") -> None:
    """Deploy a process whose instances are kept for so long."""
    source = model(user("enter"), key=key).replace(b"<process ", f'<process flowable:historyTimeToLive="{days}" '.encode(), 1)
    runtime.deploy({f"{key}.bpmn": source}, name=key)


@pytest.mark.parametrize("days", ["5", "P5D", "PT120H"])
def test_a_model_says_how_long_its_instances_are_kept(days: str) -> None:
    lives(days)
    ended(6, "short")
    lately, other = ended(4, "short"), ended(1000)
    assert swept() == 1
    assert left() == {lately.pk, other.pk}


def test_the_settings_come_before_the_model_and_the_model_before_the_default(settings: Any) -> None:
    settings.ENGINE_RETENTION_DAYS = 10
    lives("100")
    longer, gone = ended(50, "short"), ended(50)
    assert swept() == 1
    assert left() == {longer.pk}
    settings.ENGINE_RETENTION = {"short": 20}
    assert swept() == 1
    assert not left()
    assert gone.pk != longer.pk


def test_each_version_of_a_process_keeps_the_time_of_its_own_model() -> None:
    lives("5")
    ended(6, "short")
    lives("50")
    later = ended(6, "short")
    assert swept() == 1
    assert left() == {later.pk}


def test_a_model_that_keeps_nothing_is_taken_at_its_word_and_a_setting_of_0_keeps_for_ever(settings: Any) -> None:
    lives("0")
    kept = ended(1, "short")
    settings.ENGINE_RETENTION = {"short": 0}
    assert swept() == 0
    settings.ENGINE_RETENTION = {}
    assert swept() == 1
    assert kept.pk not in left()


def test_deploying_a_model_that_says_how_long_arms_the_job_that_removes() -> None:
    deploy(user("enter"))
    assert not Job.objects.filter(pk=retention.JOB).exists()
    lives("5")
    assert Job.objects.filter(pk=retention.JOB, state="waiting").exists()


@pytest.mark.parametrize("days", ["soon", "-1", "P-1D", "${days}", "1e9", "9" * 30])
def test_a_time_that_is_none_is_refused(days: str) -> None:
    with pytest.raises(DeploymentError, match="historyTimeToLive must be a number of days"):
        lives(days)


# -- what belongs to no instance ------------------------------------------------------------------------------------------
def request(days: float, **more: Any) -> Request:
    given = {"operation": "start", "state": "failed", "created": ago(days * DAY), "ended": ago(days * DAY), "instance": uuid7()}
    return Request.objects.create(**{**given, **more})


def strays() -> dict[str, int]:
    done: dict[str, int] = {}
    for batch in retention.remove(retention.rules(older_than=30)):
        done[batch.what] = done.get(batch.what, 0) + batch.number
    return done


def test_requests_without_an_instance_go_with_their_callbacks() -> None:
    given = {"url": "http://127.0.0.1/", "status": "Failed", "body": "{}", "created": ago(40 * DAY), "due": ago(40 * DAY)}
    gone = request(31)
    Delivery.objects.create(request=gone, stream="a", state="dead", **given)
    lately, told = request(29), request(31)
    Delivery.objects.create(request=told, stream="b", **given)
    waiting = request(31, state="accepted", ended=None)
    of_an_instance = request(31, instance=ended(10).pk, state="done")
    assert strays()["requests without an instance"] == 1
    assert set(Request.objects.values_list("pk", flat=True)) == {lately.pk, told.pk, waiting.pk, of_an_instance.pk}
    assert list(Delivery.objects.values_list("stream", flat=True)) == ["b"]


def test_answers_that_were_kept_for_repeated_calls_go() -> None:
    for number, days in enumerate([29, 31, 32]):
        status = 201 if number else None
        Promise.objects.create(client="alice", key=str(number), fingerprint="", status=status, created=ago(days * DAY))
    assert strays()["answers to repeated calls"] == 2
    assert list(Promise.objects.values_list("key", flat=True)) == ["0"]
