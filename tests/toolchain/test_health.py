"""Machines ask whether the site lives (`/healthz`) and whether it can serve (`/readyz`)."""

from __future__ import annotations

import pytest
from django.db import DatabaseError
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from workflow_site import health


@pytest.fixture(autouse=True)
def _unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a process that was never asked before."""
    monkeypatch.setattr(health, "migrated", False)


@pytest.mark.django_db
def test_healthz_answers_without_asking_the_database(client: Client, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_answers_where_the_database_is_migrated(client: Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_readyz_says_that_migrations_are_missing(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one"])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "migrations to apply"})


@pytest.mark.django_db
def test_readyz_says_that_the_database_is_gone_and_not_why(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: object) -> None:
        raise DatabaseError("password of user postgres is wrong")

    monkeypatch.setattr(health, "MigrationExecutor", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "the database does not answer"})


@pytest.mark.django_db
def test_readyz_looks_for_migrations_until_there_are_none_and_then_only_at_the_database(
    client: Client, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(health.MigrationExecutor, "migration_plan", lambda *_: ["one"])
        assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").status_code == 200
    with django_assert_num_queries(1):
        assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_readyz_notices_that_the_database_went_away_later(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/readyz").status_code == 200

    def gone(*_: object) -> None:
        raise DatabaseError("the server closed the connection")

    monkeypatch.setattr(type(health.connection), "cursor", gone, raising=False)
    assert client.get("/readyz").status_code == 503


def test_they_are_read_only(client: Client) -> None:
    assert client.post("/healthz").status_code == 405
