"""Clock times that a model writes without an offset are those of the site's time zone, in summer and in winter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from engine import runtime
from engine.models import Job, UserTask
from tests.runtime.models import user
from tests.runtime.queue import drain, hurry
from tests.runtime.test_events import catch, deploy, every, process

pytestmark = pytest.mark.django_db

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


@pytest.fixture(autouse=True)
def _in_amsterdam(settings: Any) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"


def local(hour: int, moment: datetime | None) -> bool:
    assert moment is not None
    return moment.astimezone(AMSTERDAM).hour == hour


@pytest.mark.parametrize(
    ("written", "due"),
    [("2100-07-01T09:00:00", "2100-07-01T07:00+00:00"), ("2100-01-01T09:00:00", "2100-01-01T08:00+00:00"),
     ("2100-07-01T09:00:00Z", "2100-07-01T09:00+00:00"), ("2100-07-01T09:00:00+05:00", "2100-07-01T04:00+00:00")],
)  # fmt: skip
def test_a_date_without_an_offset_is_local(written: str, due: str) -> None:
    deploy(process("waits", catch(every(written, "timeDate"))))
    runtime.start("waits")
    assert Job.objects.get().due == datetime.fromisoformat(due)


def test_a_cycle_goes_by_the_local_clock_each_time_it_starts_an_instance() -> None:
    deploy(process("begins", user("greet", ""), start=every("0 0 9 * * ?")))
    assert local(9, Job.objects.get().due)
    hurry()
    drain()
    assert UserTask.objects.count() == 1
    assert local(9, Job.objects.get().due)


def test_a_task_is_due_by_the_local_clock() -> None:
    deploy(process("works", user("greet", 'flowable:dueDate="2100-01-01T09:00:00"')))
    runtime.start("works")
    assert UserTask.objects.get().due == datetime(2100, 1, 1, 8, tzinfo=UTC)
