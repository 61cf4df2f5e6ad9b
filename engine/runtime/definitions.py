"""What is deployed: files become definitions, definitions become Graphs that are kept by their checksum.

A deployment is one transaction: all its files are read and checked first, then stored, or nothing is.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from engine.bpmn import archive, forms, forms_read, parse
from engine.bpmn.forms import FormSpec
from engine.bpmn.graph import Graph, Start, UserTask
from engine.conf import settings as conf
from engine.errors import Conflict, DeploymentError, NotFound, Problem
from engine.models import Definition, Deployment, Resource
from engine.models.fields import uuid7
from engine.models.prepared import Prepared
from engine.runtime import access, advice, naming, retention
from engine.runtime.store import claims, starting

MODELS, FORMS = archive.PROCESS, archive.FORM  # endings of what can be deployed besides archives
VERSIONS = 10  # attempts at the next version number of a key
KEPT = 1000  # graphs and forms kept in memory by each process

_KNOWN: OrderedDict[tuple[str, str], Any] = OrderedDict()
_LOCK = Lock()


def _remembered(key: tuple[str, str], make: Any) -> Any:
    """What was parsed once, by checksum: safe over processes, for equal bytes give equal graphs."""
    with _LOCK:
        if key in _KNOWN:
            _KNOWN.move_to_end(key)
            return _KNOWN[key]
    made = make()
    with _LOCK:
        _KNOWN[key] = made
        while len(_KNOWN) > KEPT:
            _KNOWN.popitem(last=False)
    return made


# -- deploying ------------------------------------------------------------------------------------------------------------
def limits() -> parse.Limits:
    """The limits of what is uploaded, from the settings."""
    return parse.Limits(
        xml_size=conf.MAX_XML_SIZE, xml_depth=conf.MAX_XML_DEPTH, archive_size=conf.MAX_ZIP_SIZE, archive_entries=conf.MAX_ZIP_ENTRIES,
        archive_ratio=conf.MAX_ZIP_RATIO,
    )  # fmt: skip


def deploy_upload(filename: str, data: bytes, *, user: access.User = None, name: str | None = None, **about: str) -> Deployment:
    """Deploy one uploaded file: a model, a form, or an archive of them; raises DeploymentError, Forbidden."""
    access.check_deploy(user)
    files = archive.unpack(filename, data, limits())
    return deploy(files, name=name or _stem(filename), user=user, **about)


def deploy_uploads(uploads: Mapping[str, bytes], *, user: access.User = None, name: str | None = None, **about: str) -> Deployment:
    """Deploy several uploaded files as one; raises DeploymentError, also when two archives hold a file of the same name."""
    access.check_deploy(user)
    files: dict[str, bytes] = {}
    problems: list[Problem] = []
    for filename, data in uploads.items():
        try:
            unpacked = archive.unpack(filename, data, limits())
        except DeploymentError as error:
            problems += error.problems
            continue
        problems += [Problem("another file has the same name", file=twice) for twice in sorted(files.keys() & unpacked.keys())]
        files |= unpacked
    if problems:
        raise DeploymentError(problems)
    return deploy(files, name=name or _stem(next(iter(uploads))), user=user, **about)


def _stem(filename: str) -> str:
    base = filename.replace("\\", "/")
    for ending in (".bpmn20.xml", ".bpmn.xml", *archive.PROCESS, *archive.ARCHIVE, *archive.FORM):
        if base.lower().endswith(ending):
            return base[: -len(ending)] or base
    return base


def deploy(
    files: Mapping[str, bytes], *, name: str, user: access.User = None, key: str = "", category: str = "", tenant: str = ""
) -> Deployment:
    """Deploy files, all or nothing; every process in them becomes a new version of its key.

    Raises DeploymentError with all problems of all files, Forbidden. The result's `warnings` are Problems that do not prevent it.
    """
    access.check_deploy(user)
    found, specs, warnings = _read(files)
    about = {"name": name[:255], "key": key, "category": category, "tenant": tenant, "deployed_by": access.name(user) or ""}
    for _ in range(VERSIONS):
        try:
            made = _stored(files, found, specs, about)
        except IntegrityError:  # somebody else deployed the same key in this moment: it has the version that we wanted
            continue
        made.warnings = warnings  # type: ignore[attr-defined]
        return made
    raise Conflict("others deployed the same processes all the time; try again")


def _stored(
    files: Mapping[str, bytes], found: Mapping[str, parse.Model], specs: Mapping[str, FormSpec], about: dict[str, str]
) -> Deployment:
    now = datetime.now(UTC)
    with transaction.atomic():
        made = Deployment.objects.create(**about, deployed=now)
        Resource.objects.bulk_create(_resource(made, n, data, n in found, specs.get(n)) for n, data in files.items())
        for filename, model in found.items():
            for graph in model.graphs:
                starting.arm(_define(made, filename, files[filename], graph, about["tenant"]), graph, now)
        if any(graph.keep_days is not None for model in found.values() for graph in model.graphs):
            retention.arm(conf.RETENTION_INTERVAL)
        claims.announce()
    return made


def _read(files: Mapping[str, bytes]) -> tuple[dict[str, parse.Model], dict[str, FormSpec], list[Problem]]:
    problems: list[Problem] = []
    found: dict[str, parse.Model] = {}
    specs: dict[str, FormSpec] = {}
    for name, data in files.items():
        try:
            if archive.is_process(name):
                found[name] = parse.read(data, file=name, limits=limits())
            elif archive.is_form_file(name, data):
                specs[name] = forms_read.from_json(data, file=name, limits=limits())
        except DeploymentError as error:
            problems += error.problems
    if not found and not specs and not problems:
        problems.append(Problem("there is no model and no form in it"))
    warnings = [w for m in found.values() for w in m.warnings] + _wanted(found, specs, problems)
    warnings += [w for n, m in found.items() for g in m.graphs for w in advice.warnings(g, n)]
    problems += _twice(found) + _hiding(found)
    if problems:
        raise DeploymentError(problems)
    return found, specs, warnings


def _twice(found: Mapping[str, parse.Model]) -> list[Problem]:
    """Two processes of one key in a deployment cannot both be its next version."""
    seen: dict[str, str] = {}
    problems = []
    for name, model in found.items():
        for graph in model.graphs:
            if graph.key in seen:
                problems.append(Problem(f"process {graph.key} is also in {seen[graph.key]}", graph.key, graph.line, name))
            seen[graph.key] = name
    return problems


def _hiding(found: Mapping[str, parse.Model]) -> list[Problem]:
    """A process may not be called like an address of the service API."""
    graphs = [(name, graph) for name, model in found.items() for graph in model.graphs]
    return [
        Problem(f"a process cannot be called '{graph.key}': that is an address of the service API", graph.key, graph.line, name)
        for name, graph in graphs
        if naming.is_reserved(graph.key)
    ]


def _wanted(found: Mapping[str, parse.Model], specs: Mapping[str, FormSpec], problems: list[Problem]) -> list[Problem]:
    """Forms that no file brings: `forms.missing_forms` says whether that is a problem or a warning."""
    brought = {s.key for s in specs.values()}
    stored = set(Resource.objects.filter(kind="form").values_list("form_key", flat=True).distinct()) if found else set()
    warnings: list[Problem] = []
    for name, model in found.items():
        for graph in model.graphs:
            wrong, doubtful = forms.missing_forms(graph, inside=brought, deployed=stored, file=name)
            problems += wrong
            warnings += doubtful
    return warnings


def _resource(deployment: Deployment, name: str, data: bytes, is_model: bool, form: FormSpec | None) -> Resource:
    kind = "processDefinition" if is_model else "form" if form else "resource"
    return Resource(
        deployment=deployment,
        name=name,
        kind=kind,
        form_key=form.key if form else "",
        content=data,
        checksum=hashlib.sha256(data).hexdigest(),
    )


def _define(deployment: Deployment, filename: str, data: bytes, graph: Graph, tenant: str) -> Definition:
    last = Definition.objects.filter(key=graph.key, tenant=tenant).order_by("-version").values_list("version", flat=True).first()
    start = next((n for n in graph.starts(None) if isinstance(n.detail, Start)), None)
    detail = start.detail if start and isinstance(start.detail, Start) else Start()
    return Definition.objects.create(
        id=f"{graph.key}:{(last or 0) + 1}:{uuid7()}", key=graph.key, service=naming.service(graph), version=(last or 0) + 1,
        name=graph.name or "",
        description=graph.documentation or "", category=graph.category or "", tenant=tenant, deployment=deployment, resource=filename,
        checksum=hashlib.sha256(data).hexdigest(), has_start_form=bool(detail.form_key or detail.properties),
        start_form_key=detail.form_key or "", has_diagram=b"BPMNShape" in data, history=graph.history or "",
        keep_days=graph.keep_days,
        starter_users=list(graph.candidate_starter_users), starter_groups=list(graph.candidate_starter_groups),
    )  # fmt: skip


def categorize(definition: Definition, category: str, *, user: access.User = None) -> None:
    """Sort a definition under another category."""
    access.check_deploy(user)
    Definition.objects.filter(pk=definition.pk).update(category=category)


def delete_deployment(deployment_id: Any, *, cascade: bool = False, user: access.User = None) -> None:
    """Remove a deployment; with `cascade` its instances and their history too, without it Conflict if any is running."""
    access.check_deploy(user)
    with transaction.atomic():
        deployment = Deployment.objects.filter(pk=_id(deployment_id, "deployment")).first()
        if deployment is None:
            raise NotFound(f"there is no deployment {deployment_id}")
        mine = list(Definition.objects.filter(deployment=deployment))
        if not cascade and starting.running(mine):
            raise Conflict("processes of this deployment are running; end them first, or delete with cascade")
        starting.forget(mine)
        Resource.objects.filter(deployment=deployment).delete()
        Definition.objects.filter(deployment=deployment).delete()
        deployment.delete()
        for definition in mine:
            _rearm(definition)


def _rearm(gone: Definition) -> None:
    """The older version is the latest again: its start events listen again."""
    older = Definition.objects.filter(key=gone.key, tenant=gone.tenant).order_by("-version").first()
    if older and older.version < gone.version:
        starting.arm(older, graph(older), datetime.now(UTC), again=True)


# -- finding --------------------------------------------------------------------------------------------------------------
def _id(value: Any, what: str) -> UUID:
    try:
        return value if isinstance(value, UUID) else UUID(str(value))
    except ValueError:
        raise NotFound(f"there is no {what} {value}") from None


_by_id = Prepared(lambda: Definition, lambda key: Definition.objects.filter(pk=key))
_latest = Prepared(lambda: Definition, lambda key, tenant: Definition.objects.filter(key=key, tenant=tenant).order_by("-version"))


def get(definition_id: str) -> Definition:
    """A definition by its id; raises NotFound."""
    found = _by_id.first(definition_id)
    if found is None:
        raise NotFound(f"there is no process definition {definition_id}")
    return found


def latest(key: str, tenant: str = "") -> Definition:
    """The newest version of a key; raises NotFound."""
    found = _latest.first(key, tenant)
    if found is None:
        raise NotFound(f"there is no process {key}")
    return found


def called(name: str, *, by_id: bool = False, deployment: UUID | None = None, tenant: str = "") -> Definition:
    """What a call activity calls: the version of its own deployment if it asks so and has one, else the latest; raises NotFound."""
    if by_id:
        return get(name)
    same = Definition.objects.filter(key=name, deployment=deployment).order_by("-version").first() if deployment else None
    return same or latest(name, tenant)


def graph(definition: Definition) -> Graph:
    """The Graph of a definition."""
    return graph_of(definition.pk, definition.key, definition.checksum)


def graph_of(definition_id: str, key: str, checksum: str) -> Graph:
    """The Graph of a definition of which only this is known; read and parsed only if this process has not seen it yet."""

    def made() -> Graph:
        model = parse.read(xml(get(definition_id)), limits=replace(limits(), xml_size=2**31))
        return next(g for g in model.graphs if g.key == key)

    found: Graph = _remembered((checksum, f"graph {key}"), made)
    return found


def xml(definition: Definition) -> bytes:
    """The model file of a definition, as it was deployed."""
    found = Resource.objects.filter(deployment=definition.deployment_id, name=definition.resource).first()
    if found is None:
        raise NotFound(f"the model file of {definition.pk} is gone")
    return bytes(found.content)


# -- forms ----------------------------------------------------------------------------------------------------------------
def form(definition: Definition, form_key: str | None, node: str | None = None) -> FormSpec | None:
    """The form of a key, from the same deployment or the latest one that has it; else the form properties of a node; else None."""
    if form_key:
        mine = Resource.objects.filter(form_key=form_key, kind="form")
        found = mine.filter(deployment=definition.deployment_id).first() or mine.order_by("-deployment__deployed").first()
        if found:
            content, name = bytes(found.content), found.name
            made: FormSpec = _remembered((found.checksum, "form"), lambda: forms_read.from_json(content, file=name))
            return made
    return _properties(definition, node) if node else None


def _properties(definition: Definition, node: str) -> FormSpec | None:
    element = graph(definition).nodes.get(node)
    detail = element.detail if element else None
    if element is None or not isinstance(detail, Start | UserTask) or not detail.properties:
        return None
    return forms_read.from_properties(detail.properties, name=element.name or node)


def start_form(definition: Definition) -> FormSpec | None:
    """The form to fill before an instance starts, or None."""
    start = next((n for n in graph(definition).starts(None) if n.event is None), None)
    return form(definition, definition.start_form_key or None, start.id if start else None)
