"""SQL's LIKE as it is written: `%` and `_` are the caller's, capitals count on every database; `ilike` ignores them."""

from __future__ import annotations

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Lookup, TextField
from django.db.models.sql.compiler import SQLCompiler

Compiled = tuple[str, tuple[Any, ...]]
_GLOB = str.maketrans({"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"})


class Like(Lookup):
    """`name__like="Two%"`. SQLite's own LIKE ignores capitals, so there it is a GLOB."""

    lookup_name = "like"

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        left, left_values = self.process_lhs(compiler, connection)
        return f"{left} LIKE %s ESCAPE ''", (*left_values, self.rhs)

    def as_sqlite(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        left, left_values = self.process_lhs(compiler, connection)
        return f"{left} GLOB %s", (*left_values, str(self.rhs).translate(_GLOB))


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
