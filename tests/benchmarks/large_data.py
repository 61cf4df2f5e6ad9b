"""A database as large as years of work make it: real definitions and people, and by SQL what instances leave behind.

`large_data.sql` says what the rows are. Indexes are built after the rows, which takes a third of the time.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

SQL = Path(__file__).with_suffix(".sql")
KEYS, VERSIONS, USERS, GROUPS = 10, 3, 1000, 20
TENANTS = {8: "acme", 9: "globex"}
SECONDARY = """SELECT i.indexdef, c.oid::regclass::text FROM pg_indexes i JOIN pg_class c ON c.relname = i.indexname
    WHERE i.tablename LIKE 'towpath\\_%' AND i.schemaname = 'public' AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = c.oid)"""


def prepare(url: str) -> None:
    """Migrate it, and set Django up for it."""
    os.environ.update(DATABASE_URL=url, DJANGO_SETTINGS_MODULE="tests.settings")
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], check=True)
    import django  # noqa: PLC0415  # the database must be known before

    django.setup()


def fill(url: str, instances: int) -> None:
    """Make the definitions, the people and the rows, unless they are there; a few minutes for 1,100,000 instances."""
    from engine.models import Instance  # noqa: PLC0415

    if Instance.objects.exists():
        return
    began = time.monotonic()
    _definitions()
    _people()
    with psycopg.connect(url, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        _rows(connection, instances)
    sys.stderr.write(f"filled in {time.monotonic() - began:.0f} s\n")


def _definitions() -> None:
    from engine import runtime  # noqa: PLC0415
    from tests.api.conftest import line, model  # noqa: PLC0415

    for number in range(KEYS):
        for version in range(VERSIONS):
            key = f"process-{number}"
            body = line(f'<userTask id="work" name="Do the work" flowable:formKey="v{version}" flowable:candidateGroups="group00"/>')
            runtime.deploy({f"{key}.bpmn20.xml": model(key, body)}, name=f"{key} of {version}", tenant=TENANTS.get(number, ""))


def _people() -> None:
    from django.contrib.auth.models import Group, Permission, User  # noqa: PLC0415

    groups = Group.objects.bulk_create(Group(name=f"group{n:02}") for n in range(GROUPS))
    users = User.objects.bulk_create(
        User(username=f"user{n:03}", first_name=f"First{n % 100}", last_name=f"Last{n}", email=f"user{n}@example.org") for n in range(USERS)
    )
    through: Any = User.groups.through
    through.objects.bulk_create(
        through(user=user, group=groups[(n * step) % GROUPS])
        for n, user in enumerate(users)
        for step in (1, 7)
        if n * 6 % GROUPS or step == 1
    )
    groups[0].permissions.set(Permission.objects.filter(content_type__app_label="towpath", codename="start_instance"))
    User.objects.create_superuser("admin", "admin@example.org")


def _rows(connection: psycopg.Connection[Any], instances: int) -> None:
    """The rows without their indexes, then the indexes, then what the planner and index-only scans need to know."""
    for setting in ("synchronous_commit = off", "maintenance_work_mem = '512MB'", "work_mem = '128MB'", "client_min_messages = warning"):
        connection.execute(f"SET {setting}")  # type: ignore[call-overload]
    indexes = connection.execute(SECONDARY).fetchall()
    for _, name in indexes:
        connection.execute(f"DROP INDEX {name}")  # type: ignore[call-overload]
    for statement in _statements(instances):
        connection.execute(statement)  # type: ignore[call-overload]
    for made, _ in indexes:
        connection.execute(made)  # type: ignore[call-overload]
    connection.execute("VACUUM (ANALYZE)")


def _statements(instances: int) -> list[str]:
    return [part for part in SQL.read_text().replace(":instances", str(instances)).split(";\n") if part.strip()]
