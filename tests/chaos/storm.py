"""What can be done to a site of two clusters, a web and one server, and a watch over how long it takes until that is made good."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psycopg

from tests.chaos.clock import WallClock
from tests.chaos.cluster import LEASE, Cluster, alive, below, until
from tests.chaos.server import Server
from tests.chaos.web import Web

FULL = 3.0  # seconds for which the disk is full
BACK = 3600.0  # seconds by which the clock is set back


@dataclass
class Fault:
    """One that happened: when, on the monotonic clock; what its victims had leased; after how long somebody else had that."""

    name: str
    at: float
    held: dict[Any, str] = field(default_factory=dict)
    free: float | None = None


class Watch(threading.Thread):
    """Sees how long the jobs of who was killed stay his; while the server itself is away, no time passes."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.server, self.faults, self.over = server, list[Fault](), threading.Event()

    def run(self) -> None:
        last = time.monotonic()
        while not self.over.wait(0.1):
            here, away = time.monotonic(), False
            for fault in [f for f in self.faults if f.held and f.free is None]:
                try:
                    if not self._held(fault):
                        fault.free = time.monotonic() - fault.at
                except psycopg.Error:
                    away = True
            if away:
                for fault in self.faults:
                    fault.at += here - last if fault.free is None else 0.0
            last = here

    def _held(self, fault: Fault) -> bool:
        rows = self.server.rows("SELECT id, lease_owner FROM towpath_job WHERE id = ANY(%s)", list(fault.held))
        return any(fault.held[key] == lease for key, lease in rows)


class Storm:
    """One fault after the other, every so many seconds; each of them once before any comes again."""

    def __init__(self, server: Server, clusters: list[Cluster], web: Web, clock: WallClock | None, seed: int) -> None:
        self.server, self.clusters, self.web, self.clock = server, clusters, web, clock
        self.chance, self.watch = random.Random(seed), Watch(server)
        self.later: list[tuple[float, Callable[[], None]]] = []
        self.shift = 0.0
        self.faults: list[Callable[[], Any]] = [
            self.kill_worker, self.kill_worker, self.kill_any, self.kill_guard, self.kill_cluster, self.kill_web, self.stop_worker,
            self.cut_connections, self.restart_server, self.crash_server, self.fill_disk, *([self.set_clock_back] if clock else []),
        ]  # fmt: skip

    def blow(self, seconds: float, pause: float, only: list[str] | None = None) -> list[Fault]:
        """Do it for so long; returns what was done."""
        deck = self._deck([f for f in self.faults if not only or f.__name__ in only])
        begun = time.monotonic()
        for number in range(max(1, int(seconds / pause) - 1)):
            self._wait(begun + (number + 1) * pause)
            fault = next(deck)
            self.watch.faults.append(Fault(fault.__name__, time.monotonic()))
            fault()
        self._wait(begun + seconds)
        while self.later:
            self._wait(max(when for when, _ in self.later))
        return self.watch.faults

    def _deck(self, faults: list[Callable[[], Any]]) -> Iterator[Callable[[], Any]]:
        while True:
            yield from self.chance.sample(faults, len(faults))

    def _wait(self, until_then: float) -> None:
        """Until that moment; what was put off is done when it is time."""
        while True:
            for entry in [e for e in self.later if e[0] <= time.monotonic()]:
                self.later.remove(entry)
                entry[1]()
            if (left := until_then - time.monotonic()) <= 0:
                return
            time.sleep(min(0.05, left))

    def _after(self, seconds: float, what: Callable[[], None]) -> None:
        self.later.append((time.monotonic() + seconds, what))

    # -- who is struck
    def _cluster(self) -> Cluster:
        return self.chance.choice(self.clusters)

    def _worker(self) -> int:
        """One of those that run jobs; a cluster may be beginning anew just now."""
        cluster = self._cluster()
        until(lambda: len(cluster.pool()) >= cluster.workers, 15)
        return self.chance.choice(cluster.pool()[: cluster.workers])

    def _send(self, number: signal.Signals, process: int, *, struck: list[int] | None = None) -> None:
        """Send a signal to one, and begin to watch what these, else it, have leased at this moment."""
        fault, processes = self.watch.faults[-1], struck or [process]
        with suppress(psycopg.Error):
            rows = self.server.rows("SELECT id, lease_owner FROM towpath_job WHERE lease_owner IS NOT NULL")
            fault.held = {key: lease for key, lease in rows if int(lease.split("-")[1]) in processes}
        fault.at = time.monotonic()
        with suppress(ProcessLookupError):
            os.kill(process, number)

    # -- processes
    def kill_worker(self) -> None:
        self._send(signal.SIGKILL, self._worker())

    def kill_any(self) -> None:
        """Any process of a cluster but the main one: also its guard, and who offers work or sends callbacks."""
        cluster = self._cluster()
        until(cluster.children, 15)
        self._send(signal.SIGKILL, self.chance.choice(cluster.children()))

    def kill_guard(self) -> None:
        cluster = self._cluster()
        until(lambda: any(map(below, cluster.children())), 15)  # it may be beginning anew just now
        self._send(signal.SIGKILL, cluster.guard, struck=cluster.children())

    def kill_cluster(self) -> None:
        """The main process; a service manager starts it again."""
        cluster = self._cluster()
        children = cluster.children()
        self._send(signal.SIGKILL, cluster.process.pid, struck=children)
        cluster.process.wait()
        until(lambda: not any(map(alive, children)), 5)
        cluster.launch()

    def kill_web(self) -> None:
        """One of the web's processes; its server makes another."""
        os.kill(self.chance.choice(below(self.web.process.pid)), signal.SIGKILL)

    def stop_worker(self) -> None:
        """It stands still for longer than its lease, and then goes on as if nothing had been."""
        worker = self._worker()

        def wake() -> None:
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGCONT)

        self._send(signal.SIGSTOP, worker)
        self._after(LEASE + 1, wake)

    # -- the server
    def cut_connections(self) -> None:
        """Of clusters and web alike, first those that are in a transaction."""
        self.server.cut(4)

    def restart_server(self) -> None:
        self.server.restart(signal.SIGINT)

    def crash_server(self) -> None:
        self.server.restart(signal.SIGQUIT)

    def fill_disk(self) -> None:
        """Whoever saves is refused in the middle of it, for some seconds."""
        self.server.fill(True)
        self._after(FULL, lambda: self.server.fill(False))

    # -- the machine
    def set_clock_back(self) -> None:
        """By an hour, for all of them."""
        assert self.clock
        self.shift -= BACK
        self.clock.set(self.shift)
