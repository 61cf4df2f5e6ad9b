"""Identity links: who has to do with a task, an instance or a definition; and who may start a process."""

from __future__ import annotations

from collections.abc import Iterable

from engine.api.body import Json, Members
from engine.api.dialect import ident
from engine.api.flowable import definitions, history, instances, tasks
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.errors import BadInput, NotFound
from engine.models import Definition, IdentityLink, Instance, UserTask
from engine.runtime import links, queries

FAMILIES = ("users", "groups")


def shaped(call: Call, base: str, row: IdentityLink) -> dict[str, Json]:
    family, who = ("users", row.user) if row.user is not None else ("groups", row.group)
    return {"user": row.user, "group": row.group, "type": row.type, "url": call.url(base, "identitylinks", family, who, row.type)}


def _family(family: str) -> str:
    if family not in FAMILIES:
        raise BadInput(f"{family[:40]!r} is neither users nor groups")
    return family


def _meant(family: str, name: str) -> dict[str, str | None]:
    """The user or the group that an address names."""
    return {"who": name, "group": None} if _family(family) == "users" else {"who": None, "group": name}


def _one(rows: Iterable[IdentityLink], family: str, name: str, kind: str) -> IdentityLink:
    users = _family(family) == "users"
    found = next((r for r in rows if r.type == kind and (r.user if users else r.group) == name), None)
    if found is None:
        raise NotFound(f"there is no link of type {kind[:40]!r} to {name[:60]!r}")
    return found


def _sent(sent: Members) -> dict[str, str | None]:
    """Exactly one of user and group, as sent; raises BadInput."""
    user, group = sent.text("user"), sent.text("group")
    if bool(user) == bool(group) or None not in (user, group):
        raise BadInput("exactly one of user and group must be given", "user")
    return {"who": user or None, "group": group or None}


# -- tasks ----------------------------------------------------------------------------------------------------------------
TASK = tasks.PATH + "/{task}/identitylinks"


def _of_task(call: Call, task: str) -> tuple[UserTask, str]:
    found = queries.tasks.one(call.user, task)
    return found, f"{tasks.PATH}/{found.pk}"


@routes.get(TASK)
def of_task(call: Call, task: str) -> Json:
    """The users and groups linked to a task, its assignee and owner among them."""
    found, base = _of_task(call, task)
    return [shaped(call, base, row) for row in links.of_task(found)]


@routes.get(TASK + "/{family}")
def family_of_task(call: Call, task: str, family: str) -> Json:
    """Only the users, or only the groups."""
    found, base = _of_task(call, task)
    users = _family(family) == "users"
    return [shaped(call, base, row) for row in links.of_task(found) if (row.user is not None) == users]


@routes.post(TASK, status=201)
def link_task(call: Call, task: str) -> Json:
    """Link a user or a group to a task."""
    sent, found, base = call.sent, tasks.open_task(task), f"{tasks.PATH}/{task}"
    who = _sent(sent)
    return shaped(call, base, links.link_task(found, sent.required("type", longest=50), **who, user=call.user))


@routes.get(TASK + "/{family}/{name}/{kind}")
def link_of_task(call: Call, task: str, family: str, name: str, kind: str) -> Json:
    """One link."""
    found, base = _of_task(call, task)
    return shaped(call, base, _one(links.of_task(found), family, name, kind))


@routes.delete(TASK + "/{family}/{name}/{kind}")
def unlink_task(call: Call, task: str, family: str, name: str, kind: str) -> None:
    """Take a link away."""
    meant = _meant(family, name)
    links.unlink_task(tasks.open_task(task), kind, **meant, user=call.user)


# -- instances ------------------------------------------------------------------------------------------------------------
INSTANCE = instances.PATH + "/{instance}/identitylinks"


def _of_instance(call: Call, instance: str) -> tuple[Instance, str]:
    found = queries.instances.one(call.user, instance)
    return found, f"{instances.PATH}/{found.pk}"


@routes.get(INSTANCE)
def of_instance(call: Call, instance: str) -> Json:
    """The starter of an instance and all who take part in it."""
    found, base = _of_instance(call, instance)
    return [shaped(call, base, row) for row in links.of_instance(found)]


@routes.post(INSTANCE, status=201)
def link_instance(call: Call, instance: str) -> Json:
    """Let a user take part in an instance."""
    sent, (found, base) = call.sent, _of_instance(call, instance)
    who = _sent(sent)["who"]
    if who is None:
        raise BadInput("only users can be linked to a process instance", "group")
    return shaped(call, base, links.link_instance(found, sent.required("type", longest=50), who, user=call.user))


@routes.get(INSTANCE + "/{family}/{name}/{kind}")
def link_of_instance(call: Call, instance: str, family: str, name: str, kind: str) -> Json:
    """One link."""
    found, base = _of_instance(call, instance)
    return shaped(call, base, _one(links.of_instance(found), family, name, kind))


@routes.delete(INSTANCE + "/{family}/{name}/{kind}")
def unlink_instance(call: Call, instance: str, family: str, name: str, kind: str) -> None:
    """Take a link away."""
    if _family(family) != "users":
        raise BadInput("only users can be linked to a process instance")
    links.unlink_instance(_of_instance(call, instance)[0], kind, name, user=call.user)


# -- definitions ----------------------------------------------------------------------------------------------------------
DEFINITION = definitions.PATH + "/{definition}/identitylinks"


def starter_shaped(call: Call, definition: Definition, *, who: str | None, group: str | None) -> dict[str, Json]:
    family, name = ("users", who) if who else ("groups", group)
    url = call.url(definitions.PATH, definition.pk, "identitylinks", family, name)
    return {"user": who, "group": group, "type": links.CANDIDATE, "url": url}


@routes.get(DEFINITION)
def starters(call: Call, definition: str) -> Json:
    """The candidate starters of a definition."""
    found = queries.definitions.one(call.user, definition)
    users = [starter_shaped(call, found, who=name, group=None) for name in found.starter_users]
    return users + [starter_shaped(call, found, who=None, group=name) for name in found.starter_groups]


@routes.post(DEFINITION, ADMIN, status=201)
def add_starter(call: Call, definition: str) -> Json:
    """Let a user or a group start a definition."""
    sent, found = call.sent, queries.definitions.one(call.user, definition)
    who = _sent(sent)
    links.add_starter(found, **who, user=call.user)
    return starter_shaped(call, found, **who)


@routes.get(DEFINITION + "/{family}/{name}")
def starter(call: Call, definition: str, family: str, name: str) -> Json:
    """One candidate starter."""
    found, meant = queries.definitions.one(call.user, definition), _meant(family, name)
    if name not in (found.starter_users if meant["who"] else found.starter_groups):
        raise NotFound(f"{name[:60]!r} is no candidate starter")
    return starter_shaped(call, found, **meant)


@routes.delete(DEFINITION + "/{family}/{name}", ADMIN)
def remove_starter(call: Call, definition: str, family: str, name: str) -> None:
    """Take the right to start away again."""
    meant = _meant(family, name)
    links.remove_starter(queries.definitions.one(call.user, definition), **meant, user=call.user)


# -- history --------------------------------------------------------------------------------------------------------------
def _past(call: Call, row: IdentityLink, task: UserTask | None, instance: Instance | None) -> Json:
    return {
        "type": row.type,
        "userId": row.user,
        "groupId": row.group,
        "taskId": ident(task.pk) if task else None,
        "taskUrl": call.url(history.TASKS, task.pk) if task else None,
        "processInstanceId": ident(instance.pk) if instance else None,
        "processInstanceUrl": call.url(history.INSTANCES, instance.pk) if instance else None,
    }


@routes.get(history.INSTANCES + "/{instance}/identitylinks")
def of_past_instance(call: Call, instance: str) -> Json:
    """Who took part in an instance."""
    found = queries.historic_instances.one(call.user, instance)
    return [_past(call, row, None, found) for row in links.of_instance(found)]


@routes.get(history.TASKS + "/{task}/identitylinks")
def of_past_task(call: Call, task: str) -> Json:
    """Who had to do with a task."""
    found = queries.historic_tasks.one(call.user, task)
    return [_past(call, row, found, None) for row in links.of_past_task(found)]
