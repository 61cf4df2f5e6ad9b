"""A PostgreSQL that can be stopped and started again in the middle of everything, with all the safety a real one has."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests import postgres


class Server:
    """`with Server() as server:`; `url` is the address of its database."""

    def __enter__(self) -> Server:
        self.home = Path(tempfile.mkdtemp(prefix="towpath-pg-"))
        self.binaries = postgres._binaries(self.home)
        options = ("-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync")
        postgres._run(self.binaries / "initdb", "-D", self.home / "data", *options, home=self.home)
        self.kept = dict(postgres.OPTIONS)
        postgres.OPTIONS.update(fsync="on", full_page_writes="on", synchronous_commit="on")
        self.process: subprocess.Popen[bytes] = postgres._start(self.binaries, self.home)
        self.url = f"postgresql://postgres@/postgres?host={self.home}"
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)
        postgres.OPTIONS.clear()
        postgres.OPTIONS.update(self.kept)
        shutil.rmtree(self.home, ignore_errors=True)

    def restart(self, how: signal.Signals) -> None:
        """SIGINT: ends all connections; SIGQUIT: at once, and recovers from its log."""
        self.process.send_signal(how)
        self.process.wait(60)
        self.process = postgres._start(self.binaries, self.home)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What is in the database, past the engine."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()

    def cut(self, one: Any) -> None:
        """End one of the connections, chosen by `one`."""
        found = self.rows("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()")
        if found:
            self.rows("SELECT pg_terminate_backend(%s)", one(found)[0])
