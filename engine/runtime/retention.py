"""How long the past is kept: ended instances go after so many days, a few in each transaction, with all that belongs to them.

The days are those of the settings for the process, else its model's (`historyTimeToLive`), else the settings' for all.
A called instance goes together with the one at the root of its tree, and only when all of that tree has ended and everything that
was promised for it has been kept. The cluster does this by itself with one job, which arms itself again after each run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from engine.conf import settings as conf
from engine.errors import NotFound
from engine.models import Definition, Delivery, Instance, Job, Ledger, Promise, Request, UserTask, Worker
from engine.runtime.pulse import pulse
from engine.runtime.store import erasing
from engine.runtime.store.claims import Claimed

JOB = UUID("c1ea0000-0000-7000-8000-000000000001")  # there is one job, however many clusters
RETRY = "R/PT5M"  # it has no last attempt: what fails is shown with its error, and tried again
QUEUE = "cleanup"  # for clusters that serve some queues only
LONG_GONE = timedelta(days=1)  # workers that were not seen for so long


@dataclass(frozen=True, slots=True)
class Rule:
    """What ended before a moment goes: instances of a version, or with None what belongs to no process."""

    definition: str | None
    before: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """What one transaction removed."""

    what: str
    number: int


# -- what is to go --------------------------------------------------------------------------------------------------------
def rules(*, older_than: float | None = None, key: str | None = None, now: datetime | None = None) -> list[Rule]:
    """The rules of the settings, of all processes or one; raises NotFound for a key that nobody deployed.

    `older_than` days count in place of ENGINE_RETENTION_DAYS; a process that ENGINE_RETENTION names, or whose model says how long,
    keeps its own, unless it is the `key`.
    """
    now = now or timezone.now()
    default = older_than if older_than is not None else conf.RETENTION_DAYS or None
    versions = Definition.objects.filter(**{"key": key} if key else {}).order_by("key", "version").values_list("pk", "key", "keep_days")
    if key and not versions:
        raise NotFound(f"there is no process {key}")
    forced = key is not None and older_than is not None
    days = [(pk, default if forced else _days(name, keep, default)) for pk, name, keep in versions] + ([] if key else [(None, default)])
    return [Rule(pk, now - timedelta(days=d)) for pk, d in days if d is not None]


def _days(name: str, keep: float | None, default: float | None) -> float | None:
    """How long a process is kept, None for ever: as the settings say, where 0 is for ever, or its model, where 0 is not at all."""
    if name in conf.RETENTION:
        return conf.RETENTION[name] or None
    return default if keep is None else keep


def due(rule: Rule) -> QuerySet[Instance]:
    """The roots that may go: their trees have ended, no callback is on its way and no job is left but dead letters."""
    mine = {"instance": OuterRef("pk")}
    return Instance.objects.filter(
        ~Exists(Instance.objects.filter(root=OuterRef("pk"), ended=None)),
        ~Exists(Delivery.objects.filter(**mine, state=Delivery.State.PENDING)),
        ~Exists(Job.objects.filter(**mine).exclude(state=Job.State.DEAD)),
        definition=rule.definition,
        root=None,
        ended__lt=rule.before,
    )


def count(rule: Rule) -> int:
    """How many instances a rule would remove, called ones too."""
    roots = due(rule)
    return roots.count() + Instance.objects.filter(root__in=roots.values("pk")).count()


# -- removing -------------------------------------------------------------------------------------------------------------
def remove(wanted: list[Rule], *, size: int | None = None) -> Iterator[Batch]:
    """Remove what the rules name, at most about `size` things in a transaction; each is committed when it is yielded."""
    size = size or conf.RETENTION_BATCH
    for rule in wanted:
        for what, batch in (("instances", _instances),) if rule.definition else _STRAYS:
            while number := batch(rule, size):
                yield Batch(what, number)


@transaction.atomic
def _instances(rule: Rule, size: int) -> int:
    """One batch; of trees that are larger first the called ones, so that no transaction grows with them."""
    roots = list(due(rule).select_for_update(skip_locked=True).order_by("ended").values_list("pk", flat=True)[:size])
    if not roots:
        return 0
    called = list(Instance.objects.filter(root__in=roots).order_by("pk").values_list("pk", flat=True)[: size + 1])
    gone = called[:size] if len(called) > size else [*called, *roots]
    erasing.erase(gone)
    return len(gone)


@transaction.atomic
def _tasks(rule: Rule, size: int) -> int:
    """Ended tasks that belong to no process and to no other task."""
    ended = UserTask.objects.filter(instance=None, parent=None, ended__lt=rule.before).order_by("ended")
    gone = list(ended.select_for_update(skip_locked=True).values_list("pk", flat=True)[:size])
    erasing.erase_tasks(gone)
    return len(gone)


def _failed_starts(rule: Rule, size: int) -> int:
    """Attempts at starting something that never came to be."""
    rows = Ledger.objects.filter(instance=None, at__lt=rule.before).order_by("at").values_list("pk", flat=True)[:size]
    return Ledger.objects.filter(pk__in=list(rows)).delete()[0]


@transaction.atomic
def _requests(rule: Rule, size: int) -> int:
    """Accepted operations that are over and whose instance is gone, with the callbacks that told of them."""
    pending = Delivery.objects.filter(request=OuterRef("pk"), state=Delivery.State.PENDING)
    there = Instance.objects.filter(pk=OuterRef("instance"))
    over = Request.objects.filter(~Exists(there), ~Exists(pending), state__in=_OVER, ended__lt=rule.before).order_by("ended")
    gone = list(over.select_for_update(skip_locked=True).values_list("pk", flat=True)[:size])
    Delivery.objects.filter(request__in=gone).delete()
    return Request.objects.filter(pk__in=gone).delete()[0]


def _promises(rule: Rule, size: int) -> int:
    """Answers that were kept for clients that call again, and calls that never came to one."""
    rows = Promise.objects.filter(created__lt=rule.before).order_by("created").values_list("pk", flat=True)[:size]
    return Promise.objects.filter(pk__in=list(rows)).delete()[0]


_OVER = (Request.State.DONE, Request.State.FAILED)
_STRAYS: tuple[tuple[str, Callable[[Rule, int], int]], ...] = (
    ("tasks without a process", _tasks),
    ("failed starts", _failed_starts),
    ("requests without an instance", _requests),
    ("answers to repeated calls", _promises),
)


# -- the cluster's own job ------------------------------------------------------------------------------------------------
def begin() -> None:
    """A worker begins: have the job armed where anything is to be removed, and forget workers that are long gone."""
    Worker.objects.filter(seen__lt=timezone.now() - LONG_GONE).delete()
    if rules():
        arm(conf.RETENTION_INTERVAL)


def arm(seconds: float) -> None:
    """Have the job run in so many seconds, at the latest; it is there once."""
    now = timezone.now()
    then = now + timedelta(seconds=seconds)
    job = Job(
        pk=JOB, correlation=JOB, kind=Job.Kind.CLEANUP, state=Job.State.WAITING, due=then, created=now, exclusive=False,
        retries=conf.JOB_RETRIES, retry=RETRY, name=QUEUE, category=QUEUE,
    )  # fmt: skip
    Job.objects.bulk_create([job], ignore_conflicts=True)
    Job.objects.filter(pk=JOB, state=Job.State.WAITING, due__gt=then, error=None, lease_owner=None).update(due=then)


def run(job: Claimed, guard: Callable[[], None], on_failure: Callable[[BaseException], None]) -> None:
    """Remove for at most a slice of a worker's time, then arm the next run: soon if there is more, for others want the database too."""
    began, wanted = time.monotonic(), rules()
    done = True
    for _ in remove(wanted):
        if pulse.stopping or time.monotonic() - began > conf.JOB_SLICE:
            done = False
            break
    with transaction.atomic():
        guard()
        if wanted:
            arm(conf.RETENTION_INTERVAL if done else time.monotonic() - began)
