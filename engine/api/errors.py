"""The only place where errors become HTTP: a status, and a body in Flowable's shape with the members of RFC 9457 beside it.

A client never sees a traceback. What nobody expected is logged with one, and answered with a text that says nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import BadRequest, RequestDataTooBig, SuspiciousOperation, TooManyFieldsSent, TooManyFilesSent
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError

from engine import errors, tracing
from engine.api.headers import header
from engine.runtime.attempts import is_interruption

log = logging.getLogger("towpath.api")

PROBLEM = "application/problem+json"
AWAY = "The database cannot be asked at this moment; try again."
UNEXPECTED = "Something went wrong here that should not have; it was logged."


class Refused(Exception):
    """A call is turned away for reasons of HTTP: no credentials, wrong method, wrong content type, too large, too often."""

    field: str | None = None  # what is at fault, where the status does not say it

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def impossible(method: str, possible: Iterable[str]) -> Refused:
    """The refusal (405) of a method at an address that takes others."""
    return Refused(HTTPStatus.METHOD_NOT_ALLOWED, f"{method} is not possible here", Allow=", ".join(sorted(possible)))


# The first class that fits gives the status; the order goes from special to general.
STATUSES: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (errors.BadInput, HTTPStatus.BAD_REQUEST),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Forbidden, HTTPStatus.FORBIDDEN),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.RevisionConflict, HTTPStatus.CONFLICT),
    (errors.BpmnError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (errors.TechnicalError, HTTPStatus.INTERNAL_SERVER_ERROR),
    (RequestDataTooBig, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (UnreadablePostError, HTTPStatus.BAD_REQUEST),
    (MultiPartParserError, HTTPStatus.BAD_REQUEST),
    (TooManyFieldsSent, HTTPStatus.BAD_REQUEST),
    (TooManyFilesSent, HTTPStatus.BAD_REQUEST),
    (SuspiciousOperation, HTTPStatus.BAD_REQUEST),
    (BadRequest, HTTPStatus.BAD_REQUEST),
)


def status_of(error: Exception) -> HTTPStatus:
    """The HTTP status that an error of the tree stands for."""
    if isinstance(error, Refused):
        return error.status
    if is_interruption(error):
        return HTTPStatus.SERVICE_UNAVAILABLE
    return next((status for kind, status in STATUSES if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


def is_expected(error: Exception) -> bool:
    """Whether an error is one of those that callers may be told of."""
    return isinstance(error, Refused) or any(isinstance(error, kind) for kind, _ in STATUSES)


def answer(request: HttpRequest, error: Exception) -> HttpResponse:
    """The answer to a call that failed with this error."""
    status = status_of(error)
    expected = is_expected(error)
    if not expected:
        log.error("%s %s failed, request %s", request.method, request.path, tracing.current(), exc_info=error)
    detail = text_of(error)
    body = {
        "message": status.phrase,
        "exception": detail,
        "type": "about:blank",
        "title": status.phrase,
        "status": int(status),
        "detail": detail,
        **_more(error),
    }
    return HttpResponse(json.dumps(body), status=status, content_type=_content_type(request), headers=headers_of(error))


def text_of(error: Exception) -> str:
    """What a caller is told of an error."""
    if is_expected(error):
        return str(error)
    return AWAY if is_interruption(error) else UNEXPECTED


def headers_of(error: Exception) -> dict[str, str]:
    """The headers of its answer: a database that restarts is back soon."""
    if isinstance(error, Refused):
        return error.headers
    return {"Retry-After": "1"} if is_interruption(error) else {}


def _content_type(request: HttpRequest) -> str:
    """Flowable's clients expect plain JSON; who asks for problem details gets their name."""
    return PROBLEM if PROBLEM in (header(request, "Accept") or "") else "application/json"


def locate(error: errors.EngineError, given: Sequence[tuple[str, object]]) -> None:
    """Note at an error that names nothing which of the things given is at fault: the one whose value it tells of, else the last."""
    if getattr(error, "field", None) is None and given:
        told = str(error)
        vars(error)["field"] = next((name for name, value in given if any(one in told for one in _texts(value))), given[-1][0])


def _texts(value: object) -> list[str]:
    """The texts that a value is, or a list has, long enough to be recognized."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str) and len(one) > 2]


# What is at fault where it is no member, no parameter and no id.
_AT_FAULT: Mapping[HTTPStatus, str] = {
    HTTPStatus.UNAUTHORIZED: "Authorization",
    HTTPStatus.FORBIDDEN: "Authorization",
    HTTPStatus.NOT_FOUND: "path",
    HTTPStatus.METHOD_NOT_ALLOWED: "method",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "Content-Type",
    HTTPStatus.TOO_MANY_REQUESTS: "Authorization",
}


def _more(error: Exception) -> Mapping[str, Any]:
    """What an error knows beyond its text: the field at fault, the messages of a form, the problems of a model."""
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return {}
    field = {"field": getattr(error, "field", None) or _AT_FAULT.get(status, "body")}
    match error:
        case errors.FormError():
            return {**field, "errors": error.errors}
        case errors.DeploymentError():
            return {**field, "problems": [_problem(p) for p in error.problems]}
    return field


def _problem(problem: errors.Problem) -> dict[str, Any]:
    return {"message": problem.message, "element": problem.element, "line": problem.line, "file": problem.file}
