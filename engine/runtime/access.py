"""Who may do and see what; both doors ask here and nowhere else.

A user is a Django user; None stands for trusted Python code around the engine, which may do everything. Operators have the
permission `towpath.operate`. Everybody else sees what he started or takes part in, and works on what is his or his groups'.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from engine.errors import Forbidden
from engine.models import Definition, IdentityLink, Instance, Job, UserTask

User = AbstractBaseUser | AnonymousUser | None

DEPLOY, START, OPERATE = "towpath.deploy", "towpath.start_instance", "towpath.operate"


def name(user: User) -> str | None:
    """What the engine calls a user: his user name, None for trusted code."""
    return user.get_username() or None if user is not None else None


def groups(user: User) -> frozenset[str]:
    """The names of a user's groups, read once for each user object."""
    if user is None or not user.is_authenticated:
        return frozenset()
    known: Any = user
    if not hasattr(known, "_towpath_groups"):
        known._towpath_groups = frozenset(known.groups.values_list("name", flat=True))
    found: frozenset[str] = known._towpath_groups
    return found


def _has(user: User, permission: str) -> bool:
    asked: Any = user
    return user is None or bool(asked.is_active and asked.has_perm(permission))


def sees_all(user: User) -> bool:
    """Whether he is an operator."""
    return _has(user, OPERATE)


def may_deploy(user: User) -> bool:
    return _has(user, DEPLOY)


def may_start(user: User, definition: Definition) -> bool:
    """The candidate starters of the definition if it names any, else whoever has the permission to start."""
    if user is None:
        return True
    if definition.starter_users or definition.starter_groups:
        mine = name(user) in definition.starter_users or not groups(user).isdisjoint(definition.starter_groups)
        return mine or sees_all(user)
    return _has(user, START)


def is_candidate(user: User, task: UserTask) -> bool:
    """Whether a task is offered to him or to one of his groups."""
    return IdentityLink.objects.filter(_mine(user), task=task, type="candidate").exists()


def may_work_on(user: User, task: UserTask) -> bool:
    """The assignee and the owner; a candidate while nobody has claimed it; an operator."""
    if user is None or name(user) in (task.assignee, task.owner):
        return True
    return sees_all(user) or (task.assignee is None and is_candidate(user, task))


def may_cancel(user: User, instance: Instance) -> bool:
    """Who started it, and operators."""
    return user is None or instance.starter == name(user) or sees_all(user)


# -- refusals -------------------------------------------------------------------------------------------------------------
def check_deploy(user: User) -> None:
    if not may_deploy(user):
        raise Forbidden("you may not deploy processes")


def check_start(user: User, definition: Definition) -> None:
    if not may_start(user, definition):
        raise Forbidden(f"you may not start {definition.name or definition.key}")


def check_work(user: User, task: UserTask) -> None:
    if not may_work_on(user, task):
        raise Forbidden("this task is not yours")


def check_claim(user: User, task: UserTask) -> None:
    if not (may_work_on(user, task) or is_candidate(user, task)):
        raise Forbidden("this task is not offered to you")


def check_operate(user: User) -> None:
    if not sees_all(user):
        raise Forbidden("this needs the permission to operate the engine")


def check_instance(user: User, instance: Instance) -> None:
    """He takes part in it."""
    if not (sees_all(user) or visible_instances(user).filter(pk=instance.pk).exists()):
        raise Forbidden("this request is not yours")


def check_cancel(user: User, instance: Instance) -> None:
    if not may_cancel(user, instance):
        raise Forbidden("only who started a request may cancel it")


# -- what is seen ---------------------------------------------------------------------------------------------------------
def _mine(user: User) -> Q:
    return Q(user=name(user)) | Q(group__in=groups(user))


def visible_definitions(user: User) -> QuerySet[Definition]:
    """All to whom may deploy, operate or start; the others see what names them as candidate starters."""
    found = Definition.objects.all()
    if sees_all(user) or may_deploy(user) or _has(user, START):
        return found
    mine = [d.pk for d in found.only("id", "starter_users", "starter_groups") if may_start(user, d)]
    return found.filter(pk__in=mine)


def visible_tasks(user: User) -> QuerySet[UserTask]:
    """His own, those offered to him or his groups, and those of requests he started."""
    found = UserTask.objects.all()
    if sees_all(user):
        return found
    me = name(user)
    offered = Exists(IdentityLink.objects.filter(_mine(user), task=OuterRef("pk"), type="candidate"))
    return found.filter(Q(assignee=me) | Q(owner=me) | Q(completed_by=me) | Q(Q(assignee=None), offered) | Q(instance__starter=me))


def visible_instances(user: User) -> QuerySet[Instance]:
    """What he started, or takes or took part in."""
    found = Instance.objects.all()
    if sees_all(user):
        return found
    me = name(user)
    tasks = UserTask.objects.filter(instance=OuterRef("pk"))
    offered = Exists(IdentityLink.objects.filter(_mine(user), task=OuterRef("pk"), type="candidate"))
    worked = Exists(tasks.filter(Q(assignee=me) | Q(owner=me) | Q(completed_by=me) | Q(Q(state="open"), offered)))
    linked = Exists(IdentityLink.objects.filter(_mine(user), instance=OuterRef("pk")))
    return found.filter(Q(starter=me) | Q(worked) | Q(linked))


def visible_jobs(user: User) -> QuerySet[Job]:
    """Jobs are operators' business."""
    return Job.objects.all() if sees_all(user) else Job.objects.none()
