"""A client of the engine in a process of its own: `python -m tests.chaos.client URL LOG RATE CONNECTIONS SECONDS`. What it was answered, it writes down.

It starts so many instances a second, whatever happens, whose steps take so many seconds each, and ends on SIGTERM. A start that was not
answered 201 is written down as such: nobody was told that there is an instance, whether or not there is one.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

KEY, STEPS = "storm", ("one", "two", "three")[: int(os.environ.get("CHAOS_STEPS", "3"))]
TIMED = "timed"  # the same steps, but first a timer of three seconds
PATIENCE = 10.0  # seconds for an answer
LATE = 1.0  # seconds: what could not be offered for so long is not made up for
BODY = '{{"processDefinitionKey": "{}", "variables": [{{"name": "seconds", "value": {}}}]}}'
HEADERS = {"Content-Type": "application/json", "Authorization": "Basic " + base64.b64encode(b"admin:test").decode()}


def start(url: str, key: str) -> str:
    """Start one instance; returns its id, for it was answered 201."""
    address = urlsplit(url)
    line = http.client.HTTPConnection(address.hostname or "", address.port, timeout=PATIENCE)
    line.request("POST", "/api/runtime/process-instances", BODY.format(key, 0), HEADERS)
    answer = line.getresponse()
    assert answer.status == 201
    return str(json.loads(answer.read())["id"])


class Caller(threading.Thread):
    """One connection that is used over and over, and made anew when it breaks."""

    def __init__(self, url: str, log: int, body: bytes, pause: float, offset: float, over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.body = body
        self.address, self.log, self.pause, self.over = urlsplit(url), log, pause, over
        self.due = time.monotonic() + offset
        self._connect()

    def _connect(self) -> None:
        self.line = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=PATIENCE)

    def run(self) -> None:
        while not self.over.wait(max(0.0, self.due - time.monotonic())):
            os.write(self.log, f"{self._start()} {time.monotonic():.3f}\n".encode())
            self.due = max(self.due + self.pause, time.monotonic() - LATE)

    def _start(self) -> str:
        """The answer: `201 ID`, another status, or the error of the connection."""
        try:
            self.line.request("POST", "/api/runtime/process-instances", self.body, HEADERS)
            answer = self.line.getresponse()
            body = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self.line.close()
            self._connect()
            self.over.wait(0.05)
            return f"{type(error).__name__} -"
        found = body.partition('"id":')[2].split('"')[1] if answer.status == 201 else "-"  # reading it all would take longer
        return f"{answer.status} {found}"


def main(url: str, log: Path, rate: float, connections: int, seconds: float) -> None:
    """Calls until it is told to end."""
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    over = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: over.set())
    body = BODY.format(KEY, seconds).encode()
    callers = [Caller(url, out, body, connections / rate, i / rate, over) for i in range(connections)]
    for caller in callers:
        caller.start()
    over.wait()
    for caller in callers:
        caller.join(PATIENCE + 1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
