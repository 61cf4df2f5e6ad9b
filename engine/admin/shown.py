"""How things look in lists and on pages: states as sign and word, links, pictures."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from engine.models import Definition, Instance
from engine.runtime import progress

SIGNS = {
    "ready": "▶",
    "waiting": "◷",
    "external": "⇄",
    "suspended": "‖",
    "dead": "✖",
    "active": "▶",
    "accepted": "◷",
    "completed": "✔",
    "terminated": "■",
    "cancelled": "⊘",
    "error": "✖",
    "open": "▶",
    "deleted": "⊘",
    "committed": "✔",
    "rolled back": "↶",
    "overtaken": "⊘",
}


def state_badge(state: str, word: Any) -> str:
    """A state as sign and word, so that colour is not the only mark."""
    return format_html(
        '<span class="towpath-state towpath-{}"><span aria-hidden="true">{}</span> {}</span>',
        state.replace(" ", "-"),
        SIGNS.get(state, "•"),
        word,
    )


def instance_link(instance: Instance | None) -> str:
    """A link to an instance's page, named by its process and key."""
    if instance is None:
        return "–"
    name = f"{instance.definition.name or instance.definition.key} {instance.business_key or str(instance.pk)[-12:]}"
    return format_html('<a href="{}">{}</a>', reverse("admin:towpath_instance_change", args=[instance.pk]), name)


def definition_link(definition: Definition) -> str:
    """A link to a definition's page."""
    return format_html('<a href="{}">{}</a>', reverse("admin:towpath_definition_change", args=[definition.pk]), definition)


def picture(definition: Definition, instance: Instance | None = None) -> SafeString:
    """The diagram, which `engine.bpmn.diagram` has escaped."""
    return mark_safe(progress.svg(definition, instance, prefix="admin"))  # noqa: S308
