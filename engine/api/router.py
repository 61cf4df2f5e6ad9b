"""From method and path to a function: `@get("runtime/tasks/{task}")` above a function makes it the answer to that call.

The functions take a Call and the ids of the path as texts. What they return becomes the answer: a JSON value, None for an
empty body, an Answer where the status depends, or a response of Django's.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.csrf import csrf_exempt

from engine import tracing
from engine.api import audit, auth, errors, known
from engine.api.auth import ADMIN, READ, WRITE
from engine.api.body import Json, Members, json_of, read_up, storable
from engine.api.errors import Refused, impossible
from engine.api.headers import header
from engine.api.throttle import Throttle
from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.runtime import proofs

METHODS = ("GET", "POST", "PUT", "DELETE")
LONGEST_PATH = 2000
STEADY = "repository/"  # what changes so seldom that it is worth telling an answer again only if it is another
throttle = Throttle()
_JSON = json.JSONEncoder(ensure_ascii=False).encode
HEADER = "X-Request-Id"


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body (None: no body) with its status and, where there are, headers."""

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Call:
    """One call: who makes it, and what it brings."""

    def __init__(self, request: HttpRequest, who: auth.Caller, base: str, path: str = "") -> None:
        self.request, self.scopes, self.base, self.path = request, who.scopes, base, path
        self.remembered = who.user  # perhaps from memory: for what is done by a unit of work alone, which proves him

    @property
    def user(self) -> Any:
        """Who calls."""
        proofs.check(self.remembered)
        return self.remembered

    @cached_property
    def params(self) -> Mapping[str, str]:
        """The parameters of the address, the last of each name; raises BadInput."""
        found = {name: str(value) for name, value in self.request.GET.items()}
        if bad := next((name for name, value in found.items() if not storable(name + value)), None):
            raise BadInput(f"{bad[:40]!r} holds a character that cannot be stored", bad)
        return found

    @cached_property
    def json(self) -> Json:
        return json_of(self.request)

    @cached_property
    def sent(self) -> Members:
        """The body, a JSON object; raises BadInput."""
        return Members(self.json)

    def given(self, ids: Iterable[tuple[str, str]]) -> list[tuple[str, object]]:
        """Names and values of what the call brought, as far as it was read: the body's members, parameters, ids of the path."""
        body = vars(self).get("json")
        members = body.items() if isinstance(body, dict) else ()
        return [*members, *self.request.GET.items(), *ids]

    def url(self, *parts: object) -> str:
        """The address of something in this dialect."""
        return self.base + quote("/".join(map(str, parts)), safe=":/")

    def url_of(self, path: str, key: object) -> str | None:
        """The address of the thing with this key, None without one."""
        return None if key is None else self.url(path, key)


Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str
    scope: str
    status: int
    answer: Handler
    proves: bool = False  # whether it proves a caller from memory by itself: with a unit of work, or by asking for `Call.user`


@dataclass
class _Place:
    """One segment of the paths: what follows by name, by any id, or as the rest of the path."""

    named: dict[str, _Place] = field(default_factory=dict)
    by_id: _Place | None = None
    rest: dict[str, Route] = field(default_factory=dict)
    routes: dict[str, Route] = field(default_factory=dict)


class Router:
    """The table of one dialect."""

    def __init__(self) -> None:
        self._root = _Place()
        self.all: list[Route] = []

    # -- making the table
    def get(self, path: str, scope: str = READ) -> Callable[[Handler], Handler]:
        return self._route("GET", path, scope, 200)

    def post(self, path: str, scope: str = WRITE, status: int = 200, *, proves: bool = False) -> Callable[[Handler], Handler]:
        return self._route("POST", path, scope, status, proves=proves)

    def query(self, path: str) -> Callable[[Handler], Handler]:
        """A POST that only reads."""
        return self._route("POST", path, READ, 200)

    def put(self, path: str, scope: str = WRITE, status: int = 200) -> Callable[[Handler], Handler]:
        return self._route("PUT", path, scope, status)

    def delete(self, path: str, scope: str = WRITE, status: int = 204) -> Callable[[Handler], Handler]:
        return self._route("DELETE", path, scope, status)

    def _route(self, method: str, path: str, scope: str, status: int, *, proves: bool = False) -> Callable[[Handler], Handler]:
        def add(answer: Handler) -> Handler:
            route = Route(method, path, scope, status, answer, proves)
            table = self._table(path)
            if method in table:
                raise ValueError(f"{method} {path} is there already")
            table[method] = route
            self.all.append(route)
            return answer

        return add

    def _table(self, path: str) -> dict[str, Route]:
        place = self._root
        for segment in path.split("/"):
            if segment.endswith("...}"):
                return place.rest
            if segment.startswith("{"):
                place.by_id = place = place.by_id or _Place()
            else:
                place = place.named.setdefault(segment, _Place())
        return place.routes

    # -- using it
    def find(self, method: str, path: str) -> tuple[Route, list[str]]:
        """The route for a call, and the ids in its path; raises Refused (404, 405)."""
        place, segments = self._root, path.split("/")
        ids: list[str] = []
        for at, segment in enumerate(segments):
            if segment in place.named:
                place = place.named[segment]
            elif place.rest:
                return _of_method(place.rest, method), [*ids, "/".join(segments[at:])]
            elif place.by_id and segment:
                place = place.by_id
                ids.append(segment)
            else:
                raise Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
        return _of_method(place.routes, method), ids

    def view(self) -> Callable[..., HttpResponseBase]:
        """The Django view for all paths of the dialect; its argument `path` is what follows the dialect's own address."""

        @csrf_exempt  # sessions are checked in `auth`, which tells the reason in JSON
        @non_atomic_requests
        def dispatch(request: HttpRequest, path: str) -> HttpResponseBase:
            if tracing.current() is not None:  # the site gives each call its id
                return self._told(request, path)
            key = tracing.chosen(header(request, HEADER) or "")
            with tracing.call(key):
                response = self._told(request, path)
            response.headers[HEADER] = key
            return response

        return dispatch

    def _told(self, request: HttpRequest, path: str) -> HttpResponseBase:
        try:
            response = self._answered(request, path)
        except Exception as error:
            response = errors.answer(request, error)
        read_up(request)
        return response

    def _answered(self, request: HttpRequest, path: str) -> HttpResponseBase:
        if who := known.caller(request):
            try:
                response = self._answered_to(who, request, path)
                proofs.check(who.user)
                return response
            except Exception:
                if proofs.holds(who.user):
                    raise
                known.forget(request)
        return self._answered_to(known.remembered(request), request, path)

    def _answered_to(self, who: auth.Caller, request: HttpRequest, path: str) -> HttpResponseBase:
        throttle.check(who.client, conf.API_RATE)
        if len(path) > LONGEST_PATH or not storable(path):
            raise BadInput("the address is too long or holds a character that cannot be stored", "path")
        route, ids = self.find("GET" if request.method == "HEAD" else str(request.method), path.strip("/"))
        if not route.proves:
            proofs.check(who.user)
        answered = partial(_carried_out, request, path, route, ids, who)
        return _audited(route, request.path, who, ids, answered) if route.scope == ADMIN else answered()


def base_of(request: HttpRequest, path: str) -> str:
    """The address of the dialect in which `path` was asked for."""
    site: str = request._current_scheme_host  # type: ignore[attr-defined]  # found out once for each request
    return site + _quoted(request.path[: len(request.path) - len(path)])


@lru_cache(maxsize=100)
def _quoted(prefix: str) -> str:
    return quote(prefix)


def _carried_out(request: HttpRequest, path: str, route: Route, ids: list[str], who: auth.Caller) -> HttpResponseBase:
    auth.check_scope(who, route.scope)
    base = base_of(request, path)
    call = Call(request, who, base, path.strip("/"))
    try:
        response = _response(route.answer(call, *ids), route.status)
    except (BadInput, NotFound, Forbidden, Conflict) as error:
        errors.locate(error, call.given(zip(words(route.path), ids, strict=True)))
        raise
    return _unless_known(request, response) if route.method == "GET" and path.startswith(STEADY) else response


def _audited(route: Route, path: str, who: auth.Caller, ids: list[str], answered: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """What an administrator does is noted, and what others tried to do or to see."""
    looks = route.method == "GET"
    try:
        response = answered()
    except Exception as error:
        status = errors.status_of(error)
        if not looks or status == HTTPStatus.FORBIDDEN:
            audit.refused(who, route.method, path, status)
        raise
    if not looks:
        audit.done(who, route.method, path, ids, response.status_code)
    return response


def _unless_known(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """304 where the client has this answer already."""
    if not isinstance(response, HttpResponse) or response.status_code != HTTPStatus.OK:
        return response
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["ETag"] = tag = f'"{hashlib.sha256(response.content).hexdigest()[:32]}"'
    return get_conditional_response(request, etag=tag, response=response) or response


def words(path: str) -> list[str]:
    """The names of the ids in a route's path."""
    return [one.strip("{}.") for one in path.split("/") if one.startswith("{")]


def _of_method(table: Mapping[str, Route], method: str) -> Route:
    if method in table:
        return table[method]
    if not table:
        raise Refused(HTTPStatus.NOT_FOUND, "there is nothing at this address")
    raise impossible(method, table)


def _response(found: Any, status: int) -> HttpResponseBase:
    if isinstance(found, HttpResponseBase):
        return found
    if isinstance(found, Answer):
        found, status = found.body, found.status
    if found is None:
        return HttpResponse(status=status, content_type="application/json")
    return HttpResponse(_JSON(found), status=status, content_type="application/json")


__all__ = ["ADMIN", "READ", "WRITE", "Answer", "Call", "Router"]
