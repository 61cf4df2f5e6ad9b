"""Makes the demo: persons whose password is their name, an OAuth2 client, and the pizza processes. Never outside DEBUG.

It may be run again at any time: what is there stays as it is, and the processes are deployed only if a file changed.
`--conformance` makes the users that the conformance suites call as instead, where `CONFORMANCE` is set in the environment.
"""

from __future__ import annotations

import os
from argparse import ArgumentParser
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.core.management.base import BaseCommand, CommandError
from oauth2_provider.models import get_application_model

from engine import runtime
from engine.models import Deployment

PROCESSES = "engine.examples.pizza"
DEPLOYMENT = "Pizza demo"
GROUPS = {"customers": ("start_instance",), "kitchen": ()}
PERSONS: dict[str, tuple[str, ...]] = {"alice": ("customers",), "bob": ("customers", "kitchen"), "charlie": ()}
CONFORMANCE_USERS = ("admin", "kermit", "fozzie")


class Command(BaseCommand):
    help = "Makes the demo's users, OAuth2 clients and pizza processes (only where DEBUG is on)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--conformance", action="store_true", help="only the users that the conformance suites call as")

    def handle(self, *args: Any, conformance: bool, **options: Any) -> None:
        """Raises CommandError where such well-known passwords have no business."""
        if conformance:
            _refuse_unless(os.environ.get("CONFORMANCE") == "1", "CONFORMANCE=1 is set")
            _superusers(CONFORMANCE_USERS, "test")
            return
        _refuse_unless(settings.DEBUG, "DEBUG is on")
        _persons()
        _superusers(["admin"], "admin")
        _clients()
        said = "deployed" if _deploy() else "unchanged"
        self.stdout.write(f"Persons {', '.join(PERSONS)} and admin, password = name. OAuth2 client demo / demo-secret. Processes {said}.")


def _refuse_unless(allowed: bool, condition: str) -> None:
    if not allowed:
        raise CommandError(f"This makes users with passwords that everybody knows, so it runs only where {condition}.")


def _persons() -> None:
    for name, permissions in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.add(*Permission.objects.filter(content_type__app_label="towpath", codename__in=permissions))
    for name, groups in PERSONS.items():
        if not User.objects.filter(username=name).exists():
            person = User.objects.create_user(name, f"{name}@example.org", name, first_name=name.title())
            person.groups.set(Group.objects.filter(name__in=groups))


def _superusers(names: Iterable[str], password: str) -> None:
    known = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    for name in names:
        if name not in known:
            User.objects.create_superuser(name, f"{name}@example.org", password)


def _clients() -> None:
    """`demo` calls as alice, without a browser; `demo-web` is for trying a login through the browser (PKCE, no secret)."""
    application = get_application_model()
    alice = User.objects.get(username="alice")
    common = {"user": alice, "redirect_uris": ""}
    machine = {"client_type": application.CLIENT_CONFIDENTIAL, "authorization_grant_type": application.GRANT_CLIENT_CREDENTIALS}
    browser = {"client_type": application.CLIENT_PUBLIC, "authorization_grant_type": application.GRANT_AUTHORIZATION_CODE}
    application.objects.get_or_create(
        client_id="demo", defaults={**common, **machine, "name": "Demo client, acts as alice", "client_secret": "demo-secret"}
    )
    application.objects.get_or_create(
        client_id="demo-web", defaults={**common, **browser, "name": "Demo web client", "redirect_uris": "http://localhost:3000/callback"}
    )


def _deploy() -> bool:
    """Deploys the example's files; False if the latest deployment of that name has the same."""
    folder = files(PROCESSES) / "processes"
    wanted = {path.name: path.read_bytes() for path in sorted(folder.iterdir(), key=lambda path: path.name)}
    latest = Deployment.objects.filter(name=DEPLOYMENT).order_by("-deployed").first()
    if latest and {name: bytes(content) for name, content in latest.resources.values_list("name", "content")} == wanted:
        return False
    runtime.deploy(wanted, name=DEPLOYMENT, user=User.objects.get(username="admin"))
    return True
