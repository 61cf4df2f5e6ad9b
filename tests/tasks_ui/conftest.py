"""Browsers without a screen, one a person, and processes with forms to show in them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from engine import runtime
from engine.models import Instance, UserTask
from tasks_ui import onward
from tests.runtime.models import model, service, user

ORDER = {"customername": "Alice", "deliveryaddress": "Tow Path 1", "pizza": "Margherita"}

ORDER_FORM = {
    "key": "order",
    "name": "Order",
    "fields": [
        {"fieldType": "FormField", "id": "customername", "name": "Your name", "type": "text", "required": True},
        {"fieldType": "FormField", "id": "deliveryaddress", "name": "Delivery address", "type": "multi-line-text", "required": True},
        {
            "fieldType": "OptionFormField", "id": "pizza", "name": "Pizza", "type": "radio-buttons", "value": "Margherita",
            "required": True, "options": [{"id": None, "name": "Margherita"}, {"id": None, "name": "Marinara"}],
        },
    ],
    "outcomes": [],
}  # fmt: skip


def enter_order(more: str = "") -> str:
    return user("enter", f'flowable:assignee="${{initiator}}" flowable:formKey="order" {more}')


def deploy(*steps: str, key: str = "story", form: dict[str, Any] | None = None, **files: bytes) -> None:
    """A process of these steps, with the order form."""
    made = {f"{key}.bpmn": model(*steps, key=key), "order.form": json.dumps(form or ORDER_FORM).encode(), **files}
    runtime.deploy(made, name=key)


def started(by: User, key: str = "story", **more: Any) -> tuple[Instance, UserTask]:
    """A new instance and its open task."""
    instance = runtime.start(key, user=by, **more)
    return instance, UserTask.objects.get(instance=instance.pk, state="open")


def failing_store() -> str:
    """A synchronous step that fails for a reason a user may read."""
    return service("store", "${nosuchthing}")


@pytest.fixture
def browser() -> Callable[[User], Client]:
    """Logs a person in."""

    def made(person: User) -> Client:
        client = Client(raise_request_exception=True)
        client.force_login(person)
        return client

    return made


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody runs jobs beside these tests: waiting for one would be in vain."""
    monkeypatch.setattr(onward, "PATIENCE", 0)
