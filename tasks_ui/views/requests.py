"""Requests: what I started or took part in, and the page of one: where it is, what happened, its transactions."""

from __future__ import annotations

import zlib
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from engine.errors import Conflict, NotFound
from engine.models import Instance
from engine.runtime import access, instances, progress, queries
from tasks_ui.onward import task_address
from tasks_ui.pages import page
from tasks_ui.paging import page_of, search_of

QUICKEST, SLOWEST = 1, 10
PACE = ((10, QUICKEST), (30, 3))  # polls up to this number come every so many seconds


@page()
def requests(request: HttpRequest) -> HttpResponse:
    """Newest first, with where each stands in words."""
    search = search_of(request)
    shown = page_of(request, _mine(request, search))
    standing = progress.currents(shown.rows, request.user)
    rows = [{"instance": i, "current": standing[i.pk]} for i in shown.rows]
    return render(request, "tasks_ui/requests.html", {"page": shown, "rows": rows, "search": search})


def _mine(request: HttpRequest, search: str) -> queries.Whole[Instance]:
    """What somebody started or takes part in; operators too see here only what is theirs. Called processes belong to their root."""
    wanted = Q()
    for column in ("name", "business_key", "definition__name") if search else ():
        wanted |= Q(**{f"{column}__icontains": search})
    asked = {"involvedUser": access.name(request.user), "excludeSubprocesses": True}
    return queries.historic_instances.whole(request.user, asked, "startTime", True, wanted, each=True)


# -- one request ----------------------------------------------------------------------------------------------------------
@page()
def request_page(request: HttpRequest, instance_id: UUID) -> HttpResponse:
    """The whole page. `?follow` is set behind a completed form: it goes on to the next form as soon as that is there."""
    instance = _visible(request, instance_id)
    current = progress.current(instance, request.user)
    if "follow" in request.GET and current.task and not current.claimable:
        return redirect(task_address(current.task.pk))
    return render(request, "tasks_ui/request.html", _context(request, instance, current, polls=0))


@page()
def news(request: HttpRequest, instance_id: UUID) -> HttpResponse:
    """What the open page asks for: nothing new, the changed parts, or the way to the next form."""
    instance = _visible(request, instance_id)
    current = progress.current(instance, request.user)
    if current.task and not current.claimable:
        return HttpResponse(status=204, headers={"HX-Redirect": task_address(current.task.pk)})
    polls = _number(request.GET.get("polls", ""))
    context = _context(request, instance, current, polls=polls + 1)
    if request.GET.get("mark") == context["mark"]:
        return render(request, "tasks_ui/poll.html", context)
    return render(request, "tasks_ui/news.html", context)


def _visible(request: HttpRequest, instance_id: UUID) -> Instance:
    instance = Instance.objects.select_related("definition").filter(pk=instance_id).first()
    if instance is None:
        raise NotFound(f"there is no request {instance_id}")
    if not access.sees_instance(request.user, instance.pk):
        raise PermissionDenied(_("This request is not yours."))
    return instance


def _context(request: HttpRequest, instance: Instance, current: progress.Current, *, polls: int) -> dict[str, Any]:
    return {
        "instance": instance,
        "current": current,
        "mark": _mark(instance, current),
        "polls": polls,
        "pace": _pace(polls, current) if current.poll else 0,
        "parts": Parts(instance),
        "sees_errors": access.sees_all(request.user),
        "may_cancel": instance.ended is None and access.may_cancel(request.user, instance),
    }


class Parts:
    """What a page shows below its heading, read only if it is shown."""

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def picture(self) -> str:
        return progress.svg(self.instance.definition, self.instance)

    def timeline(self) -> list[progress.Step]:
        return progress.timeline(self.instance)

    def ledger(self) -> list[progress.Row]:
        return progress.ledger_rows(self.instance)


def _mark(instance: Instance, current: progress.Current) -> str:
    """Changes whenever the page would look different."""
    task = current.task.pk if current.task else None
    seen = (instance.revision, instance.state, current.state, task, current.nodes, current.waiting, current.attempt)
    return f"{zlib.crc32(repr(seen).encode()):08x}"


def _pace(polls: int, current: progress.Current) -> int:
    """Seconds until the next poll: quick at first and around the beginning of an attempt, slower when it takes long."""
    if current.due and -2 < (timezone.now() - current.due).total_seconds() < PACE[0][0]:
        return QUICKEST
    return next((seconds for most, seconds in PACE if polls < most), SLOWEST)


def _number(text: str) -> int:
    return min(int(text), 1_000_000) if text.isascii() and text.isdigit() else 0


# -- cancelling -----------------------------------------------------------------------------------------------------------
@page("POST")
def cancel(request: HttpRequest, instance_id: UUID) -> HttpResponse:
    """Asks whether and why; then ends the request."""
    instance = _visible(request, instance_id)
    access.check_cancel(request.user, instance)
    if instance.ended is not None:
        raise Conflict(_("This request has ended already."))
    if request.method != "POST":
        return render(request, "tasks_ui/cancel.html", {"instance": instance})
    instances.cancel(instance.pk, request.POST.get("reason", "").replace("\0", "").strip()[:1000] or None, user=request.user)
    messages.success(request, _("The request is cancelled."))
    return redirect("tasks:request", instance.pk)
