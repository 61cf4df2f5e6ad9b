"""How long lists take with 1,000,000 ended and 100,000 open instances in PostgreSQL.

Run `python -m tests.benchmarks.bench_large_data [--database URL] [--only WORDS]`. Without a database it makes a server of its own;
one that is empty is filled first. Every list is asked through Django's test client, as an operator and as somebody who sees one
request in a hundred; the pages of the task UI and of the admin too. Totals are exact, so a list of very many rows is counted: those
are a class of their own. Beside what the clock shows stands what this process and its backend have computed, of other calls without
parallel workers: about what one takes where nothing else runs, also measured where much does. `--cpu` asks for that alone.
"""

from __future__ import annotations

import argparse
import random
import re
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import postgres
from tests.benchmarks import large_data

LIMITS = {"index": 100, "total": 1000, "scan": 1000}  # milliseconds, p95
MANY = 50_000  # rows behind a total that has to count them all
ROUNDS, FEWEST = 20, 4  # calls of one query
PATIENCE = 2.0  # seconds after which the fewest are enough; what takes longer is called once
LONGEST = 10  # seconds of one statement; what takes longer counts as this much
WORDS = re.compile(r"{(\w+)}")
COUNTED = re.compile(r"^\s*(\d+) (?:instances?|user tasks?|jobs?|ledgers?|subscriptions?|requests?|deliver(?:y|ies))\s*$", re.MULTILINE)


class Sample:
    """Values to ask for, drawn from what is there; the same ones in every run."""

    def __init__(self) -> None:
        from engine.models import Definition, Instance, UserTask  # noqa: PLC0415  # Django is set up by main

        self.random = random.Random(7)  # nothing is kept secret with it
        ended = Instance.objects.filter(ended__isnull=False).order_by("pk")
        there, open_ = Instance.objects.count(), Instance.objects.filter(ended=None).order_by("pk")
        some = [ended[n] for n in range(1, there // 2, there // 25)]
        times = Instance.objects.order_by("started").values_list("started", flat=True)
        keys = [f"process-{n}" for n in range(8)]
        self.values: dict[str, list[str]] = {
            "instance": [str(one.pk) for one in some],
            "open": [str(one.pk) for one in open_[: there // 11 : there // 200]],
            "business": [one.business_key for one in some if one.business_key],
            "task": [str(one) for one in UserTask.objects.filter(instance__in=some).values_list("pk", flat=True)],
            "user": [f"user{n:03}" for n in range(0, large_data.USERS, 37)],
            "group": [f"group{n:02}" for n in range(large_data.GROUPS)],
            "key": keys, "rare": ["process-9"],
            "definition": list(Definition.objects.filter(key__in=keys).values_list("pk", flat=True)),
            "deployment": [str(pk) for pk in Definition.objects.filter(key__in=keys).values_list("deployment", flat=True)],
            "customer": [f"Customer {n}" for n in range(0, 10_000, 373)],
            "amount": [str(n) for n in range(0, 5000, 311)],
            "event": [f"event-{n}" for n in range(0, 500, 37)],
            "early": [times[there // 100].isoformat()], "recent": [times[there - there // 100].isoformat()],
            "day": [times[there - there // 300].isoformat()],
        }  # fmt: skip

    def put(self, given: Any) -> Any:
        """The same with each word in braces replaced; an amount is a number."""
        if isinstance(given, dict):
            return {name: self.put(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self.put(one) for one in given]
        if given == "{amount}":
            return int(self.random.choice(self.values["amount"]))
        return WORDS.sub(lambda word: self.random.choice(self.values[word[1]]), given) if isinstance(given, str) else given


class Counter:
    """How many statements a call took."""

    def __init__(self) -> None:
        self.statements = 0

    def __call__(self, execute: Any, *given: Any) -> Any:
        self.statements += 1
        return execute(*given)


def total_of(answer: Any) -> int:
    """The rows behind a page: as the API says it, as the admin counted it, and none where nothing is counted."""
    if answer["Content-Type"].startswith("application/json"):
        return int(answer.json().get("total", 0))
    numbers = [int(found[1]) for found in COUNTED.finditer(answer.content.decode())]
    return numbers[-1] if numbers else 0


class Wall:
    """Milliseconds by the clock on the wall, with as many parallel workers as there are."""

    workers = "RESET max_parallel_workers_per_gather"

    def __call__(self) -> float:
        return time.perf_counter() * 1000


class Cpu:
    """Milliseconds that this process and its backend (on this machine) have computed, without parallel workers."""

    workers = "SET max_parallel_workers_per_gather = 0"

    def __init__(self) -> None:
        from django.db import connection  # noqa: PLC0415

        self._backend = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat")

    def __call__(self) -> float:
        return time.process_time() * 1000 + int(self._backend.read_text().split()[0]) / 1_000_000


Clock = Wall | Cpu


class Asked:
    """One query by one person: how long each call took by each clock, the first of which judges, and how many rows there are."""

    def __init__(self, query: Any, who: str) -> None:
        self.query, self.who, self.total, self.statements = query, who, 0, 0
        self.took: list[float] = []
        self.computed: list[float] = []

    def ask(self, client: Any, sample: Sample, clocks: list[Clock], patience: float) -> None:
        until = time.monotonic() + patience
        first = self._once(client, sample, clocks[0])  # for the caches
        enough = 1 if first > patience * 1000 else FEWEST
        while len(self.took) < ROUNDS and (len(self.took) < enough or time.monotonic() < until):
            self.took.append(self._once(client, sample, clocks[0]))
            self.computed.append(self._once(client, sample, clocks[1]) if clocks[1:] else self.took[-1])

    def _once(self, client: Any, sample: Sample, clock: Clock) -> float:
        from django.db import connection  # noqa: PLC0415

        given, address, posts = sample.put(self.query.given), sample.put(self.query.address), self.query.path.startswith("query/")
        counter = Counter()
        with connection.cursor() as cursor:
            cursor.execute(clock.workers)
        with connection.execute_wrapper(counter):
            began = clock()
            answer = client.post(address, given, content_type="application/json") if posts else client.get(address, given)
            took = clock() - began
        self.statements = counter.statements
        if answer.status_code in (200, 403):
            self.total = max(self.total, total_of(answer))
            return took
        if answer.status_code == 503:  # the database gave it up
            return LONGEST * 1000
        raise SystemExit(f"{self.query.name}: {answer.status_code} {answer.content[:300]!r}")

    @property
    def kind(self) -> str:
        return "scan" if self.query.scans or self.query.reads_rows(self.who) else "total" if self.total > MANY else "index"

    @property
    def p95(self) -> float:
        return sorted(self.took)[max(0, round(len(self.took) * 0.95) - 1)]

    @property
    def over(self) -> bool:
        return self.p95 > LIMITS[self.kind]

    def line(self) -> str:
        late = "OVER" if self.over else ""
        took = f"{statistics.median(self.took):8.1f} {self.p95:8.1f} {statistics.median(self.computed):8.1f}"
        return f"{self.kind:5} {self.who:8} {took} {self.total:9} {self.statements:3} {late:4} {self.query.name}"


def persons() -> dict[str, Any]:
    """A client for an operator and for somebody without permissions."""
    from django.contrib.auth.models import User  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    found = {"operator": Client(raise_request_exception=False), "user": Client(raise_request_exception=False)}
    for name, client in zip(("admin", "user123"), found.values(), strict=True):
        client.force_login(User.objects.get(username=name))
    return found


def measure(only: str, by: str, patience: float, *, cpu: bool) -> None:
    """Ask everything whose name contains `only`; prints a line for each as it is known, and what is over its limit at the end."""
    from django.db import connection  # noqa: PLC0415

    from tests.benchmarks.large_queries import everything  # noqa: PLC0415

    sample, done = Sample(), []
    with connection.cursor() as cursor:
        cursor.execute(f"SET statement_timeout = '{LONGEST}s'")
    clocks: list[Clock] = [Cpu()] if cpu else [Wall(), Cpu()]
    clients = {who: client for who, client in persons().items() if by in ("", who)}
    sys.stdout.write(f"{'class':5} {'who':8} {'p50 ms':>8} {'p95 ms':>8} {'cpu ms':>8} {'total':>9} sql\n")
    for query in everything():
        asking = {who: client for who, client in clients.items() if only in query.name and (who == "operator" or not query.for_operators)}
        for who, client in asking.items():
            done.append(Asked(query, who))
            done[-1].ask(client, sample, clocks, patience)
            sys.stdout.write(done[-1].line() + "\n")
            sys.stdout.flush()
    late = [one for one in done if one.over]
    sys.stdout.write(f"{len(done)} queries, {len(late)} over their limit\n")


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """The one that was named, or a server of our own."""
    if url:
        yield url
        return
    postgres.OPTIONS.update(fsync="on", full_page_writes="on", synchronous_commit="on", shared_buffers="512MB", max_wal_size="4GB")
    with postgres.server() as own:
        yield own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", help="postgresql://...; filled if it is empty")
    parser.add_argument("--instances", type=int, default=1_100_000)
    parser.add_argument("--only", default="", help="a part of the names of what to ask")
    parser.add_argument("--who", default="", choices=["operator", "user"])
    parser.add_argument("--cpu", action="store_true", help="read no clock, but only what was computed")
    parser.add_argument("--patience", type=float, default=PATIENCE, help="seconds for each query")
    arguments = parser.parse_args()
    with database(arguments.database) as url:
        large_data.prepare(url)
        large_data.fill(url, arguments.instances)
        measure(arguments.only, arguments.who, arguments.patience, cpu=arguments.cpu)


if __name__ == "__main__":
    main()
