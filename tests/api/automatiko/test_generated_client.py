"""A client that a generator made from the document of the services orders a pizza."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application

from engine import runtime
from engine.examples.pizza import workflow_handlers
from tests.api.automatiko.conftest import Services
from tests.api.conftest import basic
from tests.runtime.queue import drain

PIZZA = Path(workflow_handlers.__file__).parent / "processes"
NAME = "pizza_order_slow_async"
FILES = ("pizza-order-slow-async.bpmn", "pizza-enter-order.form", "pizza-order-confirmation.form")


@pytest.mark.once
@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_generated_client_starts_and_completes_a_pizza_order(
    admin: User, services: Callable[..., Services], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflow_handlers, "_post", lambda url, order, key: {"number": 41 + len(order) - 2})
    runtime.deploy({name: (PIZZA / name).read_bytes() for name in FILES}, name="pizza")
    document = services(admin).get("openapi.json")
    module = _generated(document, tmp_path, monkeypatch)
    client = module("client").AuthenticatedClient(
        base_url=document["servers"][0]["url"], prefix="Basic", token=basic("admin", "admin")["Authorization"].partition(" ")[2],
        httpx_args={"transport": httpx.WSGITransport(app=get_wsgi_application())}, raise_on_unexpected_status=True,
    )  # fmt: skip

    def call(what: str, status: int = 200, **given: Any) -> Any:
        answer = module(f"api.{NAME}.{NAME}_{what}").sync_detailed(client=client, **given)
        assert answer.status_code == status, answer.content
        return answer.parsed

    models = module("models")
    body = models.PizzaOrderSlowAsyncStart()
    order = call("start", body=body, business_key="o-1", idempotency_key="k-1")
    assert call("start", body=body, business_key="o-1", idempotency_key="k-1") == order
    assert (order.id, order.pizza, order.metadata) == ("o-1", None, None)

    (task,) = call("tasks", id=order.id)
    assert (task.name, call("task_enter_order", id=order.id, task=task.id).pizza) == ("Enter_Order", "Margherita")
    refused = call("complete_enter_order", 400, id=order.id, task=task.id, body=models.PizzaOrderSlowAsyncEnterOrderFormResult())
    assert set(refused.errors.additional_properties) == {"customername", "deliveryaddress"}
    wanted = {"customername": "Alice", "deliveryaddress": "Tow Path 1", "pizza": "Diavola"}
    result = models.PizzaOrderSlowAsyncEnterOrderFormResult.from_dict(wanted)
    accepted = call("complete_enter_order", 202, id=order.id, task=task.id, body=result, x_atk_mode=models.Mode.ASYNC)
    assert accepted.id == order.id
    assert drain() == 2

    (task,) = call("tasks", id=order.id)
    assert task.name == "Order_Confirmation"
    found = call("get", id=order.id, metadata=True)
    assert (found.customername, found.pizza, found.metadata.state) == ("Alice", "Diavola", 1)
    confirmed = models.PizzaOrderSlowAsyncOrderConfirmationFormResult()
    call("complete_order_confirmation", id=order.id, task=task.id, body=confirmed)
    assert call("get", 404, id=order.id).message == "Process instance with id o-1 not found"


def _generated(document: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """The modules of the client, by name."""
    (folder / "openapi.json").write_text(json.dumps(document))
    generator = Path(sys.executable).parent / "openapi-python-client"
    places = ["--path", str(folder / "openapi.json"), "--output-path", str(folder / "services_client"), "--meta", "none"]
    done = subprocess.run([generator, "generate", *places], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(folder))
    return lambda name: importlib.import_module(f"services_client.{name}")
