"""A client of the engine in a process of its own: `python -m tests.chaos.client LOG RATE`. What it was answered, it writes down.

Ends on SIGTERM. A start that failed is not written down, whether or not it was saved: nobody was told.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import django

from tests.runtime.models import handler, model

STEPS = ("one", "two", "three")


def main(log: Path, rate: float) -> None:
    """Starts `rate` instances a second, each of three asynchronous steps with an effect."""
    django.setup()
    from django.db import Error, connection  # noqa: PLC0415  # after the set-up

    from engine import runtime  # noqa: PLC0415

    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    runtime.deploy({"storm.bpmn": model(*(handler(s, "slow", 'flowable:async="true"') for s in STEPS), key="storm")}, name="storm")
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    due = time.monotonic()
    while going:
        try:
            os.write(out, f"{runtime.start('storm').pk}\n".encode())
        except Error:
            connection.close()
            time.sleep(0.1)
        due = max(due + 1 / rate, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
