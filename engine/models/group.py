"""What Flowable's clients say of a group beside its id: kept beside Django's own groups, whose name is the id."""

from __future__ import annotations

from django.db import models


class GroupLabel(models.Model):
    """Name and type of a group; a group made elsewhere has none and is called by its id."""

    group = models.OneToOneField("auth.Group", on_delete=models.CASCADE, primary_key=True, related_name="towpath_label")
    name = models.CharField(max_length=255, blank=True, default="")
    type = models.CharField(max_length=255, blank=True, default="")
