"""`manage.py up` says that the site is ready when it answers, and leaves no process behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import ProxyHandler, build_opener

import psutil
import pytest

from tests.ports import free_port
from tests.toolchain.test_supervisor import living

ROOT = Path(__file__).parents[2]
LONG = 300.0  # seconds that nothing here takes, however slow the machine is
SECRET = "a secret for one test, long enough not to be warned of: 0123456789"

pytestmark = [pytest.mark.once, pytest.mark.slow]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    told = {"ENV_FILE": "", "SECRET_KEY": SECRET, "HTTPS": "0", "ALLOWED_HOSTS": "127.0.0.1", "CONFORMANCE": "1"}
    return {**kept, **told, "DATABASE_URL": f"sqlite:///{tmp_path}/site.sqlite3"}


def up(port: int, environment: dict[str, str], *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "manage.py", "up", "--port", str(port), *options]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


@pytest.fixture
def site(port: int, environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The whole product on an empty database, after it has said that it is ready."""
    process = up(port, environment, "--prepare", "plain")
    guard = threading.Timer(LONG, process.kill)
    guard.daemon = True
    guard.start()
    said: list[str] = []
    assert process.stdout
    for line in process.stdout:
        said.append(line.strip())
        if "end it with" in line:
            break
    yield process, said
    guard.cancel()
    if process.poll() is None:
        process.terminate()
        process.wait(LONG)


def whole_family(pid: int) -> list[psutil.Process]:
    """The web server with its two processes, the cluster with its guard and two workers: the cluster may still be on its way."""
    until = time.monotonic() + LONG
    while len(family := psutil.Process(pid).children(recursive=True)) < 7:
        assert time.monotonic() < until, family
        time.sleep(0.1)
    return family


def test_it_says_where_it_is_ready_and_ends_with_all_its_processes(site: tuple[subprocess.Popen[str], list[str]], port: int) -> None:
    process, said = site
    assert f"Towpath is ready at http://127.0.0.1:{port}" in said, "\n".join(said)
    with build_opener(ProxyHandler({})).open(f"http://127.0.0.1:{port}/readyz", timeout=LONG) as answer:
        assert answer.status == 200
    family = whole_family(process.pid)
    process.terminate()
    assert process.wait(LONG) == 0
    until = time.monotonic() + LONG
    while any(map(living, family)):
        assert time.monotonic() < until, family
        time.sleep(0.05)


def test_a_taken_port_is_said_before_anything_is_done(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = up(port, environment, "--prepare", "plain")
        said, _ = process.communicate(timeout=LONG)
    assert process.returncode == 1
    assert f"127.0.0.1:{port} cannot be used" in said
    assert "--port" in said
