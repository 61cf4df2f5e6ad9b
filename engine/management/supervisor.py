"""Runs processes side by side and ends them together: each in a session of its own, output prefixed with its name.

To end them, only the main process of each is told to (a django-q2 cluster hangs if its workers are signalled too); what is left
after its grace is killed as a whole group. If one ends by itself, all end.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

PR_SET_PDEATHSIG = 1
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
    def code(self) -> int:
        """The exit code; 128 + number for a signal, as a shell says it."""
        code = self.process.poll() if self.process else 0
        return 0 if code is None else 128 - code if code < 0 else code

    def tell_to_stop(self) -> None:
        """SIGTERM to the main process alone."""
        if self.process and not self.ended:
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


def supervise(children: Sequence[Child], watch: Callable[[], None] = lambda: None) -> int:
    """Runs all until one ends or a signal comes, calls `watch` five times a second; returns the exit code to end with.

    A second signal ends the waiting for those that take their time.
    """
    stop, at_once = threading.Event(), threading.Event()
    for number in STOPPING:
        signal.signal(number, lambda *_: at_once.set() if stop.is_set() else stop.set())
    try:
        for child in children:
            child.start()
        first = _wait(children, stop, watch)
    finally:
        stop.set()
        _end(children, at_once)
    if first is None:
        return 0
    say(f"{first.name} ended by itself (exit code {first.code}), so all was stopped.")
    return first.code or 1


def _wait(children: Sequence[Child], stop: threading.Event, watch: Callable[[], None]) -> Child | None:
    while not stop.wait(0.2):
        if first := next((child for child in children if child.ended), None):
            say(f"{first.name} ended, stopping the rest.")
            return first
        watch()
    return None


def _end(children: Sequence[Child], at_once: threading.Event) -> None:
    begun = time.monotonic()
    for child in children:
        child.tell_to_stop()
    while any(not child.ended and child.process and time.monotonic() - begun < child.grace for child in children) and not at_once.wait(
        0.05
    ):
        pass
    for child in children:
        child.kill()
