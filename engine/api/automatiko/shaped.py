"""Errors as Automatiko's clients know them, `message` and what belongs to it, with the members of RFC 9457 beside."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse

from engine import errors
from engine.api.errors import PROBLEM, Refused, headers_of, is_expected, status_of, text_of
from engine.api.headers import header
from engine.runtime.datamodel import Violated
from engine.runtime.operations import Unauthorized
from engine.runtime.store.history import failing
from engine.runtime.store.instances import Taken

log = logging.getLogger("towpath.services")


class NoInstance(errors.NotFound):
    """There is no running instance of this id, or not in this workflow."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Process instance with id {key} not found")
        self.key = key


class NoNode(errors.NotFound):
    """There is no such node to begin at."""

    def __init__(self, node: str, instance: object) -> None:
        super().__init__(f"Node with id {node} not found within process instance {instance}")
        self.node, self.instance = node, str(instance)


class NoNodeInstance(errors.NotFound):
    """Nothing stands at a node under this id."""

    def __init__(self, key: str, instance: object) -> None:
        super().__init__(f"Node instance with id {key} not found within process instance {instance}")
        self.key, self.instance = key, str(instance)


class NoVariable(errors.NotFound):
    """A variable has no versions, or not this one."""

    def __init__(self, name: str, instance: object) -> None:
        super().__init__(f"Variable '{name}' in process instance '{instance}' has no such version")
        self.name, self.instance = name, str(instance)


class Nothing(errors.NotFound):
    """There is no such address."""

    def __init__(self) -> None:
        super().__init__("HTTP 404 Not Found")


class Denied(errors.Forbidden):
    """The instance is not the caller's."""

    def __init__(self, instance: object) -> None:
        super().__init__(f"Access is denied to access instance {instance}")


class Failed(Exception):
    """A step failed, in which node; everything was rolled back."""

    def __init__(self, error: Exception, instance: object) -> None:
        super().__init__(str(error) or type(error).__name__)
        self.instance, self.node = str(instance), failing(getattr(error, "journal", ()))


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to a call that failed with this error."""
    status = 500 if isinstance(error, Failed) else int(status_of(error))
    expected = isinstance(error, Failed) or is_expected(error)
    if not expected:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
    message = str(error) if expected else text_of(error)
    own = _own(error)
    title = "Step failed" if isinstance(error, Failed) else status_of(error).phrase
    body = {"message": message, **(own or {}), "type": "about:blank", "title": title, "status": status, "detail": message, **_more(error)}
    plain = own is not None and PROBLEM not in (header(request, "Accept") or "")
    kind = "application/json" if plain else PROBLEM
    return HttpResponse(json.dumps(body, ensure_ascii=False), status=status, content_type=kind, headers=headers_of(error))


def _own(error: Exception) -> Mapping[str, Any] | None:
    """What Automatiko says beside the message; None for an error that it answers with another status or nothing."""
    match error:
        case Failed():
            return {"id": error.instance, "failedNodeId": error.node}
        case Violated():
            return {"processInstanceId": str(error.instance), "variable": error.variable}
        case Taken():
            return {"processInstanceId": error.key}
        case NoInstance():
            return {"processInstanceId": error.key}
        case NoNode():
            return {"processInstanceId": error.instance, "nodeId": error.node}
        case NoNodeInstance():
            return {"processInstanceId": error.instance, "nodeInstanceId": error.key}
        case NoVariable():
            return {"processInstanceId": error.instance, "variable": error.name}
        case Nothing() | Denied() | Unauthorized() | errors.NotFound() | errors.Forbidden():
            return {}
        case errors.BadInput(field="phase"):
            return {}
    return None


# What is at fault where HTTP itself refuses.
_AT_FAULT: Mapping[int, str] = {
    401: "Authorization", 403: "Authorization", 405: "method", 406: "Accept", 409: "Idempotency-Key", 413: "body", 415: "Content-Type",
    422: "Idempotency-Key", 429: "Authorization",
}  # fmt: skip


def _more(error: Exception) -> Mapping[str, Any]:
    """Where the fault is, for problem documents."""
    match error:
        case errors.FormError():
            return {"field": error.field, "errors": error.errors}
        case errors.BadInput() if error.field:
            return {"field": error.field}
        case Taken():
            return {"field": "businessKey"}
        case Refused() if error.status in _AT_FAULT:
            return {"field": error.field or _AT_FAULT[error.status]}
    return {}
