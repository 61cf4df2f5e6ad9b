"""Handlers whose effects are lines in a file outside the engine and its database: the oracle reads them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from engine.runtime.handlers import Execution, service_task


def trace(what: str, execution: Execution) -> None:
    """One line, in one write: it is there as a whole or not at all, whatever happens to the process or the clock on the wall."""
    line = f"{what} {execution.idempotency_key} {execution.instance_id} {os.getpid()} {time.monotonic():.3f}\n"
    handle = os.open(Path(os.environ["CHAOS_TRACES"]), os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)


@service_task("slow", transaction=False)
def slow(execution: Execution) -> None:
    """Takes as many seconds as the variable says, remotely."""
    trace("begin", execution)
    time.sleep(float(execution.get_variable("seconds", 0)))
    trace("end", execution)


@service_task("hangs_once", transaction=False)
def hangs_once(execution: Execution) -> None:
    """Never comes to an end for the first who tries it, and at once for all others."""
    trace("begin", execution)
    while Path(os.environ["CHAOS_TRACES"]).read_text().count("begin") == 1:
        time.sleep(0.1)
    trace("end", execution)


@service_task("slow_inside")
def slow_inside(execution: Execution) -> None:
    """The same within the engine's transaction."""
    slow(execution)


@service_task("exits", transaction=False)
def exits(execution: Execution) -> None:
    trace("begin", execution)
    os._exit(7)


@service_task("leaves", transaction=False)
def leaves(execution: Execution) -> None:
    trace("begin", execution)
    sys.exit(3)


@service_task("deaf", transaction=False)
def deaf(execution: Execution) -> None:
    """Hangs, and takes no hint."""
    trace("begin", execution)
    while True:
        try:
            time.sleep(60)
        except BaseException:  # noqa: S112  # deaf is what it is
            continue


@service_task("greedy", transaction=False)
def greedy(execution: Execution) -> int:
    """Takes memory until there is none."""
    trace("begin", execution)
    taken = []
    while True:
        taken.append(bytearray(b"x" * 8_000_000))


@service_task("large", transaction=False)
def large(execution: Execution) -> int:
    """Takes more than it gives back, for a while."""
    trace("begin", execution)
    return len([b"x" * 7_000_000 for _ in range(50)])


@service_task("odd", transaction=False)
def odd(execution: Execution) -> object:
    """Answers what cannot be stored."""
    trace("begin", execution)
    return {"odd": object()}
