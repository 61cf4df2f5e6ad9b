"""What the tests of the service API share: the workflows of the recording, a client for each person, and a real receiver of callbacks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engine import runtime
from tests.automatiko_workflows import FILES


@pytest.fixture
def workflows(db: None) -> None:
    """All workflows of the recording, deployed."""
    for path in FILES:
        runtime.deploy({path.name: path.read_bytes()}, name=path.stem)


class Services:
    """A client of the service API, logged in by session as one person (None: nobody)."""

    def __init__(self, user: User | None = None) -> None:
        self.http = Client()
        if user is not None:
            self.http.force_login(user)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """`body` is sent as JSON, bytes as they are; the names of headers are written with underscores."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        sent = {"Accept": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
        kind = sent.pop("Content-Type", "application/json")
        return self.http.generic(method, f"/services/{path}", raw, content_type=kind, headers=sent)

    def send(self, method: str, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        answer = self.call(method, path, body, **headers)
        assert answer.status_code == status, answer.content
        return json.loads(answer.content) if answer.content else None

    def get(self, path: str, status: int = 200) -> Any:
        return self.send("GET", path, None, status)

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        return self.send("POST", path, {} if body is None else body, status, **headers)

    def delete(self, path: str, status: int = 200, **headers: str) -> Any:
        return self.send("DELETE", path, None, status, **headers)

    def task(self, path: str) -> str:
        """The path of the only task that an instance lists."""
        (found,) = self.get(path)
        reference: str = found["reference"]
        return reference.lstrip("/")


@pytest.fixture
def trusted(settings: Any) -> Services:
    """A caller whom the site trusts, as behind a gateway."""
    settings.ENGINE_SERVICES_TRUSTED = True
    return Services()


@pytest.fixture
def services() -> Callable[[User | None], Services]:
    return Services


# -- a receiver -----------------------------------------------------------------------------------------------------------
class Receiver(ThreadingHTTPServer):
    """Keeps what it got; `answers` are the statuses it gives one after the other, then 200."""

    daemon_threads = True
    request_queue_size = 128  # by default 5 may knock, and the next one tries again after a second

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hit)
        self.hits: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.tokens: list[dict[str, Any]] = []
        self.came = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Hit(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        with self.server.came:
            hit = {"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}, "body": body}
            self.server.hits.append(hit)
            token = self.server.tokens.pop(0) if self.path.startswith("/token") and self.server.tokens else None
            status = 200 if token or not self.server.answers else self.server.answers.pop(0)
            self.server.came.notify_all()
        answer = json.dumps(token or {"took": True}).encode()
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    """A receiver on this machine, to which callbacks may go."""
    settings.ENGINE_CALLBACK_ALLOW = "127.0.0.1"
    server = Receiver()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
