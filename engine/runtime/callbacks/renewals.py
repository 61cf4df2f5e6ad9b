"""Access tokens by refresh token: one process at a time asks for one, and what it gets is kept, encrypted, for all and for the next start.

A token endpoint may hand out a new refresh token with each access token and take the old one no more, so that the newest must not be
lost, nor an old one be used again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Q

from engine.conf import settings as conf
from engine.models import Renewal
from engine.runtime.callbacks.credentials import Rule, decrypted, encrypted

EARLY = 5.0  # seconds before its end a token is fetched anew
PAUSE = 0.1  # seconds between looks at what another process is fetching


class NoToken(Exception):
    """The token endpoint gave none; the text holds no secret."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a token endpoint gave: an access token, for so many seconds, and perhaps another refresh token."""

    access: str
    life: float
    refresh: str | None = None


def token(rule: Rule, refused: str | None, ask: Callable[[str], Given]) -> Given:
    """The shared access token of a rule, not the `refused` one; `ask` exchanges a refresh token. Raises NoToken."""
    until = time.monotonic() + conf.CALLBACK_TIMEOUT
    while True:
        if found := _shared(rule, refused):
            return found
        if _lease(rule):
            return _asked(rule, refused, ask)
        if time.monotonic() > until:
            raise NoToken("another process has been asking the token endpoint for too long")
        time.sleep(PAUSE)


def _shared(rule: Rule, refused: str | None) -> Given | None:
    """What is known and still good."""
    row = Renewal.objects.filter(rule=rule.digest).first()
    if row is None or row.access is None or row.until is None:
        return None
    access, life = decrypted(row.access), (row.until - datetime.now(UTC)).total_seconds()
    return Given(access, life) if access and access != refused and life > EARLY else None


def _lease(rule: Rule) -> bool:
    """Whether it is for this process to ask; who dies over it holds up the others no longer than a callback may take."""
    now = datetime.now(UTC)
    Renewal.objects.get_or_create(rule=rule.digest, defaults={"refresh": encrypted(rule.given["refresh_token"])})
    free = Renewal.objects.filter(Q(lease_until=None) | Q(lease_until__lt=now), rule=rule.digest)
    return bool(free.update(lease_until=now + timedelta(seconds=2 * conf.CALLBACK_TIMEOUT)))


def _asked(rule: Rule, refused: str | None, ask: Callable[[str], Given]) -> Given:
    """Exchange the newest refresh token, unless another process has just done so."""
    row = Renewal.objects.filter(rule=rule.digest)
    try:
        if found := _shared(rule, refused):
            return found
        kept = decrypted(row.get().refresh)  # None where the site's secret is another one by now
        given = ask(kept or rule.given["refresh_token"])
        until = datetime.now(UTC) + timedelta(seconds=min(given.life, 10**8))
        new = {"refresh": encrypted(given.refresh)} if given.refresh else {}
        row.update(access=encrypted(given.access), until=until, **new)
        return given
    finally:
        row.update(lease_until=None)
