"""Throttling: who calls too often is told when to come again, and nobody else notices."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from engine.api import throttle
from engine.api.errors import Refused
from engine.api.router import throttle as door
from tests.api.conftest import Api


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    door.forget()
    yield
    door.forget()


@pytest.mark.django_db
@override_settings(ENGINE_API_RATE=3)
def test_refuses_the_call_beyond_the_rate_and_says_when_to_come_again(of_alice: Api, of_bob: Api) -> None:
    for _ in range(3):
        of_alice.get("management/engine")
    answer = of_alice.call("GET", "management/engine")
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 21
    assert answer.json()["status"] == 429
    assert answer["X-Request-Id"]
    assert of_alice.http.get("/external-job-api/jobs").status_code == 429
    of_bob.get("management/engine")


@pytest.mark.django_db
def test_limits_nobody_unless_it_is_told_to(alice: User, api: Callable[[User], Api]) -> None:
    for _ in range(50):
        api(alice).get("management/engine")


def test_fills_the_bucket_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(throttle, "time", SimpleNamespace(monotonic=lambda: now[0]))
    buckets = throttle.Throttle()
    for _ in range(60):
        buckets.check("alice", 60)
    with pytest.raises(Refused) as refused:
        buckets.check("alice", 60)
    assert refused.value.headers == {"Retry-After": "2"}
    now[0] += 1.0
    buckets.check("alice", 60)
    with pytest.raises(Refused):
        buckets.check("alice", 60)


def test_remembers_no_more_clients_than_it_should(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttle, "MOST", 3)
    buckets = throttle.Throttle()
    for number in range(10):
        buckets.check(f"client {number}", 1)
    with pytest.raises(Refused):
        buckets.check("client 9", 1)
    buckets.check("client 0", 1)
