"""A cluster as an operator has it: `manage.py workflow_cluster` in a process of its own, on the database of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
LEASE = 3.0


def database_url() -> str:
    """The address of the test's database."""
    told = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{told['NAME']}"
    host = told["HOST"] or told["OPTIONS"]["host"]
    return f"postgresql://{told['USER']}@/{told['NAME']}?host={quote(host)}"


def until(true: Callable[[], object], seconds: float = 300.0) -> float:
    """Wait until something is so; returns how long it took; fails when it does not come about."""
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"it did not come about within {seconds} s"
        time.sleep(0.02)
    return time.monotonic() - began


def processes() -> Iterator[tuple[int, int, str]]:
    """(id, parent, state) of every process of the machine."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            yield int(entry.name), int(fields[1]), fields[0]


def below(process: int) -> list[int]:
    """The living processes below one, parents first."""
    found = [process]
    table = [(pid, parent) for pid, parent, state in processes() if state != "Z"]
    for parent in found:
        found += [pid for pid, of in table if of == parent]
    return found[1:]


def alive(process: int) -> bool:
    return any(pid == process and state != "Z" for pid, _, state in processes())


def end(left: list[int]) -> None:
    """Kill those that still live."""
    for pid in filter(alive, left):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


class Cluster:
    """`with Cluster(...) as cluster:` runs it and leaves nothing behind."""

    def __init__(self, *, workers: int = 2, **settings: object) -> None:
        self.folder = tempfile.TemporaryDirectory(prefix="towpath-chaos-")
        self.traces, self.log = Path(self.folder.name) / "traces", Path(self.folder.name) / "log"
        self.workers = workers
        given = {"ENGINE_JOB_LEASE": LEASE, "ENGINE_JOB_RETRY_WAIT": 0.5, **settings}
        if "DATABASE_URL" not in given:
            given["DATABASE_URL"] = database_url()
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
            "CHAOS_TRACES": str(self.traces),
            **{name: str(value) for name, value in given.items()},
        }
        self.environment.pop("Q_CLUSTER_NAME", None)

    def __enter__(self) -> Cluster:
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self) -> None:
        before = self.said("is ready")
        self.launch()
        until(lambda: self.said("is ready") > before and len(self.pool()) >= self.workers + 2)
        self.known = [self.process.pid, *self.children()]

    def launch(self) -> None:
        """Start without waiting until it is there."""
        with self.log.open("ab") as log:
            command = [sys.executable, "manage.py", "workflow_cluster", "--workers", str(self.workers)]
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True)

    def __exit__(self, *_: object) -> None:
        left = self.children()
        sys.stdout.write(self.log.read_text())  # shown where a test fails
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        end(left)
        self.folder.cleanup()

    # -- what it is made of
    def children(self) -> list[int]:
        """All processes below the main one."""
        return below(self.process.pid)

    @property
    def guard(self) -> int:
        """The process that makes the others; the sender of callbacks is its sibling."""
        return next(child for child in self.children() if below(child))

    def pool(self) -> list[int]:
        """The workers, then the processes that offer and report, in the order in which they were made; none while it begins."""
        return sorted(process for child in self.children()[:2] for process in below(child))

    def working(self) -> int:
        """The worker process that runs a job, as its trace says."""
        return int(self.lines()[-1].split()[3])

    # -- what is seen of it
    def said(self, text: str) -> int:
        """How often its log says this."""
        return self.log.read_text().count(text) if self.log.exists() else 0

    def lines(self) -> list[str]:
        """The traces of the handlers."""
        return self.traces.read_text().splitlines() if self.traces.exists() else []

    def traced(self, what: str) -> int:
        """How many traces say this."""
        return sum(line.split()[0] == what for line in self.lines())
