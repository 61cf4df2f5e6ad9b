"""What was promised to service clients: accepted requests, callbacks that have to arrive, and answers to be given again."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Request(models.Model):
    """An operation accepted with 202; it can be asked for also after its instance is gone.

    `running` is written when the operation is done and its instance has not come to rest yet. `secret` is the header of the call
    that the callback will carry, encrypted, until it has passed on to the delivery.
    """

    class State(models.TextChoices):
        ACCEPTED = "accepted", "accepted"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"

    id = Id()
    instance = models.UUIDField(null=True, blank=True)
    workflow = models.CharField(max_length=220, blank=True, default="")
    operation = models.CharField(max_length=30)
    state = models.CharField(max_length=10, choices=State, default=State.ACCEPTED)
    input = models.JSONField(default=dict)
    result = models.JSONField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    callback = models.TextField(null=True, blank=True)
    secret = models.TextField(null=True, blank=True, editable=False)
    user = models.CharField(max_length=150, null=True, blank=True)
    client = models.CharField(max_length=200, blank=True, default="")  # who may ask for it
    created = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["instance"], name="towpath_request_instance")]

    def __str__(self) -> str:
        return f"{self.operation} {self.workflow}"


class Delivery(models.Model):
    """A callback: the outbox row of an outcome, until a receiver took it or its tries ran out.

    `stream` is the instance and the receiver; within one, deliveries go out in the order of `number`. `origin` is scheme, host and
    port of the receiver, which limits how many are under way to it. The body is kept as it is sent.
    """

    class State(models.TextChoices):
        PENDING = "pending", "pending"
        DELIVERED = "delivered", "delivered"
        DEAD = "dead", "dead"

    id = Id()
    instance = models.UUIDField(null=True, blank=True)
    request = link("towpath.Request", null=True, blank=True)
    workflow = models.CharField(max_length=220, blank=True, default="")
    stream = models.CharField(max_length=400, default="")
    number = models.PositiveIntegerField(default=1)
    origin = models.CharField(max_length=350, default="")
    url = models.TextField()
    status = models.CharField(max_length=12)  # X-ATK-Status
    body = models.TextField()
    secret = models.TextField(null=True, blank=True, editable=False)
    state = models.CharField(max_length=10, choices=State, default=State.PENDING)
    tries = models.PositiveIntegerField(default=0)
    due = models.DateTimeField()
    lease_owner = models.CharField(max_length=120, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    response = models.TextField(null=True, blank=True)
    error = models.TextField(null=True, blank=True)
    created = models.DateTimeField()
    delivered = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["stream", "number"], name="towpath_delivery_order")]
        indexes = [
            models.Index(fields=["state", "due"], name="towpath_delivery_due"),
            models.Index(fields=["instance"], name="towpath_delivery_instance"),
            models.Index(fields=["origin", "due"], name="towpath_delivery_pending", condition=models.Q(state="pending")),
        ]

    def __str__(self) -> str:
        return f"{self.status} to {self.origin}"


class Promise(models.Model):
    """An `Idempotency-Key` of a client: what was asked for with it, and the answer, once there is one."""

    id = Id()
    client = models.CharField(max_length=200)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.TextField(blank=True, default="")
    created = models.DateTimeField(db_index=True)
    owner = models.CharField(max_length=120, blank=True, default="")  # the process that answers, while there is no answer

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "key"], name="towpath_promise_key")]

    def __str__(self) -> str:
        return self.key


class Renewal(models.Model):
    """The newest tokens of a rule by which callbacks log in with a refresh token, encrypted; all processes share them.

    `rule` is the rule's digest. Who holds the lease asks the token endpoint, so that no refresh token is used twice.
    """

    id = Id()
    rule = models.CharField(max_length=64, unique=True)
    refresh = models.TextField(editable=False)
    access = models.TextField(null=True, blank=True, editable=False)
    until = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.rule
