"""How statements travel: on PostgreSQL a transaction is one round trip, and where its parts allow it one statement (`joining.py`).

Cursors are wrapped as Django's own, so that tests count every statement and errors come out as Django's. On PostgreSQL the
texts are numbered once: finding the places of seventy values anew in each INSERT costs more than sending them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import lru_cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DataError, connection, connections, transaction
from django.db import Error as DatabaseTrouble
from psycopg import Error as PostgresTrouble
from psycopg import RawCursor
from psycopg.errors import DivisionByZero, PipelineAborted
from psycopg.pq.abc import PGresult

from engine.runtime.store.joining import LONGEST, joined
from engine.runtime.store.statements import Statement, on_postgres


def _numbered(sql: str) -> str:
    return _kept(sql) if len(sql) <= LONGEST else _kept.__wrapped__(sql)


@lru_cache(maxsize=1000)
def _kept(sql: str) -> str:
    return sql % tuple(f"${n}" for n in range(1, sql.replace("%%", "").count("%s") + 1))


class _Numbered(RawCursor[Any]):
    """Takes the texts of this project, with `%s`, and sends them as PostgreSQL takes them."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> Any:
        return super().execute(_numbered(query), params, **options)


class _Many(_Numbered):
    """One cursor for all statements of a transaction, which keeps what each of them gave."""

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        self.given: list[PGresult] = []

    def _set_results(self, results: Sequence[PGresult]) -> None:
        self.given.append(results[-1])


def _cursor(kind: type[_Numbered] = _Numbered, link: Any = None) -> Any:
    """A cursor of the connection; `link` is the connection itself where it was asked for before: each look for it goes a long way."""
    link = link or connections[DEFAULT_DB_ALIAS]
    if not on_postgres():
        return link.cursor()
    link.ensure_connection()
    return link.make_cursor(kind(link.connection))


def _pipeline() -> AbstractContextManager[Any]:
    connection.ensure_connection()
    return _piped(connection.connection) if on_postgres() else nullcontext()


@contextmanager
def _piped(raw: Any) -> Iterator[Any]:
    """A pipeline that fails with what went wrong first. psycopg's own fails with what came of that, where it prepares statements."""
    try:
        with raw.pipeline() as pipeline:
            yield pipeline
    except PipelineAborted as aborted:
        if isinstance(aborted.__context__, PostgresTrouble):
            raise aborted.__context__ from None
        raise


@contextmanager
def _together() -> Iterator[Any]:
    """A pipeline that is sent when it is complete; psycopg's own looks at the socket after each statement, which costs as much again.

    Only where psycopg begins no transaction by itself: it would wait for the answer to a BEGIN that was not sent.
    """
    raw = connection.connection
    with _piped(raw) as pipeline:
        pipeline._communicate_gen = _nothing_yet
        try:
            yield raw
        finally:
            del pipeline._communicate_gen


def _nothing_yet() -> Iterator[None]:
    return iter(())


def send(statements: Sequence[Statement]) -> None:
    """Carry out statements inside the open transaction, in one round trip where the database can; raises Missed.

    The pipeline lies within `atomic`, whose ROLLBACK heals what psycopg believes prepared after an error.
    """
    cursors = [_cursor() for _ in statements]
    with connection.wrap_database_errors, _pipeline():
        for cursor, statement in zip(cursors, statements, strict=True):
            cursor.execute(statement.sql, statement.values)
    touched = [c.rowcount for c in cursors]  # known only now: -1 until a pipeline ends
    for cursor in cursors:
        cursor.close()
    for statement, count in zip(statements, touched, strict=True):
        if statement.guard is not None and count != statement.guard:
            raise statement.failure()


def alone() -> bool:
    """Whether a transaction can be had that begins, ends and is sent as a whole: on PostgreSQL, outside of any other."""
    return on_postgres() and _is_alone(connections[DEFAULT_DB_ALIAS])


def _is_alone(link: Any) -> bool:
    return not link.in_atomic_block and bool(link.get_autocommit())


def commit(statements: Sequence[Statement]) -> None:
    """Carry out statements as a transaction of their own; raises what a guard raises that missed, and then nothing was done.

    Where it is `alone` all is one round trip: one statement that commits by itself, or several with a COMMIT that is sent last.
    Whatever goes wrong before, an error of the database or a signal between two statements, leaves what can only be rolled back.
    """
    if not alone():
        with transaction.atomic():
            send(statements)
        return
    whole = joined(statements)
    if whole is None:
        _piece_by_piece(statements)
    else:
        _at_once(whole)


def _at_once(whole: Statement) -> None:
    link = connections[DEFAULT_DB_ALIAS]
    cursor = _cursor(link=link)
    try:
        with link.wrap_database_errors:
            cursor.execute(whole.sql, whole.values)
    except BaseException as error:
        _undo()
        if missed := _missed(error, [whole]):
            raise missed from error
        raise
    finally:
        cursor.close()


def _piece_by_piece(statements: Sequence[Statement]) -> None:
    cursor = _cursor(_Many)
    try:
        with connection.wrap_database_errors, _together() as raw:
            raw.execute("BEGIN")
            for statement in statements:
                cursor.execute(statement.guarded, statement.values)
            raw.execute("COMMIT")
    except BaseException as error:
        _undo()
        if missed := _missed(error, statements[len(cursor.given) :]):
            raise missed from error
        raise
    for statement, result in zip(statements, cursor.given, strict=True):
        if statement.seen:
            statement.seen(int(result.get_value(0, 1) or 0))


def _undo() -> None:
    """End the transaction that a pipeline left open; a connection that cannot do that is no good any more."""
    try:
        connection.connection.rollback()
    except Exception:
        with suppress(DatabaseTrouble):
            connection.close()


def _missed(error: BaseException, left: Sequence[Statement]) -> Exception | None:
    """A division by zero is a guard that missed: that of the first statement which gave no result."""
    if left and left[0].guard is not None and isinstance(error, DataError) and isinstance(error.__cause__, DivisionByZero):
        return left[0].failure()
    return None


def read(*queries: tuple[str, Sequence[Any]]) -> list[list[tuple[Any, ...]]]:
    """The rows of some SELECTs, sent together where the database can."""
    cursors = [_cursor() for _ in queries]
    way = nullcontext if len(queries) == 1 else _together if alone() else _pipeline
    with connection.wrap_database_errors, way():
        for cursor, (sql, values) in zip(cursors, queries, strict=True):
            cursor.execute(sql, values)
    found = [c.fetchall() for c in cursors]
    for cursor in cursors:
        cursor.close()
    return found
