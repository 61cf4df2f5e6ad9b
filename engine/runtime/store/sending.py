"""How statements travel: on PostgreSQL a transaction is one round trip, and where its parts allow it one statement (`joining.py`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import Any

from django.db import DEFAULT_DB_ALIAS, DataError, connection, connections, transaction
from django.db import Error as DatabaseTrouble
from psycopg import Error as PostgresTrouble
from psycopg.errors import DivisionByZero, PipelineAborted
from psycopg.pq.abc import PGresult

from engine.models.cursors import Numbered, cursor
from engine.runtime.store.joining import joined
from engine.runtime.store.statements import Statement, on_postgres


class _Many(Numbered):
    """One cursor for all statements of a transaction, which keeps what each of them gave."""

    def __init__(self, *about: Any, **more: Any) -> None:
        super().__init__(*about, **more)
        self.given: list[PGresult] = []

    def _set_results(self, results: Sequence[PGresult]) -> None:
        self.given.append(results[-1])


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
    link = connections[DEFAULT_DB_ALIAS]
    cursors = [cursor(link) for _ in statements]
    with connection.wrap_database_errors, _pipeline():
        for one, statement in zip(cursors, statements, strict=True):
            one.execute(statement.sql, statement.values)
    touched = [c.rowcount for c in cursors]  # known only now: -1 until a pipeline ends
    for one in cursors:
        one.close()
    for statement, count in zip(statements, touched, strict=True):
        if statement.guard is not None and count != statement.guard:
            raise statement.failure()


def alone() -> bool:
    """Whether a transaction can be had that begins, ends and is sent as a whole: on PostgreSQL, outside of any other."""
    if not on_postgres():
        return False
    link = connections[DEFAULT_DB_ALIAS]
    commits = link.autocommit if link.connection else link.get_autocommit()
    return not link.in_atomic_block and bool(commits)


def commit(statements: Sequence[Statement]) -> None:
    """Carry out statements as a transaction of their own; raises what a guard raises that missed, and then nothing was done.

    Where it is `alone` all is one round trip: one statement that commits by itself, or several with a COMMIT that is sent last.
    Whatever goes wrong before, an error of the database or a signal between two statements, leaves what can only be rolled back.
    """
    if alone():
        commit_alone(statements)
        return
    with transaction.atomic():
        send(statements)


def commit_alone(statements: Sequence[Statement]) -> None:
    """The same, where it is known to be `alone`."""
    whole = joined(statements)
    if whole is None:
        _piece_by_piece(statements)
    else:
        _at_once(whole)


def _at_once(whole: Statement) -> None:
    link = connections[DEFAULT_DB_ALIAS]
    way = cursor(link)
    try:
        with link.wrap_database_errors:
            way.execute(whole.sql, whole.values)
    except BaseException as error:
        _undo()
        if missed := _missed(error, [whole]):
            raise missed from error
        raise
    finally:
        way.close()


def _piece_by_piece(statements: Sequence[Statement]) -> None:
    way = cursor(connections[DEFAULT_DB_ALIAS], _Many)
    try:
        with connection.wrap_database_errors, _together() as raw:
            raw.execute("BEGIN")
            for statement in statements:
                way.execute(statement.guarded, statement.values)
            raw.execute("COMMIT")
    except BaseException as error:
        _undo()
        if missed := _missed(error, statements[len(way.given) :]):
            raise missed from error
        raise
    for statement, result in zip(statements, way.given, strict=True):
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
    link = connections[DEFAULT_DB_ALIAS]
    cursors = [cursor(link) for _ in queries]
    way = nullcontext if len(queries) == 1 else _together if alone() else _pipeline
    with link.wrap_database_errors, way():
        for one, (sql, values) in zip(cursors, queries, strict=True):
            one.execute(sql, values)
    found = [one.fetchall() for one in cursors]
    for one in cursors:
        one.close()
    return found
