"""Who calls a service, and in whose name: by login as at every door or, where the site trusts what stands in front of it, by parameters.

`user` and `group` name somebody else only for callers who may impersonate; everybody may name himself.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest

from engine.api import auth, known
from engine.api.auth import READ, WRITE
from engine.api.body import storable
from engine.api.errors import Refused
from engine.conf import settings as conf
from engine.errors import BadInput, Forbidden
from engine.runtime import access
from engine.runtime.access import Persona

LONGEST = 150


@dataclass(frozen=True, slots=True)
class Caller:
    """In whose name a call is made, and by which client, which is who is throttled and owns his idempotency keys."""

    user: Any
    client: str


def caller(request: HttpRequest) -> Caller:
    """Raises Refused (401, 403, 429), Forbidden for a name that the caller may not speak for."""
    name, groups = _named(request)
    who = _logged_in(request)
    address = request.META.get("REMOTE_ADDR", "")
    if who is None:
        return Caller(Persona(name, groups), f"at {address}")
    auth.check_scope(who, READ if request.method in ("GET", "HEAD") else WRITE)
    return Caller(_in_the_name_of(who.user, name, groups), f"user {who.user.pk}")


def _named(request: HttpRequest) -> tuple[str | None, list[str]]:
    name, groups = request.GET.get("user") or None, [one for one in request.GET.getlist("group") if one]
    for text in (name or "", *groups):
        if len(text) > LONGEST or not storable(text):
            raise BadInput(f"the name of a user or group has at most {LONGEST} characters, all of which can be stored", "user")
    return name, groups


def _logged_in(request: HttpRequest) -> auth.Caller | None:
    """None for a caller who is trusted as he is; the token of another system is none of ours to judge then."""
    if not conf.SERVICES_TRUSTED:
        return known.proven(request)
    scheme = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")[0].lower()
    if scheme == "basic" and conf.BASIC_AUTH:
        return known.proven(request)
    if scheme == "bearer":
        try:
            return known.proven(request)
        except Refused as refused:
            if refused.status != HTTPStatus.UNAUTHORIZED:
                raise
    return None


def _in_the_name_of(user: Any, name: str | None, groups: list[str]) -> Any:
    own = name in (None, access.name(user)) and access.groups(user).issuperset(groups)
    if own:
        return user
    if not access.may_impersonate(user):
        raise Forbidden("you may not call in the name of others")
    users = get_user_model()
    found: Any = users._default_manager.filter(**{users.USERNAME_FIELD: name or access.name(user), "is_active": True}).first()
    if found is None:
        return Persona(name, groups)
    found._towpath_groups = access.groups(found) | frozenset(groups)
    return found
