"""The first page: how the engine stands, in figures that lead to the lists behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from engine.admin.jobs import overdue
from engine.models import Instance, Job
from engine.runtime import access, queue


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its name, the list behind it, and whether it is `fine`, `watch` or `bad`."""

    label: Any
    value: Any
    address: str
    mood: str = "fine"


def figures() -> list[Figure]:
    """What an administrator wants to know first; seven SELECTs."""
    standing = queue.standing()
    running = Instance.objects.filter(ended=None).count()
    failed = Job.objects.filter(error__isnull=False).exclude(state=Job.State.DEAD).values("instance").distinct().count()
    dead, workers = standing.count(Job.State.DEAD), len(standing.workers)
    jobs, instances = reverse("admin:towpath_job_changelist"), reverse("admin:towpath_instance_changelist")
    late, unserved = standing.overdue, Job.objects.filter(overdue()).count()
    return [
        Figure(_("running"), running, f"{instances}?running=1"),
        Figure(_("failed, will be tried again"), failed, f"{jobs}?failed=1&state__exact=waiting", "watch" if failed else "fine"),
        Figure(_("dead letters"), dead, f"{jobs}?state__exact=dead", "bad" if dead else "fine"),
        Figure(_("overdue jobs"), unserved, f"{jobs}?overdue=1", "watch" if unserved else "fine"),
        Figure(
            _("oldest due job waits (s)"),
            round(late),
            f"{jobs}?state__exact=ready",
            "bad" if late > 60 else "watch" if late > 10 else "fine",
        ),
        Figure(_("workers alive"), workers, reverse("admin:towpath_worker_changelist"), "fine" if workers else "bad"),
    ]


_plain_index = admin.AdminSite.index


def index(self: admin.AdminSite, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """Django's own first page, with the figures above for those who may see them."""
    shown = {"figures": figures()} if access.sees_all(request.user) else {}
    return _plain_index(self, request, {**shown, **(extra_context or {})})


admin.AdminSite.index = index  # type: ignore[method-assign]  # the host keeps its own site; only its first page knows more
admin.site.site_header = admin.site.site_title = _("Towpath administration")
