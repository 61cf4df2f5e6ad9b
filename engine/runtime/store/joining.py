"""A transaction as one statement: PostgreSQL carries out all parts of a WITH, and the statement commits by itself.

That saves the parts their own way there and back, which is a third of what a start costs. All parts see the rows as they were
before any of them, so only such are joined that touch different rows: one UPDATE or DELETE for each table, and after it INSERTs
of new rows. What else there may be, and more than one guard that changes something, travels as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from engine.models.cursors import LONGEST
from engine.runtime.store.statements import Statement

MOST = 12  # parts: of more, and of longer texts, there are too many kinds to keep each, and PostgreSQL takes 65,535 values
_TELLS = re.compile(r"SELECT (pg_notify\('\w+', '\w*'\))")  # PostgreSQL tells it when all is committed, wherever it stands
_WRITES = re.compile(r'(INSERT INTO|UPDATE|DELETE FROM) "?(\w+)"?')


def joined(statements: Sequence[Statement]) -> Statement | None:
    """All statements as one, which raises what the first of its guards raises, whichever missed; None where they do not go together."""
    if not 1 < len(statements) <= MOST or any(s.proven or s.seen for s in statements) or sum(len(s.sql) for s in statements) > LONGEST:
        return None
    guards = [s for s in statements if s.guard is not None]
    if any(s.guard != 1 for s in guards) or sum(not s.looks for s in guards) > 1:
        return None
    told = tuple(told[1] for s in statements if (told := _TELLS.fullmatch(s.sql)))
    plain = [s for s in statements if s.guard is None and not s.looks]
    changes = tuple(s.sql for s in statements if not s.looks)
    if not changes or len(changes) + len(told) + sum(s.looks for s in guards) < len(statements):
        return None
    text = _text(changes, tuple(s.sql for s in plain), tuple(s.showing for s in guards), told)
    if text is None:
        return None
    values = [value for s in (*plain, *guards) for value in s.values]
    return Statement(text, values, 1 if guards else None, guards[0].failure() if guards else None, proven=True)


@lru_cache(maxsize=500)
def _text(changes: tuple[str, ...], plain: tuple[str, ...], showing: tuple[str, ...], told: tuple[str, ...]) -> str | None:
    """The WITH of the plain texts and, last, the guards, then what is told; None where two changes might touch one row."""
    if not _apart(changes):
        return None
    listed = [f"w{number} AS ({sql})" for number, sql in enumerate(plain)]
    listed += [f"hit{number} AS ({sql})" for number, sql in enumerate(showing)]
    hit = " AND ".join(f"(SELECT count(*) FROM hit{number}) = 1" for number in range(len(showing)))
    given = [f"1 / ({hit})::int" if hit else "1", *told]
    return f"WITH {', '.join(listed)} SELECT {', '.join(given)}"


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
