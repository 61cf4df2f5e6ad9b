"""Many callbacks to a receiver that fails half of the time, hangs now and then and is killed twice: all arrive, in order, none is lost.

`TOWPATH_CALLBACKS=10000` is the full number; a tenth of it is sent otherwise.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import socket
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from engine.models import Delivery
from engine.models.fields import uuid7
from engine.runtime.callbacks import pool

COUNT = int(os.environ.get("TOWPATH_CALLBACKS", "1000"))
EACH = 10  # callbacks of one instance
TRIES = 40


def receive(port: int, log: Any, seed: int) -> None:
    """A process that takes callbacks badly; what it took is told before its answer leaves."""
    chance = random.Random(seed)

    class Hit(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            luck = chance.random()
            if luck < 0.02:
                time.sleep(3)
                return
            if luck >= 0.5:
                log.put((body["stream"], body["number"]))
            self.send_response(200 if luck >= 0.5 else 500)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    ThreadingHTTPServer.allow_reuse_address = True
    ThreadingHTTPServer.request_queue_size = 128
    ThreadingHTTPServer(("127.0.0.1", port), Hit).serve_forever()


@contextmanager
def receivers(port: int, log: Any, kills: list[float]) -> Iterator[None]:
    """The receiver, killed after so many seconds each and begun anew."""
    over = threading.Event()
    made = multiprocessing.get_context("fork")

    def keep() -> None:
        for number, life in enumerate([*kills, 3600.0]):
            process = made.Process(target=receive, args=(port, log, number), daemon=True)
            process.start()
            over.wait(life)
            process.kill()
            process.join()
            if over.wait(0.5):
                return

    thread = threading.Thread(target=keep)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_all_callbacks_arrive_in_order_and_none_is_lost(settings: Any, capsys: Any) -> None:
    for name, value in {"TRIES": TRIES, "WAIT": 0.05, "MAX_WAIT": 2.0, "TIMEOUT": 1.0, "ALLOW": "127.0.0.1"}.items():
        setattr(settings, f"ENGINE_CALLBACK_{name}", value)
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    log = multiprocessing.get_context("fork").SimpleQueue()
    taken: list[tuple[str, int]] = []
    listener = threading.Thread(target=lambda: [taken.append(one) for one in iter(log.get, None)], daemon=True)
    with receivers(port, log, kills=[2.0, 3.0]):
        listener.start()
        _fill(port)
        sender, began = pool.Pool(), time.monotonic()
        until = began + max(120.0, COUNT / 20)
        while Delivery.objects.filter(state="pending").exists() and time.monotonic() < until:
            sender._turn()
        took = time.monotonic() - began
        log.put(None)
        listener.join(10)
    states = Counter(Delivery.objects.values_list("state", flat=True))
    assert states == {"delivered": COUNT}
    first: dict[str, list[int]] = defaultdict(list)
    for stream, number in taken:
        if number not in first[stream]:
            first[stream].append(number)
    assert all(numbers == list(range(1, EACH + 1)) for numbers in first.values())
    assert sum(map(len, first.values())) == COUNT
    doubled = len(taken) - COUNT
    assert doubled <= COUNT / 50  # an answer was lost: a kill or a time-out between taking and answering
    with capsys.disabled():
        print(f"\n{COUNT} callbacks in {took:.1f} s, {doubled} doubled")  # noqa: T201  # a figure to be read


def _fill(port: int) -> None:
    now = datetime.now(UTC)
    rows = []
    for place in range(COUNT):
        stream, number = f"i{place // EACH}", place % EACH + 1
        body = json.dumps({"stream": stream, "number": number})
        about = {"stream": stream, "number": number, "origin": f"http://127.0.0.1:{port}", "url": f"http://127.0.0.1:{port}/", "body": body}
        rows.append(Delivery(id=uuid7(), status="Active", due=now, created=now, **about))
    Delivery.objects.bulk_create(rows, batch_size=500)
