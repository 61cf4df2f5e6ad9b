"""Users and groups as the Engine API manages them: Django's own, guarded by Django's own permissions.

A group's id is the name that Django knows it by; what else it is called stands beside it (GroupLabel). Nobody but a
superuser may change who is one, or is staff.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet, Value
from django.db.models.functions import NullIf

from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.models import GroupLabel
from engine.runtime import access
from engine.runtime.queries.filters import Filters, equals, like_family
from engine.runtime.queries.listing import Listing

LONGEST_GROUP = 150


def _check(user: access.User, permission: str) -> None:
    if user is not None and not user.has_perm(f"auth.{permission}"):  # type: ignore[union-attr]
        raise Forbidden(f"this needs the permission {permission.replace('_', ' to ', 1)}")


def _users_seen(user: Any) -> QuerySet[Any]:
    """Who may look at users in the admin; everybody else sees himself."""
    found = get_user_model()._default_manager.all().annotate(_name=F(get_user_model().USERNAME_FIELD))
    return found if user is None or user.has_perm("auth.view_user") else found.filter(pk=user.pk)


def _groups_seen(user: Any) -> QuerySet[Group]:
    found = Group.objects.select_related("towpath_label").annotate(_called=NullIf("towpath_label__name", Value("")))
    return found if user is None or user.has_perm("auth.view_group") else found.filter(user=user)


_USERS: Filters = {
    "id": equals("_name"),
    **like_family("firstName", "first_name"),
    **like_family("lastName", "last_name"),
    **like_family("displayName", "first_name"),
    **like_family("email", "email"),
    "memberOfGroup": equals("groups__name"),
}
_GROUPS: Filters = {
    "id": equals("name"),
    **like_family("name", "_called"),
    "type": equals("towpath_label__type"),
    "member": equals(f"user__{get_user_model().USERNAME_FIELD}"),
}

users: Listing[Any] = Listing(
    "user",
    _users_seen,
    _USERS,
    {"id": "_name", "firstName": "first_name", "lastName": "last_name", "displayName": "first_name", "email": "email"},
    "id",
)
groups: Listing[Group] = Listing("group", _groups_seen, _GROUPS, {"id": "name", "name": "_called", "type": "towpath_label__type"}, "id")


def user_named(name: str, user: access.User = None) -> Any:
    """A user by name; raises NotFound."""
    found = _users_seen(user).filter(_name=name).first()
    if found is None:
        raise NotFound(f"there is no user {name[:60]!r}")
    return found


def group_named(name: str, user: access.User = None) -> Group:
    """A group by name; raises NotFound."""
    found = _groups_seen(user).filter(name=name).first()
    if found is None:
        raise NotFound(f"there is no group {name[:60]!r}")
    return found


# -- users ----------------------------------------------------------------------------------------------------------------
def create_user(name: str, about: Mapping[str, str], password: str | None, *, user: access.User = None) -> Any:
    """A new user, who cannot log in by password if none is given; raises Forbidden, BadInput, Conflict."""
    _check(user, "add_user")
    users_of = get_user_model()
    if users_of._default_manager.filter(**{users_of.USERNAME_FIELD: name}).exists():
        raise Conflict(f"there is a user {name[:60]!r} already")
    made = users_of(**{users_of.USERNAME_FIELD: name}, **about)
    made.set_password(password)
    _validated(made)
    made.save()
    return user_named(name)


def update_user(found: Any, about: Mapping[str, str], password: str | None, *, user: access.User = None) -> None:
    """Change what was sent; raises Forbidden, BadInput."""
    _check(user, "change_user")
    _check_rank(found, user)
    for column, value in about.items():
        setattr(found, column, value)
    if password is not None:
        found.set_password(password)
    _validated(found)
    found.save()


def delete_user(found: Any, *, user: access.User = None) -> None:
    """Delete a user; what he did stays in the history, by his name. Raises Forbidden."""
    _check(user, "delete_user")
    _check_rank(found, user)
    found.delete()


def _check_rank(found: Any, user: access.User) -> None:
    """Who is staff or a superuser is changed by superusers alone."""
    if (found.is_staff or found.is_superuser) and user is not None and not user.is_superuser:  # type: ignore[union-attr]
        raise Forbidden("only a superuser may change staff")


def _validated(found: Any) -> None:
    try:
        found.clean_fields(exclude={"password"})
    except ValidationError as error:
        column, said = next(iter(error.message_dict.items()))
        raise BadInput(f"{column}: {' '.join(said)}", column) from None


# -- groups ---------------------------------------------------------------------------------------------------------------
def label_of(group: Group) -> GroupLabel:
    """What a group is called, which may be nothing."""
    found: GroupLabel = getattr(group, "towpath_label", None) or GroupLabel(group=group)
    return found


def create_group(name: str, about: Mapping[str, str] = MappingProxyType({}), *, user: access.User = None) -> Group:
    """A new group; `about` are its label's name and type. Raises Forbidden, BadInput, Conflict."""
    _check(user, "add_group")
    if len(name) > LONGEST_GROUP:
        raise BadInput(f"the id of a group has at most {LONGEST_GROUP} characters", "id")
    try:
        with transaction.atomic():
            made = Group.objects.create(name=name)
            _relabel(made, about)
            return made
    except IntegrityError:
        raise Conflict(f"there is a group {name[:60]!r} already") from None


def update_group(group: Group, about: Mapping[str, str], *, user: access.User = None) -> None:
    """Call a group otherwise: what is sent of its label's name and type; raises Forbidden."""
    _check(user, "change_group")
    _relabel(group, about)


def _relabel(group: Group, about: Mapping[str, str]) -> None:
    if about:
        GroupLabel.objects.update_or_create(group=group, defaults=about)
        group.refresh_from_db()


def delete_group(group: Group, *, user: access.User = None) -> None:
    """Delete a group; raises Forbidden."""
    _check(user, "delete_group")
    group.delete()


def join(group: Group, name: str, *, user: access.User = None) -> None:
    """Make a user a member; raises Forbidden, NotFound, Conflict."""
    _check(user, "change_user")
    found = user_named(name)
    _check_gives_nothing(group, user)
    if found.groups.filter(pk=group.pk).exists():
        raise Conflict(f"{name[:60]} is a member of {group.name} already")
    found.groups.add(group)


def leave(group: Group, name: str, *, user: access.User = None) -> None:
    """End a membership; raises Forbidden, NotFound."""
    _check(user, "change_user")
    found = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: name}, groups=group).first()
    if found is None:
        raise NotFound(f"{name[:60]} is no member of {group.name}")
    found.groups.remove(group)


def _check_gives_nothing(group: Group, user: access.User) -> None:
    """Nobody hands out, by a group, permissions that he does not have himself."""
    if user is None or user.is_superuser:  # type: ignore[union-attr]
        return
    given = {f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")}
    if not user.has_perms(sorted(given)):  # type: ignore[union-attr]
        raise Forbidden(f"the group {group.name} has permissions that you do not have")
