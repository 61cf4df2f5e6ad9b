"""How an operation is described in the OpenAPI document: its parameters, headers, answers, and what is posted to a callback."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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


def ref(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def in_path(name: str) -> Schema:
    """A segment of the path."""
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}}


def in_query(name: str, longest: int) -> Schema:
    """A text as a parameter, without slashes."""
    return {"name": name, "in": "query", "schema": {"type": "string", "pattern": "^[^/\\u0000]*$", "maxLength": longest}}


def paging() -> list[Schema]:
    """How lists are cut, sorted and filtered."""
    whole = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
    return [
        {"name": "page", "in": "query", "schema": whole},
        {"name": "size", "in": "query", "schema": whole},
        {"name": "sortBy", "in": "query", "schema": TEXT},
        {"name": "sortAsc", "in": "query", "schema": {"type": "boolean"}},
        {"name": "status", "in": "query", "schema": {"type": "string", "enum": ["active", "error", "completed", "aborted"]}},
        {"name": "tags", "in": "query", "schema": {"type": "array", "items": TEXT}},
    ]


def content(schema: Schema) -> Schema:
    """A body of JSON."""
    return {"application/json": {"schema": schema}}


def answers(schema: Schema) -> Schema:
    """What may be answered."""
    problem = {"application/json": {"schema": ref("Problem")}, "application/problem+json": {"schema": ref("Problem")}}
    failed = {"default": {"description": "an error end of the workflow: its code is the status, its data the body"}}
    return {
        "200": {"description": "done", "content": content(schema)},
        **{status: {"description": said, "content": problem} for status, said in PROBLEMS.items()},
        "500": {"description": "a step failed; nothing was stored", "content": problem},
        **failed,
    }


def read(what: str, name: str, schema: Schema, parameters: list[Schema], *, metadata: bool = True) -> Schema:
    """A call that changes nothing."""
    own = [*parameters, *([METADATA] if metadata else []), *AS]
    return {"operationId": f"{name}_{what}", "tags": [name], "parameters": own, "responses": answers(schema)}


def image(what: str, name: str, parameters: list[Schema]) -> Schema:
    """A diagram."""
    found = read(what, name, {}, parameters)
    found["responses"]["200"] = {"description": "the diagram", "content": {"image/svg+xml": {"schema": {"type": "string"}}}}
    return found


def change(
    what: str, name: str, schema: Schema, body: Schema | None, parameters: list[Schema], *, asynchronous: bool = True,
    accepted: Schema | None = None, needs_body: bool = True,
) -> Schema:  # fmt: skip
    """A call that changes something; `accepted` is the body of its 202, where it is not just the id."""
    found = read(what, name, schema, parameters)
    wanted = [h for h in HEADERS if asynchronous or h == "Idempotency-Key"]
    found["parameters"] += [{"name": h, "in": "header", "schema": HEADERS[h]} for h in wanted if body is not None or h != "Idempotency-Key"]
    if body is not None:
        found["requestBody"] = {"required": needs_body, "content": content(body)}
    if asynchronous:
        location = {"Location": {"schema": {"type": "string"}, "description": "where the state of the request is asked for"}}
        taken = {"description": "accepted", "headers": location, "content": content(accepted or ref("Accepted"))}
        found["responses"]["202"] = taken
        found["callbacks"] = {"outcome": {"{$request.header.X-ATK-Callback}": {"post": callback(schema)}}}
    return found


def callback(schema: Schema) -> Schema:
    """What is posted to the address that a caller gave."""
    words = {"type": "string", "enum": ["Active", "Completed", "Aborted", "Failed"]}
    named = ("X-ATK-Delivery", "webhook-id", "webhook-timestamp", "webhook-signature")
    return {
        "parameters": [
            {"name": "X-ATK-Status", "in": "header", "required": True, "schema": words},
            *({"name": name, "in": "header", "schema": {"type": "string"}} for name in named),
        ],
        "requestBody": {"content": content({"anyOf": [schema, {"type": "object"}, {"type": "null"}]})},
        "responses": {
            "2XX": {"description": "taken"},
            "410": {"description": "send no more"},
            "default": {"description": "sent again later"},
        },
    }
