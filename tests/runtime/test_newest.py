"""A start goes by the definition in memory only as long as the database confirms it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection

from engine import runtime
from engine.errors import Conflict, Forbidden, NotFound, TechnicalError
from engine.models import Definition, Deployment, Instance, Ledger
from engine.runtime import newest
from engine.runtime.store.sending import on_postgres
from tests.runtime import workflow_handlers as handlers
from tests.runtime.models import handler, model, service, user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    newest._known.clear()
    handlers.CALLS.clear()


def deploy(*steps: str, key: str = "story") -> Definition:
    runtime.deploy({f"{key}.bpmn": model(*steps, key=key)}, name=key)
    return Definition.objects.filter(key=key).latest("version")


def test_a_new_version_is_started_at_once_though_an_older_one_is_in_memory() -> None:
    old = deploy(service("a", "${1}"))
    assert runtime.start("story").definition_id == old.pk
    new = deploy(service("b", "${2}"))
    assert [runtime.start("story").definition_id for _ in range(2)] == [new.pk] * 2
    assert not Ledger.objects.exclude(outcome="committed").exists()


def test_what_fails_in_an_older_version_that_is_in_memory_is_not_told() -> None:
    deploy(service("a", "${missing}"))
    with pytest.raises(TechnicalError):
        runtime.start("story")
    deploy(service("b", "${2}"))
    runtime.start("story")
    assert list(Ledger.objects.order_by("at").values_list("outcome", flat=True)) == ["rolled back", "committed"]


def test_the_version_before_is_started_again_when_the_latest_is_gone() -> None:
    old = deploy(service("a", "${1}"))
    new = deploy(service("b", "${2}"))
    assert runtime.start("story").definition_id == new.pk
    Definition.objects.filter(pk=new.pk).delete()
    assert runtime.start("story").definition_id == old.pk
    Definition.objects.all().delete()
    with pytest.raises(NotFound):
        runtime.start("story")


def test_a_definition_that_was_suspended_or_activated_meanwhile_is() -> None:
    deploy(service("a", "${1}"))
    runtime.start("story")
    Definition.objects.update(suspended=True)
    for _ in range(2):
        with pytest.raises(Conflict, match="suspended"):
            runtime.start("story")
    Definition.objects.update(suspended=False)
    runtime.start("story")
    assert Instance.objects.count() == 2


def test_who_may_start_is_looked_up_before_anybody_is_refused() -> None:
    deploy(service("a", "${1}"))
    alice = get_user_model().objects.create_user("alice")
    Definition.objects.update(starter_users=["bob"])
    for _ in range(2):
        with pytest.raises(Forbidden):
            runtime.start("story", user=alice)
    Definition.objects.update(starter_users=["alice"])
    runtime.start("story", user=alice)
    Definition.objects.update(starter_users=["bob"])
    with pytest.raises(Forbidden):
        runtime.start("story", user=alice)


def test_nothing_is_done_outside_for_a_version_that_is_not_the_latest_any_more() -> None:
    deploy(handler("ring", "outside"))
    runtime.start("story")
    deploy(user("wait"))
    runtime.start("story")
    assert len(handlers.CALLS) == 1
    Definition.objects.update(suspended=True)
    with pytest.raises(Conflict):
        runtime.start("story")
    assert len(handlers.CALLS) == 1
    assert not Ledger.objects.exclude(outcome="committed").exists()


def test_a_step_that_fails_is_tried_once() -> None:
    deploy(handler("ring", "outside"), service("fail", "${nothing.there}"))
    for number in (1, 2):
        with pytest.raises(Exception, match="nothing"):
            runtime.start("story")
        assert len(handlers.CALLS) == number


@pytest.mark.skipif(not on_postgres(), reason="only PostgreSQL confirms what is in memory")
def test_a_start_is_one_statement() -> None:
    deploy(service("a", "${1}"), user("wait"))
    runtime.start("story")
    sent: list[str] = []

    def noted(execute: Any, sql: str, *about: Any) -> Any:
        sent.append(sql)
        return execute(sql, *about)

    with connection.execute_wrapper(noted):
        runtime.start("story")
    assert len(sent) == 1, sent
    assert Deployment.objects.count() == 1
