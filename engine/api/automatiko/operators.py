"""The management calls in the OpenAPI document: the same for all workflows."""

from __future__ import annotations

from engine.api.automatiko.described import HEADERS, Schema, content, in_path, read, ref

_MAYBE = {"type": ["string", "null"]}
_WORDS = {"type": "array", "items": {"type": "string"}}
_SHORT: Schema = {
    "id": {"type": "string"}, "compositeId": {"type": "string"}, "businessKey": _MAYBE, "description": _MAYBE, "tags": _WORDS,
    "failed": {"type": "boolean"}, "state": {"type": "integer"}, "processId": {"type": "string"},
}  # fmt: skip
_ERROR: Schema = {
    "type": "object",
    "properties": {"errorId": {"type": "string"}, "failedNodeId": _MAYBE, "errorMessage": _MAYBE, "errorDetails": _MAYBE},
}
SCHEMAS: Schema = {
    "Process": {
        "type": "object", "required": ["id", "version", "activeInstances"],
        "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "version": {"type": "string"}, "description": _MAYBE,
                       "image": {"type": "string"}, "activeInstances": {"type": "integer"}},
    },
    "Instance": {"type": "object", "required": [*_SHORT], "properties": _SHORT},
    "InstanceDetails": {
        "type": "object", "required": [*_SHORT, "variables"],
        "properties": {**_SHORT, "image": {"type": "string"}, "variables": {"type": "object"}, "versionedVariables": _WORDS,
                       "subprocesses": {"type": ["array", "null"], "items": ref("Instance")},
                       "errors": {"type": ["array", "null"], "items": _ERROR}},
    },
    "InstanceError": {
        "type": "object", "required": ["id", "errorId"],
        "properties": {"id": {"type": "string"}, "failedNodeId": _MAYBE, "message": _MAYBE, "errorId": {"type": "string"}},
    },
    "NodeInstance": {
        "type": "object", "required": ["nodeInstanceId", "nodeId"],
        "properties": {"nodeInstanceId": {"type": "string"}, "processInstanceId": {"type": "string"}, "nodeId": {"type": "string"},
                       "nodeName": _MAYBE, "id": {"type": "string"}, "name": {"type": "string"}, "phase": {"type": "string"},
                       "phaseStatus": {"type": "string"}, "parameters": {"type": "object"}, "results": {"type": "object"}},
    },
    "Variables": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
}  # fmt: skip


def _list(name: str) -> Schema:
    return {"type": "array", "items": ref(name)}


_PROCESS, _INSTANCE = in_path("process"), in_path("instance")
_STATUS = {"name": "status", "in": "query", "schema": {"type": "string", "enum": ["active", "completed", "aborted", "error"]}}
_ABORT = {"name": "abort", "in": "query", "schema": {"type": "boolean"}, "description": "end the instance here"}
_PAGES = [{"name": name, "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 999_999_999}} for name in ("page", "size")]
_KEY = {"name": "Idempotency-Key", "in": "header", "schema": HEADERS["Idempotency-Key"]}
_AT = "/management/processes"
_ONE = f"{_AT}/{{process}}/instances/{{instance}}"
_HERE = [_PROCESS, _INSTANCE]


def _look(what: str, schema: Schema, parameters: list[Schema]) -> Schema:
    return read(what, "management", schema, parameters, metadata=False)


def _do(what: str, parameters: list[Schema], summary: str) -> Schema:
    """A change, which answers the variables."""
    found = _look(what, ref("Variables"), [*_HERE, *parameters, _KEY])
    return {**found, "summary": summary}


def _file(what: str, kind: str, parameters: list[Schema]) -> Schema:
    found = _look(what, {}, [*_HERE, *parameters])
    found["responses"]["200"] = {"description": "the file", "content": {kind: {"schema": {"type": "string"}}}}
    return found


def _import() -> Schema:
    found = _look("import", ref("InstanceDetails"), [_PROCESS, _KEY])
    return {**found, "requestBody": {"required": True, "content": content({"type": "object", "description": "what an export answered"})}}


def _abort() -> Schema:
    return {**_look("abort", ref("Variables"), [*_HERE, _STATUS]), "summary": "end an instance"}


def _cancel() -> Schema:
    found = _look("cancel_node", ref("Variables"), [*_HERE, in_path("node_instance")])
    return {**found, "summary": "take away what stands at a node"}


def _restore() -> Schema:
    found = _look("restore", {"type": "array"}, [*_HERE, in_path("name"), in_path("number"), _KEY])
    return {**found, "summary": "give a versioned variable an earlier value"}


PATHS: Schema = {
    _AT: {"get": _look("processes", _list("Process"), [])},
    f"{_AT}/{{process}}/instances": {"get": _look("instances", _list("Instance"), [_PROCESS, _STATUS, *_PAGES]), "post": _import()},
    _ONE: {"get": _look("instance", ref("InstanceDetails"), [*_HERE, _STATUS]), "delete": _abort()},
    f"{_ONE}/image": {"get": _file("image", "image/svg+xml", [_STATUS])},
    f"{_ONE}/export": {"get": _look("export", {"type": "object"}, [*_HERE, _STATUS, _ABORT])},
    f"{_ONE}/archive": {"get": _file("archive", "application/zip", [_ABORT])},
    f"{_ONE}/error": {"get": _look("errors", _list("InstanceError"), _HERE)},
    f"{_ONE}/retrigger": {"post": _do("retrigger", [], "run the failed steps again")},
    f"{_ONE}/retrigger/{{error}}": {"post": _do("retrigger_one", [in_path("error")], "run a failed step again")},
    f"{_ONE}/skip": {"post": _do("skip", [], "go on without the failed steps")},
    f"{_ONE}/skip/{{error}}": {"post": _do("skip_one", [in_path("error")], "go on without a failed step")},
    f"{_ONE}/variables/{{name}}/versions": {"get": _look("versions", {"type": "array"}, [*_HERE, in_path("name")])},
    f"{_ONE}/variables/{{name}}/versions/{{number}}": {"post": _restore()},
    f"{_ONE}/nodeInstances": {"get": _look("nodes", _list("NodeInstance"), _HERE)},
    f"{_ONE}/nodeInstances/{{node_instance}}": {
        "post": _do("repeat_node", [in_path("node_instance")], "let what stands at a node begin again"),
        "delete": _cancel(),
    },
    f"{_ONE}/nodes/{{node}}": {"post": _do("begin_node", [in_path("node")], "let a further branch begin at a node")},
}
