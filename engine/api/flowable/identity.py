"""`identity/*`: Django's users and groups in Flowable's shapes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group

from engine.api.body import Json, Members
from engine.api.dialect import each, page
from engine.api.flowable.table import routes
from engine.api.router import ADMIN, Call
from engine.errors import BadInput
from engine.runtime import identity

USERS, GROUPS = "identity/users", "identity/groups"
_COLUMNS = {"firstName": "first_name", "lastName": "last_name", "email": "email"}


# -- users ----------------------------------------------------------------------------------------------------------------
def shaped(call: Call, row: Any) -> dict[str, Json]:
    return {
        "id": row.get_username(),
        "url": call.url(USERS, row.get_username()),
        "firstName": row.first_name or None,
        "lastName": row.last_name or None,
        "displayName": None,
        "email": row.email or None,
        "pictureUrl": None,
        "tenantId": None,
    }


def _columns(sent: Members) -> dict[str, str]:
    return {column: sent.text(name) or "" for name, column in _COLUMNS.items() if name in sent}


@routes.get(USERS)
def users(call: Call) -> Json:
    """The users; who may not look at users sees himself."""
    return page(call, identity.users, call.params, each(lambda row: shaped(call, row)))


@routes.post(USERS, ADMIN, status=201)
def create_user(call: Call) -> Json:
    """Make a user."""
    sent = call.sent
    password = sent.text("password", longest=4096)
    made = identity.create_user(sent.required("id", longest=150), _columns(sent), password, user=call.user)
    echo = {"password": password} if password else {}  # what a client sent, as Flowable does; it is stored as a hash
    return shaped(call, made) | echo


@routes.get(USERS + "/{name}")
def one_user(call: Call, name: str) -> Json:
    """One user."""
    return shaped(call, identity.user_named(name, call.user))


@routes.put(USERS + "/{name}", ADMIN)
def update_user(call: Call, name: str) -> Json:
    """Change what is sent of a user."""
    sent, found = call.sent, identity.user_named(name, call.user)
    identity.update_user(found, _columns(sent), sent.text("password", longest=4096), user=call.user)
    return shaped(call, found)


@routes.delete(USERS + "/{name}", ADMIN)
def delete_user(call: Call, name: str) -> None:
    """Delete a user."""
    identity.delete_user(identity.user_named(name, call.user), user=call.user)


# -- groups ---------------------------------------------------------------------------------------------------------------
def group_shaped(call: Call, row: Group) -> dict[str, Json]:
    label = identity.label_of(row)
    return {"id": row.name, "url": call.url(GROUPS, row.name), "name": label.name or None, "type": label.type or None}


def _label(sent: Members) -> dict[str, str]:
    return {name: sent.text(name) or "" for name in ("name", "type") if name in sent}


@routes.get(GROUPS)
def groups(call: Call) -> Json:
    """The groups; who may not look at groups sees his own."""
    return page(call, identity.groups, call.params, each(lambda row: group_shaped(call, row)))


@routes.post(GROUPS, ADMIN, status=201)
def create_group(call: Call) -> Json:
    """Make a group."""
    return group_shaped(call, identity.create_group(call.sent.required("id"), _label(call.sent), user=call.user))


@routes.get(GROUPS + "/{group}")
def one_group(call: Call, group: str) -> Json:
    """One group."""
    return group_shaped(call, identity.group_named(group, call.user))


@routes.put(GROUPS + "/{group}", ADMIN)
def update_group(call: Call, group: str) -> Json:
    """Change what is sent of a group's name and type; its id stays."""
    label, found = _label(call.sent), identity.group_named(group, call.user)
    if call.sent.text("id") not in (None, found.name):
        raise BadInput("the id of a group stays", "id")
    identity.update_group(found, label, user=call.user)
    return group_shaped(call, found)


@routes.delete(GROUPS + "/{group}", ADMIN)
def delete_group(call: Call, group: str) -> None:
    """Delete a group."""
    identity.delete_group(identity.group_named(group, call.user), user=call.user)


@routes.post(GROUPS + "/{group}/members", ADMIN, status=201)
def join(call: Call, group: str) -> Json:
    """Make a user (`userId`) a member."""
    sent, found = call.sent, identity.group_named(group, call.user)
    name = sent.required("userId")
    identity.join(found, name, user=call.user)
    return {"userId": name, "groupId": found.name, "url": call.url(GROUPS, found.name, "members", name)}


@routes.delete(GROUPS + "/{group}/members/{name}", ADMIN)
def leave(call: Call, group: str, name: str) -> None:
    """End a membership."""
    identity.leave(identity.group_named(group, call.user), name, user=call.user)
