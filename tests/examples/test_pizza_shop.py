"""The demo's shop takes an order once, is as slow and as unreliable as its page says, and holds no transaction meanwhile."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from engine.examples.pizza import endpoint
from engine.examples.pizza.models import Order, Shop

ORDER = {"customer": "Alice", "address": "Canal Street 1", "pizza": "Marinara"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, bool]]:
    """How long the shop slept, and whether it was inside a transaction of its own."""
    slept: list[tuple[float, bool]] = []
    depth = len(connection.savepoint_ids)
    nap = SimpleNamespace(sleep=lambda seconds: slept.append((seconds, len(connection.savepoint_ids) > depth)))
    monkeypatch.setattr(endpoint, "time", nap)
    return slept


def shop(name: str, **settings: int) -> Shop:
    return Shop.objects.create(name=name, **settings)


def order(client: Client, name: str = "slow", key: str = "k1", **changed: Any) -> Any:
    body = json.dumps({**ORDER, **changed})
    return client.post(f"/demo/shop/{name}/orders", body, content_type="application/json", headers={"Idempotency-Key": key})


def test_takes_an_order(client: Client, naps: list[tuple[float, bool]]) -> None:
    answer = order(client)
    taken = Order.objects.get()
    assert (answer.status_code, answer.json()) == (201, {"number": taken.pk})
    assert (taken.customer, taken.address, taken.pizza) == tuple(ORDER.values())
    assert taken.accepted


def test_the_same_key_again_is_the_same_order(client: Client, naps: list[tuple[float, bool]]) -> None:
    first, second = order(client), order(client)
    assert (second.status_code, second.json()) == (200, first.json())
    assert Order.objects.count() == 1


def test_the_same_key_at_another_shop_is_another_order(client: Client, naps: list[tuple[float, bool]]) -> None:
    shop("unreliable", failures=0)
    assert order(client).json() != order(client, "unreliable").json()


def test_is_as_slow_as_it_is_set_and_sleeps_outside_of_transactions(client: Client, naps: list[tuple[float, bool]]) -> None:
    shop("slow", seconds=7)
    order(client)
    assert naps == [(7, False)]


def test_an_unreliable_shop_refuses_and_takes_the_order_when_it_comes_again(client: Client, naps: list[tuple[float, bool]]) -> None:
    unreliable = shop("unreliable", failures=100)
    refused = order(client, "unreliable")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"]
    Shop.objects.filter(pk=unreliable.pk).update(failures=0)
    assert order(client, "unreliable").status_code == 201
    taken = Order.objects.get()
    assert (taken.refused, bool(taken.accepted)) == (1, True)


def test_refuses_about_as_often_as_it_is_set(client: Client, naps: list[tuple[float, bool]], monkeypatch: pytest.MonkeyPatch) -> None:
    shop("unreliable", failures=30)
    chances = iter([0.29, 0.31])
    monkeypatch.setattr(endpoint.CHANCE, "random", lambda: next(chances))
    assert [order(client, "unreliable", key=key).status_code for key in "ab"] == [503, 201]


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ("no json", "k"),
        ("[]", "k"),
        (json.dumps({**ORDER, "pizza": ""}), "k"),
        (json.dumps({**ORDER, "pizza": 1}), "k"),
        (json.dumps({}), "k"),
        (json.dumps(ORDER), ""),
        (json.dumps(ORDER), "k" * 201),
    ],
)
def test_refuses_for_good_what_is_no_order(client: Client, body: str, key: str) -> None:
    answer = client.post("/demo/shop/slow/orders", body, content_type="application/json", headers={"Idempotency-Key": key})
    assert answer.status_code == 400
    assert not Order.objects.exists()


def test_knows_its_two_shops_only(client: Client) -> None:
    assert order(client, "third").status_code == 404


def test_only_who_is_logged_in_sees_the_page(client: Client) -> None:
    answer = client.get("/demo/shop/")
    assert answer.status_code == 302
    assert "/login/" in answer["Location"]


def test_the_page_sets_a_shop(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.get("/demo/shop/")
    answer = client.post("/demo/shop/slow/", {"slow-seconds": 12, "slow-failures": 34})
    assert answer.status_code == 302
    slow = Shop.objects.get(name="slow")
    assert (slow.seconds, slow.failures) == (12, 34)


def test_the_page_says_what_is_wrong_and_keeps_what_was_entered(client: Client, alice: User) -> None:
    client.force_login(alice)
    client.get("/demo/shop/")
    answer: HttpResponse = client.post("/demo/shop/slow/", {"slow-seconds": 61, "slow-failures": -1})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'value="61"' in page
    assert page.count('class="errors"') == 2
    assert Shop.objects.get(name="slow").seconds == 5


def test_the_page_shows_the_orders_that_arrived(client: Client, alice: User, naps: list[tuple[float, bool]]) -> None:
    order(client, customer="<b>Alice</b>")
    client.force_login(alice)
    for address in ("/demo/shop/", "/demo/shop/arrived/"):
        page = client.get(address).content.decode()
        assert "Marinara for &lt;b&gt;Alice&lt;/b&gt;" in page
        assert "taken at" in page


def test_the_page_speaks_german(client: Client, alice: User, naps: list[tuple[float, bool]]) -> None:
    order(client)
    client.force_login(alice)
    page = client.get("/demo/shop/", headers={"Accept-Language": "de"}).content.decode()
    assert "Die langsame Pizzeria" in page
    assert "Marinara für Alice" in page
    assert "angenommen um" in page
