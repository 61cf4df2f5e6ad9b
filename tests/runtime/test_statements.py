"""A transaction that is sent as a whole is done as a whole or not at all, and a prepared lookup gives what the ORM gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.db.models.signals import post_init
from django.test.utils import CaptureQueriesContext

from engine import runtime
from engine.errors import Conflict, LeaseLost, RevisionConflict
from engine.models import Definition, Instance, Job, Ledger, UserTask
from engine.models.fields import uuid7
from engine.models.prepared import Prepared
from engine.runtime import tasks, work
from engine.runtime.attempts import Attempt
from engine.runtime.store import claims, instances, sending
from engine.runtime.store.sending import commit
from engine.runtime.store.statements import Missed, Statement, adapted, insert
from tests.runtime.models import model, service, user
from tests.runtime.queue import drain

whole = pytest.mark.django_db(transaction=True)
ASYNC = 'flowable:async="true"'


def row(name: str = "alice") -> dict[str, Any]:
    return {"id": uuid7(), "definition": "", "number": 1, "attempt": 1, "trigger": "start", "subject": name, "at": datetime.now(UTC),
            "took": 0.0, "outcome": "committed", "journal": [], "work": uuid7()}  # fmt: skip


def subjects() -> set[str]:
    return set(Ledger.objects.values_list("subject", flat=True))


def rename(old: str, new: str, guard: int) -> Statement:
    return Statement("UPDATE towpath_ledger SET subject = %s WHERE subject = %s", adapted([new, old]), guard=guard)


# -- all or nothing -------------------------------------------------------------------------------------------------------
@whole
def test_all_statements_are_committed() -> None:
    commit([*insert(Ledger, [row("alice")]), rename("alice", "bob", 1)])
    assert subjects() == {"bob"}
    assert connection.get_autocommit()


@whole
def test_a_guard_that_misses_undoes_all() -> None:
    with pytest.raises(Missed):
        commit([*insert(Ledger, [row("alice")]), rename("charlie", "bob", 1), *insert(Ledger, [row("charlie")])])
    assert subjects() == set()
    commit(insert(Ledger, [row("alice")]))  # and the connection is as good as before
    assert subjects() == {"alice"}


@whole
def test_a_guard_raises_what_it_was_told_to() -> None:
    lost = Statement("DELETE FROM towpath_ledger WHERE subject = %s", ["nobody"], guard=1, missed=LeaseLost("gone"))
    with pytest.raises(LeaseLost, match="gone"):
        commit([lost])


@whole
def test_a_broken_constraint_undoes_all_and_is_the_databases_own_error() -> None:
    twice = row("alice")
    with pytest.raises(IntegrityError):
        commit([*insert(Ledger, [twice]), *insert(Ledger, [twice])])
    assert subjects() == set()


class Interrupted(BaseException):
    """What a signal raises."""


class _Hit(list[Statement]):
    """Statements of which only the first is reached."""

    def __iter__(self) -> Iterator[Statement]:
        yield self[0]
        raise Interrupted


@whole
def test_what_comes_between_two_statements_commits_nothing() -> None:
    with pytest.raises(Interrupted):
        commit(_Hit([*insert(Ledger, [row("alice")]), *insert(Ledger, [row("charlie")])]))
    assert subjects() == set()
    commit(insert(Ledger, [row("bob")]))
    assert subjects() == {"bob"}


# -- units of work --------------------------------------------------------------------------------------------------------
@pytest.fixture
def started() -> Instance:
    runtime.deploy({"story.bpmn": model(service("add", "${1 + 1}", ASYNC), user("enter", ""))}, name="story")
    return runtime.start("story")


@whole
def test_a_job_whose_lease_is_lost_changes_nothing(started: Instance) -> None:
    [job] = claims.claim_jobs("w1:1")
    assert claims.begin(job)
    Job.objects.update(lease_owner="w2:1")
    attempt = Attempt(job)
    attempt.run()
    assert isinstance(attempt.error, LeaseLost)
    assert not attempt.follows
    assert not UserTask.objects.exists()
    assert Job.objects.values_list("lease_owner", flat=True).get() == "w2:1"


@whole
def test_an_instance_that_somebody_else_advanced_is_looked_at_again(started: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    drain()
    looked: list[int] = []
    write = work.Work._write

    def overtaken(self: work.Work, *about: Any) -> None:
        looked.append(1)
        if len(looked) == 1:
            Instance.objects.update(revision=Instance.objects.get().revision + 1)
        write(self, *about)

    monkeypatch.setattr(work.Work, "_write", overtaken)
    tasks.complete(UserTask.objects.get().pk)
    assert len(looked) == 2
    assert Instance.objects.get().state == "completed"


@whole
def test_an_instance_that_is_always_overtaken_is_busy(started: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    drain()
    monkeypatch.setattr(work.Work, "_write", lambda *about: (_ for _ in ()).throw(RevisionConflict("overtaken")))
    with pytest.raises(Conflict, match="busy"):
        tasks.complete(UserTask.objects.get().pk)
    assert UserTask.objects.get().state == "open"


@whole
@pytest.mark.skipif(not sending.on_postgres(), reason="one round trip is PostgreSQL's")
def test_a_job_is_carried_out_in_two_round_trips(started: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    [job] = claims.claim_jobs("w1:1")
    assert claims.begin(job)
    sent: list[str] = []
    monkeypatch.setattr(instances, "read", _noted("read", sent))
    monkeypatch.setattr(work, "commit_alone", _noted("commit", sent))
    with CaptureQueriesContext(connection) as queries:
        Attempt(job).run()
    assert sent == ["read", "commit"]
    assert len(queries) <= 12


def _noted(way: str, sent: list[str]) -> Any:
    kept = getattr(sending, way)

    def noted(*about: Any) -> Any:
        sent.append(way)
        return kept(*about)

    return noted


# -- prepared lookups -----------------------------------------------------------------------------------------------------
BY_KEY = Prepared(lambda: Definition, lambda key, tenant: Definition.objects.filter(key=key, tenant=tenant).order_by("-version"))


@pytest.mark.django_db
def test_a_prepared_lookup_gives_what_the_orm_gives() -> None:
    for _ in range(3):
        runtime.deploy({"story.bpmn": model(user("enter"))}, name="story")
    assert BY_KEY.first("nothing", "") is None
    found = BY_KEY.first("story", "")
    meant = Definition.objects.filter(key="story").order_by("-version").first()
    assert found is not None
    assert meant is not None
    assert {f.attname: getattr(found, f.attname) for f in Definition._meta.concrete_fields} == {
        f.attname: getattr(meant, f.attname) for f in Definition._meta.concrete_fields
    }


@pytest.mark.django_db
def test_a_prepared_lookup_takes_its_values_wherever_they_stand() -> None:
    odd = Prepared(lambda: User, lambda name: User.objects.filter(username=name).exclude(email="x"))
    alice = User.objects.create_user("alice")
    User.objects.create_user("bob", "x")
    assert [odd.first(name) for name in ("alice", "bob", "alice")] == [alice, None, alice]


@pytest.mark.django_db
def test_a_prepared_lookup_refuses_a_query_that_makes_something_else_of_a_value() -> None:
    odd = Prepared(lambda: User, lambda name: User.objects.filter(username__contains=name))
    with pytest.raises(TypeError, match="as they are"):
        odd.first("alice")


@pytest.mark.django_db
def test_a_task_comes_with_signs_of_what_else_there_is() -> None:
    runtime.deploy({"story.bpmn": model(user("enter", 'flowable:candidateUsers="bob"'))}, name="story")
    runtime.start("story")
    found: Any = tasks.get(UserTask.objects.get().pk)
    assert (found.has_own, found.has_draft, found.offers) == (False, False, [["candidate", "bob", None]])


@pytest.mark.django_db
def test_a_row_read_the_short_way_is_the_model_that_the_orm_makes() -> None:
    User.objects.create_user("alice", "alice@example.org")
    short, long = Prepared(lambda: User, _named).first("alice"), User.objects.get()
    assert short is not None
    assert {k: v for k, v in vars(short).items() if k != "_state"} == {k: v for k, v in vars(long).items() if k != "_state"}
    assert (short._state.adding, short._state.db, short) == (False, "default", long)
    short.email = "new@example.org"
    short.save()
    assert User.objects.get().email == "new@example.org"


@pytest.mark.django_db
def test_who_listens_to_a_model_being_made_hears_of_every_row() -> None:
    User.objects.create_user("alice")
    heard: list[str] = []

    def hear(instance: User, **about: Any) -> None:
        heard.append(instance.username)

    post_init.connect(hear, sender=User)
    try:
        Prepared(lambda: User, _named).first("alice")
    finally:
        post_init.disconnect(hear, sender=User)
    assert heard == ["alice"]


def _named(name: str) -> Any:
    return User.objects.filter(username=name)
