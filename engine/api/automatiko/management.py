"""`/services/management/processes`: what runs, in detail; export and import of one instance, errors and their retry."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists
from django.http import HttpResponse, HttpResponseRedirect

from engine.api.automatiko import extras, finding, nodes, workflows
from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.finding import Service
from engine.api.automatiko.shaped import Failed, NoInstance, Nothing, NoVariable
from engine.api.body import Json
from engine.api.router import Answer
from engine.conf import settings as conf
from engine.errors import BadInput, BpmnError, NotFound, TechnicalError
from engine.models import Definition, Instance, Job, Ledger
from engine.runtime import access, datamodel, jobs, labels, naming, outbox, requests, shapes, skipping, tasks, transfer, work
from engine.runtime import versions as earlier
from engine.runtime.operations import Wanted

ZIP = ("application/zip",)
STATUS = {"active": "active", "1": "active", "completed": "", "2": "", "aborted": "", "3": "", "error": "error", "5": "error"}
Methods = dict[str, Callable[[], Any]]


def methods(call: Call, rest: list[str]) -> Methods:
    """What a path below `management` can do; raises Nothing."""
    match rest:
        case ["tasks", "link", key]:
            return {"GET": lambda: form_of(key)}
        case ["processes"]:
            return {"GET": lambda: processes(call)}
        case ["processes", "ui"]:
            return {"GET": lambda: HttpResponseRedirect("/admin/")}
        case ["processes", process, "instances"]:
            return {"GET": lambda: listing(call, service(process), process), "POST": lambda: bring_back(call, service(process), process)}
        case ["processes", process, "instances", key, *more]:
            return _instance(call, _At(call, process, key), more)
    raise Nothing()


class _At:
    """An instance as it is addressed here."""

    def __init__(self, call: Call, process: str, key: str) -> None:
        try:
            where = service(process)
        except NotFound:
            if call.request.path.endswith("/export"):  # there Automatiko misses the instance, not its process
                raise NoInstance(key) from None
            raise
        row = finding.by_id(where.instances(), key) or _called(where, key)
        if row is None:
            raise NoInstance(key)
        self.call, self.process, self.key, self.row = call, process, key, row

    @property
    def failed(self) -> bool:
        return bool(outbox.errors(self.row.pk))

    def answer(self) -> Answer:
        """The variables as they stand now, which is what every change answers."""
        return Answer(200, _variables(Instance.objects.select_related("definition").get(pk=self.row.pk)))


def _called(where: Service, key: str) -> Instance | None:
    """One that another called, by its own id or with its caller's before it: `caller:called`."""
    caller, _, own = key.rpartition(":")
    try:
        mine = {"pk": UUID(own), **({"parent": UUID(caller)} if caller else {})}
    except ValueError:
        return None
    rows = Instance.objects.filter(ended=None, parent__isnull=False, definition__service=where.definition.service, definition__tenant="")
    return rows.filter(**mine).select_related("definition").first()


def _instance(call: Call, at: _At, more: list[str]) -> Methods:
    changes = more[:1] not in (["error"], ["image"], ["export"], ["archive"]) and call.request.method not in ("GET", "HEAD")
    finding.check(at.row, call.user, change=changes)
    if more[:1] not in (["error"], ["retrigger"], ["skip"]):
        workflows.check_status(call, at.row, at.key)
    row = at.row
    match more:
        case []:
            return {"GET": lambda: details(call, at), "DELETE": lambda: abort(call, at)}
        case ["export"]:
            return {"GET": lambda: export(call, row)}
        case ["image"]:
            return {"GET": lambda: extras.picture_of(call, row)}
        case ["error"]:
            return {"GET": lambda: errors(call, at)}
        case ["archive"]:
            return {"GET": lambda: archive(call, row)}
    return _operated(call, at, more)


def _operated(call: Call, at: _At, more: list[str]) -> Methods:
    """What operators repair and change."""
    row = at.row
    match more:
        case ["retrigger" | "skip" as verb, *error] if len(error) < 2:
            return {"POST": lambda: repair(call, at, verb, error[0] if error else None)}
        case ["variables", name, "versions"]:
            return {"GET": lambda: versions(call, row, name)}
        case ["variables", name, "versions", number]:
            return {"POST": lambda: restore(call, row, name, number)}
        case ["nodeInstances"]:
            return {"GET": lambda: nodes.listing(call, row)}
        case ["nodeInstances", key]:
            return {"POST": lambda: nodes.again(call, row, key, at.answer), "DELETE": lambda: nodes.cancel(call, row, key, at.answer)}
        case ["nodes", node]:
            return {"POST": lambda: nodes.begin(call, row, node, at.answer)}
    raise Nothing()


def form_of(key: str) -> HttpResponse:
    """A person's way to the form of a task, who has to log in there."""
    return HttpResponseRedirect(f"/tasks/{tasks.get(key).pk}/")


def service(process: str) -> Service:
    """A workflow by the name it has here: `orders`, or `orders_1` with its version; raises NotFound."""
    try:
        return finding.service(process, None)
    except Nothing:
        key, _, version = process.partition("_")
        if not version:
            raise NotFound(f"Process with id {process} not found") from None
        try:
            return finding.service(key, f"v{version}")
        except Nothing:
            raise NotFound(f"Process with id {process} not found") from None


# -- what runs ------------------------------------------------------------------------------------------------------------
def processes(call: Call) -> Answer:
    """The workflows that are served, with the number of instances that the caller sees."""
    call.check_accept(JSON)
    newest: dict[str, Definition] = {}
    for one in access.visible_definitions(call.user).filter(tenant="").order_by("-version"):
        newest.setdefault(one.service, one)
    return Answer(200, [_process(call, newest[name]) for name in sorted(newest)])


def _process(call: Call, one: Definition) -> Json:
    policy = finding.definitions.graph(one).service.policy
    seen = access.service_instances(call.user, policy).filter(definition__service=one.service, ended=None, parent=None)
    version, _, _ = one.service.rpartition("/")
    return {
        "id": one.key if not version else f"{one.key}_{version[1:]}", "name": one.name or one.key, "version": version[1:],
        "description": one.description or None, "image": f"{naming.path(one)}/image", "activeInstances": seen.count(),
    }  # fmt: skip


def listing(call: Call, where: Service, process: str) -> Answer:
    """The running instances of a workflow, in short: those without errors, or with `status=error` those with some."""
    call.check_accept(JSON)
    page, size = max(1, call.number("page", 1)), min(call.number("size", 10), 1000)
    seen = access.service_instances(call.user, where.policy).values("pk")
    rows = where.instances().filter(workflows.failed() if _status(call) == "error" else ~Exists(finding.OWN_DEAD), pk__in=seen)
    rows = rows.order_by("started", "pk") if _status(call) else rows.none()
    return Answer(200, [_short(row, process) | {"businessKey": row.business_key or ""} for row in rows[(page - 1) * size : page * size]])


def _status(call: Call) -> str:
    """What is asked for: `active`, `error`, or nothing for what has ended, which is not kept; raises BadInput."""
    said = call.param("status") or "active"
    if said.lower() not in STATUS:
        raise BadInput(f"status is active, completed, aborted or error, not {said[:40]!r}", "status")
    return STATUS[said.lower()]


def _short(row: Instance, process: str | None = None) -> dict[str, Json]:
    failures = outbox.errors(row.pk)
    return {
        "id": str(row.pk), "compositeId": f"{row.parent}:{row.pk}" if row.parent else str(row.pk), "businessKey": row.business_key,
        "description": labels.description(finding.definitions.graph(row.definition), shapes.values_of(row)),
        "tags": [tag["value"] for tag in shapes.tags(row)], "failed": bool(failures),
        "state": shapes.FAILED if failures else shapes.STATES[row.state], "processId": process or row.definition.key,
    }  # fmt: skip


def _variables(row: Instance) -> dict[str, Json]:
    """What an operator sees of the data: the id of the engine, and all variables that are not hidden."""
    return {"id": str(row.pk), **datamodel.of(row.definition).known(shapes.values_of(row))}


def details(call: Call, at: _At) -> Answer:
    """An instance with its variables and errors."""
    call.check_accept(JSON)
    row = at.row
    called = Instance.objects.filter(parent=row.pk, ended=None).select_related("definition").order_by("started", "pk")
    status = "error" if at.failed else "active"
    more = {
        "image": f"/management/processes/{at.process}/instances/{at.key}/image?status={status}", "variables": _variables(row),
        "versionedVariables": _versioned(row), "subprocesses": [_short(one) for one in called],
        "errors": [_error(job) for job in _dead(row)] or None,
    }  # fmt: skip
    return Answer(200, _short(row, at.process) | {"businessKey": row.business_key or ""} | more)


def abort(call: Call, at: _At) -> Answer:
    """End an instance from outside."""
    call.check_accept(JSON)
    finding.check_abort(at.row, call.user)
    requests.carry_out(Wanted("abort", at.row.definition, at.row.pk), call.user)
    return at.answer()


# -- versions of variables ------------------------------------------------------------------------------------------------
def _versioned(row: Instance) -> list[str]:
    return [m.name for m in datamodel.of(row.definition).members if earlier.TAG in m.tags and m.updated]


def versions(call: Call, row: Instance, name: str) -> Answer:
    """The earlier values of a variable that is tagged `versioned`, the oldest first; raises NoVariable."""
    call.check_accept(JSON)
    if name not in _versioned(row):
        raise NoVariable(name, row.pk)
    return Answer(200, earlier.of(shapes.values_of(row), name))


def restore(call: Call, row: Instance, name: str, number: str) -> Answer:
    """Give a variable the earlier value of this number, from 0; answers those there are then. Raises NoVariable."""
    call.check_accept(JSON)
    known = earlier.of(shapes.values_of(row), name) if name in _versioned(row) else []
    if not (number.isascii() and number.isdecimal() and len(number) < 10 and int(number) < len(known)):
        raise NoVariable(name, row.pk)
    value = datamodel.taken(datamodel.of(row.definition).type_of(name), known[int(number)], name)
    wish, user = work.SetVariables(0, {name: value}), access.name(call.user)
    work.run(work.Order(row.pk, wish, Ledger.Trigger.VARIABLES, name[:255], None, user))
    return versions(call, row, name)


# -- errors ---------------------------------------------------------------------------------------------------------------
def _dead(row: Instance) -> list[Job]:
    return list(outbox.dead(row.pk))


def _error(job: Job) -> dict[str, Json]:
    return {"errorId": str(job.pk), "failedNodeId": job.node, "errorMessage": job.error, "errorDetails": _where(job)}


def _where(job: Job) -> str:
    """Where it failed, and since when there is work for it; what ran there, line by line, is for administrators alone."""
    return f"{job.error or 'it failed'}\n  at {job.node or job.name or job.kind}, since {job.created.isoformat()}"


def errors(call: Call, at: _At) -> Answer:
    """The steps that failed for good; raises NoInstance where there is none."""
    call.check_accept(JSON)
    found = _dead(at.row)
    if not found:
        raise NoInstance(at.key)
    shown = [{"id": str(at.row.pk), "failedNodeId": job.node, "message": job.error, "errorId": str(job.pk)} for job in found]
    return Answer(200, shown)


def repair(call: Call, at: _At, verb: str, key: str | None) -> Answer:
    """Run the failed steps (or one) again, now, or leave them out; raises Failed where one fails (again). Operators only."""
    call.check_accept(JSON)
    chosen = [job for job in _dead(at.row) if key in (None, str(job.pk))]
    if not chosen:
        raise NoInstance(at.key)
    access.check_manage(call.user)
    for job in chosen:
        try:
            _REPAIRS[verb](job)
        except (TechnicalError, BpmnError) as error:
            raise Failed(error, at.row.pk) from error
    return at.answer()


_REPAIRS: Mapping[str, Callable[[Job], None]] = {"retrigger": lambda job: jobs.run_now(job.pk), "skip": skipping.skip}


# -- export and import ----------------------------------------------------------------------------------------------------
def export(call: Call, row: Instance) -> Answer:
    """The instance as JSON; with `abort=true` it is aborted here."""
    call.check_accept(JSON)
    return Answer(200, _taken_out(call, row))


def _taken_out(call: Call, row: Instance) -> dict[str, Any]:
    found = transfer.exported(row)
    if call.flag("abort"):
        finding.check_abort(row, call.user)
        requests.carry_out(Wanted("abort", row.definition, row.pk), call.user)
    return found


def archive(call: Call, row: Instance) -> HttpResponse:
    """The instance as a zip file: the export, and each variable by itself, those of the instances that it called in folders."""
    call.check_accept(ZIP)
    files = transfer.files(row)
    files["export.json"] = _taken_out(call, row)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in files.items():
            packed.writestr(name, json.dumps(content, ensure_ascii=False))
    headers = {"Content-Disposition": f"attachment; filename={row.pk}.zip"}
    return HttpResponse(target.getvalue(), content_type=ZIP[0], headers=headers)


def bring_back(call: Call, where: Service, process: str) -> Answer:
    """An exported instance runs again."""
    call.check_accept(JSON)
    with transaction.atomic():
        made = transfer.imported(where.definition, call.json, user=call.user)
        more = {
            "image": f"/management/processes/{process}/instances/{made.pk}/image", "variables": _variables(made),
            "versionedVariables": _versioned(made),
            "subprocesses": None, "errors": [_error(job) for job in _dead(made)] or None,
        }  # fmt: skip
        answer = Answer(200, _short(made, process) | ({"state": 0} if conf.SERVICES_COMPATIBLE else {}) | more)
        if call.keep:
            call.keep(answer)
    return answer
