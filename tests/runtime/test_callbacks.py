"""Callbacks from the outbox: sent once the outcome is committed, in order, tried again, signed, and with the credentials of their target."""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from engine.models import Delivery
from engine.models.fields import uuid7
from engine.runtime.callbacks import credentials, pool, sending, targets, transport
from tests.api.automatiko.conftest import Receiver
from tests.api.automatiko.conftest import receiver as receiver  # the fixture

pytestmark = pytest.mark.django_db(transaction=True)
LONG = 120.0  # seconds that nothing here takes, however slow the machine is


def deliver(url: str, number: int = 1, stream: str = "one", **more: Any) -> Delivery:
    """A callback in the outbox."""
    now = datetime.now(UTC)
    body = json.dumps({"id": stream, "number": number})
    given = {"status": "Active", "body": body, "due": now, "created": now, "origin": targets.parsed(url).origin, "workflow": "order"}
    return Delivery.objects.create(id=uuid7(), url=url, stream=stream, number=number, **{**given, **more})


def nothing_pending() -> bool:
    return not Delivery.objects.filter(state="pending").exists()


@pytest.fixture
def send(settings: Any) -> Iterator[Callable[..., None]]:
    """Let a pool work until nothing is pending, or something else is so."""
    settings.ENGINE_CALLBACK_WAIT = 0.02
    settings.ENGINE_CALLBACK_TIMEOUT = LONG
    settings.ENGINE_POLL_INTERVAL = 0.02
    made = pool.Pool()

    def work(done: Callable[[], bool] = nothing_pending) -> None:
        until = time.monotonic() + LONG
        while not done():
            assert time.monotonic() < until, "it did not come about"
            made._turn()

    yield work
    for _ in range(made.threads):
        made.orders.put(None)
    for thread in threading.enumerate():
        if thread.name.startswith("callback-"):
            thread.join(LONG)


def rules(settings: Any, receiver: Receiver, **rule: Any) -> None:
    settings.ENGINE_CALLBACK_AUTH = json.dumps({"targets": receiver.url, **rule})


def test_a_callback_carries_status_id_and_body(receiver: Receiver, send: Callable[..., None]) -> None:
    sent = deliver(f"{receiver.url}/cb?x=1")
    send()
    (hit,) = receiver.hits
    assert (hit["path"], json.loads(hit["body"])) == ("/cb?x=1", {"id": "one", "number": 1})
    assert (hit["headers"]["x-atk-status"], hit["headers"]["x-atk-delivery"]) == ("Active", str(sent.pk))
    sent.refresh_from_db()
    assert (sent.state, sent.tries, sent.response_status, sent.response) == ("delivered", 1, 200, '{"took": true}')


def test_it_is_tried_again_until_it_arrives_and_the_next_waits_for_it(receiver: Receiver, send: Callable[..., None]) -> None:
    receiver.answers = [500, 503, 200]
    deliver(receiver.url, 1)
    deliver(receiver.url, 2)
    send()
    assert [json.loads(hit["body"])["number"] for hit in receiver.hits] == [1, 1, 1, 2]
    assert list(Delivery.objects.order_by("number").values_list("tries", flat=True)) == [3, 1]
    assert len({hit["headers"]["webhook-id"] for hit in receiver.hits}) == 2


def test_it_is_dead_after_its_tries_and_can_be_sent_again(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    settings.ENGINE_CALLBACK_TRIES = 2
    receiver.answers = [500, 500]
    sent = deliver(receiver.url)
    send()
    sent.refresh_from_db()
    assert (sent.state, sent.tries, sent.error) == ("dead", 2, "it answered 500")
    assert pool.redeliver([sent.pk]) == 1
    send()
    sent.refresh_from_db()
    assert (sent.state, sent.error) == ("delivered", None)


@pytest.mark.parametrize("status", [302, 307, 410])
def test_a_redirect_is_not_followed_and_final(receiver: Receiver, send: Callable[..., None], status: int) -> None:
    receiver.answers = [status]
    deliver(receiver.url)
    send()
    assert [hit["path"] for hit in receiver.hits] == ["/"]
    assert Delivery.objects.get().state == "dead"


def test_nothing_goes_to_an_address_that_is_private_by_now(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    deliver(receiver.url)
    settings.ENGINE_CALLBACK_ALLOW = ""
    send()
    assert receiver.hits == []
    assert "private" in (Delivery.objects.get().error or "")


def test_a_name_is_judged_again_when_it_is_connected_to(receiver: Receiver, settings: Any, monkeypatch: Any) -> None:
    """The first look finds a public address, the second a private one."""
    settings.ENGINE_CALLBACK_ALLOW = ""
    monkeypatch.setattr(targets, "_known", lambda target: [])
    monkeypatch.setattr(targets, "resolved", lambda target: [ipaddress.ip_address("127.0.0.1")])
    row = Delivery(pk=uuid7(), url=f"http://localhost:{receiver.server_port}/", status="Active", body="{}", workflow="order")
    result = sending.Sender().attempt(transport.session(), row, transport.Watch(time.monotonic() + LONG))
    assert (result.delivered, result.final, receiver.hits) == (False, True, [])


# -- logging in -----------------------------------------------------------------------------------------------------------
BASIC = "Basic " + base64.b64encode(b"test:pwd").decode()


@pytest.mark.parametrize(
    ("rule", "header", "value"),
    [
        ({"kind": "none"}, "authorization", None),
        ({"kind": "basic", "user": "test", "password": "pwd"}, "authorization", BASIC),
        ({"kind": "basic", "encoded": "cHJl"}, "authorization", "Basic cHJl"),
        ({"kind": "custom", "name": "X-Api-Key", "value": "k1"}, "x-api-key", "k1"),
        ({"kind": "oauth", "token": "static1"}, "authorization", "Bearer static1"),
    ],
)
def test_a_callback_logs_in_as_its_rule_says(
    receiver: Receiver, send: Callable[..., None], settings: Any, rule: dict[str, Any], header: str, value: str | None
) -> None:
    rules(settings, receiver, **rule)
    deliver(receiver.url)
    send()
    assert receiver.hits[0]["headers"].get(header) == value


def test_a_query_parameter_is_added(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    rules(settings, receiver, kind="query", name="key", value="a b&c")
    deliver(f"{receiver.url}/cb?x=1")
    send()
    assert receiver.hits[0]["path"] == "/cb?x=1&key=a+b%26c"
    assert "key" not in Delivery.objects.get().url


def test_the_callers_header_is_kept_encrypted_and_erased_after_delivery(
    receiver: Receiver, send: Callable[..., None], settings: Any
) -> None:
    rules(settings, receiver, kind="on-behalf", name="X-Tenant")
    kept = credentials.passed_on(targets.parsed(receiver.url), "order", {"X-Tenant": "tenant-one"})
    assert kept is not None
    assert "tenant-one" not in kept
    sent = deliver(receiver.url, secret=kept)
    send()
    sent.refresh_from_db()
    assert (receiver.hits[0]["headers"]["x-tenant"], sent.secret) == ("tenant-one", None)


@pytest.mark.parametrize("life", [3600, "3600"])
def test_a_token_is_fetched_once_and_anew_when_it_is_refused(
    receiver: Receiver, send: Callable[..., None], settings: Any, life: Any
) -> None:
    receiver.tokens = [{"access_token": f"t{n}", "expires_in": life, "token_type": "Bearer"} for n in (1, 2)]
    rules(settings, receiver, kind="oauth2", client_id="c", client_secret="s&t", token_url=f"{receiver.url}/token")
    deliver(receiver.url, 1)
    deliver(receiver.url, 2)
    send()
    receiver.answers = [401]
    deliver(receiver.url, 3)
    send()
    asked = [hit["body"] for hit in receiver.hits if hit["path"] == "/token"]
    assert asked == ["grant_type=client_credentials&client_id=c&client_secret=s%26t"] * 2
    used = [hit["headers"]["authorization"] for hit in receiver.hits if hit["path"] == "/"]
    assert used == ["Bearer t1", "Bearer t1", "Bearer t1", "Bearer t2"]


def test_credentials_go_only_to_their_targets(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    settings.ENGINE_CALLBACK_AUTH = json.dumps([
        {"kind": "basic", "targets": "https://127.0.0.1:*", "user": "test", "password": "pwd"},
        {"kind": "basic", "targets": f"{receiver.url}/other", "user": "test", "password": "pwd"},
        {"kind": "custom", "targets": "*", "definitions": ["invoice"], "name": "X-Key", "value": "k"},
    ])  # fmt: skip
    deliver(f"{receiver.url}/otherwise")
    send()
    assert not receiver.hits[0]["headers"].keys() & {"authorization", "x-key"}


def test_a_rule_without_targets_is_refused_without_showing_its_secret() -> None:
    with pytest.raises(ImproperlyConfigured, match="targets") as refusal:
        credentials.rules('{"kind": "basic", "user": "u", "password": "hush"}')
    assert "hush" not in str(refusal.value)


# -- signing --------------------------------------------------------------------------------------------------------------
def test_a_callback_is_signed_with_each_secret(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    keys = [b"k" * 32, b"old" * 8]
    settings.ENGINE_CALLBACK_SECRET = ",".join("whsec_" + base64.b64encode(key).decode() for key in keys)
    deliver(receiver.url)
    send()
    headers, body = receiver.hits[0]["headers"], receiver.hits[0]["body"]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    wanted = ["v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode() for key in keys]
    assert headers["webhook-signature"].split() == wanted


# -- many -----------------------------------------------------------------------------------------------------------------
def test_a_receiver_that_hangs_holds_up_nobody_else(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    settings.ENGINE_CALLBACK_TRIES = 1
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        for number in range(8):
            deliver(f"http://127.0.0.1:{deaf.getsockname()[1]}/", stream=f"deaf {number}")
        for number in range(20):
            deliver(receiver.url, stream=f"well {number}")
        send(lambda: Delivery.objects.filter(state="delivered").count() == 20)
        assert sorted(Delivery.objects.values_list("state", flat=True)) == ["delivered"] * 20 + ["pending"] * 8
    send()  # who hung is gone, and with him the connections to him
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["dead"] * 8 + ["delivered"] * 20


def test_an_answer_that_drips_is_cut_off(settings: Any) -> None:
    settings.ENGINE_CALLBACK_ALLOW = "127.0.0.1"
    over, watch = threading.Event(), transport.Watch(time.monotonic() + 0.5)

    def look() -> None:
        while not over.wait(0.05):
            watch.look()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG)
        threads = [threading.Thread(target=_drip, args=(server,)), threading.Thread(target=look)]
        for thread in threads:
            thread.start()
        row = Delivery(pk=uuid7(), url=f"http://127.0.0.1:{server.getsockname()[1]}/", status="Active", body="{}", workflow="order")
        result = sending.Sender().attempt(transport.session(), row, watch)
    over.set()
    for thread in threads:
        thread.join()
    assert (result.delivered, result.error) == (False, "no answer in time")


def test_each_callback_has_a_connection_of_its_own(settings: Any) -> None:
    """Also where the receiver does not say that he closes it: he may be about to, and what came then would be lost."""
    settings.ENGINE_CALLBACK_ALLOW = "127.0.0.1"
    rest: list[bytes] = []

    def answer() -> None:
        for _ in range(2):
            link, _ = server.accept()
            with link:
                link.settimeout(LONG)
                heard = b""
                while not heard.endswith(b"{}"):
                    heard += link.recv(65536)
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                rest.append(link.recv(1))

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG)
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        http = transport.session()
        for _ in range(2):
            watch = transport.Watch(time.monotonic() + LONG)
            transport.post(http, f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, watch, most=100)
        thread.join()
    assert rest == [b"", b""]  # he heard it closed before the next came


def test_of_a_huge_answer_only_the_beginning_is_read(receiver: Receiver, send: Callable[..., None], settings: Any) -> None:
    settings.ENGINE_CALLBACK_RESPONSE, came = 1000, list[int]()

    def pour() -> None:
        link, _ = server.accept()
        with link:
            link.recv(65536)
            with suppress(OSError):
                link.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
                for _ in range(10_000):
                    link.sendall(b"x" * 100_000)
                    came.append(100_000)

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(LONG)
        thread = threading.Thread(target=pour, daemon=True)
        thread.start()
        sent = deliver(f"http://127.0.0.1:{server.getsockname()[1]}/")
        send()
        thread.join()
    sent.refresh_from_db()
    assert (sent.state, sent.response) == ("delivered", "x" * 1000)
    assert sum(came) < 1_000_000_000  # what lies in the buffers on the way is megabytes


def _drip(server: Any) -> None:
    """A byte each tenth of a second, for as long as anybody takes them; whoever is not cut off has heard enough after a minute."""
    with suppress(OSError):
        link, _ = server.accept()
        with link:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 600:
                link.sendall(bytes([byte]))
                time.sleep(0.1)


def test_waits_double_and_have_jitter(settings: Any) -> None:
    settings.ENGINE_CALLBACK_WAIT, settings.ENGINE_CALLBACK_MAX_WAIT = 1.0, 3600.0
    for tries, wait in ((1, 1), (2, 2), (5, 16)):
        found = {sending.wait_after(tries, None) for _ in range(50)}
        assert wait * 0.75 <= min(found) < max(found) <= wait * 1.25
    assert sending.wait_after(60, None) <= 3600
