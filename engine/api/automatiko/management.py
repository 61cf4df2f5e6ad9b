"""`/services/management/processes`: what runs, in detail; export and import of one instance, errors and their retry."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpResponse, HttpResponseRedirect

from engine.api.automatiko import extras, finding, workflows
from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.finding import Service
from engine.api.automatiko.shaped import Failed, Healthy, NoInstance, Nothing
from engine.api.body import Json
from engine.api.router import Answer
from engine.errors import BpmnError, NotFound, TechnicalError
from engine.models import Definition, Instance, Job, Token
from engine.runtime import access, jobs, labels, naming, outbox, shapes, skipping, tasks, transfer
from engine.runtime.operations import Wanted

ZIP = ("application/zip",)
Methods = dict[str, Callable[[], Any]]


def methods(call: Call, rest: list[str]) -> Methods:
    """What a path below `management` can do; raises Nothing."""
    match rest:
        case ["tasks", "link", key]:
            return {"GET": lambda: form_of(key)}
        case ["processes"]:
            return {"GET": lambda: processes(call)}
        case ["processes", process, "instances"]:
            return {"GET": lambda: listing(call, service(process)), "POST": lambda: bring_back(call, service(process))}
        case ["processes", process, "instances", key, *more]:
            return _instance(call, service(process), key, more)
    raise Nothing()


def _instance(call: Call, where: Service, key: str, more: list[str]) -> Methods:
    row = finding.by_id(where.instances(), key)
    if row is None:
        raise NoInstance(key)
    match more:
        case []:
            finding.check(row, call.user)
            return {"GET": lambda: details(call, row), "DELETE": lambda: workflows.abort(call, row, key)}
        case ["export"]:
            finding.check(row, call.user)
            return {"GET": lambda: export(call, row)}
        case ["image"]:
            finding.check(row, call.user)
            return {"GET": lambda: extras.picture_of(call, row)}
        case ["error"]:
            finding.check(row, call.user)
            return {"GET": lambda: errors(call, row)}
        case ["nodeInstances"]:
            finding.check(row, call.user)
            return {"GET": lambda: nodes(call, row)}
        case ["archive"]:
            finding.check(row, call.user)
            return {"GET": lambda: archive(call, row)}
        case ["retrigger" | "skip" as verb, *error] if len(error) < 2:
            finding.check(row, call.user, change=True)
            return {"POST": lambda: repair(call, row, verb, error[0] if error else None)}
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
            raise NotFound(f"there is no process {process}") from None
        return finding.service(key, f"v{version}")


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
        "id": one.key if not version else f"{one.key}_{version[1:]}", "name": one.name or one.key, "version": version[1:] or None,
        "description": one.description or None, "image": f"{naming.path(one)}/image", "activeInstances": seen.count(),
    }  # fmt: skip


def listing(call: Call, where: Service) -> Answer:
    """The running instances of a workflow, in short: those without errors, or with `status=error` those with some."""
    call.check_accept(JSON)
    page, size = max(1, call.number("page", 1)), min(call.number("size", 10), 1000)
    seen = access.service_instances(call.user, where.policy).values("pk")
    dead = Exists(Job.objects.filter(instance=OuterRef("pk"), state=Job.State.DEAD))
    failed = (call.param("status") or "").lower() in ("error", "5")
    rows = where.instances().filter(dead if failed else ~dead, pk__in=seen)
    return Answer(200, [_short(row) for row in rows.order_by("started", "pk")[(page - 1) * size : page * size]])


def _short(row: Instance) -> dict[str, Json]:
    failures = outbox.errors(row.pk)
    return {
        "id": str(row.pk), "compositeId": str(row.pk), "businessKey": row.business_key,
        "description": labels.description(finding.definitions.graph(row.definition), shapes.values_of(row)),
        "tags": [tag["value"] for tag in shapes.tags(row)], "failed": bool(failures),
        "state": shapes.FAILED if failures else shapes.STATES[row.state], "processId": row.definition.key,
    }  # fmt: skip


def details(call: Call, row: Instance) -> Answer:
    """An instance with its variables and errors."""
    call.check_accept(JSON)
    body = workflows.shaped(call, row)
    variables = {name: value for name, value in body.items() if name not in ("id", "metadata")}
    called = Instance.objects.filter(parent=row.pk).select_related("definition").order_by("started", "pk")
    more = {
        "image": f"{naming.path(row.definition)}/{row.pk}/image", "variables": variables, "versionedVariables": [],
        "subprocesses": [_short(one) for one in called], "errors": [_error(job) for job in _dead(row)],
    }  # fmt: skip
    return Answer(200, _short(row) | more)


def nodes(call: Call, row: Instance) -> Answer:
    """Where its tokens rest."""
    call.check_accept(JSON)
    graph = finding.definitions.graph(row.definition)
    resting = Token.objects.filter(instance=row.pk, node__isnull=False).order_by("number")
    found = [
        {"nodeInstanceId": str(t.pk), "nodeId": t.node, "nodeName": graph.nodes[t.node].name} for t in resting if t.node in graph.nodes
    ]
    return Answer(200, found)


# -- errors ---------------------------------------------------------------------------------------------------------------
def _dead(row: Instance) -> list[Job]:
    return list(Job.objects.filter(instance=row.pk, state=Job.State.DEAD).order_by("created", "pk"))


def _error(job: Job) -> dict[str, Json]:
    return {"errorId": str(job.pk), "failedNodeId": job.node, "errorMessage": job.error, "errorDetails": None}


def errors(call: Call, row: Instance) -> Answer:
    """The steps that failed for good."""
    call.check_accept(JSON)
    found = _dead(row)
    if not found:
        raise Healthy(row.pk)
    return Answer(200, [{"id": str(job.pk), "failedNodeId": job.node, "message": job.error} for job in found])


def repair(call: Call, row: Instance, verb: str, key: str | None) -> Answer:
    """Run the failed steps (or one) again, now, or leave them out; raises Failed where one fails (again). Operators only."""
    call.check_accept(JSON)
    chosen = [job for job in _dead(row) if key in (None, str(job.pk))]
    if not chosen:
        raise NoInstance(str(row.pk))
    if not isinstance(call.user, access.Persona):
        access.check_operate(call.user)
    for job in chosen:
        try:
            _REPAIRS[verb](job)
        except (TechnicalError, BpmnError) as error:
            raise Failed(error, row.pk) from error
    again = Instance.objects.select_related("definition").get(pk=row.pk)
    return Answer(200, workflows.shaped(call, again))


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
        workflows.requests.carry_out(Wanted("abort", row.definition, row.pk), call.user)
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


def bring_back(call: Call, where: Service) -> Answer:
    """An exported instance runs again."""
    call.check_accept(JSON)
    with transaction.atomic():
        made = transfer.imported(where.definition, call.json, user=call.user)
        body = workflows.shaped(call, made)
        answer = Answer(200, _short(made) | {"variables": {n: v for n, v in body.items() if n not in ("id", "metadata")}})
        if call.keep:
            call.keep(answer)
    return answer
