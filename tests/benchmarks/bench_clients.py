"""The Engine API under 64 clients at once, on a PostgreSQL with fsync on: `python -m tests.benchmarks.bench_clients [--seconds 60]`.

Starts a database, the web processes and a cluster of its own. Prints the rate and p95 of each kind of call, all statuses, deadlocks
(the database's own count, and its log) and the connections before, during and after; ends with 1 where there was a server error,
a deadlock, or more connections than there are threads and processes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests import postgres

CLIENTS, FEEDERS = 64, 4  # clients in all, and the processes they are spread over
THREADS, OF_CLUSTER = 4, 10  # of each web process; and the connections of a cluster: workers, their hearts, the guard, the sender
TAKEN, FREE = (200, 201, 204), (403, 404, 409)  # others were first: that is no failure


def model(key: str, *elements: str, head: str = "") -> bytes:
    """A process of these elements, one after the other."""
    ids = ["begin", *(one.split('id="')[1].split('"')[0] for one in elements), "end"]
    flows = "".join(f'<sequenceFlow id="f{i}" sourceRef="{a}" targetRef="{b}"/>' for i, (a, b) in enumerate(pairwise(ids)))
    inner = f'<startEvent id="begin"/>{"".join(elements)}<endEvent id="end"/>{flows}'
    space = 'xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:flowable="http://flowable.org/bpmn" targetNamespace="bench"'
    return f'<definitions {space}>{head}<process id="{key}" isExecutable="true">{inner}</process></definitions>'.encode()


HEARS = '<intermediateCatchEvent id="wait"><signalEventDefinition signalRef="s"/></intermediateCatchEvent>'
MODELS = {
    "review": model("review", '<userTask id="check" flowable:candidateGroups="office"/>'),
    "store": model("store", '<serviceTask id="keep" flowable:async="true" flowable:expression="${1}"/>', '<userTask id="done"/>'),
    "hear": model("hear", HEARS, head='<signal id="s" name="alert"/>'),
    "pick": model("pick", '<serviceTask id="fetch" flowable:type="external-worker" flowable:topic="picking"/>'),
}


# -- the site -------------------------------------------------------------------------------------------------------------
def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


PEOPLE = """
from datetime import timedelta
from django.contrib.auth.models import Group, User
from django.utils import timezone
from oauth2_provider.models import AccessToken
office = Group.objects.create(name="office")
for n in range({clients}):
    user = User.objects.create_user(f"user{{n}}", is_superuser=n % 8 == 0)
    user.set_unusable_password()
    user.groups.add(office)
    until = timezone.now() + timedelta(hours=1)
    AccessToken.objects.create(user=user, token=f"token{{n}}", scope="workflow.admin", expires=until)
from django.contrib.auth.models import Permission
office.permissions.add(Permission.objects.get(codename="start_instance"))
"""


@contextmanager
def site(url: str, processes: int) -> Iterator[str]:
    """Web and cluster on the database; yields the address."""
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ENGINE_", "DATABASE_URL"))}
    environment = {**kept, "DATABASE_URL": url, "DEBUG": "0", "SECRET_KEY": "bench", "ALLOWED_HOSTS": "127.0.0.1", "HTTPS": "0",
                   "LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "workflow_site.settings", "ENV_FILE": ""}  # fmt: skip
    manage = [sys.executable, "manage.py"]
    for command in (["migrate", "-v0"], ["shell", "-v0", "-c", PEOPLE.format(clients=CLIENTS)]):
        subprocess.run([*manage, *command], env=environment, check=True)
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--workers", str(processes), "--blocking-threads", str(THREADS), "--port", str(port),
           "--log-level", "error", "--no-ws", "workflow_site.wsgi:application"]  # fmt: skip
    with tempfile.TemporaryFile() as log:
        running = [subprocess.Popen(command, env=environment, stdout=log, stderr=log) for command in (web, [*manage, "workflow_cluster"])]
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            for process in running:
                process.terminate()
            for name, process in zip(("web", "cluster"), running, strict=True):
                before = resource.getrusage(resource.RUSAGE_CHILDREN)
                process.wait(60)
                used = resource.getrusage(resource.RUSAGE_CHILDREN)
                say(f"{name}: {used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime:.1f} s of CPU, its start among them")
            log.seek(0)
            lines = [line for line in log.read().decode(errors="replace").splitlines() if " WARNING " not in line]  # each 4xx is one
            say("\n".join(["-- log of the site", *lines[-50:]]))


def _wait_for(port: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise SystemExit("the site does not answer")


# -- a client -------------------------------------------------------------------------------------------------------------
@dataclass
class Seen:
    """What the clients of one process saw: how long each kind of call took, and its statuses."""

    took: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


class Client:
    """A user on a connection of his own, who does one thing after the other."""

    def __init__(self, base: str, number: int, seen: Seen) -> None:
        place = urlsplit(base)
        self.link = http.client.HTTPConnection(place.hostname or "", place.port, timeout=60)
        self.name, self.operates, self.seen, self.dice = f"user{number}", number % 8 == 0, seen, random.Random(number)
        self.headers = {"Authorization": f"Bearer token{number}", "Content-Type": "application/json"}

    def call(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        """The answer as JSON, None where another was first."""
        raw = None if body is None else json.dumps(body)
        began = time.perf_counter()
        self.link.request(method, path if path.startswith("/") else f"/api/{path}", raw, self.headers)
        answer = self.link.getresponse()
        found = answer.read()
        self.seen.took[kind].append((time.perf_counter() - began) * 1000)
        self.seen.statuses[kind, answer.status] += 1
        if answer.status not in TAKEN + FREE:
            self.seen.failures.append(f"{kind}: {answer.status} {found[:200]!r}")
        return json.loads(found) if answer.status in TAKEN and found else None

    def start(self, key: str) -> str | None:
        sent = {"processDefinitionKey": key, "variables": [{"name": "amount", "value": self.dice.randrange(1000)}]}
        made = self.call(f"start {key}", "POST", "runtime/process-instances", sent)
        return made["id"] if made else None


def review(client: Client) -> None:
    """Start, then claim and complete some task of the group: often the one that others take as well."""
    client.start("review")
    found = client.call("list tasks", "GET", "runtime/tasks?unassigned=true&size=30&sort=createTime") or {"data": []}
    for task in client.dice.sample(found["data"], min(1, len(found["data"]))):
        path = f"runtime/tasks/{task['id']}"
        client.call("claim", "POST", path, {"action": "claim", "assignee": client.name})
        client.call("comment", "POST", f"{path}/comments", {"message": "Looked at it"})
        client.call("complete", "POST", path, {"action": "complete", "variables": [{"name": "ok", "value": True}]})


def store(client: Client) -> None:
    """Start what goes on in the cluster, and change its variables meanwhile."""
    if key := client.start("store"):
        path = f"runtime/process-instances/{key}"
        client.call("put variables", "PUT", f"{path}/variables", [{"name": "note", "value": client.name}])
        client.call("put variables-async", "PUT", f"{path}/variables-async", [{"name": "later", "value": 1}])
        client.call("get instance", "GET", path)
        client.call("get variables", "GET", f"{path}/variables")


def query(client: Client) -> None:
    """Look for instances by their variables, and at the past."""
    wanted = {"name": "amount", "operation": "greaterThan", "value": client.dice.randrange(1000)}
    client.call("query instances", "POST", "query/process-instances", {"variables": [wanted], "size": 20})
    client.call("list history", "GET", "history/historic-process-instances?size=20&sort=startTime&order=desc&includeProcessVariables=true")
    client.call("list activities", "GET", "history/historic-activity-instances?size=20")


def broadcast(client: Client) -> None:
    """Wait for a signal that an operator throws to all at once; he also suspends, activates and cancels."""
    made = client.start("hear")
    if client.operates and client.dice.random() < 0.2:
        client.call("signal", "POST", "runtime/signals", {"signalName": "alert"})
    elif made:
        path = f"runtime/process-instances/{made}"
        for action in ("suspend", "activate") if client.operates else ():
            client.call(action, "PUT", path, {"action": action})
        client.call("cancel", "DELETE", path)


def work(client: Client) -> None:
    """An external worker, and those who make work for him."""
    client.start("pick")
    if not client.operates:
        return
    lease = {"topic": "picking", "workerId": client.name, "lockDuration": "PT1M", "numberOfTasks": 5}
    for job in client.call("acquire", "POST", "/external-job-api/acquire/jobs", lease) or ():
        client.call("answer", "POST", f"/external-job-api/acquire/jobs/{job['id']}/complete", {"workerId": client.name})
    client.call("list jobs", "GET", "management/jobs?size=5")


MIX: dict[Callable[[Client], None], int] = {review: 4, store: 3, query: 3, broadcast: 2, work: 2}


def feeder(base: str, numbers: list[int], seconds: float, told: Any) -> None:
    """Some of the clients, in a process of their own."""
    seen, until = Seen(), time.monotonic() + seconds

    def live(number: int) -> None:
        client = Client(base, number, seen)
        try:
            while time.monotonic() < until:
                [what] = client.dice.choices(list(MIX), list(MIX.values()))
                what(client)
        except (OSError, http.client.HTTPException) as error:
            seen.failures.append(f"{client.name} lost his connection: {error!r}")

    with ThreadPoolExecutor(len(numbers)) as threads:
        list(threads.map(live, numbers))
    told.put((dict(seen.took), seen.statuses, seen.failures))


# -- what the database says -----------------------------------------------------------------------------------------------
class Watch:
    """Looks at the server from outside."""

    def __init__(self, url: str) -> None:
        self.link = psycopg.connect(url, autocommit=True, application_name="watch")

    def connections(self) -> int:
        text = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return self._one(text)

    def deadlocks(self) -> int:
        return self._one("SELECT coalesce(sum(deadlocks), 0)::int FROM pg_stat_database")

    def _one(self, text: str) -> int:
        row = self.link.execute(text).fetchone()
        return int(row[0]) if row else 0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def load(base: str, seconds: float, watch: Watch) -> tuple[Seen, int]:
    """All clients at once; what they saw, and the most connections meanwhile."""
    spawn = multiprocessing.get_context("spawn")
    told, peak = spawn.Queue(), 0
    feeders = [spawn.Process(target=feeder, args=(base, list(range(n, CLIENTS, FEEDERS)), seconds, told)) for n in range(FEEDERS)]
    for process in feeders:
        process.start()
    seen, heard = Seen(), 0
    while heard < FEEDERS:
        peak = max(peak, watch.connections())
        if told.empty():
            time.sleep(0.2)
            continue
        took, statuses, failures = told.get()
        for kind, times in took.items():
            seen.took[kind] += times
        seen.statuses += statuses
        seen.failures += failures
        heard += 1
    for process in feeders:
        process.join()
    return seen, peak


def prepare(base: str) -> None:
    """Deploy the models, and let every thread of the site open its connection."""
    client = Client(base, 0, Seen())
    for name, data in MODELS.items():
        edge = "----bench"
        sent = (
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}.bpmn"\r\n\r\n'.encode()
            + data
            + f"\r\n--{edge}--".encode()
        )
        headers = {"Authorization": client.headers["Authorization"], "Content-Type": f"multipart/form-data; boundary={edge}"}
        client.link.request("POST", "/api/repository/deployments", sent, headers)
        answer = client.link.getresponse()
        if answer.status != 201:
            raise SystemExit(f"{name} cannot be deployed: {answer.status} {answer.read()!r}")
        answer.read()


def report(seen: Seen, seconds: float) -> None:
    calls = sum(map(len, seen.took.values()))
    say(f"{CLIENTS} clients, {seconds:.0f} s: {calls} calls, {calls / seconds:.0f} /s")
    for kind, times in sorted(seen.took.items(), key=lambda one: -len(one[1])):
        times.sort()
        statuses = ", ".join(f"{status}: {count}" for (what, status), count in sorted(seen.statuses.items()) if what == kind)
        p50, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
        say(f"  {kind:<26} {len(times) / seconds:6.1f} /s   p50 {p50:7.1f} ms   p95 {p95:7.1f} ms   {statuses}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--processes", type=int, default=2, help="web processes")
    arguments = parser.parse_args()
    postgres.OPTIONS.update(fsync="on", full_page_writes="on", synchronous_commit="on")
    with postgres.server() as url, site(url, arguments.processes) as base:
        watch = Watch(url)
        prepare(base)
        load(base, 3, watch)
        before, deadlocks = watch.connections(), watch.deadlocks()
        seen, peak = load(base, arguments.seconds, watch)
        time.sleep(2)
        after, deadlocks = watch.connections(), watch.deadlocks() - deadlocks
        logged = (Path(url.partition("host=")[2]) / "log").read_text(errors="replace").count("deadlock detected")
    report(seen, arguments.seconds)
    errors = sum(count for (_, status), count in seen.statuses.items() if status >= 500)
    most = arguments.processes * THREADS + OF_CLUSTER
    say(f"server errors {errors}   deadlocks {deadlocks}, in the log {logged}")
    say(f"connections {before} before, {peak} at most, {after} after; a thread or process has one, {most} in all")
    for text in seen.failures[:10]:
        say(f"  {text}")
    return int(bool(seen.failures or deadlocks or logged or peak > most))


if __name__ == "__main__":
    sys.exit(main())
