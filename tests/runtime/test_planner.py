"""What the migrations tell PostgreSQL's planner, and that SQLite does without."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.db import connection

pytestmark = pytest.mark.django_db

told: Any = import_module("engine.migrations.0014_what_the_planner_knows")

STATISTICS = {"towpath_variable_texts", "towpath_usertask_unclaimed"}
TABLES = {"towpath_variable", "towpath_activity"}


def known() -> tuple[set[str], set[str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT stxname FROM pg_statistic_ext WHERE stxname LIKE 'towpath%'")
        statistics = STATISTICS & {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT attrelid::regclass::text FROM pg_attribute WHERE attoptions IS NOT NULL AND attname = 'instance_id'")
        return statistics, {table for (table,) in cursor.fetchall()}


def test_tells_what_a_sample_does_not_show_and_takes_it_back() -> None:
    editor, everything = connection.SchemaEditorClass(connection), (STATISTICS, TABLES)
    if connection.vendor != "postgresql":
        told.tell(None, editor)  # nothing happens
        told.forget(None, editor)
        return
    assert known() == everything
    told.forget(None, editor)
    assert known() == (set(), set())
    told.tell(None, editor)
    assert known() == everything
