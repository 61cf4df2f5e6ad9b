"""What is open now: one row a resting token or open scope; REST's execution is `<instance>.<number>`, the root is the instance itself."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Token(models.Model):
    """See `engine.interpreter.state.Token`, whose fields these are; number 0 is the process itself."""

    id = Id()
    instance = link("towpath.Instance", related_name="tokens", db_index=False)
    number = models.PositiveIntegerField()
    parent = models.PositiveIntegerField(null=True, blank=True)
    node = models.CharField(max_length=255, null=True, blank=True)
    scope = models.BooleanField(default=False)
    wait = models.CharField(max_length=20, null=True, blank=True)
    activity = models.UUIDField(null=True, blank=True)
    counters = models.JSONField(default=dict, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "number"], name="towpath_token_number")]
        indexes = [models.Index(fields=["node"], name="towpath_token_node")]

    def __str__(self) -> str:
        return f"{self.instance_id}.{self.number}" if self.number else str(self.instance_id)
