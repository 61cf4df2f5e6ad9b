"""Who held a task and who takes part in its instance by that, where the task itself tells it no more (as at Flowable).

A task tells its first assignee and owner; from the first change on each holder leaves a link, and what is no link of a client
is kept from the task's links by its type. None of these links gives anybody a right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Q, QuerySet

from engine.models import IdentityLink, Instance, UserTask

ASSIGNEE, OWNER = "assignee", "owner"
JOINED, LEFT = "+participant", "-participant"  # takes part in the instance by this task, or does so no more
NO_STARTER = "-starter"  # the link of who started an instance was taken away; the instance tells him yet, and he sees it
KEPT_BACK = (ASSIGNEE, OWNER, JOINED, LEFT)
NO_PARTICIPANT = ("excluded", ASSIGNEE, OWNER, LEFT)


def shown(links: QuerySet[IdentityLink]) -> QuerySet[IdentityLink]:
    """Those of a task's links that are not only here for its history."""
    return links.exclude(type__in=KEPT_BACK)


def told(links: QuerySet[IdentityLink]) -> QuerySet[IdentityLink]:
    """The same with those that tell who had or owned it."""
    return links.exclude(type__in=(JOINED, LEFT))


def held(task: UserTask, role: str, holder: str | None, *, joins: bool = True) -> None:
    """Remember who will be assignee or owner, and who was first; call it before the change. With `joins` he takes part in the instance.

    Whom a client made a task for is not remembered (as at Flowable).
    """
    first = getattr(task, role)
    if holder == first:
        return
    known = _known(task, role, JOINED, LEFT)
    since = {who for kind, who in known if kind == role}
    of_model = [first] if first and not since and task.instance_id else []
    _add(task, role, {*of_model, holder} - since)
    _join(task, [*of_model, *([holder] if joins and holder else [])], known)


def join(task: UserTask, who: str) -> None:
    """A user takes part in the instance of a task from now on, also when the task has nothing to do with him any more."""
    _join(task, [who], _known(task, JOINED, LEFT))


def _known(task: UserTask, *kinds: str) -> set[tuple[str, str | None]]:
    return set(IdentityLink.objects.filter(task=task, type__in=kinds).values_list("type", "user"))


def _add(task: UserTask, kind: str, who: Iterable[str | None]) -> None:
    IdentityLink.objects.bulk_create(IdentityLink(task=task, type=kind, user=name) for name in who)


def _join(task: UserTask, who: Collection[str], known: Collection[tuple[str, str | None]]) -> None:
    if task.instance_id is None:
        return
    _add(task, JOINED, {name for name in who if (JOINED, name) not in known})
    if back := [name for name in who if (LEFT, name) in known]:
        IdentityLink.objects.filter(task=task, type=LEFT, user__in=back).delete()


def leave(instance: Instance, who: str) -> bool:
    """A user takes part in an instance no more, whatever its tasks tell; returns whether he did."""
    by = [task for task, name in _parts(instance) if name == who]
    IdentityLink.objects.filter(task__in=by, type=JOINED, user=who).delete()
    IdentityLink.objects.bulk_create(IdentityLink(task_id=task, type=LEFT, user=who) for task in set(by))
    return bool(by)


def forget_starter(instance: Instance) -> bool:
    """Its links tell no more who started an instance; returns whether they did."""
    return IdentityLink.objects.get_or_create(instance=instance, type=NO_STARTER, user=None, group=None)[1]


def participants(instance: Instance) -> set[str]:
    """Who has, had or owns its tasks, did one, or was linked to one."""
    return {who for _, who in _parts(instance)}


def _parts(instance: Instance) -> set[tuple[Any, str]]:
    """Task and user: who takes part by which."""
    links = list(IdentityLink.objects.filter(Q(user__isnull=False) | Q(type__in=(ASSIGNEE, OWNER)), task__instance=instance))
    changed = {(link.task_id, link.type) for link in links}
    rows = UserTask.objects.filter(instance=instance).values_list("pk", ASSIGNEE, OWNER, "completed_by")
    found = {(task, by) for task, _, _, by in rows if by}
    for task, assignee, owner, _ in rows:
        found |= {(task, who) for role, who in ((ASSIGNEE, assignee), (OWNER, owner)) if who and (task, role) not in changed}
    found |= {(link.task_id, link.user) for link in links if link.user and link.type not in NO_PARTICIPANT}
    return found - {(link.task_id, link.user) for link in links if link.type == LEFT and link.user}
