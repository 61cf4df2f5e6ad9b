"""User tasks that belong to no process: made, ended and deleted by clients; and what a client may change at any task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.models import Attachment, Blob, Comment, Draft, FormEntry, IdentityLink, TaskEvent, UserTask, Variable
from engine.runtime import access, holders, tasks
from engine.runtime.instances import identify

CHANGEABLE = frozenset({"name", "description", "owner", "priority", "due", "category", "form_key", "tenant", "delegation"})
DEEPEST = 20  # sub-tasks of sub-tasks


def create(about: Mapping[str, Any], *, user: access.User = None) -> UserTask:
    """A new task of these columns; without owner and assignee it is its maker's, unless he sees all anyway. Raises BadInput."""
    given = dict(about)
    if not access.sees_all(user) and not (given.get("owner") or given.get("assignee")):
        given["owner"] = access.name(user)
    _check_parent(None, given.get("parent"), user)
    return UserTask.objects.create(**given, created=datetime.now(UTC))


def update(task: UserTask, changes: Mapping[str, Any], *, user: access.User = None) -> None:
    """Change what was sent, as columns; a new assignee runs the model's assignment listeners. Raises Forbidden, BadInput."""
    access.check_work(user, task)
    if unknown := changes.keys() - CHANGEABLE - {"assignee", "parent"}:
        raise BadInput(f"a task has no {sorted(unknown)[0]} that can be changed", sorted(unknown)[0])
    if "parent" in changes:
        _check_parent(task, changes["parent"], user)
    plain = {name: value for name, value in changes.items() if name != "assignee"}
    with transaction.atomic():
        if "owner" in plain:
            holders.held(task, holders.OWNER, plain["owner"], joins=False)
        if plain:
            UserTask.objects.filter(pk=task.pk, state=UserTask.State.OPEN).update(**plain)
        if "assignee" in changes and changes["assignee"] != task.assignee:
            tasks.reassign(task.pk, changes["assignee"], user, joins=False)


def update_all(found: Iterable[UserTask], changes: Mapping[str, Any], *, user: access.User = None) -> None:
    """Change the same of many tasks, all or none; raises what `update` raises."""
    with transaction.atomic():
        for task in found:
            update(task, changes, user=user)


def _check_parent(task: UserTask | None, parent: Any, user: access.User) -> None:
    """The parent is there, may be seen, and no task becomes its own ancestor; raises BadInput."""
    above = parent
    for _ in range(DEEPEST):
        if above is None:
            return
        if task is not None and above == task.pk:
            break
        found = access.visible_tasks(user).filter(pk=identify(above, "task")).first()
        if found is None:
            raise BadInput(f"there is no task {above}", "parentTaskId")
        above = found.parent
    raise BadInput("a task cannot be a sub-task of itself, or of so many others", "parentTaskId")


def delete(task: UserTask, reason: str | None = None, *, history: bool = False, user: access.User = None) -> None:
    """Delete an open task with its sub-tasks, with `history` for good; raises Forbidden for one of a process, which the process ends."""
    access.check_work(user, task)
    if task.instance_id is not None:
        raise Forbidden("the task belongs to a process: complete it, or cancel the process")
    with transaction.atomic():
        gone = _with_subtasks(task)
        if history:
            erase(gone)
        else:
            ended = {"state": UserTask.State.DELETED, "ended": datetime.now(UTC), "reason": reason}
            UserTask.objects.filter(pk__in=gone, state=UserTask.State.OPEN).update(**ended)


def _with_subtasks(task: UserTask) -> list[Any]:
    found, todo = [task.pk], [task.pk]
    while todo:
        todo = list(UserTask.objects.filter(parent__in=todo).exclude(pk__in=found).values_list("pk", flat=True))
        found += todo
    return found


def delete_history(task: UserTask, *, user: access.User = None) -> None:
    """Remove an ended task with all that was said about it; operators may, and the owner of one without a process. Raises Conflict."""
    if task.instance_id is not None:
        access.check_operate(user)
    access.check_work(user, task)
    if task.state == UserTask.State.OPEN:
        raise Conflict("an open task has no history to delete")
    with transaction.atomic():
        erase([task.pk])


def erase(keys: list[Any]) -> None:
    """Remove tasks and all that belongs to them."""
    blobs: list[Any] = [*Variable.objects.filter(task__in=keys, blob__isnull=False).values_list("blob", flat=True)]
    blobs += Attachment.objects.filter(task__in=keys, blob__isnull=False).values_list("blob", flat=True)
    Blob.objects.filter(pk__in=blobs).delete()
    Variable.objects.filter(task__in=keys).delete()
    for model in (Attachment, Comment, Draft, FormEntry, IdentityLink, TaskEvent):
        model._default_manager.filter(task__in=keys).delete()
    if not UserTask.objects.filter(pk__in=keys).delete()[0]:
        raise NotFound("there is no such task")
