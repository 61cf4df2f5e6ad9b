"""What people work on: user tasks with who may, what was said and attached, and a draft of what was typed."""

from __future__ import annotations

from django.db import models

from engine.models.fields import Id, link


class UserTask(models.Model):
    """A user task, open or ended; one made over REST belongs to no instance.

    Users and groups are texts, for models assign people who do not exist.
    """

    class State(models.TextChoices):
        OPEN = "open", "open"
        COMPLETED = "completed", "completed"
        DELETED = "deleted", "cancelled"

    id = Id()
    instance = link("towpath.Instance", related_name="user_tasks", null=True, blank=True, db_index=False)
    definition = link("towpath.Definition", null=True, blank=True, db_index=False)
    token = models.PositiveIntegerField(default=0)
    activity = models.UUIDField(null=True, blank=True)
    node = models.CharField(max_length=255, null=True, blank=True)
    name = models.CharField(max_length=255, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    assignee = models.CharField(max_length=255, null=True, blank=True)
    owner = models.CharField(max_length=255, null=True, blank=True)
    delegation = models.CharField(max_length=10, null=True, blank=True)  # pending, resolved
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    reason = models.TextField(null=True, blank=True)
    priority = models.IntegerField(default=50)
    category = models.CharField(max_length=255, null=True, blank=True)
    form_key = models.CharField(max_length=255, null=True, blank=True)
    tenant = models.CharField(max_length=255, blank=True, default="")
    parent = models.UUIDField(null=True, blank=True)  # the task this is a sub-task of
    due = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()
    claimed = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    completed_by = models.CharField(max_length=150, null=True, blank=True)
    suspended = models.BooleanField(default=False)

    class Meta:
        ordering = ["-priority", models.F("due").asc(nulls_last=True), "created"]
        indexes = [
            models.Index(fields=["assignee", "state", "id"], include=["instance"], name="towpath_usertask_assignee"),
            models.Index(fields=["instance"], name="towpath_usertask_instance"),
            models.Index(fields=["definition", "ended"], name="towpath_usertask_definition"),
            models.Index(fields=["created", "id"], name="towpath_usertask_created"),
            models.Index(fields=["ended", "id"], name="towpath_usertask_ended"),
            models.Index(
                fields=["owner", "state", "id"],
                include=["instance"],
                name="towpath_usertask_owner",
                condition=models.Q(owner__isnull=False),
            ),
            models.Index(
                fields=["completed_by", "id"],
                include=["instance"],
                name="towpath_usertask_by",
                condition=models.Q(completed_by__isnull=False),
            ),
            models.Index(  # the open ones are few: what is asked of them is counted in here
                fields=["id"],
                include=["definition", "assignee", "instance", "priority", "due", "created", "delegation", "suspended", "parent"],
                name="towpath_usertask_open",
                condition=models.Q(state="open"),
            ),
            models.Index(
                fields=["category", "id"], name="towpath_usertask_category", condition=models.Q(state="open", category__isnull=False)
            ),
            models.Index(fields=["tenant", "id"], name="towpath_usertask_tenant", condition=models.Q(state="open") & ~models.Q(tenant="")),
            models.Index(fields=["parent"], name="towpath_usertask_parent", condition=models.Q(parent__isnull=False)),
            models.Index(fields=["ended"], name="towpath_usertask_alone", condition=models.Q(instance=None, ended__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.name or self.node or str(self.id)


class IdentityLink(models.Model):
    """A user or a group beside a task or an instance: candidate, participant, starter, or a type of the client's own."""

    id = Id()
    task = link("towpath.UserTask", related_name="links", null=True, blank=True, db_index=False)
    instance = link("towpath.Instance", related_name="links", null=True, blank=True, db_index=False)
    type = models.CharField(max_length=50)
    user = models.CharField(max_length=255, null=True, blank=True)
    group = models.CharField(max_length=255, null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["task"], name="towpath_link_task", condition=models.Q(task__isnull=False)),
            models.Index(fields=["instance"], name="towpath_link_instance", condition=models.Q(instance__isnull=False)),
            models.Index(
                fields=["user", "type", "task"], name="towpath_link_user", condition=models.Q(user__isnull=False, task__isnull=False)
            ),
            models.Index(
                fields=["group", "type", "task"], name="towpath_link_group", condition=models.Q(group__isnull=False, task__isnull=False)
            ),
            models.Index(
                fields=["user", "instance"], name="towpath_link_participant", condition=models.Q(user__isnull=False, instance__isnull=False)
            ),
            models.Index(
                fields=["group", "instance"], name="towpath_link_team", condition=models.Q(group__isnull=False, instance__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.user or self.group}"


class Comment(models.Model):
    """Something said about a task or an instance."""

    id = Id()
    task = link("towpath.UserTask", related_name="comments", null=True, blank=True)
    instance = link("towpath.Instance", related_name="comments", null=True, blank=True)
    user = models.CharField(max_length=150)
    time = models.DateTimeField()
    message = models.TextField()

    class Meta:
        ordering = ["time"]


class TaskEvent(models.Model):
    """That a link or an attachment of a task came or went; `parts` say which. A comment is an event by itself and has no row here."""

    class Action(models.TextChoices):
        ADD_USER_LINK = "AddUserLink", "user linked"
        DELETE_USER_LINK = "DeleteUserLink", "link to a user removed"
        ADD_GROUP_LINK = "AddGroupLink", "group linked"
        DELETE_GROUP_LINK = "DeleteGroupLink", "link to a group removed"
        ADD_ATTACHMENT = "AddAttachment", "attached"
        DELETE_ATTACHMENT = "DeleteAttachment", "attachment removed"

    id = Id()
    task = link("towpath.UserTask", related_name="events")
    user = models.CharField(max_length=150)
    time = models.DateTimeField()
    action = models.CharField(max_length=20, choices=Action)
    parts = models.JSONField(default=list)

    class Meta:
        ordering = ["time"]


class FormEntry(models.Model):
    """What was entered into one field of a form, as it came: of a user task, or without one of a start."""

    id = Id()
    instance = link("towpath.Instance", related_name="entries")
    task = link("towpath.UserTask", related_name="entries", null=True, blank=True)
    token = models.IntegerField(default=0)
    activity = models.UUIDField(null=True, blank=True)
    time = models.DateTimeField()
    name = models.CharField(max_length=255)
    value = models.TextField(null=True, blank=True)

    class Meta:
        ordering = ["time", "id"]


class Attachment(models.Model):
    """A file or an address attached to a task or an instance."""

    id = Id()
    task = link("towpath.UserTask", related_name="attachments", null=True, blank=True)
    instance = link("towpath.Instance", related_name="attachments", null=True, blank=True)
    user = models.CharField(max_length=150)
    time = models.DateTimeField()
    name = models.CharField(max_length=255)
    description = models.TextField(null=True, blank=True)
    type = models.CharField(max_length=255, null=True, blank=True)
    url = models.TextField(null=True, blank=True)
    blob = models.UUIDField(null=True, blank=True)

    class Meta:
        ordering = ["time"]


class Draft(models.Model):
    """What a user typed into a task's form and saved for later; gone when the task ends."""

    id = Id()
    task = link("towpath.UserTask", related_name="drafts")
    user = models.CharField(max_length=150)
    values = models.JSONField(default=dict)
    saved = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="towpath_draft_user")]
