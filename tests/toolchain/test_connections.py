"""A kept connection is used without asking, and a dead one is noticed before the next request."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import psycopg
import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, connection, connections
from django.test.utils import CaptureQueriesContext

from engine.models import Job
from engine.models.fields import uuid7
from engine.models.prepared import Prepared
from engine.runtime.store.sending import read

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's connections"),
]

JOB = Prepared(lambda: Job, lambda key: Job.objects.filter(pk=key).order_by())


def test_a_silent_connection_is_healthy_without_a_statement() -> None:
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as queries:
        assert connection.is_usable()
    assert not queries.captured_queries


def end_session() -> None:
    """The server ends the session of this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [process] = cursor.fetchone()
    about = {name: value for name, value in connection.get_connection_params().items() if name in ("dbname", "user", "host", "port")}
    with psycopg.connect(**about, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [process])


def test_a_session_that_the_server_ended_is_no_good() -> None:
    end_session()
    assert not connection.is_usable()
    connection.close()
    assert Job.objects.count() == 0


@pytest.mark.parametrize("asks", [lambda: read(("SELECT 1", [])), lambda: JOB.first(uuid7())])
def test_whoever_asks_first_in_a_request_finds_that_and_connects_anew(asks: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    connection.ensure_connection()
    monkeypatch.setattr(connections["default"], "health_check_enabled", True)
    end_session()
    connection.close_if_unusable_or_obsolete()  # as a request ends, and the next begins
    asks()
    asks()


def test_the_site_looks_after_connections_when_a_request_ends() -> None:
    ends = {receiver() for _, receiver, *_ in request_finished.receivers if isinstance(receiver, weakref.ref)}
    assert close_old_connections in ends
