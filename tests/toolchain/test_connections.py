"""A kept connection is used without asking, and a dead one is noticed before the next request."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from engine.models import Job

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL's connections"),
]


def test_a_silent_connection_is_healthy_without_a_statement() -> None:
    connection.ensure_connection()
    with CaptureQueriesContext(connection) as queries:
        assert connection.is_usable()
    assert not queries.captured_queries


def test_a_session_that_the_server_ended_is_no_good() -> None:
    connection.ensure_connection()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        [process] = cursor.fetchone()
    about = {name: value for name, value in connection.get_connection_params().items() if name in ("dbname", "user", "host", "port")}
    with psycopg.connect(**about, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [process])
    assert not connection.is_usable()
    connection.close()
    assert Job.objects.count() == 0
