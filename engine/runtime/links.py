"""Who has to do with a task, an instance or a definition, beside its assignee and starter: identity links."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet

from engine.errors import BadInput, Forbidden, NotFound
from engine.models import Definition, IdentityLink, Instance, UserTask
from engine.runtime import access, holders, notes, tasks
from engine.runtime.holders import ASSIGNEE, OWNER

CANDIDATE, PARTICIPANT, STARTER = "candidate", "participant", "starter"


# -- tasks ----------------------------------------------------------------------------------------------------------------
def of_task(task: UserTask) -> list[IdentityLink]:
    """The links of a task, its assignee and owner among them."""
    return [*holders.shown(_linked(task)), *_holders(task)]


def of_past_task(task: UserTask) -> list[IdentityLink]:
    """The links of a task, and whom it belonged to before; nobody, where it was given back (as at Flowable)."""
    found = list(holders.told(_linked(task)))
    known = {(link.type, link.user) for link in found}
    return found + [link for link in _holders(task) if (link.type, link.user) not in known]


def _linked(task: UserTask) -> QuerySet[IdentityLink]:
    return IdentityLink.objects.filter(task=task).order_by("pk")


def _holders(task: UserTask) -> list[IdentityLink]:
    return [IdentityLink(user=who, type=kind) for kind, who in ((ASSIGNEE, task.assignee), (OWNER, task.owner)) if who is not None]


def link_task(task: UserTask, kind: str, *, who: str | None, group: str | None, user: access.User = None) -> IdentityLink:
    """Link a user or a group to a task; the types assignee and owner make him that. Raises Forbidden, BadInput, Conflict."""
    access.check_work(user, task)
    tasks.check_awake(task)
    if kind in (ASSIGNEE, OWNER):
        if group is not None:
            raise BadInput(f"a group cannot be {kind}", "group")
        with transaction.atomic():
            _make(task, kind, who, user)
            notes.linked(task, kind, who=who, user=user)
        return IdentityLink(task=task, type=kind, user=who)
    if kind in holders.KEPT_BACK:
        raise BadInput(f"{kind} is no type of a link", "type")
    with transaction.atomic():
        found, _ = IdentityLink.objects.get_or_create(task=task, type=kind, user=who, group=group)
        notes.linked(task, kind, who=who, group=group, user=user)
    return found


def _make(task: UserTask, kind: str, who: str | None, user: access.User) -> None:
    if kind == ASSIGNEE:
        tasks.reassign(task.pk, who, user)
    else:
        holders.held(task, OWNER, who)
        UserTask.objects.filter(pk=task.pk).update(owner=who)


def unlink_task(task: UserTask, kind: str, *, who: str | None, group: str | None, user: access.User = None) -> None:
    """Take a link away; raises Forbidden, NotFound, Conflict."""
    access.check_work(user, task)
    with transaction.atomic():
        if who is not None and who == {ASSIGNEE: task.assignee, OWNER: task.owner}.get(kind):
            _make(task, kind, None, user)
        elif kind in holders.KEPT_BACK or not IdentityLink.objects.filter(task=task, type=kind, user=who, group=group).delete()[0]:
            raise NotFound(f"the task has no link of type {kind} to {who or group}")
        elif who is not None:
            holders.join(task, who)
        tasks.check_awake(task)  # after all else: what is not there is not found, whatever the task is
        notes.linked(task, kind, who=who, group=group, gone=True, user=user)


# -- instances ------------------------------------------------------------------------------------------------------------
def of_instance(instance: Instance) -> list[IdentityLink]:
    """The starter, the links made by clients, and as participants all who have, had or own its tasks, did one or were offered one."""
    linked = list(IdentityLink.objects.filter(instance=instance).order_by("pk"))
    known = {link.user for link in linked if link.type == PARTICIPANT}
    told = instance.starter and not any(link.type == holders.NO_STARTER for link in linked)
    starter = [IdentityLink(type=STARTER, user=instance.starter)] if told else []
    linked = [link for link in linked if link.type != holders.NO_STARTER]
    return starter + linked + [IdentityLink(type=PARTICIPANT, user=who) for who in sorted(holders.participants(instance) - known)]


def link_instance(instance: Instance, kind: str, who: str, *, user: access.User = None) -> IdentityLink:
    """Let a user take part in an instance, whereby he sees it; raises Forbidden."""
    access.check_cancel(user, instance)
    if kind == holders.NO_STARTER:
        raise BadInput(f"{kind} is no type of a link", "type")
    found, _ = IdentityLink.objects.get_or_create(instance=instance, type=kind, user=who, group=None)
    return found


def unlink_instance(instance: Instance, kind: str, who: str, *, user: access.User = None) -> None:
    """Take a link away; raises Forbidden, NotFound."""
    access.check_cancel(user, instance)
    with transaction.atomic():
        linked = IdentityLink.objects.filter(instance=instance, type=kind, user=who).delete()[0]
        took_part = kind == PARTICIPANT and holders.leave(instance, who)
        began = kind == STARTER and who == instance.starter and holders.forget_starter(instance)
    if not (linked or took_part or began):
        raise NotFound(f"the instance has no link of type {kind} to {who}")


# -- definitions ----------------------------------------------------------------------------------------------------------
def add_starter(definition: Definition, *, who: str | None, group: str | None, user: access.User = None) -> None:
    """Let a user or a group start a definition; raises Forbidden."""
    _check_definition(user)
    _change(definition, {*definition.starter_users, who}, {*definition.starter_groups, group})


def remove_starter(definition: Definition, *, who: str | None, group: str | None, user: access.User = None) -> None:
    """Take the right to start away again; raises Forbidden, NotFound."""
    _check_definition(user)
    if who not in definition.starter_users and group not in definition.starter_groups:
        raise NotFound(f"{who or group} is no candidate starter of {definition.pk}")
    _change(definition, set(definition.starter_users) - {who}, set(definition.starter_groups) - {group})


def _change(definition: Definition, users: set[str | None], groups: set[str | None]) -> None:
    definition.starter_users, definition.starter_groups = sorted(filter(None, users)), sorted(filter(None, groups))
    definition.save(update_fields=["starter_users", "starter_groups"])


def _check_definition(user: access.User) -> None:
    if not (access.sees_all(user) or access.may_deploy(user)):
        raise Forbidden("you may not say who starts processes")
