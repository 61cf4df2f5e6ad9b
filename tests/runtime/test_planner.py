"""What the migrations tell PostgreSQL's planner, and that SQLite does without."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

Known = tuple[set[str], set[str]]
TELL: dict[str, Known] = {  # statistics and tables
    "0014_what_the_planner_knows": ({"towpath_variable_texts", "towpath_usertask_unclaimed"}, {"towpath_variable", "towpath_activity"}),
    "0016_orders_of_open_instances": ({"towpath_activity_open"}, set()),
}


def known() -> Known:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stxname FROM pg_statistic_ext WHERE stxname LIKE 'towpath%'")
        statistics = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT attrelid::regclass::text FROM pg_attribute WHERE attoptions IS NOT NULL AND attname = 'instance_id'")
        return statistics, {table for (table,) in cursor.fetchall()}


def all_but(migration: str | None) -> Known:
    others = [told for name, told in TELL.items() if name != migration]
    return set().union(*(statistics for statistics, _ in others)), set().union(*(tables for _, tables in others))


@pytest.mark.parametrize("migration", TELL)
def test_tells_what_a_sample_does_not_show_and_takes_it_back(migration: str) -> None:
    told: Any = import_module(f"engine.migrations.{migration}")
    editor = connection.SchemaEditorClass(connection)
    if connection.vendor != "postgresql":
        told.tell(None, editor)  # nothing happens
        told.forget(None, editor)
        return
    assert known() == all_but(None)
    told.forget(None, editor)
    assert known() == all_but(migration)
    told.tell(None, editor)
    assert known() == all_but(None)
