"""OpenAPI 3.1 of the service API, made from what is deployed: each workflow with its data model and the forms of its tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        graph = definitions.graph(definition)
        name = _named(definition)
        tags.append({"name": name, "description": definition.description or definition.name or definition.key})
        schemas |= _models(definition, name) | _forms(definition, graph, name)
        paths |= _paths(definition, graph, name)
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
def _paths(definition: Definition, graph: Graph, name: str) -> Schema:
    base, model = naming.path(definition), _ref(name)
    rows = {"type": "array", "items": model}
    one, key = f"{base}/{{id}}", _segment("id")
    made: Schema = {
        base: {
            "get": _read("list", name, rows, _paging()),
            "post": _change("start", name, model, _ref(f"{name}_start"), [_query("businessKey", 255)], accepted=model, needs_body=False),
        },
        one: {
            "get": _read("get", name, model, [key]),
            "post": _change("update", name, model, _ref(f"{name}_update"), [key]),
            "delete": _change("abort", name, model, None, [key]),
        },
        f"{one}/tasks": {"get": _read("tasks", name, {"type": "array", "items": _ref("Task")}, [key])},
        f"{one}/tags": {
            "get": _read("tags", name, {"type": "array", "items": _ref("Tag")}, [key]),
            "post": _change("add_tag", name, {"type": "array", "items": _ref("Tag")}, ADDED, [key], asynchronous=False),
        },
        f"{one}/tags/{{tag}}": {
            "delete": _change("remove_tag", name, {"type": "array", "items": _ref("Tag")}, None, [key, _segment("tag")], asynchronous=False)
        },
        f"{one}/image": {"get": _image("image_of", name, [key])},
        f"{base}/image": {"get": _image("image", name, [])},
    }
    for node in graph.nodes.values():
        if node.type == "userTask":
            made |= _task(node, name, one, key)
    for event in sorted(extras.events(graph)):
        made[f"{one}/{event}"] = {"post": _change(f"signal_{event}", name, model, {}, [key], needs_body=False)}
    return made


ADDED: Schema = {"type": "object", "properties": {"value": {"type": "string", "maxLength": 255}}}


def _task(node: Node, name: str, one: str, key: Schema) -> Schema:
    """A user task: read it, complete it (or what `phase` says), give it up."""
    step, form = naming.of_node(node), _form_of(name, node)
    phase = {"name": "phase", "in": "query", "schema": {"type": "string", "enum": ["complete", "claim", "release", "skip", "save"]}}
    both = [key, _segment("task")]
    return {
        f"{one}/{step}/{{task}}": {
            "get": _read(f"task_{step}", name, _ref(form), both),
            "post": _change(f"complete_{step}", name, _ref(name), _ref(f"{form}_result"), [*both, phase]),
            "delete": _change(f"abort_{step}", name, _ref(name), None, both),
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
