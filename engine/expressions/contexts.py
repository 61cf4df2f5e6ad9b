"""Makes the contexts (QuickJS) in which scripts run: one for each run, or for plain scripts (plain.py) one that a thread keeps.

No context leaves its thread. One that is kept takes as long to make as nine others, so a thread gets it with its `WORTH`th plain script. It
goes after a failure, after `RUNS` runs, and when a script left anything behind in it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import quickjs

WORTH = 5
RUNS = 1000  # how many scripts run in one context: what they leave to be collected is bounded so
_SANDBOX = Path(__file__).with_name("sandbox")


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run: CPU seconds, bytes of memory, seconds of sleep in all, characters printed, bytes of stack."""

    cpu_seconds: float = 5.0
    memory: int = 64 * 1024 * 1024
    sleep_seconds: float = 60.0
    printed: int = 100_000
    stack: int = 256 * 1024


def on_one_line(name: str) -> str:
    """The sandbox's own code, without comments, on the first line. A script begins on the second: a line tells which was running."""
    code = (_SANDBOX / name).read_text("utf-8")
    return " ".join(line.strip() for line in code.splitlines() if not line.lstrip().startswith("//"))


_PRELUDE = on_one_line("prelude.js")
_PARTS = tuple(map(on_one_line, ("scope.js", "surroundings.js", "values.js")))
_LASTING = on_one_line("lasting.js")

Run = Callable[[str, str], str]


def fresh(limits: Limits, library: str = "", lasting: str = "") -> Run:
    """Runs sources in a new context: what is offered goes in as JSON, what was done comes out. quickjs.JSException if it is ended."""
    context = quickjs.Context()
    context.set_memory_limit(limits.memory)
    context.set_max_stack_size(limits.stack)
    context.set_time_limit(limits.cpu_seconds)
    run: Run = context.eval(_PRELUDE)(library, *_PARTS, lasting)
    return run


@cache
def global_names(library: str = "") -> frozenset[str]:
    """What the sandbox itself calls by a global name."""
    context = quickjs.Context()
    context.eval(_PRELUDE)(library, *_PARTS, "")
    return frozenset(json.loads(context.eval("JSON.stringify(Object.getOwnPropertyNames(globalThis))")))


@dataclass(slots=True)
class _Context:
    """A context that its thread keeps: for how many runs more, and for which limits."""

    run: Run
    limits: Limits
    left: int


class _Kept(threading.local):
    """The contexts of this thread, by the library in them."""

    def __init__(self) -> None:
        self.contexts: dict[str, _Context] = {}
        self.runs: dict[str, int] = {}  # plain scripts since there was none


_kept = _Kept()


def run_plain(source: str, offered: str, limits: Limits, library: str = "") -> dict[str, Any] | None:
    """What a plain script did in the context that this thread keeps; None if it keeps none yet, or if the script failed there.

    quickjs.JSException if its time was up.
    """
    context = _context(limits, library)
    if context is None:
        return None
    try:
        told: dict[str, Any] = json.loads(context.run(source, offered))
    except quickjs.JSException as error:
        if "interrupted" in str(error):
            raise
        return None
    if told["error"] is not None:
        return None
    if told["clean"]:
        _kept.contexts[library] = context
    return told


def _context(limits: Limits, library: str) -> _Context | None:
    """The thread's context, which has to be put back after a run that was good."""
    context = _kept.contexts.pop(library, None)
    if context is None or context.left <= 0 or context.limits != limits:
        _kept.runs[library] = runs = _kept.runs.get(library, 0) + 1
        if runs < WORTH and context is None:
            return None
        context = _Context(fresh(limits, library, _LASTING), limits, RUNS)
    _kept.runs.pop(library, None)
    context.left -= 1
    return context
