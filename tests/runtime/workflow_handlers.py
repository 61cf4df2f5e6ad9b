"""Handlers that the tests' models call; what they did is in lists that a test looks at."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from engine.errors import BpmnError, UnrecoverableError
from engine.runtime.handlers import Execution, service_task

CALLS: list[tuple[str, str, bool]] = []  # (handler, idempotency key, inside a transaction of the engine's)
AFTER: list[Any] = []  # callables that a handler runs once, to do something in between


def _note(name: str, execution: Execution) -> None:
    inside = any(not block._from_testcase for block in connection.atomic_blocks)
    CALLS.append((name, execution.idempotency_key, inside))


@service_task("outside", transaction=False)
def outside(execution: Execution) -> dict[str, str]:
    _note("outside", execution)
    if AFTER:
        AFTER.pop()()
    return {"said": "outside"}


@service_task("inside")
def inside(execution: Execution) -> None:
    _note("inside", execution)
    Group.objects.create(name=f"made by {execution.instance_id}")
    execution.set_variable("made", True)


@service_task("failing", transaction=False)
def failing(execution: Execution) -> None:
    _note("failing", execution)
    raise RuntimeError("the shop is closed")


@service_task("hopeless", transaction=False)
def hopeless(execution: Execution) -> None:
    raise UnrecoverableError("there is no such shop")


@service_task("refusing", transaction=False)
def refusing(execution: Execution) -> None:
    raise BpmnError("sold-out", "no dough")


@service_task("unstorable", transaction=False)
def unstorable(execution: Execution) -> None:
    execution.set_variable("odd", object())
