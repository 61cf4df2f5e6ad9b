"""OpenAPI 3.1 of the service API, made from what is deployed: each workflow with its data model and the forms of its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.api.automatiko import extras, operators
from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.described import TEXT, Schema, change, image, in_path, in_query, paging, read, ref
from engine.api.automatiko.finding import Service
from engine.api.router import Answer
from engine.bpmn.graph import Graph, Node
from engine.models import Definition
from engine.runtime import access, datamodel, definitions, naming, operations


def all_workflows(call: Call) -> Answer:
    """The document of all workflows that the caller may know of."""
    newest: dict[str, Definition] = {}
    for one in access.visible_definitions(call.user).filter(tenant="").order_by("-version"):
        newest.setdefault(one.service or one.key, one)
    return _answer(call, [newest[name] for name in sorted(newest)], operators.PATHS)


def one_workflow(call: Call, where: Service) -> Answer:
    """The document of one workflow."""
    return _answer(call, [where.definition])


def _answer(call: Call, found: Iterable[Definition], more: Schema | None = None) -> Answer:
    call.check_accept(JSON)
    return Answer(200, document(call.base, found, more or {}))


def document(base: str, found: Iterable[Definition], more: Schema) -> Schema:
    """The whole document; `more` are paths besides those of the workflows."""
    paths: Schema = {"/requests/{request}": {"get": _request()}, **more}
    schemas = {**SCHEMAS, **operators.SCHEMAS}
    tags = []
    for definition in found:
        name = _named(definition)
        tags.append({"name": name, "description": definition.description or definition.name or definition.key})
        for one in _family(definition):
            schemas |= _models(one, _named(one)) | _forms(one, definitions.graph(one), _named(one))
        paths |= _paths(definition, name)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Services", "version": "1", "description": "A REST service for each deployed workflow."},
        "servers": [{"url": base.rstrip("/")}],
        "tags": tags,
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": SECURITY},
        "security": [{name: []} for name in SECURITY],
    }


def _named(definition: Definition) -> str:
    """The name of a workflow in names of schemas and operations."""
    return naming.segment((definition.service or definition.key).replace("/", "_"))


# -- schemas --------------------------------------------------------------------------------------------------------------
def _models(definition: Definition, name: str) -> Schema:
    """What a start takes, what an update takes, and what is shown."""
    model = datamodel.of(definition)

    def of(members: Iterable[datamodel.Member]) -> Schema:
        return {m.name: datamodel.schema_of(m) for m in members}

    shown = of(m for m in model.members if m.shown)
    own = {"id": {"type": "string"}, "metadata": {"anyOf": [ref("Metadata"), {"type": "null"}]}}
    needed = [m.name for m in model.members if "required" in m.tags and m.started]
    start: Schema = {"type": "object", "properties": of(m for m in model.members if m.started)}
    return {
        name: {"type": "object", "required": ["id", *shown], "properties": {**own, **shown}},
        f"{name}_start": {**start, "required": needed} if needed else start,
        f"{name}_update": {"type": "object", "properties": of(m for m in model.members if m.updated)},
    }


def _forms(definition: Definition, graph: Graph, name: str) -> Schema:
    """What each user task shows, and what its completion takes."""
    found: Schema = {}
    for node in graph.nodes.values():
        if node.type == "userTask":
            form = definitions.form(definition, getattr(node.detail, "form_key", None), node.id)
            schema = datamodel.schema_of_form(form) if form else {"type": "object"}
            found[_form_of(name, node)] = _readable(schema)
            found[f"{_form_of(name, node)}_result"] = _writable(schema)
    return found


def _readable(schema: Schema) -> Schema:
    """What a task shows: until they are filled in, its fields are null."""
    fields = {name: {"anyOf": [one, {"type": "null"}]} for name, one in schema.get("properties", {}).items()}
    return {key: value for key, value in schema.items() if key != "required"} | {"properties": fields}


def _form_of(name: str, node: Node) -> str:
    return f"{name}_{naming.of_node(node)}_form"


PROBLEM: Schema = {
    "type": "object", "required": ["message", "type", "title", "status", "detail"],
    "properties": {"message": {"type": "string"}, "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                   "detail": {"type": "string"}, "field": {"type": ["string", "null"]}, "processInstanceId": {"type": ["string", "null"]},
                   "errors": {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "string"}}}},
}  # fmt: skip
_MAYBE = {"type": ["string", "null"]}
METADATA_SCHEMA: Schema = {
    "type": "object",
    "properties": {"id": {"type": "string"}, "businessKey": _MAYBE, "description": _MAYBE, "errors": _MAYBE, "state": {"type": "integer"},
                   "tags": {"type": "array", "items": {"type": "string"}}, "links": {"type": "array", "items": {"type": "object"}},
                   "startDate": _MAYBE, "endDate": _MAYBE, "expiredAtDate": _MAYBE},
}  # fmt: skip
ACCEPTED: Schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}}
TASK: Schema = {
    "type": "object", "required": ["id", "name", "reference"],
    "properties": {name: {"type": "string"} for name in ("id", "name", "description", "reference", "formLink")},
}  # fmt: skip
TAG: Schema = {"type": "object", "required": ["id", "value"], "properties": {"id": {"type": "string"}, "value": {"type": "string"}}}
REQUEST: Schema = {
    "type": "object", "required": ["id", "state"],
    "properties": {"id": {"type": "string"}, "operation": {"type": "string"}, "workflow": {"type": "string"},
                   "instance": {"type": "string"}, "state": {"type": "string", "enum": ["accepted", "running", "done", "failed"]},
                   "status": {"type": ["integer", "null"]}, "result": {"type": ["object", "null"]}, "created": {"type": "string"},
                   "ended": _MAYBE},
}  # fmt: skip
MODE: Schema = {"type": "string", "enum": ["async", "sync"], "description": "async: answered with 202 once the operation is stored"}
SCHEMAS: Mapping[str, Schema] = {
    "Problem": PROBLEM, "Metadata": METADATA_SCHEMA, "Accepted": ACCEPTED, "Task": TASK, "Tag": TAG, "Request": REQUEST, "Mode": MODE,
}  # fmt: skip
SECURITY: Schema = {
    "basic": {"type": "http", "scheme": "basic"},
    "bearer": {"type": "http", "scheme": "bearer"},
    "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
}


# -- paths ----------------------------------------------------------------------------------------------------------------
def _paths(definition: Definition, name: str) -> Schema:
    base, model = naming.path(definition), ref(name)
    rows = {"type": "array", "items": model}
    made: Schema = {
        base: {
            "get": read("list", name, rows, paging()),
            "post": change("start", name, model, ref(f"{name}_start"), [in_query("businessKey", 255)], accepted=model, needs_body=False),
        },
        f"{base}/image": {"get": image("image", name, [])},
    }
    return made | _instance(definition, _Place(name, f"{base}/{{id}}", (in_path("id"),), "", (definition.key,)))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an instance is: below which workflow, its path with the parameters in it, how operations are called, the processes above."""

    name: str
    path: str
    keys: tuple[Schema, ...]
    prefix: str
    above: tuple[str, ...]

    def inside(self, segment: str, key: str) -> _Place:
        """An instance that this one called."""
        own = f"{segment}_id"
        path = f"{self.path}/{segment}/{{{own}}}"
        return _Place(self.name, path, (*self.keys, in_path(own)), f"{self.prefix}{segment}_", (*self.above, key))


def _instance(definition: Definition, at: _Place) -> Schema:
    """What can be done with an instance, its tasks and what it waits for; and with the instances that it called."""
    graph, model, keys = definitions.graph(definition), ref(_named(definition)), [*at.keys]
    tasks, tags = {"type": "array", "items": ref("Task")}, {"type": "array", "items": ref("Tag")}
    one, name, prefix = at.path, at.name, at.prefix
    made: Schema = {
        one: {
            "get": read(f"{prefix}get", name, model, keys),
            "post": change(f"{prefix}update", name, model, ref(f"{_named(definition)}_update"), keys),
            "delete": change(f"{prefix}abort", name, model, None, keys),
        },
        f"{one}/tasks": {"get": read(f"{prefix}tasks", name, tasks, keys)},
        f"{one}/tags": {
            "get": read(f"{prefix}tags", name, tags, keys),
            "post": change(f"{prefix}add_tag", name, tags, ADDED, keys, asynchronous=False),
        },
        f"{one}/tags/{{tag}}": {"delete": change(f"{prefix}remove_tag", name, tags, None, [*keys, in_path("tag")], asynchronous=False)},
        f"{one}/image": {"get": image(f"{prefix}image_of", name, keys)},
    }
    for node in graph.nodes.values():
        if node.type == "userTask":
            made |= _task(node, definition, at)
    for event in sorted(extras.events(graph)):
        sent = change(f"{prefix}signal_{event}", name, model, {}, keys, needs_body=False)
        if operations.takes_text(definition, event):
            sent["requestBody"]["content"]["text/plain"] = {"schema": TEXT}
        made[f"{one}/{event}"] = {"post": sent}
    for segment, called in _called(graph, at.above).items():
        rows = {"type": "array", "items": ref(_named(called))}
        made[f"{one}/{segment}"] = {"get": read(f"{prefix}{segment}_list", name, rows, keys)}
        made |= _instance(called, at.inside(segment, called.key))
    return made


def _called(graph: Graph, above: tuple[str, ...]) -> dict[str, Definition]:
    """The processes that a model calls, as far as they are deployed; none again that is above it."""
    keys = {segment: key for segment, key in extras.called(graph).items() if key not in above}
    newest = Definition.objects.filter(key__in=keys.values(), tenant="").order_by("version")
    found = {one.key: one for one in newest}
    return {segment: found[key] for segment, key in sorted(keys.items()) if key in found}


def _family(definition: Definition, above: tuple[str, ...] = ()) -> Iterable[Definition]:
    """A definition and all that it calls."""
    yield definition
    here = (*above, definition.key)
    for called in _called(definitions.graph(definition), here).values():
        yield from _family(called, here)


ADDED: Schema = {"type": "object", "properties": {"value": {"type": "string", "maxLength": 255}}}


def _task(node: Node, definition: Definition, at: _Place) -> Schema:
    """A user task: read it, complete it (or what `phase` says), give it up."""
    step, model, form = naming.of_node(node), ref(_named(definition)), _form_of(_named(definition), node)
    phase = {
        "name": "phase",
        "in": "query",
        "schema": {"type": "string", "enum": ["complete", "claim", "release", "skip", "save", "abort"]},
    }
    keys = [*at.keys, in_path("task")]
    return {
        f"{at.path}/{step}/{{task}}": {
            "get": read(f"{at.prefix}task_{step}", at.name, ref(form), keys),
            "post": change(f"{at.prefix}complete_{step}", at.name, model, ref(f"{form}_result"), [*keys, phase]),
            "delete": change(f"{at.prefix}abort_{step}", at.name, model, None, keys),
        }
    }


def _writable(schema: Schema) -> Schema:
    """What a completion takes: `phase` may want nothing of it, so that nothing is required by the schema itself."""
    fields = {name: one for name, one in schema.get("properties", {}).items() if not one.get("readOnly")}
    return {"type": "object", "properties": fields, **({"description": f"required to complete: {r}"} if (r := _required(schema)) else {})}


def _required(schema: Schema) -> str:
    return ", ".join(schema.get("required", ()))


def _request() -> Schema:
    found = read("request", "services", ref("Request"), [in_path("request")])
    return {**found, "operationId": "request", "tags": ["requests"]}
