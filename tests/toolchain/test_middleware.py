"""Browsers get a content security policy, a session and CSRF checks; API calls with credentials of their own need none of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import override_settings
from django.urls import include, path

from workflow_site.middleware import content_security_policy


def probe(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"session={hasattr(request, 'session')} user={hasattr(request, 'user')}")


urlpatterns = [path("api/probe", probe), path("page", probe), path("", include("workflow_site.urls"))]


@pytest.fixture
def strict() -> Any:
    with override_settings(ROOT_URLCONF=__name__):
        yield Client(enforce_csrf_checks=True)


def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(client: Client) -> None:
    policy = client.get("/healthz").headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_a_view_may_set_a_policy_of_its_own() -> None:
    own = content_security_policy(lambda _: HttpResponse(headers={"Content-Security-Policy": "sandbox"}))
    assert own(RequestFactory().get("/")).headers["Content-Security-Policy"] == "sandbox"


def test_an_authorization_may_lead_back_to_the_clients_site() -> None:
    answer = content_security_policy(lambda _: HttpResponse())
    assert "form-action" not in answer(RequestFactory().get("/o/authorize/")).headers["Content-Security-Policy"]
    assert "form-action" in answer(RequestFactory().get("/")).headers["Content-Security-Policy"]


def test_an_api_call_with_credentials_needs_no_session_and_no_csrf_token(strict: Client) -> None:
    answer = strict.post("/api/probe", headers={"Authorization": "Bearer x"})
    assert (answer.status_code, answer.content) == (200, b"session=False user=False")


def test_an_api_call_without_any_cookie_needs_no_session_either(strict: Client) -> None:
    assert strict.post("/api/probe").content == b"session=False user=False"


@pytest.mark.django_db
def test_a_browser_that_shows_a_page_has_a_session(strict: Client) -> None:
    assert strict.get("/api/probe", headers={"Accept": "text/html,*/*"}).content == b"session=True user=True"


@pytest.mark.django_db
@pytest.mark.parametrize("secure", [False, True])
def test_an_api_call_gets_the_headers_that_every_answer_gets(secure: bool) -> None:
    with override_settings(ROOT_URLCONF=__name__, SECURE_HSTS_SECONDS=60, SECURE_HSTS_PRELOAD=True):
        page, call = (Client().get(path, secure=secure).headers for path in ("/page", "/api/probe"))
    own = {"X-Request-Id", "Vary", "Content-Language", "Content-Length"}
    assert {**call, **dict.fromkeys(own, "")} == {**page, **dict.fromkeys(own, "")}
    assert int(call["Content-Length"]) > 0
    assert ("Strict-Transport-Security" in call) is secure


def test_an_api_call_for_another_site_or_in_the_clear_is_refused(strict: Client) -> None:
    with override_settings(ALLOWED_HOSTS=["testserver"]):
        assert strict.get("/api/probe", headers={"Host": "elsewhere.example"}).status_code == 400
    with override_settings(SECURE_SSL_REDIRECT=True):
        assert Client().get("/api/probe").status_code == 301


def test_an_api_call_by_cookie_needs_the_csrf_token(strict: Client) -> None:
    strict.cookies["sessionid"] = "x"
    assert strict.post("/api/probe").status_code == 403


def test_a_page_needs_the_csrf_token_whatever_header_is_sent(strict: Client) -> None:
    assert strict.post("/page", headers={"Authorization": "Basic x"}).status_code == 403


@pytest.mark.django_db
def test_a_page_has_session_and_user(strict: Client) -> None:
    assert strict.get("/page").content == b"session=True user=True"
