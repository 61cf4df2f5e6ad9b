"""Definitions and deployments: deploy a file, see what it draws, suspend a version, take a deployment away."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import ADDITION, LogEntry
from django.core.exceptions import PermissionDenied
from django.db.models import Count, FilteredRelation, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from engine.admin.shown import picture, state_badge
from engine.admin.verbs import Records, Verb, each
from engine.errors import DeploymentError, Problem
from engine.models import Definition, Deployment, Resource
from engine.runtime import access, definitions, instances


class WithInstances(forms.Form):
    instances = forms.BooleanField(label=_("Its running instances too"), required=False)


class WithCascade(forms.Form):
    cascade = forms.BooleanField(label=_("Also its instances, running or ended, with their history"), required=False)


def _switch(suspended: bool) -> Any:
    return each(lambda key, user, values: instances.suspend_definition(key, suspended, instances=values["instances"], user=user))


class DeployForm(forms.Form):
    file = forms.FileField(label=_("File"), help_text=_("A model (.bpmn), a form (.form), or an archive of them (.zip, .bar)."))
    name = forms.CharField(label=_("Name"), required=False, max_length=255, help_text=_("Left empty, the file's own name is taken."))


@admin.register(Definition)
class DefinitionAdmin(Records):
    verbs = (
        Verb(
            "suspend",
            _("Suspend"),
            _("No instance starts from this version until it is activated."),
            _switch(True),
            form=WithInstances,
            fits=lambda d: not d.suspended,
        ),
        Verb(
            "activate",
            _("Activate"),
            _("Instances start from this version again."),
            _switch(False),
            form=WithInstances,
            fits=lambda d: d.suspended,
        ),
    )
    list_display = ("shown", "key", "version", "running", "state_shown", "deployed")
    list_filter = ("suspended",)
    search_fields = ("key", "name")
    list_select_related = ("deployment",)
    ordering = ("key", "-version")
    fields = (
        "shown",
        "key",
        "version",
        "description",
        "state_shown",
        "running",
        "resource",
        "deployment",
        "deployed",
        "starter_users",
        "starter_groups",
    )
    change_form_template = "admin/towpath/definition/change_form.html"
    change_list_template = "admin/towpath/definition/change_list.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or access.may_deploy(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Definition]:
        found = super().get_queryset(request)
        return found.annotate(_open=FilteredRelation("instances", condition=Q(instances__ended=None)), n_running=Count("_open"))

    @admin.display(description=_("process"), ordering="name")
    def shown(self, definition: Definition) -> str:
        return definition.name or definition.key

    @admin.display(description=_("running"), ordering="n_running")
    def running(self, definition: Any) -> int:
        return int(definition.n_running)

    @admin.display(description=_("state"), ordering="suspended")
    def state_shown(self, definition: Definition) -> str:
        return state_badge("suspended", _("suspended")) if definition.suspended else state_badge("active", _("active"))

    @admin.display(description=_("deployed"), ordering="deployment__deployed")
    def deployed(self, definition: Definition) -> Any:
        return definition.deployment.deployed

    def more(self, record: Definition) -> dict[str, Any]:
        return {"picture": picture(record), "form_spec": definitions.start_form(record)}

    # -- deploying
    def get_urls(self) -> list[Any]:
        return [path("deploy/", self.admin_site.admin_view(self.deploy), name="towpath_definition_deploy"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"may_deploy": access.may_deploy(request.user), **(extra_context or {})})

    def deploy(self, request: HttpRequest) -> HttpResponse:
        """Upload a file; what is wrong with it is listed whole, and then nothing of it is stored."""
        if not access.may_deploy(request.user):
            raise PermissionDenied
        form = DeployForm(request.POST or None, request.FILES or None)
        problems: tuple[Problem, ...] = ()
        if form.is_valid():
            try:
                return self._deployed(request, form.cleaned_data["file"], form.cleaned_data["name"])
            except DeploymentError as error:
                problems = error.problems
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "problems": problems,
            "title": _("Deploy"),
            "media": self.media,
        }
        return TemplateResponse(request, "admin/towpath/definition/deploy.html", shown, status=400 if problems or form.errors else 200)

    def _deployed(self, request: HttpRequest, file: Any, name: str) -> HttpResponse:
        made = definitions.deploy_upload(file.name or "", file.read(), user=request.user, name=name or None)
        count = made.definitions.count()
        said = ngettext("%(name)s is deployed: %(n)d process.", "%(name)s is deployed: %(n)d processes.", count)
        self.message_user(request, said % {"name": made.name, "n": count}, messages.SUCCESS)
        for warning in getattr(made, "warnings", ()):
            self.message_user(request, str(warning), messages.WARNING)
        LogEntry.objects.log_actions(request.user.pk, [made], ADDITION, change_message=_t("deployed"), single_object=True)
        return HttpResponseRedirect(reverse("admin:towpath_definition_changelist"))


@admin.register(Deployment)
class DeploymentAdmin(Records):
    verbs = (
        Verb(
            "remove",
            _("Delete"),
            _("Its processes cannot be started any more; an older version becomes the latest again."),
            each(lambda key, user, values: definitions.delete_deployment(key, cascade=values["cascade"], user=user)),
            form=WithCascade,
            danger=True,
        ),
    )
    list_display = ("name", "processes", "deployed", "deployed_by")
    search_fields = ("name", "key")
    date_hierarchy = "deployed"
    ordering = ("-deployed",)
    change_form_template = "admin/towpath/deployment/change_form.html"

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_view_permission(request, obj) or access.may_deploy(request.user)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        return super().get_queryset(request).annotate(n_processes=Count("definitions"))

    @admin.display(description=_("processes"), ordering="n_processes")
    def processes(self, deployment: Any) -> int:
        return int(deployment.n_processes)

    def more(self, record: Deployment) -> dict[str, Any]:
        return {
            "definitions": Definition.objects.filter(deployment=record).order_by("key"),
            "resources": Resource.objects.filter(deployment=record).defer("content").order_by("name"),
        }
