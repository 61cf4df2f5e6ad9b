"""Lists are planned for the values that are asked for: one plan for all values is a bad one where a few rows or a million meet it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def planned_anew() -> Iterator[None]:
    """Statements within are not prepared. (PostgreSQL plans a prepared one for its values five times, then perhaps for all.)"""
    connection.ensure_connection()
    raw: Any = connection.connection
    before = getattr(raw, "prepare_threshold", None)
    if before is None:
        yield
        return
    raw.prepare_threshold = None
    try:
        yield
    finally:
        raw.prepare_threshold = before
