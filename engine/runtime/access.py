"""Who may do and see what; both doors ask here and nowhere else.

A user is a Django user; None stands for trusted Python code around the engine, which may do everything. Operators have the
permission `towpath.operate`. Everybody else sees what he started or takes part in, and works on what is his or his groups'.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet

from engine.errors import Forbidden
from engine.models import Definition, IdentityLink, Instance, Job, UserTask
from engine.models.compiled import KEPT
from engine.runtime import offers, rights
from engine.runtime.rights import DEPLOY, IMPERSONATE, OPERATE, START
from engine.runtime.trees import within

FEW_GROUPS = 8  # each is asked for alone; more are asked for together
ADMINS = "admin"  # the group that passes every policy of the service API, as at Automatiko


class Persona:
    """Whom a trusted caller of the service API speaks for: a name, or nobody in particular, with groups; it may start processes.

    What it sees and may do follows the model's policy and the tasks' candidates, as at Automatiko, and no permission of a user.
    """

    is_authenticated = is_active = True
    pk = None

    def __init__(self, name: str | None, groups: Iterable[str] = ()) -> None:
        self.username, self._towpath_groups = name or "", frozenset(groups)

    def get_username(self) -> str:
        return self.username

    def has_perm(self, permission: str) -> bool:
        return permission == START


User = AbstractBaseUser | AnonymousUser | Persona | None


def name(user: User) -> str | None:
    """What the engine calls a user: his user name, None for trusted code."""
    return user.get_username() or None if user is not None else None


def groups(user: User) -> frozenset[str]:
    """The names of a user's groups, read once for each user object."""
    if user is None or not user.is_authenticated:
        return frozenset()
    known: Any = user
    if not hasattr(known, "_towpath_groups"):
        told = rights.of(known)
        known._towpath_groups = frozenset(known.groups.values_list("name", flat=True)) if told is None else told.groups
    found: frozenset[str] = known._towpath_groups
    return found


def _has(user: User, permission: str) -> bool:
    asked: Any = user
    if user is None or not asked.is_active:
        return user is None
    told = rights.of(user)
    return bool(asked.has_perm(permission)) if told is None else permission in told.permissions


def sees_all(user: User) -> bool:
    """Whether he is an operator."""
    return _has(user, OPERATE)


Kind = tuple[bool, int] | None  # whether he has a name, and of how many groups he is; None: he sees all


def viewer(user: User) -> tuple[Kind, tuple[str, ...]]:
    """What decides what he sees of instances and tasks: of which kind he is, and the names of himself and his groups."""
    return (None, ()) if sees_all(user) else names(user)


def names(user: User) -> tuple[Kind, tuple[str, ...]]:
    """The same without a look at what he may: for what is his. For all who are of one kind the same SQL asks.

    (More than a few groups are filled up to a power of two, so that the kinds are few.)
    """
    me, mine = name(user), filled(sorted(groups(user)))
    return (me is not None, len(mine)), ((me, *mine) if me else tuple(mine))


def filled(groups: list[str]) -> list[str]:
    """More than a few groups, filled up with the last of them to a power of two; a few as they are."""
    wanted = 1 << (len(groups) - 1).bit_length() if len(groups) > FEW_GROUPS else len(groups)
    return groups + groups[-1:] * (wanted - len(groups))


def as_viewer(kind: Kind, names: Sequence[str]) -> User:
    """Somebody of this kind with these names, for the questions of what he sees."""
    if kind is None:
        return None
    named = int(kind[0])
    return Persona(names[0] if named else None, names[named:])


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
    return IdentityLink.objects.filter(of_his(user), task=task, type="candidate").exists()


def may_work_on(user: User, task: UserTask) -> bool:
    """The assignee and the owner; a candidate while nobody has claimed it; an operator."""
    mine = not isinstance(user, Persona) and name(user) in (task.assignee, task.owner)
    return user is None or mine or bool(workable(user, [task]))


def workable(user: User, tasks: Iterable[UserTask]) -> list[UserTask]:
    """Those of some tasks that he may work on; one query for all. Whom the model excludes may not, whoever he is."""
    found = list(tasks)
    who = offers.of(found)
    return [task for task in found if _works_on(user, task, who[task.pk])]


def _works_on(user: User, task: UserTask, links: Sequence[offers.Offer]) -> bool:
    me = name(user)
    candidates = [one for one in links if one.type == "candidate"]
    if me is not None and any(one.type == "excluded" and one.user == me for one in links):
        return False
    offered = any((me is not None and one.user == me) or (one.group is not None and one.group in groups(user)) for one in candidates)
    if isinstance(user, Persona):  # who claimed it must still be one of those to whom it is offered
        mine = task.assignee is None or task.assignee == me
        return mine and (offered or not candidates)
    if user is None or (me is not None and me in (task.assignee, task.owner)):
        return True
    return sees_all(user) or (task.assignee is None and offered)


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


def check_manage(user: User) -> None:
    """May operate; a caller whom the site trusts is taken for an operator, as at Automatiko. Raises Forbidden."""
    if not isinstance(user, Persona):
        check_operate(user)


def check_instance(user: User, instance: Instance) -> None:
    """He takes part in it."""
    if not sees_instance(user, instance.pk):
        raise Forbidden("this request is not yours")


def check_cancel(user: User, instance: Instance) -> None:
    if not may_cancel(user, instance):
        raise Forbidden("only who started a request may cancel it")


# -- what is seen ---------------------------------------------------------------------------------------------------------
def of_his(user: User) -> Q:
    """The links that name him or one of his groups."""
    mine = Q(group__in=groups(user))
    return mine | Q(user=name(user)) if name(user) else mine


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
    offered = Exists(IdentityLink.objects.filter(of_his(user), task=OuterRef("pk"), type="candidate"))
    return found.filter(Q(assignee=me) | Q(owner=me) | Q(completed_by=me) | Q(Q(assignee=None), offered) | Q(instance__starter=me))


def visible_instances(user: User) -> QuerySet[Instance]:
    """What he started, or takes or took part in."""
    found = Instance.objects.all()
    if sees_all(user):
        return found
    me = name(user)
    tasks = UserTask.objects.filter(instance=OuterRef("pk"))
    offered = Exists(IdentityLink.objects.filter(of_his(user), task=OuterRef("pk"), type="candidate"))
    worked = Exists(tasks.filter(Q(assignee=me) | Q(owner=me) | Q(completed_by=me) | Q(Q(state="open"), offered)))
    linked = Exists(IdentityLink.objects.filter(of_his(user), instance=OuterRef("pk")))
    return found.filter(Q(starter=me) | Q(worked) | Q(linked))


def sees_instance(user: User, key: UUID) -> bool:
    """Whether an instance is among those that he sees."""
    return _is_among(Instance, visible_instances, user, key)


def sees_task(user: User, key: UUID) -> bool:
    """Whether a task is among those that he sees."""
    return _is_among(UserTask, visible_tasks, user, key)


def _is_among(model: type[Instance | UserTask], visible: Callable[[User], QuerySet[Any]], user: User, key: UUID) -> bool:
    kind, called = viewer(user)

    def query(given: Sequence[Any]) -> QuerySet[Any, Any]:
        return visible(as_viewer(kind, given[1:])).filter(pk=given[0]).values_list("pk")

    return bool(KEPT.rows(model, (visible, kind), [key, *called], query))


def visible_jobs(user: User) -> QuerySet[Job]:
    """Jobs are operators' business."""
    return Job.objects.all() if sees_all(user) else Job.objects.none()


# -- the service API ------------------------------------------------------------------------------------------------------
def service_instances(user: User, policy: str | None) -> QuerySet[Instance]:
    """The instances of a workflow that he may see: a trusted caller by the model's policy, everybody else by his rights."""
    if not isinstance(user, Persona):
        return visible_instances(user)
    found = Instance.objects.all()
    if policy is None or ADMINS in groups(user):
        return found
    tasks = UserTask.objects.filter(within(OuterRef("pk")), state="open")
    offered = Exists(IdentityLink.objects.filter(of_his(user), task=OuterRef("pk"), type="candidate"))
    claimed = Q(assignee=name(user)) if name(user) else Q(pk=None)
    mine = Q(starter=name(user)) if name(user) else Q(pk=None)
    return found.filter(Q(starter=None) | mine | Q(Exists(tasks.filter(claimed | Q(offered)))))


def sees_service(user: User, instance: Instance, policy: str | None) -> bool:
    """Whether he may see one of them; asks the database only where what is known of it does not say."""
    if isinstance(user, Persona):
        known = policy is None or ADMINS in groups(user) or instance.starter is None or instance.starter == name(user)
        if known:
            return True
    return service_instances(user, policy).filter(pk=instance.pk).exists()


def may_change(user: User, instance: Instance, policy: str | None) -> bool:
    """Whether who sees an instance may also change or abort it: under the policy `initiator` only who started it."""
    if policy != "initiator" or user is None or instance.starter in (None, name(user)):
        return True
    return ADMINS in groups(user) if isinstance(user, Persona) else sees_all(user)


def may_impersonate(user: User) -> bool:
    """Whether he may call the service API in the name of others."""
    return _has(user, IMPERSONATE)
