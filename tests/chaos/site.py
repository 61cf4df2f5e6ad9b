"""A whole site that faults are done to: a server, a web, two clusters, and a client that starts instances for as long as it is told."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from tests.chaos.clock import COMPILER, WallClock
from tests.chaos.cluster import LEASE, ROOT, Cluster, until
from tests.chaos.judge import Verdict, judge
from tests.chaos.server import Server
from tests.chaos.storm import Storm
from tests.chaos.web import Web, prepare

STANDSTILL = 30.0  # seconds in which nothing at all was done any more


class Site:
    """`with Site(folder, seed) as site:`; `site.suffer(...)` gives the judge's verdict of all that was done to it so far."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.traces, self.log, self.seed, self.stack = folder / "traces", folder / "log", seed, ExitStack()
        self.wanted = 0.0

    def __enter__(self) -> Site:
        with self.stack:
            self._set_up()
            self.stack = self.stack.pop_all()
        return self

    def _set_up(self) -> None:
        enter = self.stack.enter_context
        clock = enter(WallClock()) if COMPILER else None
        self.server = enter(Server())
        given = {"DATABASE_URL": self.server.url, "CHAOS_TRACES": self.traces}
        prepare(**given)
        self.server.make_fillable()
        self.web = enter(Web(**given))
        self.clusters = [enter(Cluster(**given)) for _ in range(2)]
        self.storm = Storm(self.server, self.clusters, self.web, clock, self.seed)
        self.storm.watch.start()

    def __exit__(self, *error: Any) -> None:
        self.storm.watch.over.set()
        self.stack.__exit__(*error)

    def suffer(self, seconds: float, rate: float, pause: float, only: list[str] | None = None, *, work: float = 0) -> Verdict:
        """So many faults while instances are started, each step takes `work` seconds; then wait until nothing is left to do, and judge."""
        begun = time.monotonic()
        with self._client(rate, work):
            self.storm.blow(seconds, pause, only)
            self.wanted += rate * (time.monotonic() - begun)
        calm = time.monotonic()
        self._quiet()
        quiet = time.monotonic() - calm
        time.sleep(2 * LEASE)  # who was stopped may still try to write
        lines = self.traces.read_text().splitlines() if self.traces.exists() else []
        return judge(self.server, self.log.read_text().splitlines(), lines, self.storm.watch.faults, self.wanted, quiet)

    @contextmanager
    def _client(self, rate: float, work: float) -> Iterator[None]:
        """Somebody who starts instances all the time."""
        connections = max(4, round(rate / 4))  # while one waits for its answer, the others go on
        command = [sys.executable, "-m", "tests.chaos.client", self.web.url, str(self.log), str(rate), str(connections), str(work)]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "LD_PRELOAD": ""})
        try:
            until(self.log.exists, 30)
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0

    def _left(self) -> int:
        with suppress(psycopg.Error):
            return int(self.server.rows("SELECT count(*) FROM towpath_job WHERE state <> 'dead'")[0][0])
        return -1

    def _quiet(self) -> None:
        """Until there is nothing left to do; fails when it no longer becomes less."""
        least, since = self._left(), time.monotonic()
        while now := self._left():
            if now < least:
                least, since = now, time.monotonic()
            assert time.monotonic() - since < STANDSTILL, f"{now} jobs are stuck"
            time.sleep(0.1)
