"""The engine's figures for Prometheus. All are read from the database, so every process of web and cluster would tell the same.

What is read is kept for some seconds: many scrapers cost no more than one. A host that has a registry of its own registers the
`EngineCollector` there.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import product

from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from engine.models import Definition, Delivery, Instance, Job, Ledger, UserTask
from engine.runtime import queue

KEEP = 5.0  # seconds
WINDOW = timedelta(minutes=5)

Figures = Mapping[tuple[str, ...], float]


def families(now: datetime | None = None) -> Iterator[Metric]:
    """All figures at a moment; ten SELECTs, each over an index or over what is open now."""
    now = now or timezone.now()
    yield _family("jobs", "Jobs in the queue.", _jobs(), "state", "kind")
    yield _family("jobs_overdue_seconds", "How long the oldest job has been due that nobody runs.", {(): queue.overdue(now)})
    yield _family("workers_alive", "Workers whose heart has beaten within a lease.", {(): len(queue.alive(now))})
    yield _family("instances_running", "Process instances that have not ended.", _running(), "definition")
    yield _family("user_tasks_open", "User tasks that somebody has to do.", {(): UserTask.objects.filter(state="open").count()})
    yield _family("deliveries", "Callbacks.", _deliveries(), "state")
    units, seconds = _units(now - WINDOW)
    yield _family("units_5m", "Transactions of instances in the last five minutes.", units, "trigger", "outcome")
    yield _family("units_5m_seconds", "Time that the transactions of the last five minutes took.", seconds, "trigger", "outcome")


def _family(name: str, text: str, figures: Figures, *labels: str) -> Metric:
    family = GaugeMetricFamily(f"towpath_{name}", text, labels=labels)
    for values, figure in sorted(figures.items()):
        family.add_metric(values, figure)
    return family


# -- figures: each there also when it is 0, so that a graph has no holes and a rule sees it fall ----------------------------
def _zeros(*values: Iterable[str]) -> dict[tuple[str, ...], float]:
    return dict.fromkeys(product(*values), 0.0)


def _jobs() -> Figures:
    counts = Job.objects.order_by().values_list("state", "kind").annotate(n=Count("pk"))
    return _zeros(Job.State.values, Job.Kind.values) | {(state, kind): n for state, kind, n in counts}


def _running() -> Figures:
    """By key: versions come and go."""
    figures: dict[tuple[str, ...], float] = {(key,): 0.0 for key in Definition.objects.order_by().values_list("key", flat=True).distinct()}
    counts = Instance.objects.filter(ended=None).order_by().values_list("definition").annotate(n=Count("pk"))
    for definition, number in counts:
        key = (definition.rsplit(":", 2)[0],)
        figures[key] = figures.get(key, 0.0) + number
    return figures


def _deliveries() -> Figures:
    counts = Delivery.objects.order_by().values_list("state").annotate(n=Count("pk"))
    return _zeros(Delivery.State.values) | {(state,): n for state, n in counts}


def _units(since: datetime) -> tuple[Figures, Figures]:
    rows = Ledger.objects.filter(at__gte=since).order_by().values_list("trigger", "outcome").annotate(n=Count("pk"), s=Sum("took"))
    none, found = _zeros(Ledger.Trigger.values, Ledger.Outcome.values), list(rows)
    return none | {(t, o): n for t, o, n, _ in found}, none | {(t, o): s for t, o, _, s in found}


# -- what Prometheus gets -------------------------------------------------------------------------------------------------
class EngineCollector(Collector):
    """Reads the figures when it is asked, but not again within `keep` seconds."""

    def __init__(self, keep: float = KEEP) -> None:
        self._keep, self._read, self._lock = keep, float("-inf"), threading.Lock()
        self._families: list[Metric] = []

    def describe(self) -> list[Metric]:
        """Nothing: to be registered is no reason to ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        with self._lock:
            if time.monotonic() - self._read >= self._keep:
                self._families = list(families())
                self._read = time.monotonic()
            return iter(self._families)

    def forget(self) -> None:
        """Read anew when next asked."""
        self._read = float("-inf")


collector = EngineCollector()
_REGISTRY = CollectorRegistry()
_REGISTRY.register(collector)


def exposition(accept: str = "") -> tuple[bytes, str]:
    """The figures in the format that a scraper accepts, and the name of the format; raises DatabaseError."""
    encoder, content_type = choose_encoder(accept)
    return encoder(_REGISTRY), content_type
