"""A PostgreSQL that can be stopped, started again, cut and filled in the middle of everything, with all the safety a real one has."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from tests import postgres

# The error of a disk that is full, raised where a unit of work is about to have been saved: after it has written most of its rows.
FULL = """
CREATE TABLE chaos_disk (full_since timestamptz);
CREATE FUNCTION chaos_write() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF EXISTS (SELECT 1 FROM chaos_disk) THEN
        RAISE EXCEPTION 'could not extend file "base/1/1": No space left on device' USING ERRCODE = 'disk_full';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER chaos_write BEFORE INSERT ON towpath_ledger FOR EACH ROW EXECUTE FUNCTION chaos_write();
"""


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
            cursor = connection.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def cut(self, number: int) -> None:
        """End so many connections, first those that are in the middle of something."""
        self.rows(
            "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND pid <> pg_backend_pid() ORDER BY state = 'idle', random() LIMIT %s) AS chosen",
            number,
        )

    def make_fillable(self) -> None:
        """Once, when the tables are there."""
        self.rows(FULL)

    def fill(self, full: bool) -> None:
        """From now on saving fails, or works again."""
        self.rows("INSERT INTO chaos_disk VALUES (now())" if full else "DELETE FROM chaos_disk")
