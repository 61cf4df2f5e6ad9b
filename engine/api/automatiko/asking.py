"""A call of the service API: what it asks for in its path, parameters, headers and body, each validated as it is read."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest

from engine.api.automatiko.callers import Caller
from engine.api.body import Json, check_size, parsed, storable
from engine.api.errors import Refused
from engine.api.headers import header
from engine.api.router import Answer
from engine.conf import settings as conf
from engine.errors import BadInput
from engine.runtime.callbacks import credentials, targets
from engine.runtime.operations import Wanted
from engine.runtime.requests import Told

LOG = logging.getLogger("towpath.services")
MODE, CALLBACK, NODE = "X-ATK-Mode", targets.FIELD, "X-ATK-StartFromNode"
JSON = ("application/json",)
PICTURE = ("image/svg+xml", "application/svg+xml")
_REFUSED = re.compile(r"(.*;)?q=0(\.0*)?(;.*)?")
TRUTH = {"true": True, "false": False, "": False}


class Call:
    """One call."""

    def __init__(self, request: HttpRequest, who: Caller, base: str) -> None:
        self.request, self.user, self.client, self.base = request, who.user, who.client, base
        self.keep: Callable[[Answer], None] | None = None  # wants the answer in the transaction of what it tells of

    # -- parameters
    def param(self, name: str) -> str | None:
        """The last value of a parameter; raises BadInput for what cannot be stored."""
        found = self.request.GET.get(name)
        if found is not None and not storable(found):
            raise BadInput(f"{name} holds a character that cannot be stored", name)
        return found

    def params(self, name: str) -> list[str]:
        """All values of a parameter; raises BadInput for what cannot be stored."""
        found = self.request.GET.getlist(name)
        if not all(map(storable, found)):
            raise BadInput(f"{name} holds a character that cannot be stored", name)
        return found

    def flag(self, name: str, default: bool = False) -> bool:
        found = self.param(name)
        return default if found is None else TRUTH.get(found.lower(), False)

    def number(self, name: str, default: int) -> int:
        """A whole number, not negative; raises BadInput."""
        found = self.param(name)
        if not found:
            return default
        if not (found.isascii() and found.isdecimal() and len(found) < 10):
            raise BadInput(f"{name} must be a whole number that is not negative, not {found[:40]!r}", name)
        return int(found)

    @property
    def metadata(self) -> bool:
        return self.flag("metadata")

    # -- negotiation
    def check_accept(self, kinds: tuple[str, ...]) -> None:
        """Raises Refused (406) where the caller takes none of these."""
        if not self.accepts(kinds):
            raise Refused(HTTPStatus.NOT_ACCEPTABLE, f"the answer is {kinds[0]}, which the Accept header does not take")

    def accepts(self, kinds: tuple[str, ...]) -> bool:
        said = (header(self.request, "Accept") or "").strip()
        named = [one.lower().replace(" ", "").partition(";") for one in said.split(",")] if said else [("*/*", "", "")]
        taken = [kind for kind, _, more in named if not _REFUSED.fullmatch(more)]
        return any(one in ("*/*", kind, kind.partition("/")[0] + "/*") for one in taken for kind in kinds)

    @property
    def wants_page(self) -> bool:
        """Whether a browser asks, which takes HTML before JSON."""
        return not self.accepts(JSON) and self.accepts(("text/html",))

    # -- body
    @cached_property
    def json(self) -> Json:
        """The body as JSON, None without one; raises BadInput, Refused (413, 415)."""
        check_size(self.request, conf.MAX_BODY)
        if not self.request.body:
            return None
        if (self.request.content_type or "").lower() not in ("application/json", ""):
            raise Refused(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "the body must be application/json")
        return parsed(self.request.body, unique=True)

    def event(self, *, text: bool) -> Json:
        """What is sent with a signal or message: JSON or, where it takes a text, the body as it is if it is sent as one.

        Automatiko takes it as it is whatever it is sent as. Raises BadInput, Refused (413, 415).
        """
        check_size(self.request, conf.MAX_BODY)
        if not text or not (conf.SERVICES_COMPATIBLE or (self.request.content_type or "").lower() == "text/plain"):
            return self.json
        try:
            said = self.request.body.decode()
        except UnicodeDecodeError:
            raise BadInput("the body is no text in UTF-8", "body") from None
        if not storable(said):
            raise BadInput("the body holds a character that cannot be stored", "body")
        return said or None

    def values(self, *, optional: bool = False) -> Mapping[str, Any]:
        """The body, an object; `optional`: none at all stands for an empty one. Raises BadInput."""
        found = {} if optional and self.json is None else self.json
        if not isinstance(found, dict):
            raise BadInput("the body must be a JSON object" if found is not None else "the body is missing: send a JSON object", "body")
        return found

    # -- headers
    @property
    def asynchronous(self) -> bool:
        """Whether the answer is to be 202; raises BadInput for an unknown mode."""
        mode = header(self.request, MODE)
        if mode is not None and mode.strip().lower() not in ("async", "sync") and not conf.SERVICES_COMPATIBLE:
            raise BadInput(f"{MODE} must be async or sync, not {mode[:40]!r}", MODE)
        return (mode or "").strip().lower() == "async" or (mode is None and self.prefers)

    @property
    def prefers(self) -> bool:
        """`Prefer: respond-async` (RFC 7240), which Automatiko does not know."""
        said = header(self.request, "Prefer") or ""
        words = [one.partition(";")[0].partition("=")[0].strip().lower() for one in said.split(",")]
        return "respond-async" in words and not conf.SERVICES_COMPATIBLE

    @property
    def node(self) -> str | None:
        found = header(self.request, NODE)
        if found is not None and (len(found) > 255 or not storable(found)):
            raise BadInput(f"{NODE} is no id of a node", NODE)
        return found

    def told(self, wanted: Wanted) -> Told:
        """Where the outcome is to be told; raises BadInput for an address to which nothing may be sent."""
        url = header(self.request, CALLBACK)
        if url is None:
            return Told()
        try:
            target = targets.check(url)
        except BadInput as error:
            if conf.SERVICES_COMPATIBLE and not url.lower().startswith(("http:", "https:")):
                LOG.warning("no callback will be sent: %s", error)
                return Told()
            raise
        passed = credentials.passed_on(target, wanted.definition.service, self.request.headers)
        return Told(url, target.origin, passed)
