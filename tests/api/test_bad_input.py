"""What nobody should send, to every call that could take it: it is refused with a status that says so, and the field at fault is named.

What is tried comes from the tables of the API itself: its calls, the filters of its lists, the members of its bodies.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.test import Client

from engine.api.openapi import bodies
from engine.api.openapi.document import LISTS, listed
from engine.api.router import Route
from engine.errors import BadInput
from engine.runtime.queries import Listing
from tests.api.conftest import Api
from tests.api.world import ALL, JSON, address, body, build, named

pytestmark = pytest.mark.django_db

MEGA = 1024 * 1024
FILES = {"POST repository/deployments"}  # takes a file and nothing else
SENDING = [(base, route) for base, route in ALL if route.method in ("POST", "PUT") and named(route) not in FILES]
TAKES_NOTHING = {"POST runtime/process-instances/{instance}/evaluate-conditions"}


@pytest.fixture
def ids(operator: Api, alice: User) -> dict[str, str]:
    return build(operator)


def send(client: Client, base: str, route: Route, ids: dict[str, str], data: Any, kind: str = JSON, **more: Any) -> Any:
    """The answer, and never a server error; whatever it did is undone."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    with transaction.atomic():
        answer = client.generic(route.method, base + address(route, ids), raw, content_type=kind, **more)
        transaction.set_rollback(True)
    assert answer.status_code < 500, f"{named(route)} with {raw[:60]!r}: {answer.status_code} {answer.content[:300]}"
    return answer


# -- lists ----------------------------------------------------------------------------------------------------------------
PAGES: list[tuple[str, Any, int]] = [
    ("size", -1, 400), ("size", 10**9, 200), ("size", 10**30, 400), ("size", "many", 400), ("start", -1, 400), ("start", 10**30, 400),
    ("sort", "password", 400), ("sort", "user__password", 400), ("sort", "id; DROP TABLE", 400), ("order", "sideways", 400),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "status"), PAGES, ids=str)
def test_refuses_pages_that_are_none_in_every_list(operator: Api, name: str, value: Any, status: int) -> None:
    for base, path in listed():
        answer = ask(operator, base, path, {name: value})
        assert answer.status_code == status, f"{path}?{name}={value}: {answer.status_code}"
        if status == 400:
            assert answer.json()["field"] == name


@pytest.mark.parametrize("name", ["start", "size", "sort", "order"])
def test_answers_a_query_whose_page_is_described_by_a_value_of_any_kind(operator: Api, name: str) -> None:
    for base, path in listed():
        if path.startswith("query/"):
            for value in ([], ["id"], {}, {"id": 1}, True, 1.5, "", [[["id"]]]):
                answer = ask(operator, base, path, {name: value})
                assert answer.status_code in (200, 400), f"{path} {name}={value}: {answer.status_code} {answer.content[:200]}"
                assert answer.status_code == 200 or answer.json()["field"] == name


def ask(api: Api, base: str, path: str, given: dict[str, Any]) -> Any:
    """A list by address, or by a query in the body."""
    if path.startswith("query/"):
        return api.http.post(base + path, given, content_type=JSON)
    return api.http.get(base + path, given)


WORDS: tuple[Any, ...] = ("", "x", "%", "x" * 5000, "-1", "true", "2030-13-45", "null", "'; --", "[]", "é\U0001f600", "1e999")
VALUES: tuple[Any, ...] = ("", "%", "-1", "true", "é\U0001f600", "1e999", 10**40, 1.5, True, ["x"], [{}], {"name": "x"}, [None], [[["x"]]])


def test_answers_every_filter_of_every_list_with_a_value_of_any_kind(admin: User, ids: dict[str, str]) -> None:
    for listing in {id(listing): listing for _, listing in LISTS.values()}.values():
        for name in listing.filters:
            for value in VALUES:
                assert fault(listing, admin, name, value) != "", f"{listing.what} {name}={str(value)[:40]!r} names no field"


def fault(listing: Listing[Any], user: User, name: str, value: Any) -> str | None:
    """The field at fault, None where the list takes the value."""
    try:
        listing(user, {name: value}).exists()
    except BadInput as error:
        return error.field or ""
    return None


def test_names_the_filter_at_fault_in_every_list(operator: Api) -> None:
    for base, path in listed():
        for name in LISTS[path][1].filters:
            answer = ask(operator, base, path, {name: "x" * 5000, "size": 1})
            assert answer.status_code in (200, 400), f"{path} {name}: {answer.status_code} {answer.content[:200]}"
            assert answer.status_code == 200 or answer.json()["field"].startswith(name), f"{path} {name}: {answer.content[:200]}"


# -- bodies ---------------------------------------------------------------------------------------------------------------
DEEP = {"list": b"[" * 10_000 + b"]" * 10_000, "object": b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "open": b"[" * 10_000}
BROKEN = {
    "no JSON": b"{no",
    "no number": b'{"a": NaN}',
    "NUL": b'{"a": "\\u0000"}',
    "half a character": b'{"a": "\\ud800"}',
    "bytes": b"\xff",
}


@pytest.mark.parametrize("name", [*DEEP, *BROKEN])
def test_refuses_a_body_that_is(operator: Api, ids: dict[str, str], name: str) -> None:
    for base, route in SENDING:
        answer = send(operator.http, base, route, ids, (DEEP | BROKEN)[name])
        assert answer.status_code == 400 or named(route) in TAKES_NOTHING, f"{named(route)}: {answer.status_code}"


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "image/png", "nonsense"])
def test_refuses_bodies_of_another_type(operator: Api, ids: dict[str, str], kind: str) -> None:
    for base, route in [*SENDING, *((base, route) for base, route in ALL if named(route) in FILES)]:
        answer = send(operator.http, base, route, ids, body(route, ids), kind)
        assert answer.status_code == 415 or named(route) in TAKES_NOTHING, f"{named(route)}: {answer.status_code}"


def test_refuses_bodies_that_say_they_are_larger_than_allowed(operator: Api, ids: dict[str, str]) -> None:
    for base, route in SENDING:
        answer = send(operator.http, base, route, ids, body(route, ids), CONTENT_LENGTH=str(50 * MEGA))
        assert answer.status_code == 413 or named(route) in TAKES_NOTHING, f"{named(route)}: {answer.status_code}"


def test_refuses_a_variable_of_50_mb(operator: Api, ids: dict[str, str]) -> None:
    large = json.dumps([{"name": "large", "value": "x" * 50 * MEGA}]).encode()
    for key in ("process-instances", "executions", "tasks"):
        answer = operator.http.post(
            f"/api/runtime/{key}/{ids['task' if key == 'tasks' else 'instance']}/variables", large, content_type=JSON
        )
        assert answer.status_code == 413


@pytest.mark.parametrize(
    "value", [[], {}, "x", 5, None, True, [5], [[]], {"a": {}}, [{}], [{"name": 5}], [{"name": "x", "type": {}}]], ids=str
)
def test_answers_a_body_of_another_shape(operator: Api, ids: dict[str, str], value: Any) -> None:
    for base, route in SENDING:
        answer = send(operator.http, base, route, ids, value)
        if not isinstance(value, dict) and not _takes_lists(route) and named(route) not in TAKES_NOTHING:
            assert answer.status_code == 400, f"{named(route)}: {answer.status_code}"


def _takes_lists(route: Route) -> bool:
    return route.path.endswith(("/variables", "/variables-async"))


WRONG: tuple[Any, ...] = (5, "x", "x" * 300_000, True, [], [5], {}, {"a": []}, 10**40, "2030-13-45", None)


def members() -> Iterator[tuple[str, Route, str]]:
    """Every member of every body that has any."""
    for base, route in SENDING:
        if about := bodies.BODIES.get(bodies.OF_CALLS.get(named(route), "")):
            for name in (*about[0].split(), *about[1].split()):
                yield base, route, name.partition(":")[0]


def test_answers_every_member_of_every_body_with_a_value_of_any_kind(operator: Api, ids: dict[str, str]) -> None:
    for base, route, name in members():
        meant = body(route, ids)
        for value in WRONG:
            answer = send(operator.http, base, route, ids, {**meant, name: value})
            if answer.status_code == 400:
                assert answer.json().get("field"), f"{named(route)} {name}={str(value)[:40]!r}: {answer.content[:300]}"


KINDS = (
    "string", "integer", "short", "long", "double", "boolean", "date", "instant", "localDate", "localDateTime", "bigDecimal", "bigInteger",
    "uuid", "json", "binary", "serializable", "null", "nonsense", "",
)  # fmt: skip


def test_answers_a_variable_of_any_type_with_a_value_of_any_kind(operator: Api, ids: dict[str, str]) -> None:
    for kind in KINDS:
        for value in (*WRONG, *WORDS):
            sent = [{"name": "v", "type": kind, "value": value}]
            for base, route in (
                (base, route) for base, route in SENDING if named(route) == "PUT runtime/process-instances/{key}/variables"
            ):
                answer = send(operator.http, base, route, ids, sent)
                assert answer.status_code in (201, 400), f"{kind} {str(value)[:40]!r}: {answer.status_code}"
                if answer.status_code == 400:
                    assert answer.json().get("field"), f"{kind} {str(value)[:40]!r}: {answer.content[:300]}"


@pytest.mark.parametrize(
    "path", ["/api/runtime/tasks/a%0Ab", "/api/%0A", "/external-job-api/acquire/%0A", "/api/repository/deployments%0A"]
)
def test_a_line_break_in_an_address_is_answered_as_everything_else(operator: Api, path: str) -> None:
    answer = operator.http.get(path)
    assert (answer.status_code, answer.json()["status"]) == (404, 404)
