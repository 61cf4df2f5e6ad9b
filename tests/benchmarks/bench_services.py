"""The service API under load, beside a site that runs: `python -m tests.benchmarks.bench_services http://127.0.0.1:8000 [seconds]`.

Prints the rate of a start that runs a script to its end, of start + list + complete, and how long a 202 takes at 50 requests a second.
The site must trust its callers and have the workflows of `tests.automatiko_workflows` (`./dev.py run --automatiko`).
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

CLIENTS = 8
RATE = 50.0  # accepted requests a second
HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
ORIGINAL = {"start": 227.0, "flow": 81.0}  # a second, Automatiko with its file store on a machine of this kind


class Client:
    """One connection that stays open."""

    def __init__(self, base: str) -> None:
        place = urlsplit(base)
        self.link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        raw = None if body is None else json.dumps(body)
        self.link.request(method, f"/services{path}", raw, {**HEADERS, **{k.replace("_", "-"): v for k, v in headers.items()}})
        answer = self.link.getresponse()
        found = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{answer.status} {found[:200]!r}")
        return json.loads(found)


def start(client: Client) -> None:
    client.call("POST", "/scripts", {"name": "john"})


def flow(client: Client) -> None:
    made = client.call("POST", "/scripts", {"name": "mary"})
    (task,) = client.call("GET", f"/scripts/{made['id']}/tasks?user=john")
    client.call("POST", f"{task['reference']}?user=john", {})


def rate(base: str, what: Callable[[Client], None], seconds: float) -> float:
    """How often a second all clients together do it."""
    until = time.monotonic() + seconds

    def work(_: int) -> int:
        client, count = Client(base), 0
        while time.monotonic() < until:
            what(client)
            count += 1
        return count

    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(work, range(CLIENTS))) / seconds


def accepted(base: str, seconds: float) -> list[float]:
    """How long each 202 took, in milliseconds, at an even pace."""
    took: list[float] = []
    clients = [Client(base) for _ in range(CLIENTS)]
    locks = [threading.Lock() for _ in clients]
    began = time.monotonic()

    def one(number: int) -> None:
        time.sleep(max(0.0, began + number / RATE - time.monotonic()))
        with locks[number % CLIENTS]:
            at = time.perf_counter()
            clients[number % CLIENTS].call("POST", "/scripts", {"name": "john"}, X_ATK_Mode="async")
            took.append((time.perf_counter() - at) * 1000)

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(one, range(int(seconds * RATE))))
    return sorted(took)


def main(base: str, seconds: float = 5.0) -> None:
    """Print all figures."""
    for what in (start, flow):
        rate(base, what, 1.0)
        found = rate(base, what, seconds)
        print(f"{what.__name__:<8} {found:7.0f} /s   {found / ORIGINAL[what.__name__]:.2f} x the original")
    took = accepted(base, seconds)
    print(f"202      p50 {took[len(took) // 2]:.1f} ms   p95 {took[int(len(took) * 0.95)]:.1f} ms   {len(took)} requests")


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], *map(float, sys.argv[2:]))
