"""Store Order brings the order to the shop over HTTP and tells what may be tried again from what may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import override_settings

from engine.errors import TechnicalError, UnrecoverableError
from engine.examples.pizza.workflow_handlers import store_order
from engine.runtime.handlers import lookup

VARIABLES = {"customername": "Alice", "deliveryaddress": "Canal Street 1", "pizza": "Marinara", "other": 1}


class Execution(SimpleNamespace):
    """As much of an execution as the handler asks for."""

    def get_variable(self, name: str) -> Any:
        return self.variables.get(name)

    def set_variable(self, name: str, value: Any) -> None:
        self.written[name] = value


@pytest.fixture
def execution() -> Execution:
    return Execution(fields={"shop": "slow"}, variables=VARIABLES, idempotency_key="key-1", written={})


@pytest.fixture
def shop() -> Iterator[SimpleNamespace]:
    """A real HTTP server that notes what it is sent and answers what it is told to."""
    told = SimpleNamespace(status=201, got=[])

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response(told.status)
            self.end_headers()
            self.wfile.write(b'{"number": 17}')

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with override_settings(DEMO_SHOP_URL=f"http://127.0.0.1:{server.server_port}"):
        yield told
    server.shutdown()
    server.server_close()


def test_it_is_found_by_name_and_runs_outside_of_transactions() -> None:
    handler = lookup("store_order")
    assert handler.function is store_order
    assert handler.transaction is False


def test_brings_the_order_with_its_key_and_keeps_the_number(shop: SimpleNamespace, execution: Execution) -> None:
    store_order(execution)
    sent = {"customer": "Alice", "address": "Canal Street 1", "pizza": "Marinara"}
    assert shop.got == [("/slow/orders", "key-1", sent)]
    assert execution.written == {"order_number": 17}


@pytest.mark.parametrize("status", [500, 503, 429, 409])
def test_a_refusal_may_be_tried_again(shop: SimpleNamespace, execution: Execution, status: int) -> None:
    shop.status = status
    with pytest.raises(TechnicalError, match=f"did not take the order.*{status}") as raised:
        store_order(execution)
    assert not isinstance(raised.value, UnrecoverableError)
    assert execution.written == {}


def test_what_the_shop_will_never_take_is_not_tried_again(shop: SimpleNamespace, execution: Execution) -> None:
    shop.status = 400
    with pytest.raises(UnrecoverableError):
        store_order(execution)


@override_settings(DEMO_SHOP_URL="http://127.0.0.1:9")
def test_a_shop_that_cannot_be_reached_may_be_tried_again(execution: Execution) -> None:
    with pytest.raises(TechnicalError, match="cannot be reached"):
        store_order(execution)
