"""`/services/<workflow>`: start, list, get, update and abort instances; at once, or accepted with 202."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from engine.api.automatiko import finding
from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.finding import Service
from engine.api.automatiko.shaped import Failed, NoInstance, NoNode
from engine.api.body import Json
from engine.api.router import Answer
from engine.conf import settings as conf
from engine.errors import BadInput, BpmnError, NotFound, TechnicalError
from engine.models import Instance, Request, Variable
from engine.models.fields import uuid7
from engine.runtime import access, datamodel, labels, naming, operations, requests, shapes
from engine.runtime.operations import Wanted
from engine.runtime.store.instances import Taken
from engine.runtime.store.reading import decoded

LONGEST_KEY = 255
NO_KEYS = naming.RESERVED | {".", ".."}  # clients take dots for a way up


# -- doing ----------------------------------------------------------------------------------------------------------------
def do(call: Call, wanted: Wanted, accepted: Callable[[], Json], *, at_once: bool = False) -> Answer:
    """Carry an operation out, or accept it (unless `at_once`); `accepted` makes the body of the 202."""
    if call.asynchronous and not at_once:
        return _accepted(call, wanted, accepted())
    keep = call.keep
    try:
        outcome = requests.carry_out(wanted, call.user, (lambda made: keep(Answer(made.status, made.body))) if keep else None)
    except (TechnicalError, BpmnError) as error:
        raise Failed(error, wanted.instance) from error
    return Answer(outcome.status, outcome.body)


def _accepted(call: Call, wanted: Wanted, body: Json) -> Answer:
    """The 202, which leaves when the request is committed."""
    preferred = {"Preference-Applied": "respond-async", "Vary": "Prefer"} if call.prefers else {}

    def answer(request: Request) -> Answer:
        return Answer(202, body, {"Location": call.base + f"requests/{request.pk}", **preferred})

    keep, told = call.keep, call.told(wanted)
    kept = (lambda request: keep(answer(request))) if keep else None
    return answer(requests.accept(wanted, call.user, told, client=call.client, keep=kept))


def echo(key: str) -> Callable[[], Json]:
    """The body of a 202 of everything but a start."""
    return lambda: {"id": key}


# -- starting -------------------------------------------------------------------------------------------------------------
def start(call: Call, where: Service, instance: UUID | None = None) -> Answer:
    """Start an instance; its id is the business key, if there is one."""
    call.check_accept(JSON)
    sent, instance = call.values(optional=True), instance or uuid7()
    node, found = call.node, where.definition
    try:
        values = operations.check_start(found, sent, instance, call.user, node)
    except NotFound:
        raise NoNode(node or "", instance) from None
    key = _key(call, where, sent)
    if key is not None and where.instances().filter(service_id=key).exists():
        raise Taken(key)
    wanted = Wanted(
        "start", found, instance, sent, key or str(instance), key, name=node, metadata=call.metadata, proof=where.proof, started=values
    )
    return do(call, wanted, lambda: _pending(call, wanted, values))


def _key(call: Call, where: Service, sent: Mapping[str, Any]) -> str | None:
    """The business key: the parameter, else the variable that is tagged so; raises BadInput for one that no address can hold."""
    tagged = datamodel.of(where.definition).key
    value = call.param("businessKey") or (sent.get(tagged) if tagged else None)
    key = "" if value is None else str(value)
    if not key.strip():
        return None
    if len(key) > LONGEST_KEY or (("/" in key or key in NO_KEYS) and not conf.SERVICES_COMPATIBLE):
        raise BadInput(f"a business key has at most {LONGEST_KEY} characters, no slash, and is no word of an address", "businessKey")
    return key


def _pending(call: Call, wanted: Wanted, values: Mapping[str, Any]) -> Json:
    """The data model before anything has run: the values of the start."""
    row = Instance(
        pk=wanted.instance, definition=wanted.definition, business_key=wanted.business_key, service_id=wanted.service_id,
        state=Instance.State.ACCEPTED, tags=labels.made(finding.definitions.graph(wanted.definition), values),
    )  # fmt: skip
    return shapes.instance(row, metadata=True, caller=call.user, variables=values)


# -- looking --------------------------------------------------------------------------------------------------------------
SORTS = {"id": "pk", "startDate": "started", "endDate": "ended", "businessKey": "business_key", "description": "name"}


def listing(call: Call, where: Service) -> Answer | HttpResponse:
    """The running instances that the caller may see; a browser gets the page to start one."""
    if call.wants_page:
        return start_page(call.request, where)
    call.check_accept(JSON)
    page, size = max(1, call.number("page", 1)), min(call.number("size", 10), conf.MAX_PAGE_SIZE)
    first, last = (page - 1) * size, page * size
    if conf.SERVICES_COMPATIBLE and call.params("tags"):
        first, last = 0, conf.MAX_PAGE_SIZE  # Automatiko does not cut what it finds by tags
    rows = list(_sorted(call, _chosen(call, where))[first:last]) if last else []
    values = values_of(rows)
    return Answer(200, [shaped(call, row, values[row.pk]) for row in rows])


def failed() -> Exists:
    """Of instances: in which, or in what they called, a step failed for good. Who only called such a one is active, too."""
    return Exists(requests.outbox.dead(OuterRef("pk")))


def _chosen(call: Call, where: Service) -> QuerySet[Instance]:
    """By status and tags; what has ended is not listed, as at Automatiko, and an unknown status means the running ones without errors.

    The id and the business key of an instance count as tags of it.
    """
    rows = where.instances().filter(pk__in=access.service_instances(call.user, where.policy).values("pk"))
    status = (call.param("status") or "active").lower()
    if status in ("completed", "aborted"):
        return rows.none()
    rows = rows.filter(failed() if status == "error" else ~Exists(finding.OWN_DEAD))
    wanted = Q()
    for tag in call.params("tags"):
        wanted |= Q(tags__contains=f"\n{tag}\n") | Q(added_tags__contains=f"\n{tag}\n") | finding.called(tag)
    return rows.filter(wanted)


def _sorted(call: Call, rows: QuerySet[Instance]) -> QuerySet[Instance]:
    column = F(SORTS.get(call.param("sortBy") or "", "started"))
    ascending = call.flag("sortAsc", True)
    return rows.order_by(column.asc(nulls_first=True) if ascending else column.desc(nulls_last=True), "pk" if ascending else "-pk")


def values_of(rows: list[Instance]) -> dict[UUID, dict[str, Any]]:
    """The variables of many instances, in one query; those that were only accepted each by itself."""
    found: dict[UUID, list[Variable]] = defaultdict(list)
    for variable in Variable.objects.filter(instance__in=[r.pk for r in rows], token=0, task=None, live=True):
        found[variable.instance_id].append(variable)
    return {r.pk: shapes.accepted_values(r) if r.state == Instance.State.ACCEPTED else decoded(found[r.pk]) for r in rows}


def shaped(call: Call, row: Instance, values: Mapping[str, Any] | None = None) -> Json:
    """An instance as it stands."""
    failures = requests.outbox.errors(row.pk) if call.metadata else []
    return shapes.instance(row, metadata=call.metadata, caller=call.user, variables=values, failures=failures)


def one(call: Call, row: Instance, key: str) -> Answer:
    """One instance."""
    call.check_accept(JSON)
    check_status(call, row, key)
    return Answer(200, shaped(call, row))


def check_status(call: Call, row: Instance, key: str) -> None:
    """A status that is asked for has to be that of the instance; Automatiko takes none for active. Raises NoInstance."""
    status = (call.param("status") or "").lower()
    if not status and not conf.SERVICES_COMPATIBLE:
        return
    failed = requests.outbox.dead(row.pk).exists() if status == "error" else finding.has_failed(row)
    if status in ("completed", "aborted") or failed != (status == "error"):
        raise NoInstance(key)


# -- changing -------------------------------------------------------------------------------------------------------------
def update(call: Call, row: Instance, key: str) -> Answer:
    """Write variables; nulls and what is no variable are left out."""
    call.check_accept(JSON)
    if conf.SERVICES_COMPATIBLE:
        check_status(call, row, key)
    wanted = Wanted("update", row.definition, row.pk, call.values(), metadata=call.metadata)
    if call.asynchronous and row.state != Instance.State.ACCEPTED:
        operations.check_update(wanted)
    return do(call, wanted, echo(key))


def abort(call: Call, row: Instance, key: str) -> Answer:
    """End an instance from outside."""
    call.check_accept(JSON)
    finding.check_abort(row, call.user)
    wanted = Wanted("abort", row.definition, row.pk, metadata=call.metadata)
    return do(call, wanted, echo(key), at_once=conf.SERVICES_COMPATIBLE)  # Automatiko does not look at the mode here


# -- a page for people ----------------------------------------------------------------------------------------------------
def start_page(request: HttpRequest, where: Service) -> HttpResponse:
    """Where a person starts the workflow."""
    return render(request, "services/start.html", {"definition": where.definition})
