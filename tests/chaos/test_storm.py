"""Faults in a row while instances are started: what was answered is done, no effect happens under two names, and nothing is stuck.

The judge stands outside the engine: the client's log of what it was answered, the effects' own traces, and plain SQL.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.chaos.clock import COMPILER, WallClock
from tests.chaos.cluster import LEASE, ROOT, Cluster, until
from tests.chaos.judge import Verdict, judge
from tests.chaos.server import Server
from tests.chaos.storm import Storm
from tests.chaos.web import Web, prepare

pytestmark = [pytest.mark.once, pytest.mark.slow]
STANDSTILL = 30.0  # seconds in which nothing at all was done any more


@contextmanager
def client(web: Web, log: Path, rate: float) -> Iterator[None]:
    """Somebody who starts instances all the time."""
    connections = max(4, round(rate / 12))
    command = [sys.executable, "-m", "tests.chaos.client", web.url, str(log), str(rate), str(connections)]
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "LD_PRELOAD": ""})
    try:
        until(log.exists, 30)
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0


def left(server: Server) -> int:
    try:
        return int(server.rows("SELECT count(*) FROM towpath_job WHERE state <> 'dead'")[0][0])
    except psycopg.Error:
        return -1


def quiet(server: Server) -> None:
    """Until there is nothing left to do; fails when it no longer becomes less."""
    least, since = left(server), time.monotonic()
    while now := left(server):
        if now < least:
            least, since = now, time.monotonic()
        assert time.monotonic() - since < STANDSTILL, f"{now} jobs are stuck"
        time.sleep(0.1)


def test_a_storm_of_faults_loses_nothing_and_doubles_nothing(
    tmp_path: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    option = request.config.getoption
    traces, log = tmp_path / "traces", tmp_path / "log"
    with ExitStack() as stack:
        clock = stack.enter_context(WallClock()) if COMPILER else None
        server = stack.enter_context(Server())
        given = {"DATABASE_URL": server.url, "CHAOS_TRACES": traces}
        prepare(**given)
        server.make_fillable()
        web = stack.enter_context(Web(**given))
        clusters = [stack.enter_context(Cluster(**given)) for _ in range(2)]
        storm = Storm(server, clusters, web, clock, option("--seed"))
        with client(web, log, option("--rate")):
            storm.blow(option("--seconds"), option("--kill-every"), option("--fault"))
        calm = time.monotonic()
        quiet(server)
        took = time.monotonic() - calm
        time.sleep(2 * LEASE)  # who was stopped may still try to write
        storm.watch.over.set()
        verdict = judge(server, log.read_text().splitlines(), traces.read_text().splitlines(), storm.watch.faults)
    with capsys.disabled():
        print(f"\n{verdict.report()}\nquiet {took:.1f} s after the last")  # noqa: T201  # figures to be read
    check(verdict)


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
