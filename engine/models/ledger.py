"""Every transaction of every instance, those that were rolled back too: who, what the engine did, how it ended."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Ledger(models.Model):
    """One transaction: T`number` is the revision it made or would have made; `attempt` counts from 1 within a number.

    `journal` is the list of steps done (or undone): `[what, node id, node name, ...]`; `work` is shared by the rows of one call
    tree. A failed start has no instance, so `instance` may be null.
    """

    class Outcome(models.TextChoices):
        COMMITTED = "committed", "committed"
        ROLLED_BACK = "rolled back", "rolled back"
        OVERTAKEN = "overtaken", "overtaken"  # its token was gone when it came to write

    class Trigger(models.TextChoices):
        START = "start", "start"
        TASK = "task", "user task completed"
        JOB = "job", "job"
        TIMER = "timer", "timer"
        MESSAGE = "message", "message"
        SIGNAL = "signal", "signal"
        TRIGGER = "trigger", "trigger"
        VARIABLES = "variables", "variables changed"
        CALL = "call", "called process"
        ABORT = "abort", "cancelled"

    id = Id()
    instance = link("towpath.Instance", related_name="ledger", null=True, blank=True, db_index=False)
    definition = models.CharField(max_length=300, blank=True, default="")
    number = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField(default=1)
    trigger = models.CharField(max_length=12, choices=Trigger)
    subject = models.CharField(max_length=255, blank=True, default="")  # what was triggered: the task's, job's or event's name
    node = models.CharField(max_length=255, null=True, blank=True)
    job = models.UUIDField(null=True, blank=True)
    who = models.CharField(max_length=150, null=True, blank=True)
    at = models.DateTimeField()
    took = models.FloatField(default=0)  # seconds
    outcome = models.CharField(max_length=12, choices=Outcome, default=Outcome.COMMITTED)
    error = models.TextField(null=True, blank=True)
    traceback = models.TextField(null=True, blank=True)
    journal = models.JSONField(default=list, blank=True)
    work = models.UUIDField()

    class Meta:
        ordering = ["instance", "number", "attempt"]
        verbose_name_plural = "ledger"
        indexes = [
            models.Index(fields=["instance", "number", "attempt"], name="towpath_ledger_order"),
            models.Index(fields=["work"], name="towpath_ledger_work"),
            models.Index(fields=["at", "id"], include=["outcome", "trigger"], name="towpath_ledger_at"),
            models.Index(fields=["at", "id"], name="towpath_ledger_undone", condition=~models.Q(outcome="committed")),  # few
            models.Index(fields=["job"], name="towpath_ledger_job", condition=models.Q(job__isnull=False)),
            models.Index(fields=["at"], name="towpath_ledger_alone", condition=models.Q(instance=None)),
        ]

    def __str__(self) -> str:
        return f"T{self.number}"
