"""What has to be told of an instance that came to rest: outcomes of accepted requests become deliveries, in the transaction they speak of.

An instance is at rest when no step of it, or of a process it called, waits for a worker. A request whose operation is done waits
for that; a step that is a dead letter makes the outcome `Failed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db.models import Max, OuterRef, QuerySet

from engine.conf import settings as conf
from engine.models import Delivery, Instance, Job, Request
from engine.models.fields import uuid7
from engine.runtime import shapes
from engine.runtime.store import claims
from engine.runtime.store.instances import Loaded
from engine.runtime.trees import within

CHANNEL = "towpath_delivery"
STEPS = (Job.Kind.ASYNC, Job.Kind.ASYNC_LEAVE, "async-call", Job.Kind.DELIVER)
UNDER_WAY = (Job.State.READY, Job.State.WAITING, Job.State.SUSPENDED)
GOOD = (Instance.State.COMPLETED, Instance.State.TERMINATED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an operation came to: an HTTP status, a body (None: empty), and the word for `X-ATK-Status`."""

    status: int
    body: dict[str, Any] | None
    word: str


# -- where an instance stands ---------------------------------------------------------------------------------------------
def at_rest(root: UUID) -> bool:
    """Whether nothing of a call tree waits for a worker."""
    return not Job.objects.filter(within(root), kind__in=STEPS, state__in=UNDER_WAY).exists()


def dead(root: UUID | OuterRef) -> QuerySet[Job]:
    """The dead letters of a call tree, the oldest first."""
    return Job.objects.filter(within(root), state=Job.State.DEAD).order_by("created", "pk")


def errors(root: UUID) -> list[str]:
    """The messages of the dead letters of a call tree."""
    return [error or "" for error in dead(root).values_list("error", flat=True)]


def word(instance: Instance, failures: list[str]) -> str:
    """The word for an instance as it stands."""
    if instance.ended:
        return "Completed" if instance.state in GOOD else "Aborted"
    return "Failed" if failures else "Active"


def ended_by_error(code: str | None, data: Mapping[str, Any]) -> Outcome:
    """An error end: its code is the status if it can be one, its data alone the body."""
    status = int(code) if code and code.isdecimal() and 100 <= int(code) <= 999 else 500
    return Outcome(status, shapes.plain(data) if data else None, "Aborted")


def outcome(instance: Instance, data: Mapping[str, Any], asked: Mapping[str, Any], caller: Any = None) -> Outcome:
    """What to tell of an instance, read as it stands in the transaction at hand; `data` is that of the error that ended it."""
    if instance.state == Instance.State.ERROR:
        return ended_by_error(instance.reason, data)
    failures = [] if instance.ended else errors(instance.pk)
    said = word(instance, failures)
    wanted = bool(asked.get("metadata")) or (said == "Failed" and not conf.SERVICES_COMPATIBLE)  # Automatiko does not say why
    body = shapes.instance(instance, metadata=wanted, caller=caller, failures=failures, millis=True)
    return Outcome(500 if said == "Failed" else 200, body, said)


# -- settling requests ----------------------------------------------------------------------------------------------------
def finished(request: Request, instance: Instance, data: Mapping[str, Any], caller: Any, *, at_once: bool = False) -> None:
    """The operation of a request is done: tell its outcome, or have it told when the instance has come to rest."""
    if at_once or instance.ended or at_rest(instance.root or instance.pk):
        settle(request, outcome(instance, data, request.input, caller))
        return
    Request.objects.filter(pk=request.pk).update(state=Request.State.RUNNING)
    Instance.objects.filter(pk=instance.root or instance.pk).update(awaited=True)


def settle(request: Request, result: Outcome) -> None:
    """Write down the outcome of a request, and the callback that tells it."""
    failed = result.word == "Failed"
    request.state = Request.State.FAILED if failed else Request.State.DONE
    request.status, request.result, request.ended = result.status, result.body, datetime.now(UTC)
    secret = request.secret
    request.secret = None if not failed else secret  # a failed one may be repaired and told again
    Request.objects.filter(pk=request.pk).update(
        state=request.state, status=request.status, result=request.result, ended=request.ended, secret=request.secret
    )
    if request.callback:
        send(request, result, secret)


def send(request: Request, result: Outcome, secret: str | None) -> None:
    """Put a callback into the outbox, behind those of its instance to the same receiver."""
    assert request.callback is not None
    origin = request.input["origin"]
    stream = f"{request.instance or request.pk} {origin}"
    last = Delivery.objects.filter(stream=stream).aggregate(last=Max("number"))["last"] or 0
    now = datetime.now(UTC)
    Delivery.objects.create(
        id=uuid7(), instance=request.instance, request=request, workflow=request.workflow, stream=stream, number=last + 1, origin=origin,
        url=request.callback, status=result.word, body=json.dumps(result.body, ensure_ascii=False), secret=secret, due=now, created=now,
    )  # fmt: skip
    announce()


def announce() -> None:
    """Wake who sends callbacks when the open transaction commits."""
    claims.announce(CHANNEL)


def rested(units: Iterable[Loaded]) -> None:
    """After a unit was written: settle what waited for its instances to come to rest."""
    for unit in units:
        if unit.awaited or unit.state.facts.root:
            _look(UUID(unit.state.facts.root) if unit.state.facts.root else unit.id, unit)


def buried(instance: UUID | None) -> None:
    """After a step became a dead letter: nobody has to wait for it any more."""
    found = Instance.objects.filter(pk=instance).only("root").first() if instance else None
    if found:
        _look(found.root or found.pk, None)


def _look(root: UUID, unit: Loaded | None) -> None:
    instance = Instance.objects.select_related("definition").filter(pk=root, awaited=True).first()
    if instance is None or not (instance.ended or at_rest(root)):
        return
    Instance.objects.filter(pk=root).update(awaited=False)
    data = unit.end.data if unit and unit.end and unit.id == root else {}
    for request in Request.objects.filter(instance=root, state=Request.State.RUNNING).order_by("created", "pk"):
        settle(request, outcome(instance, data, request.input))
