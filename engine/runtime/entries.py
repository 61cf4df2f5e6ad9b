"""What was entered into forms, kept as it came beside the variables that were made of it (Flowable's historic details)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from engine.conf import settings as conf
from engine.interpreter.journal import Entered
from engine.models import FormEntry, UserTask
from engine.models.fields import uuid7
from engine.runtime.store.instances import Loaded
from engine.runtime.store.statements import Statement, insert


def of_task(task: UserTask, entered: Mapping[str, Any]) -> list[Statement]:
    """What completed a task by its form."""
    return _kept(entered, instance_id=task.instance_id, task_id=task.pk, token=task.token or 0, activity=task.activity)


def of_start(unit: Loaded, entered: Mapping[str, Any]) -> list[Statement]:
    """What started an instance by its form: it belongs to the run of the start event."""
    run = next((fact for fact in unit.journal if isinstance(fact, Entered)), None)
    return _kept(entered, instance_id=unit.id, task_id=None, token=run.token if run else 0, activity=UUID(run.activity) if run else None)


def _kept(entered: Mapping[str, Any], **of: Any) -> list[Statement]:
    if conf.HISTORY == "none":
        return []
    now = datetime.now(UTC)
    return insert(
        FormEntry, [{"id": uuid7(), **of, "time": now, "name": name[:255], "value": _text(value)} for name, value in entered.items()]
    )


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else str(value)
