"""User tasks: who has what to do; give it to somebody else, or back to its candidates."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from engine.admin.shown import instance_link, state_badge
from engine.admin.verbs import OfDefinition, Records, Verb, WithPerson, WithReason, each
from engine.models import Draft, IdentityLink, UserTask
from engine.runtime import holders, tasks

ORDINARY = 50  # the priority of a task that has no other


def _open(task: UserTask) -> bool:
    return task.state == UserTask.State.OPEN


VERBS = (
    Verb(
        "reassign",
        _("Reassign"),
        _("Give it to somebody else; what is open stays open."),
        each(lambda key, user, values: tasks.reassign(key, values["assignee"], user)),
        form=WithPerson,
        fits=_open,
    ),
    Verb(
        "release",
        _("Release"),
        _("Give it back to its candidates."),
        each(lambda key, user, values: tasks.release(key, user)),
        form=WithReason,
        fits=lambda t: _open(t) and bool(t.assignee),
    ),
)


class Urgency(admin.SimpleListFilter):
    """More, as, or less urgent than tasks are of themselves."""

    title, parameter_name = _("priority"), "urgency"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("high", _("high")), ("ordinary", _("ordinary")), ("low", _("low"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[UserTask]) -> QuerySet[UserTask]:
        wanted = {"high": Q(priority__gt=ORDINARY), "ordinary": Q(priority=ORDINARY), "low": Q(priority__lt=ORDINARY)}
        return queryset.filter(wanted.get(self.value() or "", Q()))


@admin.register(UserTask)
class UserTaskAdmin(Records):
    verbs = VERBS
    ids = ("pk", "instance")
    list_display = ("shown", "of_instance", "state_shown", "assignee", "priority", "due", "created")
    list_filter = ("state", Urgency, "suspended", ("created", admin.DateFieldListFilter), ("definition", OfDefinition))
    search_fields = ("name", "=assignee", "=node")
    list_select_related = ("instance", "instance__definition")
    ordering = ("-created",)
    fields = (
        "shown",
        "of_instance",
        "state_shown",
        "description",
        "assignee",
        "owner",
        "delegation",
        "priority",
        "category",
        "form_key",
        "due",
        "created",
        "claimed",
        "ended",
        "completed_by",
        "reason",
    )
    change_form_template = "admin/towpath/usertask/change_form.html"

    @admin.display(description=_("task"), ordering="name")
    def shown(self, task: UserTask) -> str:
        return str(task)

    @admin.display(description=_("instance"))
    def of_instance(self, task: UserTask) -> str:
        return instance_link(task.instance)

    @admin.display(description=_("state"), ordering="state")
    def state_shown(self, task: UserTask) -> str:
        return state_badge(task.state, task.get_state_display())

    def more(self, record: UserTask) -> dict[str, Any]:
        return {"links": holders.shown(IdentityLink.objects.filter(task=record)), "drafts": Draft.objects.filter(task=record).count()}
