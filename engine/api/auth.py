"""Who calls: a session with CSRF protection, an OAuth2 bearer token with scopes, or (where switched on) a name and password.

A call that brings `Authorization` is judged by that alone. Verified passwords are remembered for some minutes in this
process, as an HMAC under a key of its own bound to the user's current password hash: hashing one costs half a second.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from oauth2_provider.oauth2_backends import get_oauthlib_core

from engine.api.errors import Refused
from engine.conf import settings as conf
from engine.models.prepared import Prepared

READ, WRITE, ADMIN = "workflow.read", "workflow.write", "workflow.admin"
IMPLIED = {ADMIN: frozenset({READ, WRITE, ADMIN}), WRITE: frozenset({READ, WRITE}), READ: frozenset({READ})}
EVERYTHING = IMPLIED[ADMIN]

REMEMBERED = 600.0  # seconds that a verified password is remembered
MOST_REMEMBERED = 10_000
TRIES, WINDOW = 10, 60.0  # wrong passwords for one name from one address, in so many seconds
LONGEST_PASSWORD = 4096


@dataclass(frozen=True, slots=True)
class Caller:
    """A user, the scopes that his credentials are good for (a session or a password is good for all), and what he calls with."""

    user: Any
    scopes: frozenset[str] = EVERYTHING
    application: str | None = None  # the OAuth2 client, by its id
    token: Any = None  # the primary key of the OAuth2 token

    @property
    def client(self) -> str:
        """Who is throttled: an application for each of its users, or a user."""
        return f"user {self.user.pk}" + (f" with {self.application}" if self.application else "")


def caller(request: HttpRequest) -> Caller:
    """Who makes this call; raises Refused (401, 403, 429)."""
    scheme, _, credentials = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    match scheme.lower():
        case "":
            return Caller(_session(request))
        case "bearer":
            return _bearer(request, credentials.strip())
        case "basic" if conf.BASIC_AUTH:
            return Caller(_basic(request, credentials.strip()))
    raise _unauthorized(f"{scheme[:20]} is no way to log in here")


def check_scope(who: Caller, scope: str) -> None:
    """Raises Refused (403) where the token is not good for this."""
    if scope not in who.scopes:
        challenge = f'Bearer realm="towpath", error="insufficient_scope", scope="{scope}"'
        raise Refused(HTTPStatus.FORBIDDEN, f"this needs a token with the scope {scope}", WWW_Authenticate=challenge)


def _unauthorized(message: str, error: str = "") -> Refused:
    challenge = 'Bearer realm="towpath"' + (f', error="{error}"' if error else "")
    if conf.BASIC_AUTH and not error:
        challenge = f'Basic realm="towpath", charset="UTF-8", {challenge}'
    return Refused(HTTPStatus.UNAUTHORIZED, message, WWW_Authenticate=challenge)


# -- session --------------------------------------------------------------------------------------------------------------
class _Csrf(CsrfViewMiddleware):
    """Django's check, which tells the reason instead of answering with a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def _session(request: HttpRequest) -> AbstractBaseUser:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        raise _unauthorized("you are not logged in")
    check = _Csrf(lambda _: HttpResponse())
    check.process_request(request)
    if reason := check.process_view(request, lambda _: HttpResponse(), (), {}):
        refused = Refused(HTTPStatus.FORBIDDEN, f"CSRF: {reason}")
        refused.field = "X-CSRFToken"
        raise refused
    found: AbstractBaseUser = user
    return found


# -- bearer tokens --------------------------------------------------------------------------------------------------------
def _bearer(request: HttpRequest, token: str) -> Caller:
    """The user whom the token stands for; a client of its own (client credentials) acts as the user it belongs to."""
    headers = {"Authorization": f"Bearer {token}"}
    valid, found = get_oauthlib_core().server.verify_request(
        request.build_absolute_uri(request.path), request.method, None, headers, scopes=[]
    )
    if not valid:
        raise _unauthorized("the token is unknown, expired or revoked", "invalid_token")
    user = found.user or getattr(found.access_token.application, "user", None)
    if user is None or not user.is_active:
        raise _unauthorized("the token stands for no active user", "invalid_token")
    scopes = frozenset().union(*(IMPLIED.get(scope, frozenset()) for scope in found.access_token.scope.split()))
    application = found.access_token.application
    return Caller(user, scopes, application.client_id if application else None, found.access_token.pk)


# -- name and password ----------------------------------------------------------------------------------------------------
@dataclass
class Memory:
    """A bounded map of what is remembered of calls; the oldest entries go first."""

    size: int = MOST_REMEMBERED
    entries: OrderedDict[Hashable, Any] = field(default_factory=OrderedDict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: Hashable) -> Any:
        return self.entries.get(key)

    def put(self, key: Hashable, value: Any) -> None:
        with self.lock:
            self.entries[key] = value
            self.entries.move_to_end(key)
            while len(self.entries) > self.size:
                self.entries.popitem(last=False)


class Passwords:
    """The verified passwords and the wrong ones of this process."""

    def __init__(self) -> None:
        self._key = os.urandom(32)
        self._known = Memory()
        self._wrong = Memory()
        self._one_hash = threading.Lock()  # so that an expiry is no stampede

    def user(self, request: HttpRequest, name: str, password: str) -> AbstractBaseUser:
        """The active user with this name and password; raises Refused (401, 429)."""
        row = _row(name)
        if row is not None and self._remembers(row, password):
            return row
        self._check_tries(request, name)
        with self._one_hash:
            if row is not None and self._remembers(row, password):
                return row
            found = authenticate(request, username=name, password=password)
        if found is None:
            self._count(request, name)
            raise _unauthorized("the name or the password is wrong")
        self._known.put(self._digest(found, password), time.monotonic() + REMEMBERED)
        return found

    def _remembers(self, row: AbstractBaseUser, password: str) -> bool:
        until = self._known.get(self._digest(row, password))
        return until is not None and until > time.monotonic()

    def _digest(self, row: AbstractBaseUser, password: str) -> bytes:
        return hmac.digest(self._key, "\0".join((str(row.pk), row.password, password)).encode("utf-8", "surrogatepass"), "sha256")

    # -- wrong ones
    def _check_tries(self, request: HttpRequest, name: str) -> None:
        count, began = self._wrong.get(_tries_key(request, name)) or (0, 0.0)
        left = began + WINDOW - time.monotonic()
        if count >= TRIES and left > 0:
            message = "too many wrong passwords, try again later"
            raise Refused(HTTPStatus.TOO_MANY_REQUESTS, message, Retry_After=str(int(left) + 1))

    def _count(self, request: HttpRequest, name: str) -> None:
        key, now = _tries_key(request, name), time.monotonic()
        count, began = self._wrong.get(key) or (0, now)
        self._wrong.put(key, (count + 1, began) if now - began < WINDOW else (1, now))

    def forget(self) -> None:
        """As at the start of the process."""
        self.__init__()  # type: ignore[misc]


passwords = Passwords()


def _tries_key(request: HttpRequest, name: str) -> tuple[str, str]:
    return request.META.get("REMOTE_ADDR", ""), name


def _named(name: str) -> QuerySet[AbstractBaseUser]:
    users = get_user_model()
    found: QuerySet[AbstractBaseUser] = users._default_manager.filter(is_active=True, **{users.USERNAME_FIELD: name}).order_by("pk")
    return found


_row = Prepared(get_user_model, _named).first


def _basic(request: HttpRequest, credentials: str) -> AbstractBaseUser:
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _unauthorized("the credentials are not a name and a password in base64") from None
    if not colon or "\0" in name + password or len(name) > 255 or len(password) > LONGEST_PASSWORD:
        raise _unauthorized("the name or the password is wrong")
    return passwords.user(request, name, password)
