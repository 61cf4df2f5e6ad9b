"""What was promised to service clients: accepted requests, and callbacks that have to arrive."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Request(models.Model):
    """An operation accepted with 202; it can be asked for also after its instance is gone."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = Id()
    instance = models.UUIDField(null=True, blank=True)
    operation = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=State, default=State.ACCEPTED)
    input = models.JSONField(default=dict)
    result = models.JSONField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    user = models.CharField(max_length=150, null=True, blank=True)
    created = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["instance"], name="towpath_request_instance")]


class Delivery(models.Model):
    """A callback: the outbox row of an outcome, until a receiver took it or its tries ran out."""

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        DELIVERED = "delivered", "delivered"
        DEAD = "dead", "dead"

    id = Id()
    instance = models.UUIDField(null=True, blank=True)
    request = link("towpath.Request", null=True, blank=True)
    url = models.TextField()
    status = models.CharField(max_length=12)  # X-ATK-Status
    body = models.JSONField()
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    tries = models.PositiveIntegerField(default=0)
    due = models.DateTimeField()
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response = models.TextField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created = models.DateTimeField()
    delivered = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["state", "due"], name="towpath_delivery_due"),
            models.Index(fields=["instance"], name="towpath_delivery_instance"),
        ]
