"""Faults in a row while instances are started: what was answered is done, no effect happens under two names, and nothing is stuck.

The judge stands outside the engine: the client's log of what it was answered, the effects' own traces, and plain SQL.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.chaos.client import STEPS
from tests.chaos.cluster import LEASE, ROOT, Cluster, alive, below, until
from tests.chaos.server import Server

pytestmark = [pytest.mark.once, pytest.mark.slow]
PAUSE = 5.0  # seconds from fault to fault


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


class Storm:
    """Two clusters and a client on one server, and what can be done to them."""

    def __init__(self, server: Server, clusters: list[Cluster], seed: int) -> None:
        self.server, self.clusters, self.chance = server, clusters, random.Random(seed)
        self.faults: list[Callable[[], None]] = [
            self.kill_worker, self.kill_worker, self.kill_guard, self.kill_cluster, self.stop_worker, self.cut_connections,
            self.restart_server, self.crash_server,
        ]  # fmt: skip

    def blow(self, seconds: float) -> Counter[str]:
        """One fault after the other; returns how often each."""
        done: Counter[str] = Counter()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            fault = self.chance.choice(self.faults)
            fault()
            done[fault.__name__] += 1
            time.sleep(PAUSE)
        return done

    def _cluster(self) -> Cluster:
        return self.chance.choice(self.clusters)

    def _below(self) -> int:
        """Any process of a cluster but the main one: workers for the most part, also its guard and who offers work."""
        return self.chance.choice(self._cluster().children())

    def kill_worker(self) -> None:
        os.kill(self._below(), signal.SIGKILL)

    def kill_guard(self) -> None:
        cluster = self._cluster()
        until(lambda: any(map(below, cluster.children())), 10)  # it may be beginning anew just now
        os.kill(cluster.guard, signal.SIGKILL)

    def kill_cluster(self) -> None:
        """The main process; a service manager starts it again."""
        cluster = self._cluster()
        children = cluster.children()
        cluster.process.kill()
        cluster.process.wait()
        until(lambda: not any(map(alive, children)), 5)
        cluster.start()

    def stop_worker(self) -> None:
        worker = self._below()
        os.kill(worker, signal.SIGSTOP)
        time.sleep(LEASE + 1)
        if alive(worker):
            os.kill(worker, signal.SIGCONT)

    def cut_connections(self) -> None:
        for _ in range(3):
            self.server.cut(self.chance.choice)

    def restart_server(self) -> None:
        self.server.restart(signal.SIGINT)

    def crash_server(self) -> None:
        self.server.restart(signal.SIGQUIT)


@contextmanager
def client(server: Server, log: Path, rate: float) -> Iterator[None]:
    """Somebody who starts instances all the time."""
    environment = {**os.environ, "DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    process = subprocess.Popen([sys.executable, "-m", "tests.chaos.client", str(log), str(rate)], cwd=ROOT, env=environment)
    try:
        until(log.exists, 30)
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0


def test_a_storm_of_faults_loses_nothing_and_doubles_nothing(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    seconds, seed, rate = (request.config.getoption(name) for name in ("--seconds", "--seed", "--rate"))
    environment = {**os.environ, "DATABASE_URL": server.url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=environment, check=True)
    traces, log = tmp_path / "traces", tmp_path / "log"
    with ExitStack() as stack:
        given = {"DATABASE_URL": server.url, "CHAOS_TRACES": traces}
        clusters = [stack.enter_context(Cluster(**given)) for _ in range(2)]
        with client(server, log, rate):
            faults = Storm(server, clusters, seed).blow(seconds)
        calm = time.monotonic()
        until(lambda: not server.rows("SELECT 1 FROM towpath_job WHERE state <> 'dead' LIMIT 1"), 60)
        recovered = time.monotonic() - calm
        time.sleep(2 * LEASE)  # who was stopped may still try to write
    answered = log.read_text().split()
    sys.stdout.write(f"{len(answered)} instances, faults: {dict(faults)}, quiet {recovered:.1f} s after the last\n")
    judge(server, answered, traces.read_text().splitlines())


def judge(server: Server, answered: list[str], traces: list[str]) -> None:
    """Everything that was promised is so."""
    assert len(answered) > 10
    ended = {str(key): state for key, state in server.rows("SELECT id, state FROM towpath_instance")}
    dead = {str(key) for (key,) in server.rows("SELECT instance_id FROM towpath_job WHERE state = 'dead'")}
    lost = [key for key in answered if ended.get(key) != "completed" and key not in dead]
    assert not lost, f"{len(lost)} of {len(answered)} neither ended nor are dead letters: {lost[:5]}"
    assert all(state == "completed" or key in dead for key, state in ended.items())

    numbers = defaultdict(list)
    for key, number in server.rows("SELECT instance_id, number FROM towpath_ledger WHERE outcome = 'committed' ORDER BY number"):
        numbers[str(key)].append(number)
    for key, revision in server.rows("SELECT id, revision FROM towpath_instance"):
        assert numbers[str(key)] == list(range(1, revision + 1)), f"{key}: each transaction is in the ledger once"

    names = defaultdict(set)
    for line in traces:
        what, name, instance, *_ = line.split()
        if what == "end":
            names[instance].add(name)
    for key, state in ended.items():
        assert len(names[key]) == len(STEPS) if state == "completed" else len(names[key]) <= len(STEPS), f"{key}: one name an effect"
    assert not server.rows("SELECT id FROM towpath_job WHERE lease_owner IS NOT NULL")
    assert len(dead) <= len(answered) * 0.02, "faults that come and go leave hardly a dead letter"
