"""What a call brings with it, validated: JSON of bounded size and depth without characters that cannot be stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

from django.http import HttpRequest, UnreadablePostError

from engine.api.errors import Refused
from engine.conf import settings as conf
from engine.errors import BadInput
from engine.runtime.queries import filters

Json = Any
T = TypeVar("T")

BODY = "body"  # the field at fault where it is the whole of it
LONGEST = 255  # characters of a name or key, as the columns take them
LONGEST_TEXT = 100_000
_MOST_IN_VAIN = 1024 * 1024  # bytes that are read only to be thrown away; a larger body costs its client the connection
_SLACK = 1024 * 1024  # what a multipart body has around its file


def json_of(request: HttpRequest) -> Json:
    """The body as JSON; raises BadInput, or Refused (413, 415)."""
    if (request.content_type or "").lower() not in ("application/json", ""):
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
    check_size(request, conf.MAX_BODY)
    return parsed(request.body)


def check_size(request: HttpRequest, most: int) -> None:
    """Raises Refused (413) before a body is read that says it is too large."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > most:
        raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {most} bytes")


def read_up(request: HttpRequest) -> None:
    """Read what nobody has read of a body: a server closes the connection over the rest of one, while the client sends its next call."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not request._read_started and length.isdecimal() and 0 < int(length) <= _MOST_IN_VAIN:  # type: ignore[attr-defined]
        with suppress(UnreadablePostError):  # the client has gone: there is nobody to be kept
            request.read()


def check_multipart(request: HttpRequest, most: int) -> None:
    """Raises Refused (413, 415) for what is no multipart body of at most so many bytes."""
    if (request.content_type or "").lower() != "multipart/form-data":
        raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be multipart/form-data with a file")
    check_size(request, most + _SLACK)


def parsed(raw: bytes, *, unique: bool = False) -> Json:
    """JSON read strictly: no NaN, bounded depth, nothing that a database cannot hold; raises BadInput.

    With `unique` an object may not name a member twice.
    """
    try:
        found = (_UNIQUE if unique else _STRICT).decode(raw.decode(json.detect_encoding(raw), "surrogatepass"))
    except (ValueError, RecursionError):
        raise BadInput("the body is not JSON", BODY) from None
    if raw.count(b"[") + raw.count(b"{") > conf.MAX_JSON_DEPTH or b"\\u" in raw or b"\0" in raw:
        _check(found)
    return found


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """The members of an object; raises BadInput for one that is there twice, of which readers take either."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        name = next(n for n, _ in pairs if n in seen or seen.add(n))  # type: ignore[func-returns-value]
        raise BadInput(f"the body names {name[:60]!r} twice", name)
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(name)


_STRICT = json.JSONDecoder(parse_constant=_refuse_constant)
_UNIQUE = json.JSONDecoder(parse_constant=_refuse_constant, object_pairs_hook=_unique)


def _check(root: Json) -> None:
    """Depth, and characters that cannot be stored; a walk without recursion."""
    todo = [(root, 1)]
    while todo:
        value, depth = todo.pop()
        if depth > conf.MAX_JSON_DEPTH:
            raise BadInput(f"the body is nested deeper than {conf.MAX_JSON_DEPTH} levels", BODY)
        if isinstance(value, dict):
            todo += [(one, depth + 1) for one in value.values()]
            todo += [(one, depth) for one in value]
        elif isinstance(value, list):
            todo += [(one, depth + 1) for one in value]
        elif isinstance(value, str) and not storable(value):
            raise BadInput("the body holds a character that cannot be stored", BODY)


def storable(text: str) -> bool:
    """Whether a database can hold this text: no NUL, no half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text


# -- members of a JSON object ---------------------------------------------------------------------------------------------
class Members:
    """The members of a JSON object by name and type; each getter raises BadInput that names the member.

    `field` is what is at fault if it is no object.
    """

    def __init__(self, sent: Json, what: str = "the body", field: str = BODY) -> None:
        if not isinstance(sent, dict):
            raise BadInput(f"{what} must be a JSON object", field)
        self.all: Mapping[str, Json] = sent

    def __contains__(self, name: str) -> bool:
        return name in self.all

    def text(self, name: str, *, longest: int = LONGEST) -> str | None:
        found = self._typed(name, str, "a text")
        if found is not None and (len(found) > longest or not storable(found)):
            raise BadInput(f"{name} must have at most {longest} characters", name)
        return found

    def required(self, name: str, *, longest: int = LONGEST) -> str:
        found = self.text(name, longest=longest)
        if not found:
            raise BadInput(f"{name} is missing", name)
        return found

    def flag(self, name: str) -> bool:
        found = self.all.get(name)
        return filters.flag(name, found) if isinstance(found, str) else bool(self._typed(name, bool, "true or false"))

    def number(self, name: str) -> int | None:
        return None if self.all.get(name) is None else filters.number(name, self.all[name])

    def moment(self, name: str) -> datetime | None:
        """The moment a member names; null and an empty text name none. Raises BadInput."""
        return None if self.all.get(name) in (None, "") else filters.moment(name, self.all[name])

    def items(self, name: str) -> list[Json]:
        return self._typed(name, list, "a list") or []

    def texts(self, name: str) -> list[str]:
        return filters.texts(name, self.items(name))

    def _typed(self, name: str, kind: type[T], spoken: str) -> T | None:
        found = self.all.get(name)
        if found is not None and (not isinstance(found, kind) or (isinstance(found, bool) and kind is not bool)):
            raise BadInput(f"{name} must be {spoken}", name)
        return found


def one_of(table: Mapping[str, Callable[..., T]], sent: Members, name: str = "action") -> Callable[..., T]:
    """What the member `name` asks for; raises BadInput for a word that is not in the table."""
    word = sent.required(name)
    if word not in table:
        raise BadInput(f"{name} must be one of {', '.join(table)}, not {word[:40]!r}", name)
    return table[word]
