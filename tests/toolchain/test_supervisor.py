"""Processes that run together end together, and leave nothing behind."""

from __future__ import annotations

import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from engine.management.supervisor import Child, supervise
bodies = {bodies!r}
sys.exit(supervise([Child(name, [sys.executable, "-c", body], grace={grace}) for name, body in bodies.items()]))
"""
SLEEPS = "import time; print('up', flush=True); time.sleep(60)"
HAS_A_CHILD = "import subprocess, sys; print('up', flush=True); subprocess.run([sys.executable, '-c', 'import time; time.sleep(60)'])"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
DIES = "import sys, time; time.sleep(0.3); sys.exit(3)"

Start = Callable[..., subprocess.Popen[str]]


def script(grace: float, **bodies: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(bodies=bodies, grace=grace)]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(grace: float = 5, **bodies: str) -> subprocess.Popen[str]:
        command = script(grace, **bodies)
        started.append(
            subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        )
        return started[-1]

    yield begin
    for process in started:
        for child in descendants(process.pid):
            child.kill()
        process.kill()
        process.wait()


def descendants(pid: int) -> list[psutil.Process]:
    return (
        psutil.Process(pid).children(recursive=True)
        if psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        else []
    )


def wait_for(true: Callable[[], bool], seconds: float = 10) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to pass"
        time.sleep(0.02)


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout
    return [process.stdout.readline().strip() for _ in range(count)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_all_with_their_children(start: Start, number: signal.Signals) -> None:
    process = start(web=SLEEPS, jobs=HAS_A_CHILD)
    assert sorted(lines(process, 2)) == ["jobs | up", "web | up"]
    wait_for(lambda: len(descendants(process.pid)) == 3)
    left = descendants(process.pid)
    process.send_signal(number)
    assert process.wait(10) == 0
    wait_for(lambda: not any(child.is_running() for child in left))


def test_when_one_ends_all_end_and_it_is_named(start: Start) -> None:
    process = start(web=SLEEPS, jobs=DIES)
    said = process.communicate(timeout=10)[0]
    assert "jobs ended by itself (exit code 3)" in said
    assert process.returncode == 3


def test_who_does_not_end_in_its_time_is_killed(start: Start) -> None:
    process = start(grace=0.5, web=DEAF)
    lines(process, 1)
    left = descendants(process.pid)
    process.terminate()
    assert process.wait(10) == 0
    assert not any(child.is_running() for child in left)


def test_a_second_signal_ends_the_patience(start: Start) -> None:
    process = start(grace=60, web=DEAF)
    lines(process, 1)
    process.terminate()
    time.sleep(1)
    process.terminate()
    assert process.wait(5) == 0


def test_many_signals_at_once_end_it_all_the_same(start: Start) -> None:
    process = start(web=SLEEPS, jobs=SLEEPS)
    lines(process, 2)
    left = descendants(process.pid)
    for _ in range(200):
        process.send_signal(signal.SIGHUP)
    assert process.wait(10) == 0
    assert not any(child.is_running() for child in left)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child of its parent's death")
def test_children_end_if_we_are_killed_outright(start: Start) -> None:
    process = start(web=SLEEPS)
    lines(process, 1)
    left = descendants(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in left))


@pytest.mark.parametrize("leader", ["ourselves", "a shell that passes no signal on"])
def test_a_closed_terminal_ends_all(leader: str) -> None:
    deaf = f"trap '' HUP; {shlex.join(script(5, web=SLEEPS))}; exit 0"
    command = script(5, web=SLEEPS) if leader == "ourselves" else ["/bin/sh", "-c", deaf]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(command[0], command)
    wait_for(lambda: any("time.sleep(60)" in " ".join(child.cmdline()) and not child.children() for child in descendants(pid)))
    os.read(terminal, 1)
    left = [psutil.Process(pid), *descendants(pid)]
    os.close(terminal)
    os.waitpid(pid, 0)
    wait_for(lambda: not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in left))
