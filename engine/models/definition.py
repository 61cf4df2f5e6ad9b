"""What was deployed: a Deployment is one upload with its files, a Definition one version of one process in it."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class Deployment(models.Model):
    """One upload. Its id is its own `parentDeploymentId` in Flowable's dialect."""

    id = Id()
    name = models.CharField(max_length=255)
    key = models.CharField(max_length=255, blank=True, default="")
    category = models.CharField(max_length=255, blank=True, default="")
    tenant = models.CharField(max_length=255, blank=True, default="")
    deployed = models.DateTimeField(db_index=True)
    deployed_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering = ["-deployed"]

    def __str__(self) -> str:
        return self.name


class Resource(models.Model):
    """One file of a deployment, bytes as they came. `kind` is `processDefinition`, `form` or `resource`."""

    id = Id()
    deployment = link("towpath.Deployment", related_name="resources")
    name = models.CharField(max_length=255)
    kind = models.CharField(max_length=30, default="resource")
    form_key = models.CharField(max_length=255, blank=True, default="", db_index=True)
    content = models.BinaryField()
    checksum = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["deployment", "name"], name="towpath_resource_name")]

    def __str__(self) -> str:
        return self.name


class Definition(models.Model):
    """One version of one process; the id is `key:version:uuid`, as Flowable's clients expect."""

    id = models.CharField(primary_key=True, max_length=300, editable=False)
    key = models.CharField(max_length=200)
    version = models.PositiveIntegerField()
    service = models.CharField(max_length=260, blank=True, default="", db_index=True)  # its path in the service API
    name = models.CharField(max_length=255, blank=True, default="")
    description = models.TextField(blank=True, default="")
    category = models.CharField(max_length=255, blank=True, default="")
    tenant = models.CharField(max_length=255, blank=True, default="")
    deployment = link("towpath.Deployment", related_name="definitions")
    resource = models.CharField(max_length=255)
    checksum = models.CharField(max_length=64)
    suspended = models.BooleanField(default=False)
    has_start_form = models.BooleanField(default=False)
    has_diagram = models.BooleanField(default=False)
    start_form_key = models.CharField(max_length=255, blank=True, default="")
    history = models.CharField(max_length=10, blank=True, default="")  # the level of history that the model asks for
    keep_days = models.FloatField(null=True, blank=True)  # how long the model has ended instances kept
    starter_users = models.JSONField(default=list, blank=True)
    starter_groups = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["name", "key", "-version"]
        constraints = [models.UniqueConstraint(fields=["tenant", "key", "version"], name="towpath_definition_version")]
        indexes = [models.Index(fields=["key", "-version"], name="towpath_definition_latest")]
        permissions = [
            ("deploy", "Can deploy processes"),
            ("start_instance", "Can start processes that name no candidate starters"),
            ("operate", "Can see, repair and cancel every instance, task and job"),
            ("impersonate", "Can call the service API in the name of others"),
        ]

    def __str__(self) -> str:
        return f"{self.name or self.key}, version {self.version}"
