"""Where an instance stands, seen by one user: his turn, being processed, waiting for others, being looked after, or ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from engine.models import IdentityLink, Instance, Job, UserTask
from engine.models.compiled import KEPT
from engine.runtime import access, sight


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that is waited for: its name, and the user or groups that it is up to (none: nobody, as with a timer)."""

    name: str
    who: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Current:
    """`state`: task (it is his turn), processing, waiting, failed (a dead letter) or ended.

    `task` is the user's next open task: assigned to him, or (`claimable`) offered to him. `nodes` are the names of the steps that
    are being processed, have failed or are waited for, `waiting` says for whom; `poll` whether there may soon be news.
    """

    state: str
    task: UserTask | None = None
    claimable: bool = False
    nodes: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    poll: bool = False
    attempt: int = 1  # of a job that is being processed: the one that runs or comes next
    due: datetime | None = None  # when that attempt was or is to begin


def current(instance: Instance, user: access.User) -> Current:
    """Where an instance and what it called stand; three queries."""
    return currents([instance], user)[instance.pk]


def currents(instances: Iterable[Instance], user: access.User) -> dict[UUID, Current]:
    """The same for many instances, in the same three queries."""
    instances = list(instances)
    running = [i.pk for i in instances if i.ended is None]
    tasks, jobs = (_tasks(running, user), _jobs(running)) if running else ({}, {})
    asked = _asked(task for found in tasks.values() for task in found)
    return {i.pk: _stands(i, tasks.get(i.pk, []), jobs.get(i.pk, []), asked, user) for i in instances}


def _stands(instance: Instance, tasks: list[UserTask], jobs: list[Job], asked: dict[UUID, tuple[str, ...]], user: access.User) -> Current:
    if instance.ended is not None:
        return Current("ended")
    mine = next((t for t in tasks if t.assignee and t.assignee == access.name(user)), None)
    offered = next((t for t in tasks if t.assignee is None and t.offered), None)  # type: ignore[attr-defined]
    if mine:
        return Current("task", mine, nodes=(str(mine),))
    busy = [j for j in jobs if _is_processed(j)]
    if busy or instance.state == Instance.State.ACCEPTED:
        attempt, due = max(map(attempt_of, busy), default=1), max((j.due for j in busy), default=None)
        return Current("processing", offered, offered is not None, _names(busy), poll=True, attempt=attempt, due=due)
    if offered:
        return Current("task", offered, True, nodes=(str(offered),))
    if dead := [j for j in jobs if j.state == Job.State.DEAD]:
        return Current("failed", nodes=_names(dead), poll=True)
    waiting = tuple(Waiting(str(t), asked[t.pk]) for t in tasks) + tuple(Waiting(n) for n in _names(jobs))
    return Current("waiting", nodes=tuple(w.name for w in waiting), waiting=waiting, poll=True)


def attempt_of(job: Job) -> int:
    """The number of the attempt that runs, or is the next; from 1."""
    return job.attempts if job.begun else job.attempts + 1


def _is_processed(job: Job) -> bool:
    """The cluster is at it, will be at once, or will try again; timers and external workers are waited for."""
    if job.kind in (Job.Kind.TIMER, Job.Kind.EXTERNAL):
        return job.state == Job.State.READY or (job.attempts > 0 and job.state == Job.State.WAITING)
    return job.state in (Job.State.READY, Job.State.WAITING)


def _names(jobs: Iterable[Job]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(j.name or j.node or "" for j in jobs))


def _tasks(running: list[UUID], user: access.User) -> dict[UUID, list[UserTask]]:
    """The open tasks of each instance and of what it called, most urgent first."""
    kind, names = access.names(user)

    def query(given: Sequence[Any]) -> QuerySet[UserTask]:
        who, keys = access.as_viewer(kind, given[: len(names)]), given[len(names) :]
        offered = Exists(IdentityLink.objects.filter(access.of_his(who), task=OuterRef("pk"), type="candidate"))
        found = UserTask.objects.filter(_in_trees(keys), state=UserTask.State.OPEN).annotate(offered=offered)
        return found.select_related("instance")

    return _by_tree(KEPT.rows(UserTask, ("standing", kind, len(running)), [*names, *running], query), running)


def _jobs(running: list[UUID]) -> dict[UUID, list[Job]]:
    kinds = [Job.Kind.CALLBACK, Job.Kind.START_TIMER]

    def query(keys: Sequence[Any]) -> QuerySet[Job]:
        return Job.objects.filter(_in_trees(keys)).exclude(kind__in=kinds).select_related("instance").defer("traceback", "data")

    return _by_tree(KEPT.rows(Job, ("standing", len(running)), running, query), running)


def _in_trees(running: Sequence[UUID]) -> Q:
    """Of these instances or of what they called: the instances first, each by an index, for an `or` over both would read all."""
    found = Instance.objects.values_list("pk")
    return Q(instance__in=sight.ids(found.filter(pk__in=running), found.filter(root__in=running)))


def _by_tree(rows: Iterable[Any], running: list[UUID]) -> dict[UUID, list[Any]]:
    """By the instance that was asked for: their own, or the root that they were called from."""
    wanted, sorted_out = set(running), defaultdict(list)
    for row in rows:
        for key in {row.instance_id, row.instance.root} & wanted:
            sorted_out[key].append(row)
    return sorted_out


def _asked(tasks: Iterable[UserTask]) -> dict[UUID, tuple[str, ...]]:
    """Whom each task is up to: its assignee, else its candidates."""
    tasks = list(tasks)
    candidates: dict[UUID, list[str]] = defaultdict(list)
    unclaimed = [t.pk for t in tasks if t.assignee is None]
    if unclaimed:
        for link in KEPT.rows(IdentityLink, ("asked", len(unclaimed)), unclaimed, _candidates):
            candidates[link.task_id].append(link.user or link.group or "")
    return {t.pk: (t.assignee,) if t.assignee else tuple(sorted(candidates[t.pk])) for t in tasks}


def _candidates(tasks: Sequence[UUID]) -> QuerySet[IdentityLink]:
    return IdentityLink.objects.filter(task__in=tasks, type="candidate")
