"""Refresh tokens that change with each use: the newest is kept for all processes and the next start, and none is used twice."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from engine.models import Renewal
from engine.runtime.callbacks import credentials, renewals, tokens
from engine.runtime.callbacks.credentials import Rule
from engine.runtime.callbacks.renewals import NoToken
from engine.runtime.callbacks.tokens import Tokens

pytestmark = pytest.mark.django_db(transaction=True)


class Endpoint:
    """A token endpoint that takes each refresh token once; what it was asked for with."""

    def __init__(self) -> None:
        self.number, self.asked, self.life, self.wait = 0, list[str](), 3600.0, 0.0

    def __call__(self, rule: Rule, form: dict[str, str]) -> dict[str, Any]:
        time.sleep(self.wait)
        self.asked.append(form["refresh_token"])
        if form["refresh_token"] != f"r{self.number}":
            raise NoToken("invalid_grant")
        self.number += 1
        return {"access_token": f"t{self.number}", "expires_in": self.life, "refresh_token": f"r{self.number}"}


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    made = Endpoint()
    monkeypatch.setattr(tokens, "_asked", made)
    return made


@pytest.fixture
def rule() -> Rule:
    (made,) = credentials.rules(json.dumps({"kind": "oauth2", "targets": "*", "refresh_token": "r0", "client_id": "c", "token_url": "x"}))
    return made


def test_the_newest_refresh_token_is_used_after_a_restart(rule: Rule, endpoint: Endpoint) -> None:
    endpoint.life = 1.0  # over at once
    assert [Tokens().get(rule) for _ in range(3)] == ["t1", "t2", "t3"]
    assert endpoint.asked == ["r0", "r1", "r2"]


def test_a_token_is_shared_until_it_expires_or_is_refused(rule: Rule, endpoint: Endpoint) -> None:
    one, other = Tokens(), Tokens()
    assert (one.get(rule), other.get(rule)) == ("t1", "t1")
    assert one.get(rule, refused="t1") == "t2"
    assert other.get(rule, refused="t1") == "t2"
    assert endpoint.asked == ["r0", "r1"]


def test_nothing_is_kept_in_the_clear(rule: Rule, endpoint: Endpoint) -> None:
    Tokens().get(rule)
    row = Renewal.objects.get()
    assert (credentials.decrypted(row.refresh), credentials.decrypted(row.access or "")) == ("r1", "t1")
    assert not {"r1", "t1", "r0"} & {row.refresh, row.access, row.rule}


def test_with_another_secret_of_the_site_the_configured_one_is_used(rule: Rule, endpoint: Endpoint, settings: Any) -> None:
    Tokens().get(rule)
    settings.SECRET_KEY, endpoint.number = "another one, and long enough to be taken without a warning: 0123456789", 0
    assert Tokens().get(rule) == "t1"


def test_another_configured_token_begins_anew(rule: Rule, endpoint: Endpoint) -> None:
    Tokens().get(rule)
    endpoint.number = 100
    assert Tokens().get(Rule(rule.kind, rule.targets, (), {**rule.given, "refresh_token": "r100"})) == "t101"


def test_of_many_at_once_one_asks(rule: Rule, endpoint: Endpoint, settings: Any) -> None:
    settings.ENGINE_CALLBACK_TIMEOUT = 120.0  # so long the others wait for the first, however slow the machine is
    endpoint.wait, found = 0.2, list[str]()

    def process() -> None:
        try:
            found.append(Tokens().get(rule))
        finally:
            connection.close()

    threads = [threading.Thread(target=process) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (found, endpoint.asked) == (["t1"] * 4, ["r0"])


def test_who_died_while_asking_holds_nobody_up_for_ever(rule: Rule, endpoint: Endpoint, settings: Any) -> None:
    settings.ENGINE_CALLBACK_TIMEOUT = 0.2
    now = datetime.now(UTC)
    row = Renewal.objects.create(rule=rule.digest, refresh=credentials.encrypted("r0"), lease_until=now + timedelta(seconds=60))
    with pytest.raises(NoToken, match="another process"):
        Tokens().get(rule)
    row.lease_until = now - timedelta(seconds=1)
    row.save()
    assert Tokens().get(rule) == "t1"


def test_a_refusal_gives_the_lease_back(rule: Rule, endpoint: Endpoint) -> None:
    endpoint.number = 5
    for _ in range(2):
        with pytest.raises(NoToken, match="invalid_grant"):
            Tokens().get(rule)
    assert Renewal.objects.get().lease_until is None


def test_a_refresh_token_that_does_not_change_is_kept(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_asked", lambda rule, form: {"access_token": form["refresh_token"] + "!", "expires_in": 1})
    assert [Tokens().get(rule) for _ in range(2)] == ["r0!", "r0!"]
    assert renewals.decrypted(Renewal.objects.get().refresh) == "r0"
