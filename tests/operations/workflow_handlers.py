"""Steps of processes that leave work for the host's own queue."""

from __future__ import annotations

from django_q.tasks import async_task

from engine.runtime.handlers import Execution, service_task

NOTE = "tests.operations.host.note"


@service_task("asks", transaction=False)
def asks(execution: Execution) -> None:
    async_task(NOTE, "handler")


@service_task("asks_inside")
def asks_inside(execution: Execution) -> None:
    async_task(NOTE, "inside")


@service_task("asks_and_fails")
def asks_and_fails(execution: Execution) -> None:
    async_task(NOTE, "never")
    raise RuntimeError("so nothing of it has happened")
