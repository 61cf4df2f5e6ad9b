"""What clients of the service API ask for, carried out at once or later: the same operation, by a job that was written with the 202.

What can be refused is refused before anything is accepted. The request's row outlives its instance, so that it can be asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from engine import tracing
from engine.conf import settings as conf
from engine.errors import BadInput, BpmnError, Conflict, Forbidden, LeaseLost, NotFound, TechnicalError
from engine.models import Instance, Job, Request
from engine.models.fields import uuid7
from engine.runtime import access, definitions, labels, operations, outbox, shapes, work
from engine.runtime.operations import Wanted
from engine.runtime.outbox import Outcome
from engine.runtime.recording import REFUSED
from engine.runtime.store import claims, history, instances
from engine.runtime.store.claims import Claimed
from engine.runtime.store.instances import Loaded
from engine.runtime.store.sending import commit, send
from engine.runtime.store.statements import insert

STATUS: tuple[tuple[type[Exception], int], ...] = ((BadInput, 400), (NotFound, 404), (Forbidden, 403), (Conflict, 409))


# -- at once --------------------------------------------------------------------------------------------------------------
def carry_out(wanted: Wanted, caller: access.User, keep: Callable[[Outcome], None] | None = None) -> Outcome:
    """Do it now, and say what came of it; raises what the step raised, then nothing was stored.

    To the letter Automatiko keeps the instance then, which stands before the step as a failed one.
    `keep` is given the outcome in the transaction that did it; what it raises rolls it back.
    """
    found: list[Outcome] = []

    def told(unit: Loaded | None) -> None:
        made = _of_unit(wanted, unit) if unit is not None and not wanted.metadata else _of_row(wanted, caller, unit)
        found[:] = [made]  # a unit that has to look again tells again
        if keep:
            keep(made)

    around: dict[str, Any] = {"told" if keep or wanted.metadata else "seen": told, "then": lambda: told(None)}
    operations.perform(wanted, caller, **around, stands=_stand if conf.SERVICES_COMPATIBLE else None)
    return found[0]


def _stand(unit: Loaded, error: BaseException) -> None:
    """Nobody is to be told: the caller gets the error."""


def _of_row(wanted: Wanted, caller: access.User, unit: Loaded | None) -> Outcome:
    """The answer as the instance stands in the transaction at hand."""
    row = Instance.objects.select_related("definition").get(pk=wanted.instance)
    if row.state == Instance.State.ERROR:
        return outbox.ended_by_error(row.reason, unit.end.data if unit and unit.end else {})
    return Outcome(200, shapes.instance(row, metadata=wanted.metadata, caller=caller), outbox.word(row, []))


def _of_unit(wanted: Wanted, unit: Loaded) -> Outcome:
    """The answer from what is in memory: no look at the database."""
    if unit.end and unit.end.state == "error":
        return outbox.ended_by_error(unit.end.reason, unit.end.data)
    found = wanted.definition if wanted.definition.pk == unit.definition else definitions.get(unit.definition)
    key = unit.service_id or str(unit.id)
    return Outcome(200, shapes.model(found, key, unit.state.variables.get(0, {})), "Completed" if unit.state.ended else "Active")


# -- accepting ------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """Where the outcome is to be told: the address, its origin, and the header of the call to pass on, encrypted."""

    url: str | None = None
    origin: str = ""
    secret: str | None = None


def accept(
    wanted: Wanted, caller: access.User, told: Told = Told(), *, client: str = "", keep: Callable[[Request], None] | None = None
) -> Request:  # frozen
    """Write the request, its job and (for a start) its instance in one transaction; raises what can be refused at once.

    `keep` is given the request in that transaction.
    """
    now = datetime.now(UTC)
    request = Request(
        id=uuid7(), instance=wanted.instance, workflow=wanted.definition.service, operation=wanted.operation,
        input={**wanted.as_json(caller), "origin": told.origin}, callback=told.url, secret=told.secret, user=access.name(caller),
        client=client, created=now,
    )  # fmt: skip
    values = {str(f.column): getattr(request, f.attname) for f in Request._meta.concrete_fields}
    statements = [*insert(Request, [values]), *insert(Job, [_job(wanted, request, now)]), *claims.announcement(ready=True)]
    if wanted.operation == "start":
        statements = insert(Instance, [_accepted(wanted, caller, now)]) + statements
    try:
        if keep is None:
            commit(statements)
        else:
            with transaction.atomic():
                send(statements)
                keep(request)
    except IntegrityError as error:
        raise instances.taken_key(error, wanted.service_id) from error
    return request


def _job(wanted: Wanted, request: Request, now: datetime) -> dict[str, Any]:
    key = uuid7()
    return {
        "id": key, "kind": Job.Kind.REQUEST, "state": "ready", "resumes_as": None, "instance_id": wanted.instance,
        "definition_id": wanted.definition.pk, "token": None, "node": None, "name": wanted.operation, "due": now, "priority": 0,
        "exclusive": True, "retries": conf.JOB_RETRIES, "attempts": 0, "retry": None, "category": None, "topic": None,
        "data": tracing.marked({"request": str(request.pk)}), "error": None, "traceback": None, "lease_owner": None, "lease_until": None,
        "correlation": request.pk, "tenant": wanted.definition.tenant, "created": now,
    }  # fmt: skip


def _accepted(wanted: Wanted, caller: access.User, now: datetime) -> dict[str, Any]:
    """The instance before its job has run: known by its id, so that its key is taken and it can be read and aborted."""
    graph = definitions.graph(wanted.definition)
    return {
        "id": wanted.instance, "definition_id": wanted.definition.pk, "business_key": wanted.business_key, "business_status": None,
        "service_id": wanted.service_id, "awaited": False, "tags": labels.made(graph, wanted.values), "added_tags": "", "name": None,
        "tenant": wanted.definition.tenant, "parent": None, "parent_token": None, "root": None, "starter": access.name(caller),
        "started": now, "ended": None, "start_node": None, "end_node": None, "state": "accepted", "reason": None, "held": False,
        "revision": 0, "next_number": 1, "attempts": 0, "suspended": False, "lease_owner": None, "lease_until": None,
    }  # fmt: skip


# -- later ----------------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Later:
    """A request whose job runs."""

    job: Claimed
    request: Request
    guard: work.Guard
    on_failure: Callable[[BaseException], None]
    caller: access.User = None
    wanted: Wanted | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    stood: bool = False

    def run(self) -> None:
        try:
            self.caller = caller_of(self.request)
            self.wanted = Wanted.from_json(self.request, definitions.get(self.job.definition or ""))
            around: dict[str, Any] = {"guard": self.guard, "on_failure": self.failed, "told": self.told, "then": self.done}
            operations.perform(self.wanted, self.caller, job=self.job, **around, stands=self.stands if self._stays else None)
        except LeaseLost:
            raise
        except (TechnicalError, BpmnError):
            if not self.stood:
                raise
        except REFUSED as error:
            if self._suspended(error):
                self.on_failure(error)
                raise
            with transaction.atomic():
                self.guard()
                _failed(self.request, error)

    @property
    def _stays(self) -> bool:
        """Whether a failure is the last one, and Automatiko's way followed to the letter."""
        return conf.SERVICES_COMPATIBLE and self.job.retries <= 1

    def stands(self, unit: Loaded, error: BaseException) -> None:
        """In the transaction that leaves the instance standing before the step that failed."""
        self.stood = True
        _failed(self.request, error)

    def told(self, unit: Loaded) -> None:
        self.data = unit.end.data if unit.end else {}
        self.done()

    def done(self) -> None:
        """In the transaction that did it."""
        row = Instance.objects.select_related("definition").get(pk=_instance(self.request))
        outbox.finished(self.request, row, self.data, self.caller, at_once=self.request.operation == "abort task")

    def failed(self, error: BaseException) -> None:
        """In the transaction that follows the rollback; what is refused for good is settled by `run`."""
        if isinstance(error, REFUSED) and not isinstance(error, LeaseLost):
            return
        self.on_failure(error)

    def _suspended(self, error: Exception) -> bool:
        return isinstance(error, Conflict) and Instance.objects.filter(pk=_instance(self.request), suspended=True).exists()


def run(job: Claimed, guard: work.Guard, on_failure: Callable[[BaseException], None]) -> None:
    """Carry out an accepted request; its outcome, its callback and the end of its job are one transaction with what it does."""
    request = Request.objects.filter(pk=job.data["request"]).first()
    if request is None:
        raise NotFound(f"request {job.data['request']} is gone")
    _Later(job, request, guard, on_failure).run()


def _failed(request: Request, error: BaseException) -> None:
    """Tell that a request failed: the data model as it is, with the error in its metadata."""
    said = str(error) or type(error).__name__
    status = next((number for kind, number in STATUS if isinstance(error, kind)), 500)
    row = Instance.objects.select_related("definition").filter(pk=_instance(request)).first()
    body = shapes.instance(row, metadata=True, failures=[said], millis=True) if row else {"id": str(request.instance), "message": said}
    outbox.settle(request, Outcome(status, body, "Failed"))


def buried(job: Claimed, error: BaseException) -> None:
    """A job became a dead letter: a request has failed, and who waited for its instance to come to rest is told."""
    if job.kind == Job.Kind.REQUEST and (request := Request.objects.filter(pk=job.data["request"]).first()):
        Job.objects.filter(pk=job.id).update(node=history.failing(getattr(error, "journal", ())))
        _failed(request, error)
    outbox.buried(job.instance)


def caller_of(request: Request) -> access.User:
    """Who asked; raises Forbidden where he is no user any more."""
    who = request.input.get("caller") or {}
    if who.get("persona"):
        return access.Persona(who.get("name"), who.get("groups") or ())
    users = get_user_model()
    known: Any = users._default_manager.filter(**{users.USERNAME_FIELD: who.get("name"), "is_active": True}).first()
    if known is None:
        raise Forbidden("who asked for this is no active user any more")
    if who.get("groups"):
        known._towpath_groups = access.groups(known) | frozenset(who["groups"])
    return known  # type: ignore[no-any-return]


def _instance(request: Request) -> UUID:
    assert request.instance is not None  # every operation has one
    return request.instance


# -- asking for it --------------------------------------------------------------------------------------------------------
def get(request_id: Any) -> Request:
    """A request; raises NotFound."""
    try:
        found = Request.objects.filter(pk=request_id if isinstance(request_id, UUID) else UUID(str(request_id))).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound(f"there is no request {request_id}")
    return found


def state(request: Request) -> str:
    """accepted, running, done or failed: it runs from the moment its job was begun."""
    if request.state != Request.State.ACCEPTED:
        return str(request.state)
    begun = Job.objects.filter(correlation=request.pk, kind=Job.Kind.REQUEST, begun__isnull=False).exists()
    return str(Request.State.RUNNING if begun else Request.State.ACCEPTED)
