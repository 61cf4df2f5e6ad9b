"""Lists of what was deployed."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, TextField
from django.db.models.functions import Cast

from engine.errors import BadInput
from engine.models import Definition, Deployment
from engine.runtime import access
from engine.runtime.queries.filters import Filters, among, before, equals, ident, idents, like, like_family, number, switch, tenant, text
from engine.runtime.queries.filters import after as later
from engine.runtime.queries.listing import Listing


def _deployments_seen(user: Any) -> QuerySet[Deployment]:
    """Files are for who deploys and who operates."""
    return Deployment.objects.all() if access.may_deploy(user) or access.sees_all(user) else Deployment.objects.none()


def _of_category(name: str, value: object) -> Q:
    """Those of a category; what has none is of no category, also not of an empty one."""
    return Q(category=text(name, value)) & ~Q(category="")


def _id_like(name: str, value: object) -> Q:
    """Those whose id is like a text; SQLite keeps an id without its hyphens."""
    meant = text(name, value)
    pattern = meant if connection.features.has_native_uuid_field else meant.replace("-", "")
    return Q(pk__in=Deployment.objects.annotate(shown=Cast("pk", TextField())).filter(like("shown")(name, pattern)).values("pk"))


_DEPLOYMENTS: Filters = {
    "id": ident("pk"),
    **like_family("name", "name"),
    **like_family("key", "key"),
    "category": _of_category,
    "categoryNotEquals": lambda name, value: ~_of_category(name, value),
    "parentDeploymentId": ident("pk"),
    "parentDeploymentIdLike": _id_like,
    "deployedBefore": before("deployed"),
    "deployedAfter": later("deployed"),
    **tenant("tenant"),
}

deployments: Listing[Deployment] = Listing(
    "deployment",
    _deployments_seen,
    _DEPLOYMENTS,
    {"id": "pk", "name": "name", "deployTime": "deployed", "deploymentTime": "deployed", "tenantId": "tenant"},
    "id",
)

_NEWER = Definition.objects.filter(tenant=OuterRef("tenant"), key=OuterRef("key"), version__gt=OuterRef("version"))


def _version(name: str, value: object) -> int:
    """The number of a version; raises BadInput."""
    found = number(name, value)
    if found < 1:
        raise BadInput(f"{name} must be at least 1", name)
    return found


def _startable_by(name: str, value: object) -> Q:
    """The definitions whose candidate starters include this user, by name or by group."""
    who = text(name, value)
    people = get_user_model()._default_manager.filter(**{get_user_model().USERNAME_FIELD: who})
    groups = set(Group.objects.filter(user__in=people).values_list("name", flat=True))
    rows = Definition.objects.exclude(starter_users=[], starter_groups=[]).values_list("pk", "starter_users", "starter_groups")
    return Q(pk__in=[pk for pk, users, offered in rows if who in users or groups.intersection(offered)])


_DEFINITIONS: Filters = {
    "id": equals("pk"),
    "ids": among("pk"),
    **like_family("key", "key"),
    **like_family("name", "name"),
    **like_family("category", "category"),
    "categoryNotEquals": lambda name, value: ~Q(category=text(name, value)),
    "resourceName": equals("resource"),
    "resourceNameLike": like_family("r", "resource")["rLike"],
    "version": equals("version", _version),
    "latest": switch(~Q(Exists(_NEWER))),
    "suspended": switch(Q(suspended=True), Q(suspended=False)),
    "active": switch(Q(suspended=False), Q(suspended=True)),
    "deploymentId": ident("deployment"),
    "deploymentIds": idents("deployment"),
    "parentDeploymentId": ident("deployment"),
    "startableByUser": _startable_by,
    **tenant("tenant"),
}

definitions: Listing[Definition] = Listing(
    "process definition",
    access.visible_definitions,
    _DEFINITIONS,
    {name: name for name in ("name", "key", "category", "version")} | {"id": "pk", "deploymentId": "deployment_id", "tenantId": "tenant"},
    "name",
    ("key", "version", "pk"),
)
