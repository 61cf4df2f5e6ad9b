"""Runs processes side by side and ends them together: each in a session of its own, output prefixed with its name.

To end them, only the main process of each is told to (a django-q2 cluster hangs if its workers are signalled too); what is left
after its grace is killed as a whole group. If one ends by itself, all end.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

PR_SET_PDEATHSIG = 1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
LOOK = 0.2  # seconds


@dataclass
class Child:
    """One process to run: `grace` is how many seconds it gets to end by itself."""

    name: str
    command: Sequence[str]
    grace: float
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it; its output goes to ours, line by line, behind its name."""
        self.process = subprocess.Popen(
            self.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  # no thread of ours holds a lock that the child could want
        )
        threading.Thread(target=self._print, daemon=True).start()

    def _print(self) -> None:
        assert self.process
        assert self.process.stdout
        for line in self.process.stdout:
            say(f"{self.name:>7} | {line.rstrip()}")

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def code(self) -> int:
        """The exit code; 128 + number for a signal, as a shell says it."""
        code = self.process.poll() if self.process else 0
        return 0 if code is None else 128 - code if code < 0 else code

    def tell_to_stop(self) -> None:
        """SIGTERM to the main process alone."""
        if self.process and self.running:
            self.process.terminate()

    def kill(self) -> None:
        """Whatever is left of its session."""
        if self.process:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _end_with_parent() -> None:
    """Linux tells the child to end should we be killed outright."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def say(text: str) -> None:
    """Prints a line at once; a terminal that was closed is no error."""
    with suppress(OSError, ValueError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()


class Wishes:
    """How often we were asked to end: by a signal, or by closing the terminal we began on (not everybody passes that signal on).

    A handler may do no more than count: it may run while a lock is held, even by another handler.
    """

    def __init__(self) -> None:
        self.signals = 0
        self._terminal = select.poll()
        if os.isatty(sys.stdout.fileno()):
            self._terminal.register(sys.stdout.fileno(), 0)  # a hang-up is told even so
        for number in STOPPING:
            signal.signal(number, self._asked)

    def _asked(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1

    @staticmethod
    def fulfilled() -> None:
        """Whoever asks once more while this process ends must not change how it ends."""
        for number in STOPPING:
            signal.signal(number, signal.SIG_IGN)

    @property
    def end(self) -> bool:
        return self.signals > 0 or bool(self._terminal.poll(0))


def supervise(children: Sequence[Child], watch: Callable[[], None] = lambda: None) -> int:
    """Runs all until one ends or a signal comes, calls `watch` five times a second; returns the exit code to end with.

    A further signal, after all were told to end, ends the waiting for those that take their time.
    """
    wishes = Wishes()
    try:
        for child in children:
            child.start()
        first = _wait(children, wishes, watch)
    finally:
        _end(children, wishes)
        wishes.fulfilled()
    if first is None:
        return 0
    say(f"{first.name} ended by itself (exit code {first.code}), so all was stopped.")
    return first.code or 1


def _wait(children: Sequence[Child], wishes: Wishes, watch: Callable[[], None]) -> Child | None:
    while not wishes.end:
        if first := next((child for child in children if child.ended), None):
            say(f"{first.name} ended, stopping the rest.")
            return first
        watch()
        time.sleep(LOOK)
    return None


def _end(children: Sequence[Child], wishes: Wishes) -> None:
    for child in children:
        child.tell_to_stop()
    time.sleep(LOOK)  # a closed terminal sends its signal more than once
    begun, asked = time.monotonic(), wishes.signals
    while wishes.signals == asked and any(child.running and time.monotonic() - begun < child.grace for child in children):
        time.sleep(LOOK / 4)
    for child in children:
        child.kill()
