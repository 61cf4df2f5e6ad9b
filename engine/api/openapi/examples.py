"""Examples of what is answered, made from the shapes: by the name of a member where it is known, else by its kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.api.openapi import answers

ID, OTHER = "0198c1f0-5c1e-7a52-9d0e-3f6a1c2b4d5e", "0198c1f0-6b2f-7c63-8e1f-4a7b2d3c5e6f"
DEFINITION, BASE = f"order:1:{OTHER}", "https://towpath.example.org/api"
TIME = "2030-01-31T12:00:00.000Z"

_NAMES: Mapping[str, Any] = {
    "id": ID, "url": f"{BASE}/...", "key": "order", "name": "customer", "version": 1, "tenantId": "", "category": "office",
    "processDefinitionId": DEFINITION, "processDefinitionName": "The order", "deploymentId": OTHER, "resource": f"{BASE}/...",
    "mediaType": "text/xml", "type": "string", "value": "Alice", "scope": "local", "businessKey": "2030-0001", "startUserId": "alice",
    "assignee": "alice", "owner": "bob", "author": "alice", "userId": "alice", "user": "alice", "group": "kitchen", "groupId": "kitchen",
    "activityId": "check", "activityName": "Check it", "activityType": "userTask", "taskDefinitionKey": "check", "elementId": "store",
    "elementName": "Store it", "handlerType": "async-continuation", "priority": 50, "retries": 3, "durationInMillis": 1500,
    "message": "Called back, will pay.", "action": "AddComment", "eventType": "signal", "eventName": "alert", "firstName": "Alice",
    "lastName": "Baker", "email": "alice@example.org", "description": "What is to be checked", "deleteReason": "withdrawn",
    "exceptionMessage": "The shop does not answer", "lockOwner": "worker-1",
}  # fmt: skip
_OF_SHAPE: Mapping[tuple[str, str], Any] = {
    ("Task", "name"): "Check it", ("HistoricTask", "name"): "Check it", ("ProcessDefinition", "name"): "The order",
    ("ProcessInstance", "name"): "Alice's order", ("HistoricProcessInstance", "name"): "Alice's order", ("Deployment", "name"): "order",
    ("Resource", "id"): "order.bpmn20.xml", ("User", "id"): "alice", ("Group", "id"): "kitchen", ("Group", "name"): "The kitchen",
    ("IdentityLink", "type"): "candidate", ("HistoricIdentityLink", "type"): "candidate", ("Engine", "name"): "towpath",
    ("Engine", "version"): "1.0", ("Attachment", "name"): "Contract", ("Attachment", "type"): "application/pdf",
    ("TaskEvent", "message"): ["Called back, will pay."], ("Group", "type"): "assignment", ("Resource", "type"): "processDefinition",
}  # fmt: skip
_KINDS: Mapping[str, Any] = {"text": "...", "time": TIME, "number": 0, "flag": False, "any": "Alice", "object": {}}
FILES: Mapping[str, Any] = {"text/plain": "Traceback (most recent call last): ...", "image/svg+xml": "<svg ...></svg>"}


def of_shape(name: str) -> dict[str, Any]:
    """An example of a shape, or of a page of it."""
    if name.endswith("Page"):
        inner = of_shape(name.removesuffix("Page"))
        return {"data": [inner], "total": 1, "start": 0, "sort": "id", "order": "asc", "size": 1}
    pairs = (one.partition(":") for one in answers.SHAPES[name].split())
    return {member: _member(name, member, kind) for member, _, kind in pairs}


def _member(shape: str, name: str, kind: str) -> Any:
    if (shape, name) in _OF_SHAPE:
        return _OF_SHAPE[shape, name]
    if kind.startswith("["):
        return [_of_kind(kind[1:-1])]
    plain = kind.removesuffix("?")
    if name in _NAMES and plain in ("text", "number", "any"):
        return _NAMES[name]
    if name.endswith("Url"):
        return f"{BASE}/..."
    return OTHER if name.endswith("Id") and plain == "text" else _of_kind(plain)


def _of_kind(kind: str) -> Any:
    return _KINDS[kind] if kind in _KINDS else of_shape(kind)


def of_schema(schema: Mapping[str, Any]) -> Any:
    """An example of an answer with this schema: a shape, or a list of one."""
    if schema.get("type") == "array":
        return [of_schema(schema["items"])]
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return of_shape(name) if name else _KINDS["text" if schema.get("type") == "string" else "object"]


# -- what an id in a path looks like --------------------------------------------------------------------------------------
IDS: Mapping[str, str] = {
    "definition": DEFINITION, "name": "customer", "family": "users", "kind": "candidate", "group": "kitchen",
}  # fmt: skip


def of_id(word: str) -> str:
    return IDS.get(word, ID)
