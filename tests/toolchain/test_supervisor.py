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

from engine.management.supervisor import LOOK

ROOT = Path(__file__).parents[2]
LONG = 300.0  # seconds that nothing here takes, however slow the machine is
SCRIPT = """
import sys
from engine.management.supervisor import Child, supervise
bodies = {bodies!r}
sys.exit(supervise([Child(name, [sys.executable, "-c", body], grace={grace}) for name, body in bodies.items()]))
"""
SLEEPS = "import time; print('up', flush=True); time.sleep(600)"
HAS_A_CHILD = "import subprocess, sys; print('up', flush=True); subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print('no', flush=True))
print('up', flush=True)
until = time.monotonic() + 600
while time.monotonic() < until: time.sleep(1)
"""
DIES = "import sys, time; time.sleep(0.3); sys.exit(3)"

Start = Callable[..., subprocess.Popen[str]]


def script(grace: float, **bodies: str) -> list[str]:
    return [sys.executable, "-c", SCRIPT.format(bodies=bodies, grace=grace)]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def begin(grace: float = 60, **bodies: str) -> subprocess.Popen[str]:
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
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def living(process: psutil.Process) -> bool:
    """Whether it runs: one that has ended may still be known until somebody asks what became of it."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def sleeps(process: psutil.Process) -> bool:
    """Whether it is one that does nothing but sleep."""
    try:
        return "time.sleep(600)" in " ".join(process.cmdline()) and not process.children()
    except psutil.Error:
        return False


def wait_for(true: Callable[[], bool], seconds: float = LONG) -> None:
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
    assert process.wait(LONG) == 0
    wait_for(lambda: not any(map(living, left)))


def test_when_one_ends_all_end_and_it_is_named(start: Start) -> None:
    process = start(web=SLEEPS, jobs=DIES)
    said = process.communicate(timeout=LONG)[0]
    assert "jobs ended by itself (exit code 3)" in said
    assert process.returncode == 3


def test_who_does_not_end_in_its_time_is_killed(start: Start) -> None:
    process = start(grace=0.5, web=DEAF)
    lines(process, 1)
    left = descendants(process.pid)
    process.terminate()
    assert process.wait(LONG) == 0
    assert not any(map(living, left))


def test_a_second_signal_ends_the_patience(start: Start) -> None:
    process = start(grace=600, web=DEAF)
    assert lines(process, 1) == ["web | up"]
    process.terminate()
    assert lines(process, 1) == ["web | no"], "it was told to stop, and goes on"

    def ended() -> bool:
        process.terminate()  # more than once, for what comes in the first moments counts as the first
        time.sleep(LOOK)
        return process.poll() is not None

    wait_for(ended)
    assert process.returncode == 0


def test_many_signals_at_once_end_it_all_the_same(start: Start) -> None:
    process = start(web=SLEEPS, jobs=SLEEPS)
    lines(process, 2)
    left = descendants(process.pid)
    for _ in range(200):
        process.send_signal(signal.SIGHUP)
    assert process.wait(LONG) == 0
    assert not any(map(living, left))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone tells a child of its parent's death")
def test_children_end_if_we_are_killed_outright(start: Start) -> None:
    process = start(web=SLEEPS)
    lines(process, 1)
    left = descendants(process.pid)
    process.kill()
    process.wait()
    wait_for(lambda: not any(map(living, left)))


@pytest.mark.parametrize("leader", ["ourselves", "a shell that passes no signal on"])
def test_a_closed_terminal_ends_all(leader: str) -> None:
    deaf = f"trap '' HUP; {shlex.join(script(60, web=SLEEPS))}; exit 0"
    command = script(60, web=SLEEPS) if leader == "ourselves" else ["/bin/sh", "-c", deaf]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execv(command[0], command)
    wait_for(lambda: any(map(sleeps, descendants(pid))))
    os.read(terminal, 1)
    left = [psutil.Process(pid), *descendants(pid)]
    os.close(terminal)
    os.waitpid(pid, 0)
    wait_for(lambda: not any(map(living, left)))
