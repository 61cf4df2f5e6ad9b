"""One run of a process: where it stands as a whole. Tokens say where in detail."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Instance(models.Model):
    """A process instance, running or ended. `revision` grows by one with each transaction and guards against lost updates."""

    class State(models.TextChoices):
        ACCEPTED = "accepted", "accepted"  # an asynchronous start whose job has not run
        ACTIVE = "active", "running"
        COMPLETED = "completed", "completed"
        TERMINATED = "terminated", "terminated"  # by a terminate event
        CANCELLED = "cancelled", "cancelled"  # from outside
        ERROR = "error", "ended by an error"

    id = Id()
    definition = link("towpath.Definition", related_name="instances", db_index=False)
    business_key = models.CharField(max_length=255, null=True, blank=True)
    business_status = models.CharField(max_length=255, null=True, blank=True)
    service_id = models.CharField(max_length=255, null=True, blank=True)  # the id a client of the service API uses
    awaited = models.BooleanField(default=False, db_default=False)  # a request waits for it to come to rest
    tags = models.TextField(blank=True, default="", db_default="")  # made by its model, one a line
    added_tags = models.TextField(blank=True, default="", db_default="")  # by clients, one a line
    name = models.CharField(max_length=255, null=True, blank=True)
    tenant = models.CharField(max_length=255, blank=True, default="")
    parent = models.UUIDField(null=True, blank=True)
    parent_token = models.PositiveIntegerField(null=True, blank=True)
    root = models.UUIDField(null=True, blank=True)
    starter = models.CharField(max_length=150, null=True, blank=True)
    started = models.DateTimeField()
    ended = models.DateTimeField(null=True, blank=True)
    start_node = models.CharField(max_length=255, null=True, blank=True)
    end_node = models.CharField(max_length=255, null=True, blank=True)
    state = models.CharField(max_length=12, choices=State, default=State.ACTIVE)
    reason = models.TextField(null=True, blank=True)
    held = models.BooleanField(default=False)  # at its end it waits for a job of its caller (completeAsync)
    revision = models.PositiveIntegerField(default=1)
    next_number = models.PositiveIntegerField(default=1)  # of its next token
    attempts = models.PositiveIntegerField(default=0)  # rolled back since the last commit
    suspended = models.BooleanField(default=False)
    lease_owner = models.CharField(max_length=64, null=True, blank=True)  # who runs its exclusive jobs
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-started", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "service_id"], condition=models.Q(ended=None), name="towpath_instance_service_id")
        ]
        indexes = [
            models.Index(fields=["definition", "id"], include=["ended", "started"], name="towpath_instance_definition"),
            models.Index(fields=["starter", "id"], include=["ended"], name="towpath_instance_starter"),
            models.Index(fields=["started", "id"], name="towpath_instance_started"),
            models.Index(fields=["ended", "id"], name="towpath_instance_ended"),
            models.Index(fields=["business_key", "id"], name="towpath_instance_key"),
            models.Index(fields=["tenant", "id"], name="towpath_instance_tenant", condition=~models.Q(tenant="")),
            models.Index(  # the open ones are few: what is asked of them is counted in here
                fields=["id"],
                include=["definition", "started", "suspended", "parent", "business_key", "tenant"],
                name="towpath_instance_open",
                condition=models.Q(ended=None),
            ),
            models.Index(fields=["parent"], name="towpath_instance_parent", condition=models.Q(parent__isnull=False)),
            models.Index(fields=["root"], name="towpath_instance_root", condition=models.Q(root__isnull=False)),
            models.Index(  # what retention looks for: called instances go with who called them
                fields=["definition", "ended"], name="towpath_instance_old", condition=models.Q(root=None, ended__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.business_key or str(self.id)
