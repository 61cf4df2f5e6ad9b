"""What an administrator may do, as data: each Verb is a button on a record's page and, if it may be, an action on a list.

Both lead to a page that says what will happen and to how many; only then it is done, and the audit log says who did it and why.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, reduce
from operator import or_
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.widgets import AdminSplitDateTime
from django.core.paginator import Page, Paginator
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from engine.models import Definition
from engine.runtime import access
from engine.runtime.queries import filters


class Plain(forms.Form):
    """Nothing but the confirmation itself."""


class WithReason(forms.Form):
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class WithTime(forms.Form):
    due = forms.SplitDateTimeField(label=gettext_lazy("New time"), widget=AdminSplitDateTime)


class WithPerson(forms.Form):
    assignee = forms.CharField(label=gettext_lazy("User name"), max_length=255)
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


@dataclass(frozen=True, slots=True)
class Verb:
    """`do(user, ids, values)` does it and says to how many; `fits(record)` whether the button is shown. `danger` colours it."""

    name: str
    label: Any
    question: Any
    do: Callable[[Any, list[Any], dict[str, Any]], int]
    form: type[forms.Form] = Plain
    fits: Callable[[Any], bool] = lambda record: True
    bulk: bool = True
    danger: bool = False


def each(one: Callable[..., Any]) -> Callable[[Any, list[Any], dict[str, Any]], int]:
    """A `do` that calls `one(id, user, values)` for each id; the first refusal ends it."""

    def do(user: Any, ids: list[Any], values: dict[str, Any]) -> int:
        for key in ids:
            one(key, user, values)
        return len(ids)

    return do


class IdsFirst(Paginator):  # type: ignore[type-arg]
    """Pages of long lists: what is sorted are ids, and only the rows of the page are read whole."""

    def page(self, number: int | str) -> Page[Any]:
        number = self.validate_number(number)
        first = (number - 1) * self.per_page
        rows: Any = self.object_list
        keys = list(rows.values_list("pk", flat=True)[first : first + self.per_page])
        return self._get_page(rows.filter(pk__in=keys), number, self)


class OfDefinition(admin.RelatedFieldListFilter):
    """The definitions that have any of the records; each is asked by an index."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        mine = model_admin.model._default_manager.filter(definition=OuterRef("pk"))
        return [(d.pk, str(d)) for d in Definition.objects.filter(Exists(mine)).order_by("key", "version")]


class Records(admin.ModelAdmin):  # type: ignore[type-arg]  # Django has no generics at run time
    """Records that are read, with verbs; subclasses list theirs in `verbs`."""

    verbs: tuple[Verb, ...] = ()
    ids: tuple[str, ...] = ()  # where an id is looked for that is searched
    paginator = IdsFirst
    show_full_result_count = False
    list_per_page = 50
    change_form_template = "admin/towpath/record.html"

    class Media:
        css = {"all": ["towpath/diagram.css", "towpath/admin.css"]}

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> tuple[QuerySet[Any], bool]:
        """An id is found by its index; anything else is looked for in the texts."""
        key = filters.uuid(search_term.strip())
        if key is None or not self.ids:
            return super().get_search_results(request, queryset, search_term)
        return queryset.filter(reduce(or_, (Q(**{path: key}) for path in self.ids))), False

    # -- who
    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return access.sees_all(request.user)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    # -- verbs on one record
    def get_urls(self) -> list[Any]:
        name = f"towpath_{self.opts.model_name}"
        own = [
            path(f"<path:object_id>/{v.name}/", self.admin_site.admin_view(partial(self.one, verb=v)), name=f"{name}_{v.name}")
            for v in self.verbs
        ]
        return own + super().get_urls()

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record = self.get_object(request, object_id)
        buttons = [
            (v, reverse(f"admin:towpath_{self.opts.model_name}_{v.name}", args=[object_id]))
            for v in self.verbs
            if record and v.fits(record)
        ]
        shown = {"buttons": buttons, **(self.more(record) if record else {}), **(extra_context or {})}
        return super().change_view(request, object_id, form_url, shown)

    def more(self, record: Any) -> dict[str, Any]:
        """What the record's page shows beside its fields."""
        return {}

    def one(self, request: HttpRequest, object_id: str, *, verb: Verb) -> HttpResponse:
        """Ask, then do it to one record."""
        record = self.get_object(request, object_id)
        if record is None or not self.has_view_permission(request, record):
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        back = reverse(f"admin:towpath_{self.opts.model_name}_change", args=[object_id])
        form = verb.form(request.POST if request.method == "POST" and "confirm" in request.POST else None)
        if form.is_bound and form.is_valid():
            return HttpResponseRedirect(back if self.done(request, verb, [record], form.cleaned_data) or self._still(record) else "../../")
        return self._asks(request, verb, form, [record], back)

    def _still(self, record: Model) -> bool:
        return type(record)._default_manager.filter(pk=record.pk).exists()

    # -- verbs on many
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {v.name: (partial(_many, verb=v), v.name, v.label) for v in self.verbs if v.bulk}

    def done(self, request: HttpRequest, verb: Verb, records: Iterable[Model], values: dict[str, Any]) -> int:
        """Do it, say so, and write it into the audit log; a refusal of the engine becomes a message. Returns how many."""
        chosen = list(records)
        try:
            count = verb.do(request.user, [r.pk for r in chosen], values)
        except Exception as error:  # a step that failed is told to the administrator; the engine wrote it down
            self.message_user(request, _("%(verb)s: %(error)s") % {"verb": verb.label, "error": error}, messages.ERROR)
            self._audit(request, verb, chosen, f"failed: {error}")
            return 0
        self.message_user(
            request,
            ngettext("%(verb)s: done for %(n)d.", "%(verb)s: done for %(n)d.", count) % {"verb": verb.label, "n": count},
            messages.SUCCESS if count else messages.WARNING,
        )
        self._audit(request, verb, chosen, values.get("reason") or "")
        return count

    def _audit(self, request: HttpRequest, verb: Verb, records: list[Model], about: str) -> None:
        said = f"{verb.name}{f': {about}' if about else ''}"[:2000]
        LogEntry.objects.log_actions(request.user.pk, records, CHANGE, change_message=said, single_object=len(records) == 1)

    def _asks(self, request: HttpRequest, verb: Verb, form: forms.Form, records: Any, back: str, **hidden: Any) -> HttpResponse:
        many = records.count() if isinstance(records, QuerySet) else len(records)
        shown = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "verb": verb,
            "form": form,
            "count": many,
            "records": records[:20],
            "more": max(0, many - 20),
            "back": back,
            "title": verb.label,
            "hidden": hidden,
            "media": self.media + form.media,
        }
        return TemplateResponse(request, "admin/towpath/confirm.html", shown)


def _many(modeladmin: Records, request: HttpRequest, queryset: QuerySet[Any], *, verb: Verb) -> HttpResponse | None:
    """The action of a list: ask, then do it to all that were chosen."""
    form = verb.form(request.POST if "confirm" in request.POST else None)
    if form.is_bound and form.is_valid():
        modeladmin.done(request, verb, queryset, form.cleaned_data)
        return None
    across = request.POST.get("select_across", "0")
    chosen = [] if across == "1" else request.POST.getlist("_selected_action")
    return modeladmin._asks(
        request, verb, form, queryset, request.get_full_path(), action=verb.name, select_across=across, chosen=chosen or ["0"], index="0"
    )
