"""Comments on tasks and instances, attachments of tasks, and what a task's events tell of both and of its links."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from engine.api.body import Json, Members, check_multipart
from engine.api.dialect import ident, moment
from engine.api.flowable import history, instances, tasks
from engine.api.flowable.pictures import content
from engine.api.flowable.table import routes
from engine.api.router import Call
from engine.conf import settings as conf
from engine.errors import BadInput, NotFound
from engine.models import Attachment, Comment, TaskEvent, UserTask
from engine.runtime import notes, queries
from engine.runtime.queries.filters import uuid

COMMENTS = tasks.PATH + "/{task}/comments"
PAST = history.INSTANCES + "/{instance}/comments"
ATTACHMENTS = tasks.PATH + "/{task}/attachments"
EVENTS = tasks.PATH + "/{task}/events"
SHORT = 163  # characters of a comment that its event shows, as at Flowable


def _task(call: Call, task: str) -> UserTask:
    """A task, open or past; raises NotFound."""
    return queries.historic_tasks.one(call.user, task)


def _open(call: Call, task: str) -> UserTask:
    """A task that takes something yet; raises NotFound."""
    found = _task(call, task)
    if found.state != UserTask.State.OPEN:
        raise NotFound(f"there is no open task {task[:60]!r}")
    return found


# -- comments -------------------------------------------------------------------------------------------------------------
def shaped(call: Call, row: Comment) -> dict[str, Json]:
    task, instance = ident(row.task_id), ident(row.instance_id)
    return {
        "id": ident(row.pk),
        "author": row.user,
        "message": row.message,
        "time": moment(row.time),
        "taskId": task,
        "taskUrl": call.url(tasks.PATH, task, "comments", row.pk) if task else None,
        "processInstanceId": instance,
        "processInstanceUrl": call.url(history.INSTANCES, instance, "comments", row.pk) if instance else None,
    }


def _found(key: str, **of: Any) -> Comment:
    found = Comment.objects.filter(pk=known, **of).first() if (known := uuid(key)) else None
    if found is None:
        raise NotFound(f"there is no comment {key[:60]!r}")
    return found


@routes.get(COMMENTS)
def of_task(call: Call, task: str) -> Json:
    """What was said about a task."""
    return [shaped(call, row) for row in Comment.objects.filter(task=_task(call, task))]


@routes.post(COMMENTS, status=201)
def add(call: Call, task: str) -> Json:
    """Say something about a task; with `saveProcessInstanceId` about its instance too."""
    sent, found = call.sent, _open(call, task)
    instance = found.instance if sent.flag("saveProcessInstanceId") else None
    return shaped(call, notes.comment(sent.required("message", longest=notes.LONGEST), task=found, instance=instance, user=call.user))


@routes.get(COMMENTS + "/{comment}")
def one(call: Call, task: str, comment: str) -> Json:
    """One comment."""
    return shaped(call, _found(comment, task=_task(call, task)))


@routes.delete(COMMENTS + "/{comment}")
def delete(call: Call, task: str, comment: str) -> None:
    """Take a comment back."""
    notes.withdraw(_found(comment, task=_task(call, task)), user=call.user)


@routes.get(PAST)
def of_instance(call: Call, instance: str) -> Json:
    """What was said about an instance."""
    return [shaped(call, row) for row in Comment.objects.filter(instance=queries.historic_instances.one(call.user, instance))]


@routes.post(PAST, status=201)
def add_to_instance(call: Call, instance: str) -> Json:
    """Say something about an instance."""
    sent, found = call.sent, queries.instances.one(call.user, instance)  # of one that has ended nothing more is said (as at Flowable)
    return shaped(call, notes.comment(sent.required("message", longest=notes.LONGEST), instance=found, user=call.user))


@routes.get(PAST + "/{comment}")
def one_of_instance(call: Call, instance: str, comment: str) -> Json:
    """One comment on an instance."""
    return shaped(call, _found(comment, instance=queries.historic_instances.one(call.user, instance)))


@routes.delete(PAST + "/{comment}")
def delete_of_instance(call: Call, instance: str, comment: str) -> None:
    """Take a comment on an instance back."""
    notes.withdraw(_found(comment, instance=queries.historic_instances.one(call.user, instance)), user=call.user)


# -- attachments ----------------------------------------------------------------------------------------------------------
def attachment_shaped(call: Call, row: Attachment) -> dict[str, Json]:
    url = call.url(tasks.PATH, row.task_id, "attachments", row.pk)
    return {
        "id": ident(row.pk),
        "url": url,
        "name": row.name,
        "userId": row.user,
        "description": row.description,
        "type": row.type,
        "taskUrl": call.url(tasks.PATH, row.task_id),
        "processInstanceUrl": call.url_of(instances.PATH, row.instance_id),
        "externalUrl": row.url,
        "contentUrl": None if row.url else f"{url}/content",
        "time": moment(row.time),
    }


def _attachment(call: Call, task: str, key: str) -> Attachment:
    owner = _task(call, task)
    found = Attachment.objects.filter(pk=known, task=owner).first() if (known := uuid(key)) else None
    if found is None:
        raise NotFound(f"there is no attachment {key[:60]!r}")
    return found


@routes.get(ATTACHMENTS)
def attachments(call: Call, task: str) -> Json:
    """What is attached to a task."""
    return [attachment_shaped(call, row) for row in Attachment.objects.filter(task=_task(call, task))]


@routes.post(ATTACHMENTS, status=201)
def attach(call: Call, task: str) -> Json:
    """Attach a name or an address, as JSON, or a file, as multipart."""
    found, data = _open(call, task), None
    if (call.request.content_type or "").lower() == "multipart/form-data":
        check_multipart(call.request, conf.MAX_VARIABLE_SIZE)
        sent, data = Members(call.request.POST.dict()), _file(call)
    else:
        sent = call.sent
    name, url = sent.required("name"), sent.text("externalUrl", longest=2000)
    about = {"kind": sent.text("type"), "description": sent.text("description", longest=notes.LONGEST), "url": url}
    return attachment_shaped(call, notes.attach(found, name, content=data, user=call.user, **about))


def _file(call: Call) -> bytes:
    uploads: list[Any] = list(call.request.FILES.values())
    if len(uploads) != 1:
        raise BadInput("exactly one file must be sent", "file")
    data: bytes = uploads[0].read()
    return data


@routes.get(ATTACHMENTS + "/{attachment}")
def attachment(call: Call, task: str, attachment: str) -> Json:
    """One attachment."""
    return attachment_shaped(call, _attachment(call, task, attachment))


@routes.get(ATTACHMENTS + "/{attachment}/content")
def attachment_content(call: Call, task: str, attachment: str) -> HttpResponse:
    """The bytes of an attached file."""
    row = _attachment(call, task, attachment)
    data = notes.content(row)
    if data is None:
        raise NotFound("an address has no content here")
    return content(data, _media_type(row.type))


def _media_type(kind: str | None) -> str:
    """Flowable's types of attachments are media types, or free words."""
    plain = kind and kind.isascii() and kind.isprintable() and kind.count("/") == 1 and ";" not in kind
    return str(kind) if plain else "application/octet-stream"


@routes.delete(ATTACHMENTS + "/{attachment}")
def delete_attachment(call: Call, task: str, attachment: str) -> None:
    """Take an attachment back."""
    notes.withdraw(_attachment(call, task, attachment), user=call.user)


# -- events ---------------------------------------------------------------------------------------------------------------
def event_shaped(call: Call, row: Comment | TaskEvent) -> dict[str, Json]:
    said = isinstance(row, Comment)
    made: dict[str, Json] = {
        "id": ident(row.pk),
        "url": call.url(tasks.PATH, row.task_id, "events", row.pk),
        "action": "AddComment" if said else row.action,
        "userId": row.user,
        "time": moment(row.time),
        "taskUrl": call.url(tasks.PATH, row.task_id),
        "message": [_short(row.message)] if said else row.parts,
    }
    of_instance = call.url_of(instances.PATH, _instance_of(row))
    # Flowable writes the instance's address where the task's belongs, and has no other place for it
    return made | ({"taskUrl": of_instance, "processInstanceUrl": of_instance} if of_instance else {})


def _short(message: str) -> str:
    line = " ".join(message.split())
    return line if len(line) <= SHORT else line[: SHORT - 3] + "..."


def _instance_of(row: Comment | TaskEvent) -> object:
    """Attachments are the instance's as well; of a comment it was said whether it is."""
    if isinstance(row, Comment):
        return row.instance_id
    about = (TaskEvent.Action.ADD_ATTACHMENT, TaskEvent.Action.DELETE_ATTACHMENT)
    return row.task.instance_id if row.action in about else None


def _event(task: UserTask, key: str) -> Comment | TaskEvent:
    known = uuid(key)
    kinds: tuple[type[Comment | TaskEvent], ...] = (TaskEvent, Comment)
    found = next((row for kind in kinds if known and (row := kind._default_manager.filter(pk=known, task=task).first())), None)
    if found is None:
        raise NotFound(f"the task has no event {key[:60]!r}")
    return found


@routes.get(EVENTS)
def events(call: Call, task: str) -> Json:
    """What happened to a task, the latest first: comments, attachments and links that came and went."""
    found = _task(call, task)
    for row in (rows := notes.events(found)):
        row.task = found
    return [event_shaped(call, row) for row in rows]


@routes.get(EVENTS + "/{event}")
def event(call: Call, task: str, event: str) -> Json:
    """One event."""
    return event_shaped(call, _event(_task(call, task), event))


@routes.delete(EVENTS + "/{event}")
def delete_event(call: Call, task: str, event: str) -> None:
    """Take an event of an open task out of its record; a comment goes with it."""
    notes.withdraw(_event(queries.tasks.one(call.user, task), event), user=call.user)
