"""What is said about tasks and instances and attached to them. Who may see the thing may say something; only who said it takes it back.

A task's events tell of all that: its comments themselves, and a row for each link and attachment that came or went (as at Flowable).
"""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, Forbidden
from engine.models import Attachment, Blob, Comment, Instance, TaskEvent, UserTask
from engine.runtime import access

LONGEST = 100_000  # characters of a comment
Action = TaskEvent.Action


def comment(message: str, *, task: UserTask | None = None, instance: Instance | None = None, user: access.User = None) -> Comment:
    """Say something about a task, an instance or both; raises BadInput."""
    if not message.strip() or len(message) > LONGEST:
        raise BadInput(f"a comment has 1 to {LONGEST} characters", "message")
    if (task is not None and task.suspended) or (instance is not None and instance.suspended):
        raise Conflict("what is suspended takes no comment")
    return Comment.objects.create(task=task, instance=instance, user=access.name(user) or "", time=datetime.now(UTC), message=message)


def withdraw(note: Comment | Attachment | TaskEvent, *, user: access.User = None) -> None:
    """Take a comment, an attachment or what an event tells back; raises Forbidden for somebody else's."""
    if user is not None and note.user != access.name(user) and not access.sees_all(user):
        raise Forbidden(f"this is {note.user}'s")
    with transaction.atomic():
        if isinstance(note, Attachment) and note.blob:
            Blob.objects.filter(pk=note.blob).delete()
        if isinstance(note, Attachment) and note.task is not None:
            happened(note.task, Action.DELETE_ATTACHMENT, note.name, user=user)
        note.delete()


def attach(
    task: UserTask, name: str, *, kind: str | None = None, description: str | None = None, url: str | None = None,
    content: bytes | None = None, user: access.User = None,
) -> Attachment:  # fmt: skip
    """Attach an address or a file to a task; raises Conflict."""
    if task.suspended:
        raise Conflict("what is suspended takes no attachment")
    with transaction.atomic():
        blob = Blob.objects.create(content=content).pk if content is not None else None
        about = {"name": name, "description": description, "type": kind, "url": url, "blob": blob}
        happened(task, Action.ADD_ATTACHMENT, name, user=user)
        return Attachment.objects.create(task=task, instance=task.instance, user=access.name(user) or "", time=datetime.now(UTC), **about)


def content(attachment: Attachment) -> bytes | None:
    """The bytes of an attached file, None for an address."""
    found = Blob.objects.filter(pk=attachment.blob).first() if attachment.blob else None
    return bytes(found.content) if found else None


# -- events ---------------------------------------------------------------------------------------------------------------
def happened(task: UserTask, action: TaskEvent.Action, *parts: str | None, user: access.User) -> None:
    """Note an event of a task, where a full history is kept."""
    if conf.HISTORY == "full":
        TaskEvent.objects.create(task=task, user=access.name(user) or "", time=datetime.now(UTC), action=action, parts=list(parts))


def linked(task: UserTask, kind: str, *, who: str | None, group: str | None = None, gone: bool = False, user: access.User) -> None:
    """Note that a user or a group came to have to do with a task, or has no more: as its assignee, he gave it back."""
    if group is not None:
        happened(task, Action.DELETE_GROUP_LINK if gone else Action.ADD_GROUP_LINK, group, kind, user=user)
    else:
        happened(task, Action.DELETE_USER_LINK if gone else Action.ADD_USER_LINK, who, kind, user=user)


def events(task: UserTask) -> list[Comment | TaskEvent]:
    """What happened to a task, the latest first."""
    found: list[Comment | TaskEvent] = [*Comment.objects.filter(task=task), *TaskEvent.objects.filter(task=task)]
    return sorted(found, key=lambda event: event.time, reverse=True)
