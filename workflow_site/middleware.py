"""The site's middleware: an id for each call, a content security policy, and a short way for clients of the APIs.

A client that brings `Authorization`, or no cookie at all, needs no session, language, message or CSRF check: without a session nobody is
logged in by one. Its call passes all that by; the headers that Django's middleware gives every answer it gets all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware

from engine import tracing

API_PATHS = ("/api/", "/services/", "/external-job-api/")

POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
POLICY_HEADER = "; ".join(" ".join(pair) for pair in POLICY.items())
# An OAuth2 authorization is a form whose answer redirects to the client's site.
POLICY_OF_AUTHORIZATION = "; ".join(" ".join(pair) for pair in POLICY.items() if pair[0] != "form-action")

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def content_security_policy(get_response: GetResponse) -> GetResponse:
    """Only scripts and styles from this site, none inline; a view that needs another policy sets the header itself."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        policy = POLICY_OF_AUTHORIZATION if request.path.startswith("/o/") else POLICY_HEADER
        response.headers.setdefault("Content-Security-Policy", policy)
        return response

    return middleware


def request_id(get_response: GetResponse) -> GetResponse:
    """Each call has an id, the client's own or one of ours: it stands in the answer and in what is logged meanwhile."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        request.request_id = key = tracing.chosen(request.META.get("HTTP_X_REQUEST_ID", ""))  # type: ignore[attr-defined]
        with tracing.call(key):
            response = get_response(request)
        response.headers["X-Request-Id"] = key
        return response

    return middleware


# -- the short way --------------------------------------------------------------------------------------------------------
def calls_api(request: HttpRequest) -> bool:
    """Whether this is a call to an API that neither needs a session nor can have one: not of a browser that shows a page."""
    said = request.META
    return request.path.startswith(API_PATHS) and (
        "HTTP_AUTHORIZATION" in said or not (said.get("HTTP_COOKIE") or "text/html" in said.get("HTTP_ACCEPT", ""))
    )


class ShortWay:
    """Behind what every call passes: takes calls of the APIs straight to their views."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response, self.view = get_response, _Innermost.last
        self.redirect = SecurityMiddleware(get_response).process_request
        self.headers = {secure: _headers(secure) for secure in (False, True)}

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not calls_api(request):
            return self.get_response(request)
        _ = request._current_scheme_host  # type: ignore[attr-defined]  # refuses a call for another site, and is asked for again
        request.csrf_processing_done = True  # type: ignore[attr-defined]
        response = self.redirect(request) or self.view(request)
        if isinstance(response, HttpResponse):
            response.headers.setdefault("Content-Length", str(len(response.content)))
        sent = response.headers._store  # past the check of each, which they passed when they were asked for
        for key, header in self.headers[request.is_secure()].items():
            sent.setdefault(key, header)
        return response


def innermost(get_response: GetResponse) -> GetResponse:
    """The last of the list, which Django makes first: tells the short way where it leads."""
    _Innermost.last = staticmethod(get_response)
    return get_response


class _Innermost:
    """Where the chain that Django is making ends."""

    last: GetResponse


def _headers(secure: bool) -> Mapping[str, tuple[str, str]]:
    """What Django's middleware and ours give every answer, asked from them once: the name in small letters, name and value."""
    request = HttpRequest()
    request.META = {"SERVER_NAME": "", "SERVER_PORT": "443" if secure else "80"}
    request._get_scheme = lambda: "https" if secure else "http"  # type: ignore[attr-defined]
    response = HttpResponse()
    SecurityMiddleware(lambda _: response).process_response(request, response)
    XFrameOptionsMiddleware(lambda _: response).process_response(request, response)
    content_security_policy(lambda _: response)(request)
    del response.headers["Content-Type"]
    return {name.lower(): (name, value) for name, value in response.headers.items()}
