"""The queue: one row a job, the row is the truth (DESIGN §3). A job changes state in place and keeps its id."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Job(models.Model):
    """Something the cluster has to do. Claimed are `ready` jobs and `waiting` ones that are due."""

    class State(models.TextChoices):
        READY = "ready", "ready"
        WAITING = "waiting", "waiting"  # a timer, or a failed job until its retry
        EXTERNAL = "external", "for an external worker"
        SUSPENDED = "suspended", "suspended"
        DEAD = "dead", "dead letter"

    class Kind(models.TextChoices):
        ASYNC = "async", "asynchronous step"
        ASYNC_LEAVE = "async-leave", "asynchronous leave"
        TIMER = "timer", "timer"
        REQUEST = "request", "accepted request"
        DELIVER = "deliver", "delivery of an event"
        CALLBACK = "callback", "callback"
        EXTERNAL = "external", "external work"
        START_TIMER = "start-timer", "start by timer"
        CLEANUP = "cleanup", "removal of what has ended"
        VARIABLES = "variables", "variables to be written"
        SUSPEND = "suspend", "suspension of a process"
        ACTIVATE = "activate", "activation of a process"

    id = Id()
    kind = models.CharField(max_length=12, choices=Kind)
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    resumes_as = models.CharField(max_length=10, null=True, blank=True)  # the state a suspended job goes back to
    instance = link("towpath.Instance", related_name="jobs", null=True, blank=True, db_index=False)
    definition = link("towpath.Definition", null=True, blank=True, db_index=False)
    token = models.PositiveIntegerField(null=True, blank=True)
    node = models.CharField(max_length=255, null=True, blank=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    due = models.DateTimeField()
    priority = models.SmallIntegerField(default=0)  # higher first
    exclusive = models.BooleanField(default=True)
    retries = models.PositiveIntegerField(default=3)  # attempts left
    attempts = models.PositiveIntegerField(default=0)  # begun so far
    retry = models.CharField(max_length=255, null=True, blank=True)  # the model's own retry policy
    category = models.CharField(max_length=255, null=True, blank=True)
    topic = models.CharField(max_length=255, null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    error = models.TextField(null=True, blank=True)
    traceback = models.TextField(null=True, blank=True)
    lease_owner = models.CharField(max_length=64, null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    begun = models.DateTimeField(null=True, blank=True)  # the attempt being made; still there at the next claim: its worker was lost
    correlation = models.UUIDField()
    tenant = models.CharField(max_length=255, blank=True, default="")
    created = models.DateTimeField()

    class Meta:
        ordering = ["-priority", "due", "id"]
        # What a claim, a renewal and the begin of an attempt change stands in no index, so PostgreSQL updates the row in place.
        indexes = [
            models.Index(fields=["-priority", "due", "id"], name="towpath_job_ready", condition=models.Q(state="ready")),
            models.Index(fields=["definition", "-priority", "due", "id"], name="towpath_job_fair", condition=models.Q(state="ready")),
            models.Index(fields=["due"], name="towpath_job_waiting", condition=models.Q(state="waiting")),
            models.Index(fields=["instance"], name="towpath_job_instance"),
            models.Index(fields=["definition"], name="towpath_job_definition"),
            models.Index(fields=["state", "created"], name="towpath_job_state"),
            models.Index(fields=["topic"], name="towpath_job_topic", condition=models.Q(state="external")),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name or self.node or ''}".strip()


class Worker(models.Model):
    """A worker process that is alive: it writes its heartbeat while it renews its leases."""

    id = models.CharField(primary_key=True, max_length=64)
    host = models.CharField(max_length=255)
    pid = models.PositiveIntegerField()
    started = models.DateTimeField()
    seen = models.DateTimeField(db_index=True)
    done = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.host}, process {self.pid}"
