"""OpenAPI 3.1 of the service API, made from what is deployed: each workflow with its data model and the forms of its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.api.automatiko import extras
from engine.api.automatiko.asking import JSON, Call
from engine.api.automatiko.finding import Service
from engine.api.router import Answer
from engine.bpmn.graph import Graph, Node
from engine.models import Definition
from engine.runtime import access, datamodel, definitions, naming

Schema = dict[str, Any]
TEXT: Schema = {"type": "string", "pattern": "^[^\\u0000]*$"}
HEADERS: Mapping[str, Schema] = {
    "X-ATK-Mode": {"$ref": "#/components/schemas/Mode"},
    "X-ATK-Callback": {"type": "string", "format": "uri", "description": "where the outcome of an asynchronous operation is posted"},
    "Prefer": {"type": "string", "description": "respond-async: the same as X-ATK-Mode: async"},
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255, "description": "same key and body, same answer"},
}
METADATA = {"name": "metadata", "in": "query", "schema": {"type": "boolean"}, "description": "fill `metadata`"}
AS = [
    {"name": "user", "in": "query", "schema": {**TEXT, "maxLength": 150}, "description": "only for callers who may impersonate"},
    {"name": "group", "in": "query", "schema": {"type": "array", "items": {**TEXT, "maxLength": 150}}, "description": "likewise"},
]
PROBLEMS = {
    "400": "what was sent is wrong", "401": "log in", "403": "not yours", "404": "no such thing", "406": "no such media type",
    "409": "not in the state for it", "413": "too large", "415": "send JSON", "422": "key of another request", "429": "too often",
}  # fmt: skip


def all_workflows(call: Call) -> Answer:
    """The document of all workflows that the caller may know of."""
    newest: dict[str, Definition] = {}
    for one in access.visible_definitions(call.user).filter(tenant="").order_by("-version"):
        newest.setdefault(one.service or one.key, one)
    return _answer(call, [newest[name] for name in sorted(newest)])


def one_workflow(call: Call, where: Service) -> Answer:
    """The document of one workflow."""
    return _answer(call, [where.definition])


def _answer(call: Call, found: Iterable[Definition]) -> Answer:
    call.check_accept(JSON)
    return Answer(200, document(call.base, found))


def document(base: str, found: Iterable[Definition]) -> Schema:
    """The whole document."""
    paths: Schema = {"/requests/{request}": {"get": _request()}}
    schemas = dict(SCHEMAS)
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
def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _models(definition: Definition, name: str) -> Schema:
    """What a start takes, what an update takes, and what is shown."""
    model = datamodel.of(definition)

    def of(members: Iterable[datamodel.Member]) -> Schema:
        return {m.name: datamodel.schema_of(m) for m in members}

    shown = of(m for m in model.members if m.shown)
    own = {"id": {"type": "string"}, "metadata": {"anyOf": [_ref("Metadata"), {"type": "null"}]}}
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
    base, model = naming.path(definition), _ref(name)
    rows = {"type": "array", "items": model}
    made: Schema = {
        base: {
            "get": _read("list", name, rows, _paging()),
            "post": _change("start", name, model, _ref(f"{name}_start"), [_query("businessKey", 255)], accepted=model, needs_body=False),
        },
        f"{base}/image": {"get": _image("image", name, [])},
    }
    return made | _instance(definition, _Place(name, f"{base}/{{id}}", (_segment("id"),), "", (definition.key,)))


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
        return _Place(self.name, path, (*self.keys, _segment(own)), f"{self.prefix}{segment}_", (*self.above, key))


def _instance(definition: Definition, at: _Place) -> Schema:
    """What can be done with an instance, its tasks and what it waits for; and with the instances that it called."""
    graph, model, keys = definitions.graph(definition), _ref(_named(definition)), [*at.keys]
    tasks, tags = {"type": "array", "items": _ref("Task")}, {"type": "array", "items": _ref("Tag")}
    one, name, prefix = at.path, at.name, at.prefix
    made: Schema = {
        one: {
            "get": _read(f"{prefix}get", name, model, keys),
            "post": _change(f"{prefix}update", name, model, _ref(f"{_named(definition)}_update"), keys),
            "delete": _change(f"{prefix}abort", name, model, None, keys),
        },
        f"{one}/tasks": {"get": _read(f"{prefix}tasks", name, tasks, keys)},
        f"{one}/tags": {
            "get": _read(f"{prefix}tags", name, tags, keys),
            "post": _change(f"{prefix}add_tag", name, tags, ADDED, keys, asynchronous=False),
        },
        f"{one}/tags/{{tag}}": {"delete": _change(f"{prefix}remove_tag", name, tags, None, [*keys, _segment("tag")], asynchronous=False)},
        f"{one}/image": {"get": _image(f"{prefix}image_of", name, keys)},
    }
    for node in graph.nodes.values():
        if node.type == "userTask":
            made |= _task(node, definition, at)
    for event in sorted(extras.events(graph)):
        made[f"{one}/{event}"] = {"post": _change(f"{prefix}signal_{event}", name, model, {}, keys, needs_body=False)}
    for segment, called in _called(graph, at.above).items():
        rows = {"type": "array", "items": _ref(_named(called))}
        made[f"{one}/{segment}"] = {"get": _read(f"{prefix}{segment}_list", name, rows, keys)}
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
    step, model, form = naming.of_node(node), _ref(_named(definition)), _form_of(_named(definition), node)
    phase = {
        "name": "phase",
        "in": "query",
        "schema": {"type": "string", "enum": ["complete", "claim", "release", "skip", "save", "abort"]},
    }
    keys = [*at.keys, _segment("task")]
    return {
        f"{at.path}/{step}/{{task}}": {
            "get": _read(f"{at.prefix}task_{step}", at.name, _ref(form), keys),
            "post": _change(f"{at.prefix}complete_{step}", at.name, model, _ref(f"{form}_result"), [*keys, phase]),
            "delete": _change(f"{at.prefix}abort_{step}", at.name, model, None, keys),
        }
    }


def _writable(schema: Schema) -> Schema:
    """What a completion takes: `phase` may want nothing of it, so that nothing is required by the schema itself."""
    fields = {name: one for name, one in schema.get("properties", {}).items() if not one.get("readOnly")}
    return {"type": "object", "properties": fields, **({"description": f"required to complete: {r}"} if (r := _required(schema)) else {})}


def _required(schema: Schema) -> str:
    return ", ".join(schema.get("required", ()))


# -- operations -----------------------------------------------------------------------------------------------------------
def _segment(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}}


def _query(name: str, longest: int) -> Schema:
    return {"name": name, "in": "query", "schema": {"type": "string", "pattern": "^[^/\\u0000]*$", "maxLength": longest}}


def _paging() -> list[Schema]:
    whole = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
    return [
        {"name": "page", "in": "query", "schema": whole},
        {"name": "size", "in": "query", "schema": whole},
        {"name": "sortBy", "in": "query", "schema": TEXT},
        {"name": "sortAsc", "in": "query", "schema": {"type": "boolean"}},
        {"name": "status", "in": "query", "schema": {"type": "string", "enum": ["active", "error", "completed", "aborted"]}},
        {"name": "tags", "in": "query", "schema": {"type": "array", "items": TEXT}},
    ]


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _answers(schema: Schema) -> Schema:
    problem = {"application/json": {"schema": _ref("Problem")}, "application/problem+json": {"schema": _ref("Problem")}}
    failed = {"default": {"description": "an error end of the workflow: its code is the status, its data the body"}}
    return {
        "200": {"description": "done", "content": _json(schema)},
        **{status: {"description": said, "content": problem} for status, said in PROBLEMS.items()},
        "500": {"description": "a step failed; nothing was stored", "content": problem},
        **failed,
    }


def _read(what: str, name: str, schema: Schema, parameters: list[Schema]) -> Schema:
    return {"operationId": f"{name}_{what}", "tags": [name], "parameters": [*parameters, METADATA, *AS], "responses": _answers(schema)}


def _image(what: str, name: str, parameters: list[Schema]) -> Schema:
    found = _read(what, name, {}, parameters)
    found["responses"]["200"] = {"description": "the diagram", "content": {"image/svg+xml": {"schema": {"type": "string"}}}}
    return found


def _change(
    what: str, name: str, schema: Schema, body: Schema | None, parameters: list[Schema], *, asynchronous: bool = True,
    accepted: Schema | None = None, needs_body: bool = True,
) -> Schema:  # fmt: skip
    found = _read(what, name, schema, parameters)
    wanted = [h for h in HEADERS if asynchronous or h == "Idempotency-Key"]
    found["parameters"] += [{"name": h, "in": "header", "schema": HEADERS[h]} for h in wanted if body is not None or h != "Idempotency-Key"]
    if body is not None:
        found["requestBody"] = {"required": needs_body, "content": _json(body)}
    if asynchronous:
        location = {"Location": {"schema": {"type": "string"}, "description": "where the state of the request is asked for"}}
        taken = {"description": "accepted", "headers": location, "content": _json(accepted or _ref("Accepted"))}
        found["responses"]["202"] = taken
        found["callbacks"] = {"outcome": {"{$request.header.X-ATK-Callback}": {"post": _callback(schema)}}}
    return found


def _callback(schema: Schema) -> Schema:
    """What is posted to the address that a caller gave."""
    words = {"type": "string", "enum": ["Active", "Completed", "Aborted", "Failed"]}
    named = ("X-ATK-Delivery", "webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "parameters": [
            {"name": "X-ATK-Status", "in": "header", "required": True, "schema": words},
            *({"name": name, "in": "header", "schema": {"type": "string"}} for name in named),
        ],
        "requestBody": {"content": _json({"anyOf": [schema, {"type": "object"}, {"type": "null"}]})},
        "responses": {
            "2XX": {"description": "taken"},
            "410": {"description": "send no more"},
            "default": {"description": "sent again later"},
        },
    }


def _request() -> Schema:
    found = _read("request", "services", _ref("Request"), [_segment("request")])
    return {**found, "operationId": "request", "tags": ["requests"]}
