"""What is said about tasks and instances and attached to them. Who may see the thing may say something; only who said it takes it back."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import transaction

from engine.errors import BadInput, Forbidden
from engine.models import Attachment, Blob, Comment, Instance, UserTask
from engine.runtime import access

LONGEST = 100_000  # characters of a comment


def comment(message: str, *, task: UserTask | None = None, instance: Instance | None = None, user: access.User = None) -> Comment:
    """Say something about a task, an instance or both; raises BadInput."""
    if not message.strip() or len(message) > LONGEST:
        raise BadInput(f"a comment has 1 to {LONGEST} characters", "message")
    return Comment.objects.create(task=task, instance=instance, user=access.name(user) or "", time=datetime.now(UTC), message=message)


def withdraw(note: Comment | Attachment, *, user: access.User = None) -> None:
    """Take a comment or an attachment back; raises Forbidden for somebody else's."""
    if user is not None and note.user != access.name(user) and not access.sees_all(user):
        raise Forbidden(f"this is {note.user}'s")
    with transaction.atomic():
        if isinstance(note, Attachment) and note.blob:
            Blob.objects.filter(pk=note.blob).delete()
        note.delete()


def attach(
    task: UserTask, name: str, *, kind: str | None = None, description: str | None = None, url: str | None = None,
    content: bytes | None = None, user: access.User = None,
) -> Attachment:  # fmt: skip
    """Attach an address or a file to a task."""
    with transaction.atomic():
        blob = Blob.objects.create(content=content).pk if content is not None else None
        about = {"name": name, "description": description, "type": kind, "url": url, "blob": blob}
        return Attachment.objects.create(task=task, instance=task.instance, user=access.name(user) or "", time=datetime.now(UTC), **about)


def content(attachment: Attachment) -> bytes | None:
    """The bytes of an attached file, None for an address."""
    found = Blob.objects.filter(pk=attachment.blob).first() if attachment.blob else None
    return bytes(found.content) if found else None
