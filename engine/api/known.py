"""Who called with these very credentials before: from memory, with a proof that user and token are as they were.

The proof is a look for the same rows, which costs a third of reading them; a call that changes something by a unit of work proves
it in that transaction, for next to nothing. Nothing is refused by what is remembered: who fails the proof is looked for anew.
PostgreSQL only, and only where a row tells all: user models of several tables, or with a manager that chooses, are read each time.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.contrib.auth import get_user_model
from django.db import DEFAULT_DB_ALIAS, connection, models, router
from django.http import HttpRequest
from oauth2_provider.models import get_access_token_model, get_application_model

from engine.api import auth
from engine.api.auth import REMEMBERED, Caller, Memory
from engine.models.compiled import short_way
from engine.runtime import proofs
from engine.runtime.orders import Outdated
from engine.runtime.proofs import Proof
from engine.runtime.store.sending import alone, read
from engine.runtime.store.statements import Statement

_KEY = os.urandom(32)


@dataclass(frozen=True, slots=True)
class _Known:
    """A caller as he was read: the columns of his row, what his credentials are good for, and what has to be so still."""

    columns: Sequence[Any]
    caller: Caller
    proof: Statement
    until: float  # of the monotonic clock

    def again(self) -> Caller:
        """The caller with a user object of this call's own, which carries its proof."""
        made = _made()
        assert made is not None
        user = made(self.columns)
        proofs.carried(user, Proof(self.proof))
        return replace(self.caller, user=user)


_memory = Memory()  # of _Known, or None for credentials that were seen once


def caller(request: HttpRequest) -> Caller | None:
    """Who calls, not yet proven; None for who is not remembered, or could not be proven."""
    found = _memory.get(_key(request)) if _memory.entries and "HTTP_AUTHORIZATION" in request.META and alone() else None
    return found.again() if found and found.until > time.monotonic() else None


def proven(request: HttpRequest) -> Caller:
    """Who calls, proven by a look where he is remembered, else read; raises Refused (401, 403, 429)."""
    found = caller(request)
    return found if found and proofs.holds(found.user) else remembered(request)


def remembered(request: HttpRequest) -> Caller:
    """Who calls, as the database has him; whose credentials come for the second time is kept. Raises Refused (401, 403, 429)."""
    who = auth.caller(request)
    if "HTTP_AUTHORIZATION" in request.META and alone() and _made():
        key = _key(request)
        _memory.put(key, _taken(request, who) if key in _memory.entries else None)
    return who


def _taken(request: HttpRequest, who: Caller) -> _Known | None:
    """First the mark, then the rows: after a change in between the proof fails, instead of holding for what was never read."""
    text, values = _look(who)
    rows = read((f"SELECT {_MARK} {text}", values))[0]
    again = auth.caller(request)
    if not rows or (again.user.pk, again.token) != (who.user.pk, who.token):
        return None
    missed = Outdated("who calls was changed")
    proof = Statement(f"SELECT 1 {text} AND {_MARK} = %s", [*values, rows[0][0]], guard=1, missed=missed)
    columns = [getattr(again.user, field.attname) for field in again.user._meta.concrete_fields]
    return _Known(columns, again, proof, time.monotonic() + REMEMBERED)


def forget(request: HttpRequest | None = None) -> None:
    """Whoever calls with these credentials, or everybody."""
    with _memory.lock:
        _memory.entries.clear() if request is None else _memory.entries.pop(_key(request), None)


def _key(request: HttpRequest) -> bytes:
    return hmac.digest(_KEY, request.META.get("HTTP_AUTHORIZATION", "").encode("utf-8", "surrogatepass"), "sha256")


_MARK = "md5(concat(u::text, t::text, a::text))"


def _look(who: Caller) -> tuple[str, list[Any]]:
    """FROM and WHERE of the rows that make him who he is: the user and, with a token, that and its application."""
    user = get_user_model()._meta
    if who.token is None:
        return f"FROM {_quoted(user.db_table)} u, (SELECT '') t, (SELECT '') a WHERE u.{_quoted(_pk(user))} = %s", [who.user.pk]
    token, application = get_access_token_model()._meta, get_application_model()._meta
    text = (
        f"FROM {_quoted(user.db_table)} u, {_quoted(token.db_table)} t LEFT JOIN {_quoted(application.db_table)} a"
        f" ON a.{_quoted(_pk(application))} = t.application_id"
        f" WHERE u.{_quoted(_pk(user))} = %s AND t.{_quoted(_pk(token))} = %s AND t.expires > now()"
    )
    return text, [who.user.pk, who.token]


def _pk(table: Any) -> str:
    return str(table.pk.column)


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


@cache
def _made() -> Callable[[Sequence[Any]], Any] | None:
    """How a user object is made of its columns; None where its row does not tell all of it, or is in a database of its own."""
    users = get_user_model()
    chooses = type(users._default_manager).get_queryset is not models.Manager.get_queryset
    elsewhere = any(router.db_for_read(one) != DEFAULT_DB_ALIAS for one in (users, get_access_token_model(), get_application_model()))
    if chooses or elsewhere or users._meta.parents:
        return None
    return short_way(users, DEFAULT_DB_ALIAS, [field.attname for field in users._meta.concrete_fields])
