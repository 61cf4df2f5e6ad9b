"""What goes wrong in a transaction that is sent as a whole is told as what it was, also where statements are being prepared just then."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection

from engine import runtime
from engine.errors import LeaseLost
from engine.models import Instance, Job
from engine.models.fields import uuid7
from engine.runtime import attempts
from engine.runtime.attempts import Attempt
from engine.runtime.store import claims
from engine.runtime.store.joining import joined
from engine.runtime.store.sending import commit
from engine.runtime.store.statements import Missed, Statement
from tests.runtime.models import script
from tests.runtime.queue import ASYNC, deploy, make_instance

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="only PostgreSQL takes a transaction as a whole"),
]
OFTEN = 12  # from the fifth time on a statement is prepared


def test_a_lost_lease_is_told_as_that_however_often() -> None:
    deploy(script("one", "1", ASYNC))
    for number in range(OFTEN):
        runtime.start("story")
        (job,) = claims.claim_jobs(f"w{number}:1")
        ready = attempts.begin(job)
        assert ready
        Job.objects.update(lease_owner="other:1")
        attempt = Attempt(ready)
        attempt.run()
        assert isinstance(attempt.error, LeaseLost), number
        Job.objects.all().delete()
    assert not Instance.objects.exclude(state="active").exists()


def test_a_guard_that_misses_and_an_error_are_told_apart_however_often() -> None:
    there = make_instance()
    touch = 'UPDATE "towpath_instance" SET attempts = attempts + 1 WHERE id = %s'
    double = 'INSERT INTO "towpath_comment" SELECT * FROM "towpath_comment" WHERE id = %s'
    wrong = 'INSERT INTO "towpath_instance" SELECT * FROM "towpath_instance" WHERE id = %s'
    for _ in range(OFTEN):
        with pytest.raises(Missed):
            commit([Statement(touch, [there.pk]), Statement(touch, [uuid7()], 1)])
        with pytest.raises(IntegrityError):
            commit([Statement(touch, [there.pk]), Statement(wrong, [there.pk]), Statement(double, [there.pk])])
    there.refresh_from_db()
    assert there.attempts == 0


def test_parts_that_touch_different_rows_travel_as_one_statement() -> None:
    there = make_instance()
    touch = 'UPDATE "towpath_instance" SET attempts = attempts + 1 WHERE id = %s AND revision = %s'
    drop = "DELETE FROM towpath_token WHERE instance_id = %s"
    sent: list[str] = []

    def noted(execute: Any, sql: str, *about: Any) -> Any:
        sent.append(sql)
        return execute(sql, *about)

    for _ in range(OFTEN):
        sent.clear()
        with connection.execute_wrapper(noted):
            commit([Statement(touch, [there.pk, there.revision], 1), Statement(drop, [there.pk])])
        assert len(sent) == 1
    with pytest.raises(Missed):
        commit([Statement(drop, [there.pk]), Statement(touch, [there.pk, there.revision + 1], 1)])
    there.refresh_from_db()
    assert there.attempts == OFTEN


def test_an_error_in_one_part_undoes_all_and_leaves_the_connection_usable() -> None:
    there = make_instance()
    touch = Statement('UPDATE "towpath_instance" SET attempts = attempts + 1 WHERE id = %s', [there.pk], 1)
    wrong = Statement('INSERT INTO "towpath_instance" SELECT * FROM "towpath_instance" WHERE id = %s', [there.pk])
    for _ in range(OFTEN):
        with pytest.raises(IntegrityError):
            commit([touch, wrong])
    there.refresh_from_db()
    assert there.attempts == 0


CHANGE, DROP, BRING, BRING_OR_CHANGE = (
    Statement("UPDATE towpath_job SET name = '' WHERE id = %s"),
    Statement("DELETE FROM towpath_job WHERE id = %s"),
    Statement('INSERT INTO "towpath_job" (id) VALUES (%s)'),
    Statement('INSERT INTO "towpath_job" (id) VALUES (%s) ON CONFLICT (id) DO UPDATE SET name = excluded.name'),
)
OTHER = Statement("UPDATE towpath_token SET node = '' WHERE id = %s")
GUARDED = Statement("UPDATE towpath_instance SET name = '' WHERE id = %s", guard=1)
LOOK = Statement("SELECT 1 FROM towpath_definition WHERE id = %s", guard=1)


@pytest.mark.parametrize(
    ("parts", "together"),
    [
        ([CHANGE, OTHER], True),
        ([CHANGE, BRING], True),
        ([BRING, BRING], True),
        ([GUARDED, OTHER], True),
        ([BRING, CHANGE], False),  # the change might mean what was brought, which it would not see
        ([CHANGE, DROP], False),
        ([BRING, BRING_OR_CHANGE], False),
        ([DROP, BRING_OR_CHANGE], False),
        ([GUARDED, Statement("UPDATE towpath_token SET node = '' WHERE id = %s", guard=1)], False),
        ([GUARDED, LOOK, LOOK], True),
        ([CHANGE, Statement("SELECT pg_notify(%s, '')")], False),
        ([CHANGE, Statement("SELECT pg_notify('towpath_job', 'ready')")], True),
        ([CHANGE, Statement("SELECT pg_sleep(1)")], False),
        ([CHANGE, Statement(OTHER.sql, seen=print)], False),
        ([CHANGE], False),
        ([BRING] * 13, False),
        ([OTHER, Statement(BRING.sql + ", (%s)" * 4000)], False),
    ],
)
def test_only_what_cannot_touch_one_row_is_joined(parts: list[Statement], together: bool) -> None:
    assert (joined(parts) is not None) == together
