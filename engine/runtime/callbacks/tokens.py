"""Access tokens for callbacks: fetched once, kept until they really expire, fetched anew once where a receiver refuses one.

Those by refresh token are shared by all processes (`renewals`).
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import requests

from engine.conf import settings as conf
from engine.runtime.callbacks import renewals, transport
from engine.runtime.callbacks.credentials import Rule
from engine.runtime.callbacks.renewals import EARLY, Given, NoToken

DEFAULT_LIFE = 300.0  # where the endpoint does not say
MOST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    value: str
    until: float


class Tokens:
    """The tokens of one process, by rule; the threads that want one of a rule wait for the first to fetch it."""

    def __init__(self) -> None:
        self._known: dict[str, Token] = {}
        self._locks: dict[str, threading.Lock] = defaultdict(threading.Lock)

    def get(self, rule: Rule, *, refused: str | None = None) -> str:
        """The token of a rule; `refused`: not this one any more. Raises NoToken."""
        if fixed := rule.given.get("token"):
            return fixed
        key = rule.digest
        with self._locks[key]:
            known = self._known.get(key)
            if known is None or known.value == refused or known.until - EARLY <= time.monotonic():
                given = _fetched(rule, refused)
                known = self._known[key] = Token(given.access, time.monotonic() + given.life)
            return known.value


def _fetched(rule: Rule, refused: str | None) -> Given:
    if rule.given.get("refresh_token"):
        return renewals.token(rule, refused, lambda refresh: _given(rule, {"grant_type": "refresh_token", "refresh_token": refresh}))
    return _given(rule, {"grant_type": "client_credentials"})


def _given(rule: Rule, form: dict[str, str]) -> Given:
    """What the endpoint answers to a form with the client's own members."""
    client = {name: rule.given[name] for name in ("client_id", "client_secret", "scope") if rule.given.get(name)}
    answer = _asked(rule, form | client)
    value, rotated = answer.get("access_token"), answer.get("refresh_token")
    if not isinstance(value, str) or not value or any(c in value for c in "\r\n"):
        raise NoToken("the token endpoint answered without a token")
    return Given(value, _seconds(answer.get("expires_in")), rotated if isinstance(rotated, str) and rotated else None)


def _asked(rule: Rule, form: dict[str, str]) -> dict[str, Any]:
    url = rule.given.get("token_url")
    if not url:
        raise NoToken("no token_url is configured")
    watch = transport.Watch(time.monotonic() + conf.CALLBACK_TIMEOUT)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    try:
        answer = transport.post(transport.session(filtered=False), url, urlencode(form).encode(), headers, watch, most=MOST)
        found = json.loads(answer.body) if 200 <= answer.status < 300 else None
    except (requests.RequestException, OSError, ValueError, transport.OutOfTime) as error:
        raise NoToken(f"the token endpoint cannot be asked: {type(error).__name__}") from None
    if not isinstance(found, dict):
        raise NoToken(f"the token endpoint answered {answer.status}")
    return found


def _seconds(said: Any) -> float:
    """`expires_in`, which may be a number or a text."""
    try:
        return max(0.0, float(said))
    except (TypeError, ValueError):
        return DEFAULT_LIFE
