"""The site's middleware: a content security policy, and Django's own for browsers, which API clients with a token skip.

A call to an API that brings `Authorization` needs no session, language, message or CSRF check; since it also gets no session,
nobody is logged in by cookie there and skipping the CSRF check is safe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.middleware.locale import LocaleMiddleware
from django_htmx.middleware import HtmxMiddleware

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


def calls_api(request: HttpRequest) -> bool:
    """Whether this is a call to an API by a client that brings credentials with it."""
    return "HTTP_AUTHORIZATION" in request.META and request.path.startswith(API_PATHS)


class _BrowserOnly:
    """Mixed in before a middleware of Django's: API calls pass it by."""

    get_response: GetResponse

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request) if calls_api(request) else super().__call__(request)  # type: ignore[misc]


class Session(_BrowserOnly, SessionMiddleware):
    pass


class Locale(_BrowserOnly, LocaleMiddleware):
    pass


class Authentication(_BrowserOnly, AuthenticationMiddleware):
    pass


class Message(_BrowserOnly, MessageMiddleware):
    pass


class Htmx(_BrowserOnly, HtmxMiddleware):
    pass


class Csrf(_BrowserOnly, CsrfViewMiddleware):
    def process_view(self, request: HttpRequest, *view: Any) -> Any:
        return None if calls_api(request) else super().process_view(request, *view)
