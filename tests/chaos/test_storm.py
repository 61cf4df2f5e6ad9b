"""Faults while instances are started: what was answered is done, no effect happens under two names, and nothing is stuck.

The judge stands outside the engine: the client's log of what it was answered, the effects' own traces, and plain SQL.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.client import STEPS, TIMED, start
from tests.chaos.clock import COMPILER
from tests.chaos.cluster import LEASE, until
from tests.chaos.judge import Verdict
from tests.chaos.site import Site
from tests.chaos.storm import BACK

pytestmark = [pytest.mark.once, pytest.mark.slow]
needs_a_clock = pytest.mark.skipif(not COMPILER, reason="a clock that can be set needs a C compiler, and Linux")
SOON = 10.0  # seconds, on a busy machine
RATE, BEFORE, WORK = 20.0, 3.0, 0.04  # instances a second, seconds until the fault, seconds that a step takes: the workers are never idle


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site"), 1) as running:
        yield running


def check(verdict: Verdict) -> None:
    """Everything that was promised is so."""
    assert verdict.answered > 10
    assert not verdict.lost
    assert not verdict.unfinished
    assert not verdict.doubled
    assert not verdict.torn
    assert not verdict.leased
    assert verdict.dead <= verdict.answered * 0.02, "faults that come and go leave hardly a dead letter"
    assert verdict.slowest("free") <= LEASE + 2, "what a killed worker held is somebody else's within a lease and two seconds"


@pytest.mark.parametrize(
    "fault",
    [
        *("kill_worker", "kill_guard", "kill_cluster", "kill_web", "stop_worker", "cut_connections"),
        *("restart_server", "crash_server", "fill_disk"),
        pytest.param("set_clock_back", marks=needs_a_clock),
    ],
)
def test_one_fault_under_load_is_made_good(site: Site, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    verdict = site.suffer(2 * BEFORE, RATE, BEFORE, [fault], work=WORK)
    with capsys.disabled():
        print(f"\n{verdict.of(fault)}, quiet {verdict.quiet:.1f} s after it")  # noqa: T201  # figures to be read
    check(verdict)


@needs_a_clock
def test_timers_fire_once_however_the_clock_is_set(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    clock, storm = site.storm.clock, site.storm
    assert clock
    mine = {start(site.web.url, TIMED) for _ in range(20)}
    time.sleep(1)
    clock.set(storm.shift - BACK)
    later = {start(site.web.url, TIMED) for _ in range(5)}
    until(lambda: _effects(site, later) == len(STEPS) * len(later), 3 + SOON)
    assert _effects(site, mine) == 0, "a timer is a moment of the calendar, and the clock has not come to it"
    clock.set(storm.shift)
    took = until(lambda: _effects(site, mine) == len(STEPS) * len(mine), SOON)
    time.sleep(1)
    lines = [line.split() for line in site.traces.read_text().splitlines()]
    done = Counter(instance for what, _, instance, *_ in lines if what == "end")
    assert all(done[instance] == len(STEPS) for instance in mine | later), "each effect once"
    with capsys.disabled():
        print(f"\ntimers that the clock had passed again fired after {took:.1f} s")  # noqa: T201  # a figure to be read


def _effects(site: Site, instances: set[str]) -> int:
    """How many effects of these were seen."""
    lines = site.traces.read_text().splitlines() if site.traces.exists() else []
    return sum(what == "end" and instance in instances for what, _, instance, *_ in map(str.split, lines))


def test_a_storm_of_faults_loses_nothing_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    option = request.config.getoption
    with Site(tmp_path, option("--seed")) as site:
        verdict = site.suffer(option("--seconds"), option("--rate"), option("--kill-every"), option("--fault"))
        with capsys.disabled():
            print(f"\n{verdict.report()}")  # noqa: T201  # figures to be read
        check(verdict)
