"""Callback targets that never answer hold up nobody but themselves, and what was promised to them ends as a visible failure."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User

from engine.conf import settings as conf
from engine.models import Definition, Delivery, Instance, Request
from engine.models.fields import uuid7
from engine.runtime import requests
from engine.runtime.operations import Wanted
from tests.chaos.cluster import Cluster, until
from tests.runtime.models import handler
from tests.runtime.queue import deploy

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
EACH = 12
QUIET = {"TIMEOUT": 1, "TRIES": 3, "WAIT": 0.2, "ALLOW": "127.0.0.1"}
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@contextmanager
def receiver(answer: bytes | None) -> Iterator[tuple[str, list[str]]]:
    """(url, ids of the requests that were answered) of one that takes every call and answers this, or never."""
    taken: list[str] = []
    kept: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            kept.append(line)
            if answer:
                threading.Thread(target=tell, args=(line,), daemon=True).start()

    def tell(line: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += line.recv(65_536)
        taken.append(next(text.split(": ", 1)[1] for text in head.decode().split("\r\n") if text.lower().startswith("webhook-id")))
        line.sendall(answer or b"")
        line.close()

    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}", taken
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for line in kept:
                line.close()


def test_a_callback_target_that_never_answers_holds_up_nobody_else(settings: Any, capsys: Any) -> None:
    for name, value in QUIET.items():
        setattr(settings, f"ENGINE_CALLBACK_{name}", value)
    alice = User.objects.create_superuser("alice", "alice@example.org", "alice")
    deploy(handler("step", "slow"))
    definition = Definition.objects.get()
    given = {f"ENGINE_CALLBACK_{name}": value for name, value in QUIET.items()}
    with receiver(None) as (silent, _), receiver(ANSWER) as (good, taken), Cluster(**given) as cluster:
        for url in [silent, good] * EACH:
            wanted = Wanted("start", definition, uuid7(), accepted=True)
            requests.accept(wanted, alice, requests.Told(f"{url}/hook", url))
        took = until(lambda: Delivery.objects.filter(origin=good, state="delivered").count() == EACH, 15)
        assert took < 10
        with capsys.disabled():
            told = f"{EACH} callbacks arrived within {took:.1f} s, beside {EACH} to a target that never answers"
            print(f"\n{told}, {conf.CALLBACK_PER_HOST} at a time to each")  # noqa: T201  # a figure to be read
        until(lambda: Delivery.objects.filter(origin=silent, state="dead").count() == EACH, 60)
        assert cluster.process.poll() is None
        assert cluster.traced("end") == 2 * EACH, "the work itself was done once for each"
    assert len(taken) == len(set(taken)) == EACH
    assert set(Delivery.objects.filter(origin=silent).values_list("tries", flat=True)) == {3}
    assert all(Delivery.objects.filter(origin=silent).values_list("error", flat=True))
    assert set(Instance.objects.values_list("state", flat=True)) == {"completed"}
    assert set(Request.objects.values_list("state", flat=True)) == {"done"}
