"""Cursors for texts that are sent again and again: PostgreSQL's placeholders are numbered once for each text.

Finding the places of seventy values anew in each INSERT costs more than sending them. The cursors are wrapped as Django's own,
so that tests count every statement and errors come out as Django's.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from psycopg import RawCursor

LONGEST = 20_000  # characters of a text whose numbering is kept


class Numbered(RawCursor[Any]):
    """Takes the texts of this project, with `%s`, and sends them as PostgreSQL takes them."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(_numbered(query), params, **options)


def cursor(link: Any, kind: type[Numbered] = Numbered) -> Any:
    """A cursor of a connection of Django's, which is looked at first as Django does it: once in a request."""
    if link.vendor != "postgresql":
        return link.cursor()
    link.close_if_health_check_failed()
    link.ensure_connection()
    way = kind(link.connection)
    return link.make_debug_cursor(way) if link.queries_logged else link.make_cursor(way)


def binds(link: Any) -> bool:
    """Whether a connection sends values beside the text, whoever wrote the text; if not, one of Django's may not bear it."""
    return link.vendor == "postgresql" and bool(link.settings_dict["OPTIONS"].get("server_side_binding"))


def _numbered(sql: str) -> str:
    return _kept(sql) if len(sql) <= LONGEST else _kept.__wrapped__(sql)


@lru_cache(maxsize=2000)
def _kept(sql: str) -> str:
    return sql % tuple(f"${n}" for n in range(1, sql.replace("%%", "").count("%s") + 1))
