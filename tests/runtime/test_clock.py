"""A clock that is set back does not keep the jobs of dead workers leased for ever, nor does it take those of living ones."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.runtime import clock
from engine.runtime.store import leases

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Times:
    """A clock on the wall and a monotonic one, seen together."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.wall, self.mono, self.freed = NOON, 1000.0, 0
        self.clock = clock.Clock()
        monkeypatch.setattr(time, "monotonic", lambda: self.mono)
        monkeypatch.setattr(leases, "release_far", self._free)

    def _free(self) -> int:
        self.freed += 1
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
