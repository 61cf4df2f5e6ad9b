"""The values, now and in history: one row a variable, in the column that its type is searched by."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Left, Upper

from engine.models.fields import Id, link


class Blob(models.Model):
    """Bytes too large for a row that is read often: long texts, large JSON, files."""

    id = Id()
    content = models.BinaryField()


class Variable(models.Model):
    """A variable of an instance (token 0), of a token, or of a user task.

    `type` is the REST dialect's. Texts and what prints as text are in `text`, numbers also in `number`, moments in `time`, JSON in
    `json`; what is larger than `ENGINE_LARGE_VARIABLE` in `blob`. `live` ends with its scope; `revision` is the instance's that wrote it.
    """

    id = Id()
    instance = link(
        "towpath.Instance", related_name="variables", null=True, blank=True, db_index=False
    )  # none: of a task without a process
    token = models.PositiveIntegerField(default=0)
    task = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=20)
    text = models.TextField(null=True, blank=True)
    number = models.FloatField(null=True, blank=True)
    time = models.DateTimeField(null=True, blank=True)
    json = models.JSONField(null=True, blank=True)
    blob = models.UUIDField(null=True, blank=True)
    live = models.BooleanField(default=True)
    created = models.DateTimeField()
    updated = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(fields=["instance", "name"], include=["token", "task", "type", "id"], name="towpath_variable_instance"),
            models.Index(  # texts are found whether or not their case counts; a B-tree takes 2.7 kB at most
                "name", Left(Upper("text"), 100), "instance", include=["token", "task", "type"], name="towpath_variable_text"
            ),
            models.Index(  # conditions on numbers are answered in here
                fields=["name", "number"],
                include=["instance", "token", "task", "type"],
                name="towpath_variable_number",
                condition=models.Q(number__isnull=False),
            ),
            models.Index(fields=["name", "time"], name="towpath_variable_time", condition=models.Q(time__isnull=False)),
            models.Index(fields=["task"], name="towpath_variable_task", condition=models.Q(task__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.type})"
