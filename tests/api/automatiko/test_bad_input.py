"""Bad input is answered with a problem that names the field, and nothing is stored."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from engine.api.automatiko import throttle
from engine.errors import BadInput
from engine.models import Instance, Job, Request
from engine.runtime import datamodel
from tests.api.automatiko.conftest import Services

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]
ASYNC = {"X_ATK_Mode": "async"}


@pytest.fixture(autouse=True)
def _nothing_stored(workflows: None) -> Any:
    yield
    assert (Instance.objects.count(), Job.objects.count(), Request.objects.count()) == (0, 0, 0)


@pytest.fixture(autouse=True)
def _names_are_asked_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no name but this machine's own: what some network says of others, and how soon, is not what is tested."""
    ask = socket.getaddrinfo

    def asked(host: str, *about: Any, flags: int = 0, **more: Any) -> Any:
        own = host.lower().rstrip(".") == "localhost"
        return ask(host, *about, flags=flags if own else flags | socket.AI_NUMERICHOST, **more)

    monkeypatch.setattr(socket, "getaddrinfo", asked)


@pytest.mark.parametrize(
    "url",
    [
        "not a url", "", "file:///etc/passwd", "ftp://example.org/", "http://user:secret@example.org/", "http://10.0.0.1/", "http:///x",
        "http://127.0.0.1/", "http://[::ffff:10.0.0.1]/", "http://[::1]/", "http://169.254.169.254/latest", "http://2130706433/",
        "http://0x7f.1/", "http://example.org:99999/", "http://exa\\mple.org/", "http://8.8.8.8/#x", "http://8.8.8.8/" + "x" * 3000,
        "javascript:alert(1)", "//8.8.8.8/", "http:8.8.8.8", "http:////8.8.8.8/", "https://", "http://8.8.8.8:0/", "http://8.8.8.8:80:80/",
        "http://8.8.8.8/a b", "http://8.8.8.8@127.0.0.1/", "http://127.0.0.1%2f@8.8.8.8/", "http://@8.8.8.8/",
    ],
)  # fmt: skip
def test_a_callback_may_not_lead_astray(trusted: Services, url: str) -> None:
    found = trusted.post("scripts", {"name": "john"}, 400, **ASYNC, X_ATK_Callback=url)
    assert (found["field"], found["title"]) == ("X-ATK-Callback", "Bad Request")
    assert "secret" not in str(found)


HOSTS = [
    "0177.0.0.1", "017700000001", "0x7f000001", "127.1", "127.0.0.1.", "0", "0.0.0.00", "192.168.257", "0300.0250.1.1", "localhost",
    "LocalHost.", "①②⑦.0.0.1", "127。0。0。1", "xn--", "[::]", "[::127.0.0.1]", "[0:0:0:0:0:ffff:a00:1]", "[::ffff:0:127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::169.254.169.254]", "[64:ff9b:1::a00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]", "[fe80::1]",
    "[fe80::1%25eth0]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[2001:db8::1]", "[3fff::1]", "[5f00::1]", "[100::1]",
    "169.254.169.254.", "[::ffff:169.254.169.254]", "100.100.100.200", "100.64.0.1", "192.0.0.192", "192.88.99.1", "198.18.0.1",
    "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "172.31.255.255", "a..b", "-a.example", "a b", "8.8.8.8%00.example",
]  # fmt: skip


def test_no_way_to_write_a_private_address_gets_by(trusted: Services) -> None:
    for host in HOSTS:
        found = trusted.post("scripts", {"name": "john"}, 400, **ASYNC, X_ATK_Callback=f"http://{host}/")
        assert found["field"] == "X-ATK-Callback", host


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "64:ff9b::a00:1", "fd00::1"])
def test_a_name_that_leads_to_a_private_address_is_refused(trusted: Services, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where only one of its addresses is private."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 80)) for one in ("8.8.8.8", address)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    refused = trusted.post("scripts", {"name": "john"}, 400, **ASYNC, X_ATK_Callback="http://hooks.example.com/")
    assert "private" in refused["detail"]


@pytest.mark.parametrize(
    "value", ["http://8.8.8.8/\r\nX-Evil: 1", "http://8.8.8.8/\nHost: x", "http://8.8.8.8/\0", "http://8.8.8.8/\t", "http://x\u202e.org/"]
)
def test_a_header_cannot_be_smuggled_into_a_callback(trusted: Services, value: str) -> None:
    """A web server takes no such header; where one did, the address is refused."""
    answer = trusted.http.post(
        "/services/scripts", b'{"name": "john"}', content_type="application/json", HTTP_X_ATK_MODE="async", HTTP_X_ATK_CALLBACK=value
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "X-ATK-Callback")


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
        (b'{"name": "\\u0000"}', "body"), (b'{"name": "\\ud800"}', "body"), (b"\xff\xfe", "body"), (b'"text"', "body"),
        (b'{"name": ["a"]}', "name"), (b'{"name": 1e400}', "name"), (b'{"a": ' * 60 + b"1" + b"}" * 60, "body"),
        (b'{"x": ' + b"[" * 200 + b"]" * 200 + b"}", "body"), (b'{"name": NaN}', "body"),
    ],
)  # fmt: skip
def test_a_body_is_read_strictly(trusted: Services, body: bytes, field: str) -> None:
    found = trusted.send("POST", "scripts", body, 400)
    assert found.get("field", "body") == field
    assert found["detail"]


def test_a_business_key_with_a_slash_is_refused(trusted: Services) -> None:
    assert trusted.post("scripts?businessKey=a%2Fb", {}, 400)["field"] == "businessKey"
    assert trusted.post("scripts?businessKey=image", {}, 400)["field"] == "businessKey"
    for key in ("openapi.json", "x" * 300, "%00", "..%2F..%2Fadmin", ".", ".."):
        assert trusted.post(f"scripts?businessKey={key}", {}, 400)["field"] == "businessKey"


@pytest.mark.parametrize(
    ("sent", "field"),
    [({"millis": "seven"}, "millis"), ({"millis": 2**40}, "millis"), ({"millis": True}, "millis"), ({"done": "x"}, "done")],
)
@pytest.mark.parametrize("more", [{}, ASYNC])
def test_a_value_that_is_not_of_its_type_is_told_by_its_name(trusted: Services, sent: Any, field: str, more: dict[str, str]) -> None:
    found = trusted.post("slow", sent, 400, **more)
    assert (found["field"], found["title"]) == (field, "Bad Request")


@pytest.mark.parametrize(
    ("method", "headers", "status", "field"),
    [
        ("PUT", {}, 405, "method"), ("PATCH", {}, 405, "method"), ("DELETE", {}, 405, "method"),
        ("POST", {"Content_Type": "text/plain"}, 415, "Content-Type"),
        ("POST", {"Accept": "application/xml"}, 406, "Accept"),
        ("POST", {"Accept": "application/json; q=0.0, text/csv"}, 406, "Accept"),
    ],
)  # fmt: skip
def test_what_http_forbids_has_its_own_status(trusted: Services, method: str, headers: dict[str, str], status: int, field: str) -> None:
    answer = trusted.call(method, "scripts", b'{"name": "john"}', **headers)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer["Content-Type"] == "application/problem+json"


def test_unknown_addresses_and_pages_are_refused(trusted: Services) -> None:
    for path in ("nothing", "nothing/1", "scripts/x/what/y", "v9/scripts", "requests/1", "management/what", ""):
        trusted.get(path, 404)
    assert trusted.get("scripts?page=x", 400)["field"] == "page"
    trusted.get("scripts?size=-1", 400)


def test_a_wrong_method_is_told_of_an_instance_that_is_not_there_too(trusted: Services) -> None:
    for method in ("PUT", "PATCH"):
        answer = trusted.call(method, "scripts/nope", {})
        assert (answer.status_code, answer["Allow"]) == (405, "DELETE, GET, POST")


@pytest.mark.parametrize("path", ["scripts/a%0Ab", "scripts/x/approval/%0A", "scripts%0A", "%0A", "management/processes/a%0A/instances/b"])
def test_a_line_break_in_an_address_is_answered_as_everything_else(trusted: Services, path: str) -> None:
    answer = trusted.call("GET", path)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)


def test_a_client_that_calls_too_often_has_to_wait(trusted: Services, settings: Any) -> None:

    settings.ENGINE_SERVICES_RATE = 3
    throttle.calls.forget()
    answers = [trusted.call("GET", "scripts") for _ in range(4)]
    throttle.calls.forget()
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert int(answers[3]["Retry-After"]) >= 1


def test_too_much_is_not_read(trusted: Services, settings: Any) -> None:
    settings.ENGINE_MAX_BODY = 1000
    assert trusted.send("POST", "scripts", b'{"name": "' + b"x" * 2000 + b'"}', 413)["status"] == 413
    settings.ENGINE_MAX_BODY, settings.ENGINE_MAX_VARIABLE_SIZE = 100_000, 1000
    assert trusted.send("POST", "scripts", b'{"name": "' + b"x" * 2000 + b'"}', 400)["field"] == "name"


@pytest.mark.parametrize(
    "path", ["scripts/a%00b", "scripts/%2e%2e/x", "%2e%2e/%2e%2e", "scripts//tasks", "scripts/x/approval/" + "y" * 3000]
)
def test_addresses_that_mean_nothing_are_no_faults(trusted: Services, path: str) -> None:
    assert trusted.call("GET", path).status_code in (400, 404)


@pytest.mark.parametrize("kind", ["string", "integer", "long", "double", "json", "boolean"])
def test_a_number_that_no_json_can_hold_is_refused_by_every_type(kind: str) -> None:
    with pytest.raises(BadInput):
        datamodel.taken(kind, float("inf"), "x")
