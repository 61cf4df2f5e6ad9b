"""How many tasks wait for somebody: his own, and those that he may claim."""

from __future__ import annotations

from django.db.models import Q

from engine.runtime import access, queries


def count(user: access.User) -> int:
    """One statement, beside those that find his groups and rights."""
    return queries.inbox(user, "mine").union(queries.inbox(user, "groups")).count()
