"""`Idempotency-Key`: a client that sends a POST again with the same key and body gets the same answer, and nothing happens twice.

The key is written down before the operation begins, so of two calls at once one is refused (409); the answer in the transaction that
does what it tells of. A call that changed nothing because of a fault of ours may be made again.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from engine.api.automatiko.asking import Call
from engine.api.body import storable
from engine.api.errors import Refused
from engine.api.headers import header
from engine.api.router import Answer
from engine.errors import BadInput, Conflict
from engine.models import Promise
from engine.runtime.processes import lives

HEADER = "Idempotency-Key"
LONGEST = 255
ABANDONED = timedelta(minutes=15)  # a call that has no answer after so long is taken for lost
KEPT = ("Location", "Content-Type", "Preference-Applied", "Retry-After", "Vary")
JSON = "application/json"


def kept(call: Call, answer: Callable[[], Any]) -> HttpResponseBase:
    """The answer to a call, or the one that was given before; raises Refused (409, 422), BadInput."""
    key = header(call.request, HEADER)
    if key is None or call.request.method != "POST":
        return _response(answer())
    promise = _begun(call, _key(key))
    if promise.status is not None:
        return _again(promise)
    call.keep = lambda found: _fulfil(promise, found)
    try:
        found = _response(answer())
    except BaseException:
        _forget(promise)
        raise
    _finish(promise, found)
    return found


def _response(found: Any) -> HttpResponseBase:
    if isinstance(found, HttpResponseBase):
        return found
    assert isinstance(found, Answer)
    return HttpResponse(_content(found), status=found.status, content_type=JSON, headers=dict(found.headers))


def _content(found: Answer) -> str:
    return "" if found.body is None else json.dumps(found.body, ensure_ascii=False)


def _key(said: str) -> str:
    """As it is, or in the quotes of a structured header; raises BadInput."""
    key = said.strip()
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not key or len(key) > LONGEST or not storable(key):
        raise BadInput(f"{HEADER} must have 1 to {LONGEST} characters", HEADER)
    return key


# -- the key --------------------------------------------------------------------------------------------------------------
def _begun(call: Call, key: str) -> Promise:
    """A new promise, or the one of this key whose answer is known."""
    made = Promise(client=call.client[:200], key=key, fingerprint=_fingerprint(call), created=datetime.now(UTC), owner=_me())
    try:
        with transaction.atomic():
            made.save(force_insert=True)
            return made
    except IntegrityError:
        return _known(made)


def _known(made: Promise) -> Promise:
    known = Promise.objects.filter(client=made.client, key=made.key).first()
    if known is None:
        raise Refused(HTTPStatus.CONFLICT, f"the call with this {HEADER} has just failed; try again")
    if known.fingerprint != made.fingerprint:
        raise Refused(HTTPStatus.UNPROCESSABLE_ENTITY, f"this {HEADER} was sent with another request before")
    if known.status is not None:
        return known
    taken = known.created < made.created - ABANDONED or not _lives(known.owner)
    if not taken or not _pending(known).update(created=made.created, owner=made.owner):
        raise Refused(HTTPStatus.CONFLICT, f"the call with this {HEADER} is still being answered", Retry_After="1")
    known.created, known.owner = made.created, made.owner
    return known


def _pending(promise: Promise) -> Any:
    """The row, as long as nobody has answered, or taken the call over."""
    return Promise.objects.filter(pk=promise.pk, status=None, created=promise.created, owner=promise.owner)


def _fingerprint(call: Call) -> str:
    """Address, parameters, body, and in which mode."""
    request = call.request
    mode = header(request, "X-ATK-Mode") or "", header(request, "Prefer") or "", header(request, "X-ATK-Callback") or ""
    whole = "\0".join((request.get_full_path(), *mode)).encode("utf-8", "surrogateescape") + b"\0" + request.body
    return hashlib.sha256(whole).hexdigest()


# -- the answer -----------------------------------------------------------------------------------------------------------
def _fulfil(promise: Promise, found: Answer) -> None:
    """Write the answer down in the transaction at hand; raises Conflict where another process took the call over."""
    if not _write(promise, found.status, {"Content-Type": JSON, **found.headers}, _content(found)):
        raise Conflict(f"the call with this {HEADER} is being answered elsewhere")


def _write(promise: Promise, status: int, headers: dict[str, str], body: str) -> bool:
    told = {name: value for name, value in headers.items() if name in KEPT}
    return bool(_pending(promise).update(status=status, headers=told, body=body))


def _finish(promise: Promise, found: HttpResponseBase) -> None:
    """Write down what changed nothing, or may be done twice: refusals, tags; forget the key of what failed."""
    if found.status_code >= 500 or not isinstance(found, HttpResponse):
        _forget(promise)
    else:
        _write(promise, found.status_code, dict(found.items()), found.content.decode())


def _forget(promise: Promise) -> None:
    """Nothing was done, so it may be asked for again; an answer that was committed stays."""
    _pending(promise).delete()


def _again(promise: Promise) -> HttpResponse:
    headers = {**promise.headers, "Idempotency-Replayed": "true"}
    return HttpResponse(promise.body.encode(), status=promise.status, headers=headers)


# -- who answers ----------------------------------------------------------------------------------------------------------
_BORN: dict[int, str] = {}  # process -> what tells it from an earlier one with its number


def _me() -> str:
    process = os.getpid()
    return f"{socket.gethostname()[:80]}:{process}:{_BORN.setdefault(process, os.urandom(4).hex())}"


def _lives(owner: str) -> bool:
    """Whether the process may still answer; False only where that can be known: it was on this machine and is gone."""
    host, _, rest = owner.partition(":")
    mine, _, own = _me().partition(":")
    number, _, born = rest.partition(":")
    if host != mine or not number.isdecimal():
        return True
    if number == own.partition(":")[0]:
        return born == own.partition(":")[2]
    return lives(int(number))
