"""What templates of the task UI need beyond Django's own tags."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField, CheckboxSelectMultiple, RadioSelect
from django.template import Context
from django.utils import timezone
from django.utils.formats import date_format, time_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, get_language_info, gettext, ngettext, pgettext

from engine.models import Instance
from engine.runtime import access, queries

register = template.Library()


@register.simple_tag(takes_context=True)
def current(context: Context, names: str) -> SafeString:
    """`aria-current` if the page shown is one of these."""
    match = getattr(context.get("request"), "resolver_match", None)
    here = match is not None and match.app_name == "tasks" and match.url_name in names.split()
    return SafeString(' aria-current="page"' if here else "")


@register.inclusion_tag("tasks_ui/badge.html", takes_context=True)
def inbox_badge(context: Context) -> dict[str, Any]:
    """How many tasks wait for the user; a view that has counted already passes `inbox_counts`."""
    counts = context.get("inbox_counts") or queries.inbox_counts(context["user"])
    return {"count": sum(counts.values())}


@register.inclusion_tag("tasks_ui/languages.html", takes_context=True)
def language_choice(context: Context) -> dict[str, Any]:
    """The languages of the site, the one that is spoken marked."""
    languages = [get_language_info(code) for code, _ in settings.LANGUAGES]
    return {"languages": languages, "spoken": get_language(), "request": context.get("request"), "csrf_token": context.get("csrf_token")}


@register.filter
def when(moment: datetime | None) -> SafeString:
    """A moment in the reader's zone: the time alone if it is today, with the date else; exact for machines."""
    if moment is None:
        return SafeString("")
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    text = time_format(local, "H:i:s") if today else f"{date_format(local, 'DATE_FORMAT')}, {time_format(local, 'H:i')}"
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)


@register.filter
def day(moment: datetime) -> SafeString:
    """A date in the reader's zone, the hour if it is today; exact for machines."""
    local = timezone.localtime(moment)
    today = local.date() == timezone.localdate()
    text = time_format(local, "H:i") if today else date_format(local, "DATE_FORMAT")
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), text)


@register.filter
def ago(moment: datetime) -> SafeString:
    """How long it is past, or the date once that is longer than a week; exact for machines."""
    minutes = (timezone.now() - moment) // timedelta(minutes=1)
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(), _past(minutes) or date_format(timezone.localtime(moment)))


def _past(minutes: int) -> str:
    if minutes < 1:
        return gettext("just now")
    if minutes < 60:
        return ngettext("%d minute ago", "%d minutes ago", minutes) % minutes
    hours = minutes // 60
    if hours < 24:
        return ngettext("%d hour ago", "%d hours ago", hours) % hours
    days = hours // 24
    return ngettext("%d day ago", "%d days ago", days) % days if days <= 7 else ""


@register.filter
def is_past(moment: datetime | None) -> bool:
    return moment is not None and moment < timezone.now()


@register.filter
def target(field: BoundField) -> str:
    """The id of the first control of a field, for a link that leads to it."""
    return f"{field.auto_id}_0" if is_group(field) else str(field.auto_id)


@register.filter
def is_group(field: BoundField) -> bool:
    """Whether a field is a group of controls, which needs a legend instead of a label."""
    return isinstance(field.field.widget, RadioSelect | CheckboxSelectMultiple)


@register.simple_tag(takes_context=True)
def person(context: Context, name: str | None, *, by: bool = False) -> str:
    """A user's name as the reader would say it; `by`: as it stands behind that word, which is another case in some languages."""
    if not name:
        return pgettext("who did it", "system")
    if name != access.name(context.get("user")):
        return name
    return pgettext("done by", "you") if by else pgettext("who did it", "you")


@register.filter
def title(instance: Instance) -> str:
    """What a request is called: by its own name, else by its process."""
    return instance.name or instance.definition.name or instance.definition.key


@register.filter
def reference(instance: Instance) -> str:
    """A short sign to tell requests of one kind apart: the business key, else the end of the id."""
    return instance.business_key or f"#{str(instance.pk)[-6:]}"
