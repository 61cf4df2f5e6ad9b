"""What somebody sees of a whole list: the rules of `access` turned round, from what is his to the rows it lets him see.

`access.visible_*` ask of each row whether he sees it, which is right for one or a few. Of a million rows his few thousand are
found by the ids of what he started, has, had or is offered, each by an index; a user of whom nothing is known sees nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from engine.models import IdentityLink, Instance, UserTask
from engine.runtime import access

Ids = QuerySet[Any, Any]
OPEN = Q(state=UserTask.State.OPEN)


def ids(*parts: Ids) -> Ids:
    """All the ids of some querysets of one column, as a subquery; each once, so that the planner knows about how many there are."""
    first, *others = (part.order_by() for part in parts)
    return first.union(*others)


def instances(user: access.User) -> QuerySet[Instance]:
    """As `access.visible_instances`, for lists."""
    found = Instance.objects.all()
    return found if access.sees_all(user) else found.filter(pk__in=instance_ids(user))


def instance_ids(user: access.User) -> Ids:
    """The instances that he started, or takes or took part in."""
    tasks, me = UserTask.objects.filter(instance__isnull=False), access.name(user)
    mine = [tasks.filter(**{role: me}).values_list("instance") for role in ("assignee", "owner", "completed_by") if me]
    started = [Instance.objects.filter(starter=me).values_list("pk")] if me else []
    offered = [tasks.filter(OPEN, pk__in=tasks_of).values_list("instance") for tasks_of in _offers(user)]
    linked = [links.filter(instance__isnull=False).values_list("instance") for links in _links(user)]
    return ids(Instance.objects.none().values_list("pk"), *started, *mine, *offered, *linked)


def tasks(user: access.User, within: Q | None = None) -> QuerySet[UserTask]:
    """As `access.visible_tasks`, for lists; `within` is a condition of all of them."""
    found = UserTask.objects.filter(within or Q())
    return found if access.sees_all(user) else found.filter(pk__in=_task_ids(user, found))


def _task_ids(user: access.User, among: QuerySet[UserTask]) -> Ids:
    me = access.name(user)
    mine = [among.filter(**{role: me}).values_list("pk") for role in ("assignee", "owner", "completed_by", "instance__starter") if me]
    return ids(UserTask.objects.none().values_list("pk"), *mine, *offered(user, among))


def offered(user: access.User, among: QuerySet[UserTask]) -> list[Ids]:
    """The ids of those tasks that nobody has claimed and that are offered to him or his groups."""
    return [among.filter(assignee=None, pk__in=tasks_of).values_list("pk") for tasks_of in _offers(user)]


def _offers(user: access.User) -> list[Ids]:
    return [links.filter(type="candidate", task__isnull=False).values_list("task") for links in _links(user)]


def _links(user: access.User) -> list[QuerySet[IdentityLink]]:
    """His own links and those of his groups, apart: each kind has its index."""
    me, groups = access.name(user), sorted(access.groups(user))
    own = [IdentityLink.objects.filter(user=me)] if me else []
    return [*own, *(IdentityLink.objects.filter(of_them) for of_them in of_groups(groups))]


def of_groups(names: Sequence[str]) -> list[Q]:
    """Links of groups; of a few one by one: of one group the index gives the tasks in order, to be merged with those that are open."""
    return [Q(group=one) for one in names] if len(names) <= access.FEW_GROUPS else [Q(group__in=names)]
