"""What every page of the task UI has in common: who may come in, in whose time zone it speaks, how a refusal looks.

A page is never inside a transaction of its own: units of work open theirs late, and remote work refuses to run inside one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, wraps
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from engine.errors import BadInput, Conflict, EngineError, Forbidden, NotFound, TechnicalError

View = Callable[..., HttpResponseBase]

STATUS: dict[type[Exception], int] = {BadInput: 400, Forbidden: 403, NotFound: 404, Conflict: 409}

TITLES = {Conflict: gettext_lazy("This is not possible now"), BadInput: gettext_lazy("This could not be understood")}


def status_of(error: Exception) -> int:
    """The HTTP status of an error; what is not the user's doing is 500."""
    return next((status for kind, status in STATUS.items() if isinstance(error, kind)), 500)


def page(*methods: str) -> Callable[[View], View]:
    """Makes a view a page: logged-in users, these methods, never cached, times in the browser's zone, engine errors as pages."""

    def made(view: View) -> View:
        @transaction.non_atomic_requests
        @never_cache
        @require_http_methods(["GET", "HEAD", *methods])
        @wraps(view)
        def guarded(request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            with timezone.override(zone_of(request)):
                return answered(view, request, *arguments, **named)

        return guarded

    return made


def answered(view: View, request: HttpRequest, *arguments: Any, **named: Any) -> HttpResponseBase:
    """The view's answer; what the engine refuses becomes a page with the status that belongs to it."""
    try:
        return view(request, *arguments, **named)
    except NotFound:
        return render(request, "404.html", status=404)
    except Forbidden as error:
        raise PermissionDenied(str(error)) from error
    except (Conflict, BadInput, TechnicalError) as error:
        return refusal(request, error)


def refusal(request: HttpRequest, error: EngineError) -> HttpResponse:
    """A page that says in the engine's words why this cannot be done now."""
    title = next((title for kind, title in TITLES.items() if isinstance(error, kind)), _("This did not work"))
    return render(request, "tasks_ui/refusal.html", {"title": title, "error": error}, status=status_of(error))


def to_login(request: HttpRequest) -> HttpResponse:
    """To the login page and back; a script that polls is sent there with its whole page."""
    page_shown = request.htmx.current_url_abs_path if request.htmx else request.get_full_path()  # type: ignore[attr-defined]
    address = f"{resolve_url('login')}?{urlencode({'next': page_shown or '/'})}"
    header = "HX-Redirect" if request.htmx else "Location"  # type: ignore[attr-defined]
    return HttpResponse(status=204 if request.htmx else 302, headers={header: address})  # type: ignore[attr-defined]


def zone_of(request: HttpRequest) -> ZoneInfo | None:
    """The browser's time zone, as its script has told in a cookie; without one, the site's."""
    name = unquote(request.COOKIES.get("timezone", ""))
    return ZoneInfo(name) if name in _zones() else None


@cache
def _zones() -> frozenset[str]:
    """All names of zones; collecting them looks through files."""
    return frozenset(available_timezones())
