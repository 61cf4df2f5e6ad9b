"""A transaction as one statement: PostgreSQL carries out all parts of a WITH, and the statement commits by itself.

That saves the parts their own way there and back, which is a third of what a start costs. All parts see the rows as they were
before any of them, so only such are joined that touch different rows: one UPDATE or DELETE for each table, and after it INSERTs
of new rows. What else there may be, and more than one guard, travels as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from engine.runtime.store.statements import Statement

MOST = 12  # parts; of more there are too many kinds to keep each prepared
_WRITES = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?')


def joined(statements: Sequence[Statement]) -> Statement | None:
    """All statements as one, which raises what its guard raises; None where they do not go together."""
    if not 1 < len(statements) <= MOST or any(s.seen for s in statements):
        return None
    guards = [number for number, s in enumerate(statements) if s.guard is not None]
    if len(guards) > 1:
        return None
    guard = guards[0] if guards else None
    text = _text(tuple(s.sql for s in statements), guard, guard is not None and statements[guard].proven)
    if text is None:
        return None
    ordered = statements if guard is None else [*statements[:guard], *statements[guard + 1 :], statements[guard]]
    values = [value for s in ordered for value in s.values]
    return Statement(text, values, None if guard is None else 1, None if guard is None else statements[guard].failure(), proven=True)


@lru_cache(maxsize=2000)
def _text(parts: tuple[str, ...], guard: int | None, proven: bool) -> str | None:
    """The WITH of these texts, the guard last, as what is looked at; None where two of them might touch one row."""
    if not _apart([sql for number, sql in enumerate(parts) if not (number == guard and proven)]):
        return None
    plain = [sql for number, sql in enumerate(parts) if number != guard]
    shown = "SELECT 1"
    if guard is not None and proven:
        shown = parts[guard]
    elif guard is not None:
        plain.append(f"{parts[guard]} RETURNING 1")
        shown = f"SELECT 1 / (count(*) = 1)::int FROM w{len(plain) - 1}"
    return f"WITH {', '.join(f'w{number} AS ({sql})' for number, sql in enumerate(plain))} {shown}"


def _apart(parts: Sequence[str]) -> bool:
    """Whether no two of these can touch one row, as far as their first words tell."""
    changed: set[str] = set()
    brought: set[str] = set()
    for sql in parts:
        found = _WRITES.match(sql)
        if found is None:
            return False
        verb, table = found.groups()
        if verb == "INSERT INTO" and "ON CONFLICT" not in sql:
            brought.add(table)
        elif table in changed or table in brought:
            return False
        else:
            changed.add(table)
    return True
