"""What was entered into forms, kept as it came beside the variables that were made of it (Flowable's historic details)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.conf import settings as conf
from engine.models import Activity, FormEntry, Instance, UserTask


def keep_of_task(task: UserTask, entered: Mapping[str, Any]) -> None:
    """Keep what completed a task by its form."""
    _keep(entered, instance_id=task.instance_id, task=task, token=task.token or 0, activity=task.activity)


def keep_of_start(instance: Instance, entered: Mapping[str, Any]) -> None:
    """Keep what started an instance by its form."""
    run = Activity.objects.filter(instance=instance).order_by("number").first()  # its start event
    _keep(entered, instance_id=instance.pk, task=None, token=run.token if run else 0, activity=run.pk if run else None)


def _keep(entered: Mapping[str, Any], **of: Any) -> None:
    if conf.HISTORY == "none":
        return
    now = datetime.now(UTC)
    FormEntry.objects.bulk_create([FormEntry(name=name[:255], value=_text(value), time=now, **of) for name, value in entered.items()])


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
