"""How fast jobs are run: the cluster beside a bare loop of the same statements on the same PostgreSQL (fsync on), as ratios.

Run `python -m tests.benchmarks.bench_jobs [--jobs 2000] [--workers 2]`. Starts are not counted. `hop` is a job that carries an
instance to its end; pickup is from the commit of an async step to the start of its job, in an idle cluster.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests import postgres

BARE = """
CREATE SCHEMA IF NOT EXISTS bare; SET search_path TO bare;
DROP TABLE IF EXISTS instance, ledger, job;
CREATE TABLE instance (id int PRIMARY KEY, state jsonb NOT NULL, revision int NOT NULL);
CREATE TABLE ledger (id bigserial PRIMARY KEY, instance int NOT NULL, journal jsonb NOT NULL);
CREATE TABLE job (id int PRIMARY KEY, instance int NOT NULL, due timestamptz NOT NULL DEFAULT now(), owner int, until timestamptz);
CREATE INDEX ON job (due);
INSERT INTO instance SELECT n, '{"tokens": [{"id": 1, "node": "work"}]}', 1 FROM generate_series(1, %(jobs)s) n;
INSERT INTO job (id, instance) SELECT id, id FROM instance;
"""
CLAIM = """UPDATE bare.job SET owner = %s, until = now() + interval '30 s' WHERE id IN (SELECT id FROM bare.job WHERE owner IS NULL AND due <= now()
    ORDER BY due LIMIT 10 FOR UPDATE SKIP LOCKED) RETURNING id, instance"""
JOURNAL = Jsonb([["entered", "work"], ["left", "work"], ["ended", "end"]])


# -- the bare loop --------------------------------------------------------------------------------------------------------
def bare_worker(url: str, me: int) -> None:
    with psycopg.connect(url) as connection:
        while claimed := connection.execute(CLAIM, [me]).fetchall():
            connection.commit()
            for job, instance in claimed:
                connection.execute("SELECT * FROM bare.instance WHERE id = %s", [instance]).fetchone()
                connection.execute("UPDATE bare.instance SET revision = 2 WHERE id = %s AND revision = 1", [instance])
                connection.execute("INSERT INTO bare.ledger (instance, journal) VALUES (%s, %s)", [instance, JOURNAL])
                connection.execute("DELETE FROM bare.job WHERE id = %s AND owner = %s", [job, me])
                connection.commit()


def bare(url: str, jobs: int, workers: int) -> float:
    """Jobs a second of a loop that does nothing but the statements."""
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(BARE, {"jobs": jobs})
    processes = [multiprocessing.get_context("spawn").Process(target=bare_worker, args=(url, n)) for n in range(workers)]
    began = time.perf_counter()
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return jobs / (time.perf_counter() - began - 0.3)  # what it takes to start Python


# -- the engine -----------------------------------------------------------------------------------------------------------
@contextmanager
def cluster(workers: int) -> Iterator[None]:
    """A running cluster."""
    process = subprocess.Popen([sys.executable, "manage.py", "workflow_cluster", "--workers", str(workers)], stderr=subprocess.DEVNULL)
    time.sleep(5)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def spans(key: str) -> list[list[tuple[float, float]]]:
    """(begin, end) of each transaction of each instance of a process, by number."""
    from engine.models import Ledger  # noqa: PLC0415  # Django is set up by main

    found: dict[Any, list[tuple[float, float]]] = {}
    for row in Ledger.objects.filter(instance__definition__key=key, outcome="committed").order_by("instance", "number"):
        found.setdefault(row.instance_id, []).append((row.at.timestamp(), row.at.timestamp() + row.took))
    return list(found.values())


def start(key: str, count: int, gap: float = 0) -> None:
    from engine import runtime  # noqa: PLC0415

    for _ in range(count):
        runtime.start(key)
        time.sleep(gap)


def finished(key: str) -> bool:
    from engine.models import Instance  # noqa: PLC0415

    return not Instance.objects.filter(definition__key=key, ended=None).exists()


def wait(key: str) -> None:
    while not finished(key):
        time.sleep(0.05)


def throughput(key: str) -> float:
    """Jobs a second between the first begin and the last end."""
    jobs = [span for one in spans(key) for span in one[1:]]
    return len(jobs) / (max(end for _, end in jobs) - min(begin for begin, _ in jobs))


def gaps(key: str, number: int) -> list[float]:
    """Milliseconds from the end of transaction `number` to the begin of the next, sorted."""
    return sorted((one[number][0] - one[number - 1][1]) * 1000 for one in spans(key) if len(one) > number)


def shown(values: list[float]) -> str:
    return f"p50 {statistics.median(values):6.1f} ms   p95 {values[int(len(values) * 0.95)]:6.1f} ms   max {values[-1]:6.1f} ms"


def measure(url: str, jobs: int, workers: int) -> None:
    from engine import runtime  # noqa: PLC0415
    from tests.runtime.models import model, script  # noqa: PLC0415

    flag = 'flowable:async="true"'
    runtime.deploy({"hop.bpmn": model('<manualTask id="a" flowable:async="true"/>', key="hop")}, name="hop")
    runtime.deploy({"pair.bpmn": model(script("a", "1", flag), script("b", "1", flag), key="pair")}, name="pair")
    limit = bare(url, jobs, workers)
    start("hop", jobs)
    with cluster(workers):
        wait("hop")
        engine = throughput("hop")
        limit = max(limit, bare(url, jobs, workers))
        start("pair", 100, gap=0.05)
        wait("pair")
    sys.stdout.write(f"jobs a second, {workers} workers: engine {engine:7.0f}   bare loop {limit:7.0f}   ratio {engine / limit:.2f}" + "\n")
    sys.stdout.write(f"pickup, idle cluster:      {shown(gaps('pair', 1))}" + "\n")
    sys.stdout.write(f"exclusive successor:       {shown(gaps('pair', 2))}" + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    postgres.OPTIONS.update(fsync="on", full_page_writes="on", synchronous_commit="on")
    with postgres.server() as url:
        os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.settings")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        import django  # noqa: PLC0415  # the database must be known before

        django.setup()
        measure(url, arguments.jobs, arguments.workers)


if __name__ == "__main__":
    main()
