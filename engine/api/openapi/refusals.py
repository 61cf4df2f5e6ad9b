"""What calls are refused with: each status once, with its reason and an example, and which calls it can happen to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from engine.api.errors import PROBLEM
from engine.api.openapi.answers import Schema, ref
from engine.api.router import Route

JSON = "application/json"

_TOKEN: Mapping[str, Any] = {"field": "Authorization"}

# status -> (why, what is said, the members beside it)
_WHY: Mapping[int, tuple[str, str, Mapping[str, Any]]] = {
    400: ("what was sent is wrong; `field` says which part of it", "priority must be a whole number", {"field": "priority"}),
    401: ("there are no credentials, or they are not good (any more)", "the token is unknown, expired or revoked", _TOKEN),
    403: ("the token has not this scope, or the caller not this permission", "this task is not yours", {"field": "task"}),
    404: ("there is no such thing, or none that the caller may see", "There is no task '0198...'.", {"field": "task"}),
    409: ("it is not in the state for this, or somebody else was first", "task Check it is claimed by bob already", {"field": "task"}),
    413: ("the body is larger than allowed", "the body is larger than 10485760 bytes", {"field": "body"}),
    415: ("the body is of another type than this call takes", "the body must be application/json", {"field": "Content-Type"}),
    429: ("more calls a minute than one client may make; `Retry-After` says when to try again", "more than 600 calls a minute", _TOKEN),
}


def name(status: int) -> str:
    """The name of a refusal among the components."""
    return "".join(word.capitalize() for word in HTTPStatus(status).phrase.split())


def components() -> dict[str, Schema]:
    """Every refusal by its name, and what else may go wrong."""
    return {name(status): _refusal(status, *about) for status, about in _WHY.items()} | {
        "Failure": _refusal(500, "a step failed, or something went wrong that is no fault of the call", "the shop does not answer", {})
    }


def _refusal(status: int, why: str, said: str, more: Mapping[str, Any]) -> Schema:
    phrase = HTTPStatus(status).phrase
    example = {"message": phrase, "exception": said, "type": "about:blank", "title": phrase, "status": status, "detail": said, **more}
    media = {"schema": ref("Problem"), "example": example}
    return {"description": why, "content": {JSON: media, PROBLEM: media}}


def of(route: Route, *, body: bool) -> dict[str, Schema]:
    """The refusals that a call can meet; `body` says whether it takes one."""
    found = {str(status): {"$ref": f"#/components/responses/{name(status)}"} for status in sorted(_statuses(route, body))}
    return found | {"5XX": {"$ref": "#/components/responses/Failure"}}


# things that no path names
FOUND_BY_BODY = ("form/form-data", "management/deadletter-jobs", "runtime/process-instances/delete", "PUT runtime/tasks")


def _statuses(route: Route, body: bool) -> Iterator[int]:
    yield from (400, 401, 403, 429)
    if "{" in route.path or route.path in FOUND_BY_BODY or f"{route.method} {route.path}" in FOUND_BY_BODY:
        yield 404
    if route.method != "GET" and not route.path.startswith("query/"):
        yield 409
    if body:
        yield from (413, 415)
