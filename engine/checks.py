"""Django system checks: a setting that is misspelt or of the wrong type is said at start, not met in operation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning, register

from engine import conf


@register("towpath")
def check_settings(app_configs: Sequence[Any] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """Every `ENGINE_*` setting exists and has a value that can be."""
    known = {row.full: row for row in conf.table()}
    given = {name: getattr(django_settings, name) for name in dir(django_settings) if name.startswith(conf.PREFIX)}
    return [*_unknown(given, known), *_wrong(given, known)]


def _unknown(given: dict[str, Any], known: dict[str, conf.Setting[Any]]) -> Iterator[CheckMessage]:
    for name in sorted(given.keys() - known.keys()):
        near = get_close_matches(name, known, n=1)
        yield Warning(f"The engine has no setting {name}.", hint=f"Did you mean {near[0]}?" if near else None, id="towpath.W001")


def _wrong(given: dict[str, Any], known: dict[str, conf.Setting[Any]]) -> Iterator[CheckMessage]:
    for name in sorted(given.keys() & known.keys()):
        if said := known[name].problem(given[name]):
            yield Error(f"{name} {said}.", id="towpath.E001")
