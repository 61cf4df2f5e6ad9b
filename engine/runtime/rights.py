"""What a user may and where he belongs, as Django's own tables tell it: read in one statement, once for each user object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission, PermissionsMixin
from django.db.models import CharField, QuerySet, Value

from engine.models.prepared import Prepared

DEPLOY, START, OPERATE, IMPERSONATE = "towpath.deploy", "towpath.start_instance", "towpath.operate", "towpath.impersonate"
_APP, _NAMES = "towpath", [one.partition(".")[2] for one in (DEPLOY, START, OPERATE, IMPERSONATE)]
_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
_GROUP, _PERMISSION = (Value(what, CharField()) for what in ("group", "permission"))


@dataclass(frozen=True, slots=True)
class Rights:
    """The permissions of ours that a user has by himself or through his groups, and the names of all his groups."""

    permissions: frozenset[str]
    groups: frozenset[str]


def of(user: Any) -> Rights | None:
    """His rights; None for whom something else has a say in it: a backend or a user model of the host's, or that he may do all."""
    if not _is_told_by_tables(user):
        return None
    if not hasattr(user, "_towpath_rights"):
        user._towpath_rights = _read(user)
    known: Rights = user._towpath_rights
    return known


def _is_told_by_tables(user: Any) -> bool:
    kind = user.__class__  # of what a lazy object stands for
    mine = issubclass(kind, PermissionsMixin) and kind.has_perm is PermissionsMixin.has_perm
    return mine and not user.is_superuser and user.pk is not None and list(settings.AUTHENTICATION_BACKENDS) == _BACKENDS


def _read(user: Any) -> Rights:
    found: dict[str, list[str]] = {"group": [], "permission": []}
    for what, name in _ROWS.all(user.pk, user.pk, user.pk):
        found[what].append(name)
    return Rights(frozenset(f"{_APP}.{name}" for name in found["permission"]), frozenset(found["group"]))


def _rows(user: Any, again: Any, once_more: Any) -> QuerySet[Any, tuple[str, str]]:
    """Of the same user, who is told three times: his groups, his own permissions, and those of his groups."""
    ours = Permission.objects.filter(content_type__app_label=_APP, codename__in=_NAMES).order_by()
    own, lent = ours.filter(user=again), ours.filter(group__user=once_more)
    groups = Group.objects.filter(user=user).order_by().values_list(_GROUP, "name")
    return groups.union(*(one.values_list(_PERMISSION, "codename") for one in (own, lent)), all=True)


_ROWS: Prepared[tuple[str, str]] = Prepared(lambda: Group, _rows)
