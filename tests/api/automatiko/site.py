"""The whole product in processes of its own, web server and cluster, on a database of its own: what clients of the services meet."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from django.conf import settings

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


@contextmanager
def own_database(folder: Path) -> Iterator[str]:
    """The address of an empty database of the kind that the tests run on; gone afterwards."""
    told = settings.DATABASES["default"]
    if told["ENGINE"].endswith("sqlite3"):
        yield f"sqlite:///{folder}/site.sqlite3"
        return
    host, name = told["HOST"] or told["OPTIONS"]["host"], f"site_{os.getpid()}"
    with psycopg.connect(host=host, port=told["PORT"] or None, user=told["USER"], dbname=told["NAME"], autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql://{told['USER']}@/{name}?host={quote(host)}"
        finally:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)")


class Answer:
    """What the site answered; the names of headers in small letters."""

    def __init__(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.status, self.headers, self.content = status, headers, content

    @property
    def json(self) -> Any:
        return json.loads(self.content)


class Site:
    """`with Site(database, ENGINE_...=...) as site:` runs it, with the superuser `admin`; `site.call` sends one request over HTTP."""

    def __init__(self, database: str, **told: object) -> None:
        self.port = free_port()
        own = {"DJANGO_SETTINGS_MODULE": "tests.settings", "DATABASE_URL": database, "CONFORMANCE": 1, "ENGINE_POLL_INTERVAL": 0.02}
        self.environment = {**os.environ, **{name: str(value) for name, value in {**own, **told}.items()}}
        self.environment.pop("Q_CLUSTER_NAME", None)

    def __enter__(self) -> Site:
        command = [sys.executable, "manage.py", "up", "--port", str(self.port), "--workers", "1", "--web-workers", "1"]
        command += ["--prepare", "conformance"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, start_new_session=True)
        try:
            self._wait_until_it_answers(600)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _wait_until_it_answers(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._answers():
            assert self.process.poll() is None, "the site ended by itself"
            assert time.monotonic() < until, "the site does not answer"
            time.sleep(0.05)

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait(300)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _answers(self) -> bool:
        try:
            return self.call("GET", "/healthz").status == 200
        except OSError:
            return False

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request; the names of headers are written with underscores."""
        link = HTTPConnection("127.0.0.1", self.port, timeout=300)
        sent = {"Accept": "application/json", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            link.request(method, path, None if body is None else json.dumps(body), sent)
            answer = link.getresponse()
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            link.close()
