"""The inbox: the open tasks that are mine, those that are offered to me or my groups, and all that I may see."""

from __future__ import annotations

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

from engine.errors import NotFound
from engine.models import IdentityLink, UserTask
from engine.runtime import access, queries
from tasks_ui.pages import page
from tasks_ui.paging import page_of, search_of

VIEWS = {"mine": _("My tasks"), "groups": _("My groups"), "all": _("All")}


@page()
def inbox(request: HttpRequest) -> HttpResponse:
    """A page of tasks, most urgent first. The number of SQL statements does not depend on how many there are."""
    view, search = request.GET.get("view", "mine"), search_of(request)
    if view not in VIEWS:
        raise NotFound(f"there is no view {view[:40]}")
    counts = queries.inbox_counts(request.user)
    shown = page_of(request, queries.inbox(request.user, view, search))
    _offer(request, shown.rows)
    tabs = [{"view": name, "title": title, "count": counts.get(name)} for name, title in VIEWS.items()]
    context = {"page": shown, "tabs": tabs, "view": view, "search": search, "inbox_counts": counts}
    return render(request, "tasks_ui/inbox.html", context)


def _offer(request: HttpRequest, tasks: list[UserTask]) -> None:
    """Say of each unclaimed task to whom it is offered, and whether that is me."""
    mine, name = access.groups(request.user), access.name(request.user)
    offers: dict[UUID | None, list[Any]] = defaultdict(list)
    for link in IdentityLink.objects.filter(task__in=[t.pk for t in tasks if t.assignee is None], type="candidate"):
        offers[link.task_id].append(link)
    for task in tasks:
        found = offers[task.pk]
        task.offered_to = ", ".join(sorted(link.group or link.user for link in found))  # type: ignore[attr-defined]
        task.may_claim = any(link.user == name or link.group in mine for link in found)  # type: ignore[attr-defined]
        task.is_mine = task.assignee == name  # type: ignore[attr-defined]


@never_cache
def count(request: HttpRequest) -> HttpResponse:
    """The badge alone, for the page to refresh; to who is logged out it says nothing, for a form may be half filled in behind it."""
    if not request.user.is_authenticated:
        return HttpResponse(status=204)
    return render(request, "tasks_ui/badge.html", {"count": sum(queries.inbox_counts(request.user).values())})
