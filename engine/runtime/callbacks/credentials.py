"""How callbacks log in: rules in ENGINE_CALLBACK_AUTH, the first whose targets and definitions fit counts, and nobody else gets anything.

A secret is written into the rule or, as `{"env": "NAME"}`, taken from the environment. What a caller's own header gives is kept
encrypted until it was passed on. Nothing here is ever shown or logged.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured

from engine.conf import settings as conf
from engine.runtime.callbacks.targets import Target, matches

KINDS = {
    "none": (), "basic": (), "oauth": (), "oauth2": (), "custom": ("name", "value"), "header": ("name", "value"), "on-behalf": (),
    "query": ("name", "value"),
}  # fmt: skip
MEMBERS = frozenset({
    "kind", "targets", "definitions", "user", "password", "encoded", "token", "client_id", "client_secret", "refresh_token", "token_url",
    "scope", "name", "value",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to log in, where it is used and for which workflows (none named: all); `given` are its own members."""

    kind: str
    targets: tuple[str, ...]
    definitions: tuple[str, ...] = ()
    given: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def header(self) -> str:
        """The header of the caller that is passed on."""
        return self.given.get("name") or "Authorization"

    @property
    def digest(self) -> str:
        """What a token is remembered under: other members, other token."""
        return hashlib.sha256(json.dumps(dict(self.given), sort_keys=True).encode()).hexdigest()

    def __hash__(self) -> int:
        return hash((self.kind, self.targets, self.definitions))


def rule_for(target: Target, workflow: str) -> Rule | None:
    """The rule for a receiver and a workflow, those for named workflows first; None: nothing is sent."""
    fitting = [
        rule
        for rule in rules(conf.CALLBACK_AUTH)
        if any(matches(p, target) for p in rule.targets) and (not rule.definitions or workflow in rule.definitions)
    ]
    return next((rule for rule in fitting if rule.definitions), None) or next(iter(fitting), None)


@lru_cache(maxsize=20)
def rules(text: str) -> tuple[Rule, ...]:
    """The rules of the setting; raises ImproperlyConfigured, whose text holds no secret."""
    if not text:
        return ()
    try:
        found = json.loads(text)
    except ValueError:
        raise ImproperlyConfigured("ENGINE_CALLBACK_AUTH is not JSON") from None
    listed = found if isinstance(found, list) else [found]
    return tuple(_rule(one, number) for number, one in enumerate(listed, 1))


def _rule(said: Any, number: int) -> Rule:
    where = f"rule {number} of ENGINE_CALLBACK_AUTH"
    if not isinstance(said, dict) or said.get("kind") not in KINDS:
        raise ImproperlyConfigured(f"{where} needs a kind, one of {', '.join(KINDS)}")
    if unknown := said.keys() - MEMBERS:
        raise ImproperlyConfigured(f"{where} has unknown members: {', '.join(sorted(map(str, unknown)))}")
    patterns = _texts(said.get("targets"))
    if not patterns and said["kind"] != "none":
        raise ImproperlyConfigured(f'{where} needs targets, patterns of the receivers that get the credentials ("*" for all)')
    given = {name: _text(value, f"{name} in {where}") for name, value in said.items() if name not in ("kind", "targets", "definitions")}
    if missing := [name for name in KINDS[said["kind"]] if not given.get(name)]:
        raise ImproperlyConfigured(f"{where} needs {' and '.join(missing)}")
    _check_header(given, where)
    return Rule(said["kind"], patterns or ("*",), _texts(said.get("definitions")), given)


def _texts(said: Any) -> tuple[str, ...]:
    return tuple(map(str, said)) if isinstance(said, list) else (str(said),) if said else ()


def _text(said: Any, where: str) -> str:
    """A member: as it is written, or the value of a variable of the environment."""
    if isinstance(said, dict) and set(said) == {"env"}:
        if said["env"] not in os.environ:
            raise ImproperlyConfigured(f"{where}: the environment has no {said['env']}")
        return os.environ[said["env"]]
    if not isinstance(said, str):
        raise ImproperlyConfigured(f'{where} must be a text or {{"env": "NAME"}}')
    return said


def _check_header(given: Mapping[str, str], where: str) -> None:
    name, value = given.get("name", "X"), given.get("value", "")
    if not name.replace("-", "").replace("_", "").isalnum() or any(c in value for c in "\r\n\0"):
        raise ImproperlyConfigured(f"{where} has a name or value that no header can have")


# -- on behalf ------------------------------------------------------------------------------------------------------------
def passed_on(target: Target, workflow: str, headers: Mapping[str, str]) -> str | None:
    """The caller's header that the callback will carry, encrypted; None where no rule asks for it or it was not sent."""
    rule = rule_for(target, workflow)
    if rule is None or rule.kind != "on-behalf":
        return None
    value = headers.get(rule.header)
    return encrypted(value) if value else None


def encrypted(text: str) -> str:
    return _box().encrypt(text.encode()).decode()


def decrypted(text: str) -> str | None:
    """The text again; None where the site's secret is another one by now."""
    try:
        return _box().decrypt(text.encode()).decode()
    except InvalidToken:
        return None


def _box() -> MultiFernet:
    return _boxed((django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _boxed(secrets: tuple[str, ...]) -> MultiFernet:
    keys = [hashlib.sha256(b"towpath callbacks " + secret.encode()).digest() for secret in secrets]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])
