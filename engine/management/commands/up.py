"""Runs the web server and the workflow cluster together, until Ctrl-C: what `./dev.py run` ends in.

In production they are two services; this is for one's own machine, and uses the same server and the same cluster.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections

from engine.conf import settings as conf
from engine.management.supervisor import Child, say, supervise

PREPARATIONS: dict[str, tuple[tuple[str, tuple[str, ...]], ...]] = {
    "none": (),
    "plain": (("migrate", ()),),
    "demo": (("migrate", ()), ("demo", ())),
    "conformance": (("migrate", ()), ("collectstatic", ("--noinput",)), ("demo", ("--conformance",))),
}


class Command(BaseCommand):
    help = "Runs web and workflow cluster together; Ctrl-C ends both."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="processes of the cluster (default 2)")
        parser.add_argument("--web-workers", type=int, default=2, help="processes of the web server (default 2)")
        parser.add_argument("--threads", type=int, default=4, help="threads of each web process (default 4)")
        parser.add_argument("--no-cluster", action="store_true", help="web only: nothing runs jobs")
        parser.add_argument("--prepare", choices=PREPARATIONS, default="none", help="what to do before")

    def handle(self, *args: Any, host: str, port: int, prepare: str, no_cluster: bool, **options: Any) -> None:
        """Prepares, starts, says when the site answers; exits with 0 on a signal, with the code of a child that ended by itself."""
        _refuse_a_taken_port(host, port)
        for command, arguments in PREPARATIONS[prepare]:
            _step(command, arguments)
        connections.close_all()
        children = [_web(host, port, options["web_workers"], options["threads"])]
        if not no_cluster:
            children.append(_cluster(options["workers"]))
        ready = Readiness(host, port, cluster=not no_cluster, prepare=prepare)
        code = supervise(children, ready.look)
        say("All stopped.")
        sys.exit(code)


def _refuse_a_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"{host}:{port} cannot be used: {error.strerror}. Choose another with --port.") from None


def _step(command: str, arguments: tuple[str, ...]) -> None:
    begun = time.monotonic()
    call_command(command, *arguments, verbosity=0)
    say(f"{command:<14} {time.monotonic() - begun:5.1f} s")


def _web(host: str, port: int, workers: int, threads: int) -> Child:
    options = {
        "interface": "wsgi",
        "host": host,
        "port": port,
        "workers": workers,
        "blocking-threads": threads,
        "workers-kill-timeout": 5,
        "log-level": "error",  # it warns of any number of threads that is fit for slow requests
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", "granian", *words, "--no-ws", "--respawn-failed-workers", "workflow_site.wsgi:application"]
    return Child("web", command, grace=10)


def _cluster(workers: int) -> Child:
    command = [sys.executable, "manage.py", "workflow_cluster", "--workers", str(workers)]
    return Child("cluster", command, grace=conf.STOP_TIMEOUT + 5)


class Readiness:
    """Asks `/healthz` until it answers, then says once where to go and as whom."""

    def __init__(self, host: str, port: int, *, cluster: bool, prepare: str) -> None:
        spoken = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104  # compared only
        self.address = f"http://{spoken}:{port}"
        self.cluster, self.prepare = cluster, prepare
        self.said = False
        self.open: Callable[..., Any] = build_opener(ProxyHandler({})).open

    def look(self) -> None:
        """Says that all is ready as soon as it is."""
        if not self.said and self._answers():
            self.said = True
            say("\n".join(["", f"Towpath is ready at {self.address}", *self._more(), ""]))

    def _answers(self) -> bool:
        try:
            with self.open(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def _more(self) -> list[str]:
        database = settings.DATABASES["default"]
        return [
            *LOGINS[self.prepare],
            f"  database       {database['ENGINE'].rpartition('.')[2]}  {os.path.relpath(database['NAME'])}",
            "  end it with    Ctrl-C" if self.cluster else "  end it with    Ctrl-C    (no cluster: jobs wait)",
        ]


LOGINS: dict[str, tuple[str, ...]] = {
    "none": (),
    "plain": (),
    "demo": (
        "  log in as      alice, bob (kitchen), charlie (no rights) or admin; the password is the name",
        "  then           /  tasks     /admin/  administration     /demo/shop/  the pizza shop     /api/  REST",
        "  OAuth2 client  demo / demo-secret",
    ),
    "conformance": ("  log in as      admin, kermit or fozzie; the password is test (basic authentication is on)",),
}
