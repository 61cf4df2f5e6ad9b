"""Instances: where each stands, what it knows, which transactions it had; suspend, activate, cancel."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from engine.admin.shown import definition_link, instance_link, picture, state_badge
from engine.admin.verbs import OfDefinition, Records, Verb, WithReason, each
from engine.models import Instance, Job, UserTask, Variable
from engine.runtime import instances, progress

MOST = 200  # variables, jobs, tasks or called instances that a page lists


def _running(instance: Instance) -> bool:
    return instance.ended is None


VERBS = (
    Verb(
        "cancel",
        _("Cancel"),
        _("It ends here, with everything it called; this cannot be undone."),
        each(lambda key, user, values: instances.cancel(key, values.get("reason") or None, user=user)),
        form=WithReason,
        fits=_running,
        danger=True,
    ),
    Verb(
        "suspend",
        _("Suspend"),
        _("It takes nothing, and its jobs are parked until it is activated."),
        each(lambda key, user, values: instances.suspend(key, user=user)),
        form=WithReason,
        fits=lambda i: _running(i) and not i.suspended,
    ),
    Verb(
        "activate",
        _("Activate"),
        _("It goes on where it was."),
        each(lambda key, user, values: instances.activate(key, user=user)),
        form=WithReason,
        fits=lambda i: _running(i) and i.suspended,
    ),
)


class Troubled(admin.SimpleListFilter):
    """Instances with jobs that failed."""

    title, parameter_name = _("trouble"), "trouble"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("dead", _("with a dead letter")), ("failing", _("with a job that failed"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Instance]) -> QuerySet[Instance]:
        mine = Job.objects.filter(instance=OuterRef("pk"))
        wanted = {"dead": mine.filter(state=Job.State.DEAD), "failing": mine.filter(error__isnull=False)}
        return queryset.filter(Exists(wanted[self.value() or ""])) if self.value() in wanted else queryset


class Open(admin.SimpleListFilter):
    """Running or ended."""

    title, parameter_name = _("running"), "running"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("1", _("running")), ("0", _("ended"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Instance]) -> QuerySet[Instance]:
        return queryset.filter(ended__isnull=self.value() == "1") if self.value() else queryset


class Suspended(admin.BooleanFieldListFilter):
    """What is shown as suspended: an open one (one that ended while it was, has ended); the open ones have an index."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Instance]) -> QuerySet[Instance]:
        found: QuerySet[Instance] = super().queryset(request, queryset)
        return found.filter(ended=None) if self.lookup_val == "1" else found


@admin.register(Instance)
class InstanceAdmin(Records):
    verbs = VERBS
    ids = ("pk",)
    list_display = ("shown", "process", "state_shown", "trouble", "starter", "started", "ended")
    list_filter = (Open, Troubled, "state", ("suspended", Suspended), ("started", admin.DateFieldListFilter), ("definition", OfDefinition))
    search_fields = ("business_key", "name", "=starter")
    list_select_related = ("definition",)
    ordering = ("-started",)
    fields = (
        "shown",
        "process",
        "state_shown",
        "business_key",
        "name",
        "starter",
        "started",
        "ended",
        "reason",
        "calling",
        "revision",
        "lease_owner",
        "lease_until",
    )
    change_form_template = "admin/towpath/instance/change_form.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Instance]:
        dead = Job.objects.filter(instance=OuterRef("pk"), state=Job.State.DEAD)
        return super().get_queryset(request).annotate(has_dead=Exists(dead))

    @admin.display(description=_("instance"), ordering="-id")
    def shown(self, instance: Instance) -> str:
        return str(instance)

    @admin.display(description=_("process"), ordering="definition_id")
    def process(self, instance: Instance) -> str:
        return definition_link(instance.definition)

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, instance: Instance) -> str:
        if instance.suspended and instance.ended is None:
            return state_badge("suspended", _("suspended"))
        return state_badge(instance.state, instance.get_state_display())

    @admin.display(description=_("trouble"))
    def trouble(self, instance: Any) -> str:
        return state_badge("dead", _("dead letter")) if instance.has_dead else ""

    @admin.display(description=_("called by"))
    def calling(self, instance: Instance) -> str:
        return instance_link(Instance.objects.select_related("definition").filter(pk=instance.parent).first()) if instance.parent else "–"

    def more(self, record: Instance) -> dict[str, Any]:
        return {
            "picture": picture(record.definition, record),
            "ledger": progress.ledger_rows(record),
            "variables": Variable.objects.filter(instance=record).order_by("token", "name")[:MOST],
            "jobs": Job.objects.filter(instance=record).order_by("created")[:MOST],
            "tasks": UserTask.objects.filter(instance=record).order_by("created")[:MOST],
            "called": Instance.objects.filter(parent=record.pk).select_related("definition").order_by("started")[:MOST],
        }
