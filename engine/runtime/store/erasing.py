"""How instances and tasks are removed with every row that refers to them: a fixed number of statements, however many rows they have.

Rows here carry no foreign key constraints, so what is forgotten in these lists would stay for ever; a test compares them with
the models. The instances go last and are locked first, as every unit of work locks them before their rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection

from engine.runtime.store.sending import read, send
from engine.runtime.store.statements import Statement, among, as_uuid

AT_ONCE = 1000  # ids in a statement; SQLite takes 32,766 values

OF_TASKS = {
    "towpath_variable": "task", "towpath_identitylink": "task_id", "towpath_comment": "task_id", "towpath_attachment": "task_id",
    "towpath_draft": "task_id", "towpath_taskevent": "task_id", "towpath_formentry": "task_id", "towpath_usertask": "id",
}  # fmt: skip
OF_INSTANCES = {
    "towpath_identitylink": "instance_id", "towpath_comment": "instance_id", "towpath_attachment": "instance_id",
    "towpath_token": "instance_id", "towpath_variable": "instance_id", "towpath_activity": "instance_id", "towpath_job": "instance_id",
    "towpath_subscription": "instance_id", "towpath_ledger": "instance_id", "towpath_delivery": "instance", "towpath_request": "instance",
    "towpath_formentry": "instance_id", "towpath_instance": "id",
}  # fmt: skip
WITH_BLOBS = ("towpath_variable", "towpath_attachment")


def erase(instances: Sequence[UUID]) -> None:
    """Remove these instances, and no others, with all that belongs to them; within a transaction."""
    for part in _parts(sorted(instances)):
        _lock(part)
        _erase_tasks(_below("instance_id", part))
        send([_blobs(table, column, part) for table, column in OF_INSTANCES.items() if table in WITH_BLOBS])
        send([_deliveries(part), *(_rows(table, column, part) for table, column in OF_INSTANCES.items())])


def erase_tasks(tasks: Sequence[UUID]) -> None:
    """Remove tasks with their sub-tasks and all that belongs to them; within a transaction."""
    for part in _parts(tasks):
        _erase_tasks(_below("id", part))


def family(instances: Sequence[UUID]) -> list[UUID]:
    """These instances and all that they called, directly or through others."""
    return [key for part in _parts(instances) for key in _descend("towpath_instance", "id", part)]


# -- rows -----------------------------------------------------------------------------------------------------------------
def _parts(keys: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (keys[i : i + AT_ONCE] for i in range(0, len(keys), AT_ONCE))


def _lock(instances: Sequence[UUID]) -> None:
    """A unit that is at work on one of them comes to its end first; one that comes later finds nothing."""
    if connection.vendor == "postgresql":
        where, values = among("id", instances)
        read((f"SELECT 1 FROM towpath_instance WHERE {where} ORDER BY id FOR UPDATE", values))


def _erase_tasks(tasks: Sequence[UUID]) -> None:
    for part in _parts(tasks):
        send([_blobs(table, OF_TASKS[table], part) for table in WITH_BLOBS])
        send([_rows(table, column, part) for table, column in OF_TASKS.items()])


def _below(column: str, keys: Sequence[UUID]) -> list[UUID]:
    return _descend("towpath_usertask", column, keys)


def _descend(table: str, column: str, keys: Sequence[UUID]) -> list[UUID]:
    """The ids of rows with one of these keys, and of those below them."""
    where, values = among(column, keys)
    sql = (
        f"WITH RECURSIVE found(id) AS (SELECT id FROM {table} WHERE {where}"
        f" UNION SELECT r.id FROM {table} r JOIN found ON r.parent = found.id) SELECT id FROM found"
    )
    (rows,) = read((sql, values))
    return [key for row in rows if (key := as_uuid(row[0]))]


def _rows(table: str, column: str, keys: Sequence[UUID]) -> Statement:
    where, values = among(column, keys)
    return Statement(f"DELETE FROM {table} WHERE {where}", values)


def _blobs(table: str, column: str, keys: Sequence[UUID]) -> Statement:
    where, values = among(column, keys)
    return Statement(f"DELETE FROM towpath_blob WHERE id IN (SELECT blob FROM {table} WHERE {where} AND blob IS NOT NULL)", values)


def _deliveries(instances: Sequence[UUID]) -> Statement:
    """Those that only name the request that they answer."""
    where, values = among("instance", instances)
    return Statement(f"DELETE FROM towpath_delivery WHERE request_id IN (SELECT id FROM towpath_request WHERE {where})", values)
