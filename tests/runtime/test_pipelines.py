"""What goes wrong in a transaction that is sent as a whole is told as what it was, also where statements are being prepared just then."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection

from engine import runtime
from engine.errors import LeaseLost
from engine.models import Instance, Job
from engine.models.fields import uuid7
from engine.runtime import attempts
from engine.runtime.attempts import Attempt
from engine.runtime.store import claims
from engine.runtime.store.statements import Missed, Statement, commit
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
