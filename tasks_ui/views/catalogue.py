"""What the user may start: the latest version of each process, and the form that is filled before it starts."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from engine.errors import FormError
from engine.models import Definition
from engine.runtime import access, definitions, instances, progress, queries
from tasks_ui.forms import EngineForm
from tasks_ui.onward import Failure, onward, technical
from tasks_ui.pages import page, status_of
from tasks_ui.paging import search_of


@page()
def start(request: HttpRequest) -> HttpResponse:
    """All that the user may start and that the search lets through."""
    search = search_of(request)
    found = queries.definitions(request.user, {"latest": True, "suspended": False}).defer("starter_users", "starter_groups")
    startable = [d for d in found.order_by("name", "key") if access.may_start(request.user, d)]
    shown = [d for d in startable if search.lower() in f"{d.name} {d.key} {d.description}".lower()]
    return render(request, "tasks_ui/start.html", {"definitions": shown, "search": search})


@page("POST")
def start_form(request: HttpRequest, key: str) -> HttpResponse:
    """Starts a process; one with a start form shows it first."""
    definition = definitions.latest(key, request.GET.get("tenant", ""))
    access.check_start(request.user, definition)
    spec = definitions.start_form(definition)
    form = EngineForm(spec, request.POST if request.method == "POST" else None, initial=_defaults(spec))
    if request.method == "POST" and form.is_valid():
        return _started(request, definition, form)
    return _shown(request, definition, form, status=400 if form.is_bound else 200)


def _defaults(spec: Any) -> dict[str, Any]:
    return {one.id: one.value for one in spec.fields if one.value is not None} if spec else {}


def _started(request: HttpRequest, definition: Definition, form: EngineForm) -> HttpResponse:
    try:
        instance = instances.start_by_form(definition, form.values(), user=request.user)
    except FormError as error:
        form.refuse(error)
        return _shown(request, definition, form, status=status_of(error))
    except Exception as error:
        rest = _("Nothing was stored and nothing was started. You can try again.")
        return _shown(request, definition, form, technical(request, error, rest), status=500)
    return onward(request, instance.pk)


def _shown(request: HttpRequest, definition: Definition, form: EngineForm, failure: Failure | None = None, *, status: int) -> HttpResponse:
    return render(request, "tasks_ui/start_form.html", {"definition": definition, "form": form, "failure": failure}, status=status)


@page()
def diagram(request: HttpRequest, key: str) -> HttpResponse:
    """The picture of a process as an image of its own; browsers keep it, for its address names what it shows."""
    definition = definitions.latest(key, request.GET.get("tenant", ""))
    access.check_start(request.user, definition)
    picture = progress.svg(definition, standalone=True)
    return HttpResponse(picture, content_type="image/svg+xml", headers={"Cache-Control": "private, max-age=86400"})
