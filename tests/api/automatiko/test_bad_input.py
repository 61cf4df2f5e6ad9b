"""Bad input is answered with a problem that names the field, and nothing is stored."""

from __future__ import annotations

from typing import Any

import pytest

from engine.api.automatiko import throttle
from engine.models import Instance, Job, Request
from tests.api.automatiko.conftest import Services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
ASYNC = {"X_ATK_Mode": "async"}


@pytest.fixture(autouse=True)
def _nothing_stored(workflows: None) -> Any:
    yield
    assert (Instance.objects.count(), Job.objects.count(), Request.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize(
    "url",
    [
        "not a url", "", "file:///etc/passwd", "ftp://example.org/", "http://user:secret@example.org/", "http://10.0.0.1/", "http:///x",
        "http://127.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://[::1]/", "http://169.254.169.254/latest", "http://2130706433/",
        "http://0x7f.1/", "http://example.org:99999/", "http://exa\\mple.org/", "http://8.8.8.8/#x", "http://8.8.8.8/" + "x" * 3000,
    ],
)  # fmt: skip
def test_a_callback_may_not_lead_astray(trusted: Services, url: str) -> None:
    found = trusted.post("scripts", {"name": "john"}, 400, **ASYNC, X_ATK_Callback=url)
    assert (found["field"], found["title"]) == ("X-ATK-Callback", "Bad Request")
    assert "secret" not in str(found)


def test_a_callback_goes_only_to_listed_receivers_where_some_are_listed(trusted: Services, settings: Any) -> None:
    settings.ENGINE_CALLBACK_TARGETS = "https://*.example.com/hooks/"
    trusted.post("scripts", {}, 400, **ASYNC, X_ATK_Callback="https://8.8.8.8/hooks/")
    trusted.post("scripts", {}, 400, **ASYNC, X_ATK_Callback="https://a.example.com/other")


def test_an_unknown_mode_is_told(trusted: Services) -> None:
    assert trusted.post("scripts", {"name": "john"}, 400, X_ATK_Mode="later")["field"] == "X-ATK-Mode"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"name": ', "body"), (b"[1]", "body"), (b'{"name": "a", "name": "b"}', "name"), (b'{"name": {"a": 1}}', "name"),
        (b'{"name": "\\u0000"}', None), (b'{"x": ' + b"[" * 200 + b"]" * 200 + b"}", None), (b'{"name": NaN}', "body"),
    ],
)  # fmt: skip
def test_a_body_is_read_strictly(trusted: Services, body: bytes, field: str | None) -> None:
    found = trusted.send("POST", "scripts", body, 400)
    assert found.get("field") == field
    assert found["detail"]


def test_a_business_key_with_a_slash_is_refused(trusted: Services) -> None:
    assert trusted.post("scripts?businessKey=a%2Fb", {}, 400)["field"] == "businessKey"
    assert trusted.post("scripts?businessKey=image", {}, 400)["field"] == "businessKey"
    trusted.post(f"scripts?businessKey={'x' * 300}", {}, 400)


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("PUT", {}, 405), ("PATCH", {}, 405), ("DELETE", {}, 405), ("POST", {"Content_Type": "text/plain"}, 415),
        ("POST", {"Accept": "application/xml"}, 406),
    ],
)  # fmt: skip
def test_what_http_forbids_has_its_own_status(trusted: Services, method: str, headers: dict[str, str], status: int) -> None:
    answer = trusted.call(method, "scripts", b'{"name": "john"}', **headers)
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"


def test_unknown_addresses_and_pages_are_refused(trusted: Services) -> None:
    for path in ("nothing", "nothing/1", "scripts/x/what/y", "v9/scripts", "requests/1", "management/what", ""):
        trusted.get(path, 404)
    assert trusted.get("scripts?page=x", 400)["field"] == "page"
    trusted.get("scripts?size=-1", 400)


def test_a_client_that_calls_too_often_has_to_wait(trusted: Services, settings: Any) -> None:

    settings.ENGINE_SERVICES_RATE = 3
    throttle.calls.forget()
    answers = [trusted.call("GET", "scripts") for _ in range(4)]
    throttle.calls.forget()
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert int(answers[3]["Retry-After"]) >= 1
