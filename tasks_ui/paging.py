"""Pages of a list without counting it: one row more than fits says whether there is a next page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from engine.conf import settings as conf
from engine.runtime.queries import Whole, planned_anew

FARTHEST = 10_000  # pages; beyond it the number is nonsense


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a list; `number` counts from 1."""

    rows: list[Any]
    number: int
    more: bool

    @property
    def before(self) -> int:
        return self.number - 1

    @property
    def after(self) -> int | None:
        return self.number + 1 if self.more else None


def page_of(request: HttpRequest, rows: Whole[Any]) -> Page:
    """The page that `?page=` asks for, the first for anything that is no number; one statement, which looks for ids first."""
    asked = request.GET.get("page", "")
    number = min(int(asked), FARTHEST) if asked.isascii() and asked.isdigit() and asked.strip("0") else 1
    first, size = (number - 1) * conf.PAGE_SIZE, conf.PAGE_SIZE
    with planned_anew():
        found = rows.by_ids(first, size + 1)
    return Page(found[:size], number, len(found) > size)


def search_of(request: HttpRequest) -> str:
    """What is searched for, without what no text can hold."""
    return request.GET.get("q", "").replace("\0", "").strip()[:200]
