"""Who waits for a message, a signal, a condition or a compensation."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Subscription(models.Model):
    """A token that waits for an event, or (no instance) a start event of a definition's latest version."""

    id = Id()
    kind = models.CharField(max_length=12)
    name = models.CharField(max_length=255, null=True, blank=True)
    instance = link("towpath.Instance", related_name="subscriptions", null=True, blank=True, db_index=False)
    definition = link("towpath.Definition", null=True, blank=True, db_index=False)
    token = models.PositiveIntegerField(null=True, blank=True)
    node = models.CharField(max_length=255, null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    tenant = models.CharField(max_length=255, blank=True, default="")
    created = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["kind", "name"], name="towpath_subscription_name"),
            models.Index(fields=["instance"], name="towpath_subscription_instance"),
            models.Index(fields=["definition"], name="towpath_subscription_version"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name or ''}".strip()
