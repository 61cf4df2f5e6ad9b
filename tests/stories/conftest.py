"""The product as its persons meet it: a real shop over HTTP, a browser without a screen, and a worker that drains."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client, override_settings

from engine import runtime
from engine.examples.pizza import models as shop_models
from engine.models import Instance, Job, Ledger, UserTask
from engine.runtime.drain import Worker
from tasks_ui import onward
from tests.runtime.queue import hurry

PROCESSES = Path(shop_models.__file__).parent / "processes"
ORDER = {"customername": "Alice", "deliveryaddress": "Tow Path 1", "pizza": "Diavola"}


@dataclass
class Person:
    """Somebody at a browser."""

    user: User
    client: Client
    page: HttpResponse | None = None

    def get(self, address: str) -> str:
        self.page = self.client.get(address, follow=True)  # type: ignore[assignment]
        return self.page.content.decode()  # type: ignore[union-attr]

    def post(self, address: str, values: dict[str, Any] | None = None) -> str:
        self.page = self.client.post(address, values or {}, follow=True)  # type: ignore[assignment]
        return self.page.content.decode()  # type: ignore[union-attr]

    def starts(self, key: str) -> Instance:
        """Clicks on Start, and is led to the first form."""
        self.post(f"/start/{key}/")
        return Instance.objects.filter(starter=self.user.username).order_by("-started")[0]

    def completes(self, task: UserTask, values: dict[str, Any] | None = None) -> str:
        """Fills the form and clicks on Complete."""
        return self.post(f"/tasks/{task.pk}/", values)


def open_task(instance: Instance) -> UserTask | None:
    return UserTask.objects.filter(instance=instance.pk, state="open").first()


def ledger(instance: Instance) -> list[tuple[str, str, str]]:
    """Transaction, what triggered it, how it ended."""
    return [(str(row), row.trigger, row.outcome) for row in Ledger.objects.filter(instance=instance.pk)]


def works(*, later: bool = False) -> int:
    """The cluster works off what is due; `later`: when the wait between attempts is over."""
    if later:
        hurry()
    return Worker().drain()


def jobs(instance: Instance) -> list[tuple[str, int]]:
    return list(Job.objects.filter(instance=instance.pk).values_list("state", "retries"))


@pytest.fixture
def shop(live_server: Any) -> Iterator[Callable[..., None]]:
    """The pizza shop behind a real address; call it to set how slow it is and how often it refuses."""

    def is_(name: str, *, seconds: int = 0, failures: int = 0) -> None:
        shop_models.Shop.objects.update_or_create(name=name, defaults={"seconds": seconds, "failures": failures})

    for name in ("slow", "unreliable"):
        is_(name)
    with override_settings(DEMO_SHOP_URL=f"{live_server.url}/demo/shop"):
        yield is_


@pytest.fixture
def pizza(shop: Any, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example's processes are deployed, and nobody waits in vain for a cluster that does not run."""
    monkeypatch.setattr(onward, "PATIENCE", 0)
    runtime.deploy({p.name: p.read_bytes() for p in PROCESSES.iterdir()}, name="pizza", user=admin)


@pytest.fixture
def person() -> Callable[[User], Person]:
    def made(user: User) -> Person:
        client = Client()
        client.force_login(user)
        return Person(user, client)

    return made
