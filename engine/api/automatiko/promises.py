"""`Idempotency-Key`: a client that sends a POST again with the same key and body gets the same answer, and nothing happens twice.

The key is written down before the operation begins, so of two calls at once one is refused (409). An answer that tells of a fault
of ours is not kept: the operation was rolled back and may be tried again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.db import IntegrityError, transaction
from django.http import HttpResponse
from django.http.response import HttpResponseBase

from engine.api.automatiko.asking import Call
from engine.api.body import storable
from engine.api.errors import Refused
from engine.errors import BadInput
from engine.models import Promise

HEADER = "Idempotency-Key"
LONGEST = 255
ABANDONED = timedelta(minutes=15)  # a call that has no answer after so long has lost its process
KEPT = ("Location", "Content-Type", "Preference-Applied", "Retry-After")


def kept(call: Call, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """The answer to a call, or the one that was given before; raises Refused (409, 422), BadInput."""
    key = call.request.headers.get(HEADER)
    if key is None or call.request.method != "POST":
        return answer()
    promise = _begun(call, _key(key))
    if promise.status is not None:
        return _again(promise)
    try:
        found = answer()
    except BaseException:
        Promise.objects.filter(pk=promise.pk).delete()  # nothing was done, so it may be asked for again
        raise
    _keep(promise, found)
    return found


def _key(said: str) -> str:
    """As it is, or in the quotes of a structured header; raises BadInput."""
    key = said.strip()
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not key or len(key) > LONGEST or not storable(key):
        raise BadInput(f"{HEADER} must have 1 to {LONGEST} characters", HEADER)
    return key


def _begun(call: Call, key: str) -> Promise:
    """A new promise, or the one of this key whose answer is known."""
    print_ = _fingerprint(call)
    made = Promise(client=call.client[:200], key=key, fingerprint=print_, created=datetime.now(UTC))
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
    taken = Promise.objects.filter(pk=known.pk, status=None, created=known.created, created__lt=made.created - ABANDONED)
    if not taken.update(created=made.created):
        raise Refused(HTTPStatus.CONFLICT, f"the call with this {HEADER} is still being answered", Retry_After="1")
    return known


def _fingerprint(call: Call) -> str:
    """Address, parameters, body, and in which mode."""
    request = call.request
    mode = request.headers.get("X-ATK-Mode", ""), request.headers.get("Prefer", ""), request.headers.get("X-ATK-Callback", "")
    whole = "\0".join((request.get_full_path(), *mode)).encode("utf-8", "surrogateescape") + b"\0" + request.body
    return hashlib.sha256(whole).hexdigest()


def _keep(promise: Promise, found: HttpResponseBase) -> None:
    if found.status_code >= 500 or not isinstance(found, HttpResponse):
        Promise.objects.filter(pk=promise.pk).delete()
        return
    headers = {name: found[name] for name in KEPT if name in found}
    Promise.objects.filter(pk=promise.pk).update(status=found.status_code, headers=headers, body=found.content.decode())


def _again(promise: Promise) -> HttpResponse:
    headers = {**promise.headers, "Idempotency-Replayed": "true"}
    return HttpResponse(promise.body.encode(), status=promise.status, headers=headers)
