"""SQL's LIKE as it is written: `%` and `_` are the caller's, capitals count on every database; `ilike` ignores them."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler

Compiled = tuple[str, tuple[Any, ...]]
_GLOB = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


def is_like(column: str, pattern: str, vendor: str) -> Compiled:
    """The same in SQL that is written by hand."""
    return (f"{column} GLOB %s", (pattern.translate(_GLOB),)) if vendor == "sqlite" else (f"{column} LIKE %s ESCAPE ''", (pattern,))


class Like(Lookup):
    """`name__like="Two%"`. SQLite's own LIKE ignores capitals, so there it is a GLOB."""

    lookup_name = "like"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        left, left_values = self.process_lhs(compiler, connection)
        sql, values = is_like(left, str(self.rhs), connection.vendor)
        return sql, (*left_values, *values)


class LikeIgnoringCase(Lookup):
    """`name__ilike="two%"`."""

    lookup_name = "ilike"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        left, left_values = self.process_lhs(compiler, connection)
        return f"UPPER({left}) LIKE UPPER(%s) ESCAPE ''", (*left_values, self.rhs)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        left, left_values = self.process_lhs(compiler, connection)
        return f"UPPER({left}) LIKE UPPER(%s)", (*left_values, self.rhs)


for field in (CharField, TextField):
    for lookup in (Like, LikeIgnoringCase):
        field.register_lookup(lookup)
