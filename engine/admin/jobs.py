"""Jobs: what the cluster has to do, why it failed, and every attempt; retry, run now, bury, plan anew, delete."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from engine.admin.shown import instance_link, state_badge
from engine.admin.verbs import Records, Verb, WithTime, each
from engine.models import Job, Ledger
from engine.runtime import jobs

State = Job.State


def _is(*states: str) -> Any:
    return lambda job: job.state in states


VERBS = (
    Verb(
        "retry",
        _("Retry"),
        _("Let it run again, with all its attempts, as soon as a worker is free."),
        lambda user, ids, values: jobs.move_all(ids, user=user),
        fits=_is(State.DEAD, State.WAITING),
    ),
    Verb(
        "run",
        _("Run now"),
        _("Run it at once, here; this page waits for it."),
        each(lambda key, user, values: jobs.run_now(key, user=user)),
        fits=_is(State.READY, State.WAITING),
        bulk=False,
    ),
    Verb(
        "reschedule",
        _("Plan anew"),
        _("Give it another time."),
        lambda user, ids, values: jobs.reschedule_all(ids, values["due"], user=user),
        form=WithTime,
        fits=_is(State.WAITING),
    ),
    Verb(
        "bury",
        _("Make a dead letter"),
        _("Nobody runs it until it is retried."),
        lambda user, ids, values: jobs.bury_all(ids, user=user),
        fits=_is(State.READY, State.WAITING),
        danger=True,
    ),
    Verb(
        "remove",
        _("Delete"),
        _("What it had to do will not happen; its instance stays where it is."),
        lambda user, ids, values: jobs.delete_all(ids, user=user),
        danger=True,
    ),
)


LATE = timedelta(seconds=5)


def overdue() -> Q:
    """Jobs that should have been taken by now and are not."""
    free = Q(lease_until=None) | Q(lease_until__lt=timezone.now())
    return free & Q(state__in=(State.READY, State.WAITING), due__lt=timezone.now() - LATE)


class Overdue(admin.SimpleListFilter):
    """Jobs that nobody took in time."""

    title, parameter_name = _("overdue"), "overdue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("overdue"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(overdue()) if self.value() else queryset


class Failed(admin.SimpleListFilter):
    """Jobs whose last attempt failed."""

    title, parameter_name = _("error"), "failed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("with an error")), ("0", _("without"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        return queryset.filter(error__isnull=self.value() == "0") if self.value() else queryset


@admin.register(Job)
class JobAdmin(Records):
    verbs = VERBS
    ids = ("pk", "instance")
    list_display = ("what", "state_shown", "of_instance", "due", "retries", "attempts", "first_line")
    list_filter = ("state", "kind", Overdue, Failed, "category")
    search_fields = ("=node", "name", "error")
    list_select_related = ("instance", "instance__definition", "definition")
    ordering = ("due",)
    fields = (
        "what",
        "state_shown",
        "of_instance",
        "definition",
        "node",
        "due",
        "retries",
        "attempts",
        "retry",
        "exclusive",
        "priority",
        "category",
        "lease_owner",
        "lease_until",
        "created",
        "correlation",
    )
    change_form_template = "admin/towpath/job/change_form.html"

    @admin.display(description=_("job"), ordering="name")
    def what(self, job: Job) -> str:
        return str(job)

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, job: Job) -> str:
        return state_badge(job.state, job.get_state_display())

    @admin.display(description=_("instance"))
    def of_instance(self, job: Job) -> str:
        return instance_link(job.instance)

    @admin.display(description=_("error"))
    def first_line(self, job: Job) -> str:
        return (job.error or "").splitlines()[0][:100] if job.error else ""

    def more(self, record: Job) -> dict[str, Any]:
        return {"attempts": Ledger.objects.filter(job=record.pk).order_by("at")}


def job_link(job: Job) -> str:
    """A link to a job's page."""
    return format_html('<a href="{}">{}</a>', reverse("admin:towpath_job_change", args=[job.pk]), job)
