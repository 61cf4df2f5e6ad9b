"""Signals and messages over the service API: what they bring, in which type, and what clients are told of them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.automatiko.conftest import Services
from tests.runtime.queue import drain

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("workflows")]


@pytest.fixture
def order(trusted: Services) -> Services:
    """An order `o` that waits for all its tasks and events."""
    trusted.post("orders?businessKey=o", {"customer": "bob"})
    return trusted


def test_what_is_sent_as_a_text_is_taken_as_it_is(order: Services) -> None:
    """Nothing of it is JSON, though it looks like it."""
    assert order.post("orders/o/payment", b'{"by": card', Content_Type="text/plain")["payment"] == '{"by": card'
    order.post("orders/o/counted", b"7", 415, Content_Type="text/plain")
    order.post("orders/o/hurry_up", b"now", 415, Content_Type="text/plain")


@pytest.mark.parametrize(("body", "brought"), [("card", "card"), ({"payment": "cash"}, "cash"), (7, "7"), (None, None), ({}, None)])
def test_one_mapped_variable_takes_a_value_or_a_member(order: Services, body: Any, brought: str | None) -> None:
    sent = b"" if body is None else body
    assert order.post("orders/o/payment", sent)["payment"] == brought


@pytest.mark.parametrize(("body", "brought"), [(3, 3), ("4", 4), ({"pieces": "5"}, 5)])
def test_a_value_gets_the_type_that_its_variable_has(order: Services, body: Any, brought: int) -> None:
    assert order.post("orders/o/counted", body)["pieces"] == brought


def test_a_value_of_another_type_is_refused_and_the_event_still_waited_for(order: Services) -> None:
    assert order.post("orders/o/counted", "many", 400)["field"] == "pieces"
    order.post("orders/o/counted", {"pieces": {}}, 400)
    assert order.post("orders/o/counted", 6)["pieces"] == 6


def test_to_the_letter_a_text_is_the_body_whatever_it_is_sent_as(order: Services, settings: Any) -> None:
    settings.ENGINE_SERVICES_COMPATIBLE = True
    assert order.post("orders/o/payment", "card")["payment"] == '"card"'
    order.post("orders/o/payment", b"{")
    order.post("orders/o/counted", b"{", 400)


def test_links_name_what_is_waited_for_and_whom_it_brings_something(order: Services, settings: Any) -> None:
    links = order.get("orders/o?metadata=true&user=mary")["metadata"]["links"]
    assert {one["name"]: one["type"] for one in links} == {
        "Approve order": "task", "payment": "signal", "counted": "signal", "hurry up": "signal",
    }  # fmt: skip
    assert all(one["url"].startswith("/orders/") for one in links)
    settings.ENGINE_SERVICES_COMPATIBLE = True
    told = {one["name"]: one["url"] for one in order.get("orders/o?metadata=true")["metadata"]["links"]}
    assert (told["hurry up"], told["payment"].endswith("/payment")) == (None, True)


def test_a_signal_that_nobody_waits_for_any_more_changes_nothing(order: Services) -> None:
    order.post("orders/o/payment", "card")
    assert order.post("orders/o/payment", "cash")["payment"] == "card"
    order.post("orders/nope/payment", "cash", 404)


def test_a_text_is_kept_until_the_signal_is_given_later(order: Services) -> None:
    order.post("orders/o/payment", b"on account", 202, Content_Type="text/plain", X_ATK_Mode="async")
    drain()
    assert order.get("orders/o")["payment"] == "on account"


def test_tags_say_which_variables_go_in_and_which_come_out(trusted: Services, settings: Any) -> None:
    assert trusted.post("orders", {}, 400)["variable"] == "customer"
    made = trusted.post("orders?businessKey=o", {"customer": "bob", "coupon": "c1", "total": 5, "margin": 1})
    assert made == {"id": "o", "metadata": None, "customer": "bob", "payment": None, "pieces": None, "total": None}
    assert trusted.post("orders/o", {"total": 7, "margin": 2, "coupon": "c2"})["total"] == 7
    refused = trusted.post("orders/o", {"customer": "eve"}, 400)
    assert (refused["variable"], "is marked as read only" in refused["message"]) == ("customer", True)
    settings.ENGINE_SERVICES_COMPATIBLE = True
    assert trusted.post("orders/o", {"total": 8}, 400)["variable"] == "customer"


def test_an_instance_that_is_not_there_is_told_by_its_id_whatever_is_asked_of_it(trusted: Services) -> None:
    for path in ("orders/nope/payment", "orders/nope/hurry_up", "orders/nope/counted", "orders/nope/pack/x", "orders/nope/tags"):
        told = trusted.post(path, {}, 404)
        assert (told["processInstanceId"], told["message"]) == ("nope", "Process instance with id nope not found"), path
    assert "processInstanceId" not in trusted.post("orders/nope/nothing", {}, 404)
