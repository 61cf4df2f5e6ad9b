"""The history: one row each time an activity, event or gateway was run, and for each flow taken."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Activity(models.Model):
    """One run of one node; `number` orders the runs of an instance, `began_in` and `ended_in` are numbers of ledger rows."""

    id = Id()
    instance = link("towpath.Instance", related_name="activities", db_index=False)
    number = models.PositiveBigIntegerField()
    node = models.CharField(max_length=255)
    name = models.CharField(max_length=255, null=True, blank=True)
    type = models.CharField(max_length=40)
    token = models.PositiveIntegerField()
    started = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    began_in = models.PositiveIntegerField()
    ended_in = models.PositiveIntegerField(null=True, blank=True)
    assignee = models.CharField(max_length=255, null=True, blank=True)
    task = models.UUIDField(null=True, blank=True)
    called = models.UUIDField(null=True, blank=True)
    reason = models.TextField(null=True, blank=True)

    class Meta:
        ordering = ["instance", "number"]
        indexes = [
            models.Index(fields=["instance", "number"], include=["started", "id"], name="towpath_activity_order"),
            models.Index(fields=["node", "ended"], name="towpath_activity_node"),
            models.Index(fields=["started", "id"], name="towpath_activity_started"),
            models.Index(
                fields=["assignee", "started", "id"], name="towpath_activity_assignee", condition=models.Q(assignee__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.node
