"""A clock that is set back does not keep the jobs of dead workers leased for ever, nor does it take those of living ones or put off work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import OperationalError

from engine.models import Delivery, Job
from engine.models.fields import uuid7
from engine.runtime import clock
from engine.runtime.store import jumps, leases
from tests.runtime.queue import make_job

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Times:
    """A clock on the wall and a monotonic one, seen together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.mono, self.freed, self.repaired = NOON, 1000.0, 0, list[tuple[datetime, datetime]]()
        self.clock = clock.Clock()
        monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: self.mono))
        monkeypatch.setattr(leases, "release_far", self._free)
        monkeypatch.setattr(jumps, "repair", self._repair)

    def _free(self) -> int:
        self.freed += 1
        return 0

    def _repair(self, now: datetime, before: datetime) -> int:
        self.repaired.append((now, before))
        return 0

    def passes(self, seconds: float, wall: float | None = None) -> None:
        """Time goes by, on the wall perhaps another one; then the broker looks."""
        self.mono += seconds
        self.wall += timedelta(seconds=seconds if wall is None else wall)
        self.clock.saw(self.wall)


@pytest.fixture
def times(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Times:
    settings.ENGINE_JOB_LEASE = 30.0
    made = Times(monkeypatch)
    made.passes(0)
    made.passes(31)
    made.freed = 0
    return made


def test_nothing_is_freed_while_the_clock_goes_as_it_should(times: Times) -> None:
    for _ in range(100):
        times.passes(1)
    times.passes(3600)
    assert times.freed == 0


def test_after_a_jump_back_the_living_have_a_lease_to_renew_theirs(times: Times) -> None:
    times.passes(1, wall=-3600)
    for _ in range(29):
        times.passes(1)
    assert times.freed == 0
    times.passes(2)
    assert times.freed == 1
    times.passes(60)
    assert times.freed == 1


def test_a_clock_that_is_slowed_down_or_jumps_ahead_frees_nothing(times: Times) -> None:
    for _ in range(60):
        times.passes(1, wall=0.9)
    times.passes(1, wall=3600)
    times.passes(60)
    assert times.freed == 0


def test_a_cluster_that_starts_looks_once_for_what_an_earlier_jump_left_behind(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ENGINE_JOB_LEASE = 30.0
    times = Times(monkeypatch)
    times.passes(0)
    times.passes(31)
    assert times.freed == 1


def test_due_dates_follow_a_jump_back_and_no_other_change(times: Times) -> None:
    times.passes(60, wall=3600)
    times.passes(1, wall=0.9)
    assert times.repaired == []
    before = times.wall + timedelta(seconds=1)
    times.passes(1, wall=-3600)
    assert times.repaired == [(times.wall, before)]


def test_a_jump_that_the_database_could_not_be_told_of_is_noticed_again(times: Times, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(now: datetime, before: datetime) -> int:
        raise OperationalError("the server is gone")

    monkeypatch.setattr(jumps, "repair", fail)
    with pytest.raises(OperationalError):
        times.passes(1, wall=-3600)
    monkeypatch.setattr(jumps, "repair", times._repair)
    times.passes(1)
    assert len(times.repaired) == 1


# -- what follows the clock -----------------------------------------------------------------------------------------------
def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def after_an_hour_back(**about: Any) -> tuple[str, float]:
    """The state of a job, and when it is due in seconds from now, when a clock that showed 13:00 shows 12:00."""
    job = make_job(**{"created": at(3000), **about})
    jumps.repair(NOON, at(3600))
    job.refresh_from_db()
    return job.state, (job.due - NOON).total_seconds()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("about", "expected"),
    [
        pytest.param(
            {"due": at(3610), "state": "waiting", "error": "no"}, ("waiting", 10), id="a retry waits no longer than it would have"
        ),
        pytest.param({"due": at(3590), "state": "waiting", "error": "no"}, ("ready", 0), id="a retry that was due is due"),
        pytest.param({"due": at(3590)}, ("ready", 0), id="what was ready is not taken up after all that comes later"),
        pytest.param({"due": at(-5)}, ("ready", -5), id="what is due by the new clock too stays as it is"),
        pytest.param({"due": at(3610), "state": "waiting", "kind": "timer"}, ("waiting", 3610), id="a timer is a moment of the calendar"),
        pytest.param({"due": at(3590), "state": "waiting", "kind": "timer"}, ("ready", 3590), id="one that had fallen due fires"),
        pytest.param(
            {"due": at(1800), "state": "waiting", "kind": "timer", "created": at(1)}, ("waiting", 1800), id="one made since then has time"
        ),
        pytest.param(
            {"due": at(3610), "state": "waiting", "kind": "timer", "data": {"_due": at(3500).isoformat()}},
            ("waiting", 10),
            id="a timer that was put off is a retry",
        ),
        pytest.param({"due": at(3590), "state": "dead"}, ("dead", 3590), id="a dead letter stays"),
    ],
)
def test_what_becomes_of_a_job(about: dict[str, Any], expected: tuple[str, float]) -> None:
    assert after_an_hour_back(**about) == expected


@pytest.mark.django_db
def test_callbacks_are_sent_as_if_nothing_had_been() -> None:
    given = {"url": "http://127.0.0.1/", "status": "Active", "body": "{}", "created": NOON, "lease_owner": "x", "lease_until": at(3605)}
    for number, due in enumerate([at(3590), at(3610), at(-1)]):
        Delivery.objects.create(id=uuid7(), number=number, due=due, **given)
    jumps.repair(NOON, at(3600))
    found = Delivery.objects.order_by("number").values_list("due", "lease_until")
    assert list(found) == [(NOON, at(5)), (at(10), at(5)), (at(-1), at(5))]
    assert not Job.objects.exists()
