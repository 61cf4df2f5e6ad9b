"""How fast jobs are run: the cluster beside a bare loop of the least statements on the same PostgreSQL (fsync on), as ratios.

Run `python -m tests.benchmarks.bench_jobs [--jobs 3000] [--workers 2] [--procrastinate]`. Starts are not counted. `hop` is a job
that carries an instance to its end; pickup is from the commit of an async step to the start of its job, in an idle cluster.
`--procrastinate` installs that queue into a directory of its own (it needs the network) and has it run as many empty tasks.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from pkgutil import resolve_name
from typing import Any
from unittest import mock

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
ROUNDS = 2
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
def clusters(*workers: int) -> Iterator[None]:
    """Running clusters, each with so many workers."""
    command = [sys.executable, "manage.py", "workflow_cluster", "--workers"]
    processes = [subprocess.Popen([*command, str(n)], stderr=subprocess.DEVNULL) for n in workers]
    time.sleep(5)
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
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


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def hops(jobs: int, *workers: int) -> float:
    """Jobs a second of clusters that find so many waiting when they start."""
    key = waiting(jobs)
    with clusters(*workers):
        wait(key)
    return throughput(key)


def waiting(jobs: int) -> str:
    """The key of a process that has so many instances, a job each."""
    from engine import runtime  # noqa: PLC0415
    from tests.runtime.models import model  # noqa: PLC0415

    key = f"hop{time.monotonic_ns()}"
    runtime.deploy({"hop.bpmn": model('<manualTask id="a" flowable:async="true"/>', key=key)}, name="hop")
    start(key, jobs)
    return key


def measure(url: str, jobs: int, workers: int, *, procrastinate: bool) -> None:
    from engine import runtime  # noqa: PLC0415
    from tests.runtime.models import model, script  # noqa: PLC0415

    flag = 'flowable:async="true"'
    runtime.deploy({"pair.bpmn": model(script("a", "1", flag), script("b", "1", flag), key="pair")}, name="pair")
    limit, engine, one, two = [], [], [], []
    for _ in range(ROUNDS):  # by turns, for the machine is not always the same
        limit.append(bare(url, jobs, workers))
        engine.append(hops(jobs, workers))
        one.append(hops(jobs // 2, 1))
        two.append(hops(jobs, 1, 1))
    say(f"jobs a second, {workers} workers:   engine {line(engine)}   bare loop {line(limit)}   ratio {max(engine) / max(limit):.2f}")
    say(f"one worker each:          1 cluster {line(one)}   2 clusters {line(two)}   ratio {max(two) / max(one):.2f}")
    with clusters(workers):
        start("pair", 100, gap=0.05)
        wait("pair")
    say(f"pickup, idle cluster:     {shown(gaps('pair', 1))}")
    say(f"exclusive successor:      {shown(gaps('pair', 2))}")
    if procrastinate:
        queue = max(other_queue(url, jobs, workers) for _ in range(ROUNDS))
        say(f"procrastinate:            {queue:7.0f} empty tasks a second   engine / procrastinate {max(engine) / queue:.2f}")
    where_it_goes(jobs)


def line(found: list[float]) -> str:
    return f"{max(found):6.0f} ({', '.join(f'{one:.0f}' for one in found)})"


# -- where the time goes --------------------------------------------------------------------------------------------------
PARTS = {  # what is wrapped, outermost first; a part within a part is taken from it
    "claim and release": ("engine.runtime.drain.Worker._claim",),
    "load: wait for the database": ("engine.runtime.store.instances.read",),
    "load: rows to a state": ("engine.runtime.store.instances.loaded",),
    "interpret": ("engine.interpreter.resume",),
    "save: statements": ("engine.runtime.work.Work._save",),
    "save: wait for the database": ("engine.runtime.work.commit_alone",),
}


def where_it_goes(jobs: int) -> None:
    """The milliseconds of one job in one process, by part."""
    from engine.runtime.drain import Worker  # noqa: PLC0415

    waiting(jobs // 2)
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    inside: list[str] = []

    def timed(part: str, function: Any) -> Any:
        def run(*about: Any, **more: Any) -> Any:
            began = time.perf_counter()
            inside.append(part)
            try:
                return function(*about, **more)
            finally:
                inside.pop()
                took = time.perf_counter() - began
                spent[part] += took
                if inside:
                    spent[inside[-1]] -= took

        return run

    with ExitStack() as stack:
        for part, places in PARTS.items():
            for place in places:
                stack.enter_context(mock.patch(place, timed(part, resolve_name(place))))
        worker, began, count = Worker(), time.perf_counter(), 0
        while ran := worker.drain():
            count += ran
        whole = time.perf_counter() - began
    say(f"one job in one process:   {whole / count * 1000:.2f} ms")
    for part, seconds in {**spent, "the rest": whole - sum(spent.values())}.items():
        say(f"  {part:<28} {seconds / count * 1000:5.2f} ms   {seconds / whole:4.0%}")


# -- procrastinate ---------------------------------------------------------------------------------------------------------
OTHER = """
import asyncio, sys, time
import procrastinate

app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=sys.argv[2]))


@app.task(name="nothing")
async def nothing():
    pass


async def main():
    async with app.open_async():
        if sys.argv[1] == "fill":
            await app.schema_manager.apply_schema_async()
            await nothing.batch_defer_async(*({} for _ in range(int(sys.argv[3]))))
        else:
            began = time.perf_counter()
            await app.run_worker_async(wait=False, concurrency=10, listen_notify=False, install_signal_handlers=False)
            print(time.perf_counter() - began)

asyncio.run(main())
"""


def other_queue(url: str, jobs: int, workers: int) -> float:
    """Empty tasks a second of procrastinate with so many worker processes, in a database of its own."""
    place = Path(tempfile.gettempdir()) / "towpath-bench-procrastinate"
    if not place.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(place), "procrastinate"], check=True)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS procrastinate")
        connection.execute("CREATE DATABASE procrastinate")
    own = url.replace("/postgres?", "/procrastinate?")
    command, environment = [sys.executable, "-c", OTHER], {**os.environ, "PYTHONPATH": str(place)}
    subprocess.run([*command, "fill", own, str(jobs)], check=True, env=environment)
    running = [
        subprocess.Popen([*command, "work", own], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment)
        for _ in range(workers)
    ]
    return jobs / max(float(process.communicate()[0]) for process in running)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=3000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--procrastinate", action="store_true")
    arguments = parser.parse_args()
    postgres.OPTIONS.update(fsync="on", full_page_writes="on", synchronous_commit="on")
    with postgres.server() as url:
        os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.settings")
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
        import django  # noqa: PLC0415  # the database must be known before

        django.setup()
        measure(url, arguments.jobs, arguments.workers, procrastinate=arguments.procrastinate)


if __name__ == "__main__":
    main()
