"""One header of a call, found by itself: Django's `request.headers` reads all that there are to give the first."""

from __future__ import annotations

from functools import cache

from django.http import HttpRequest
from django.http.request import HttpHeaders


def header(request: HttpRequest, name: str) -> str | None:
    """The value of a header as it was sent, several of the same name joined with commas; None where it was not sent."""
    found: str | None = request.META.get(_key(name))
    return found


@cache  # asked only with names that stand in the code
def _key(name: str) -> str:
    return HttpHeaders.to_wsgi_name(name)
