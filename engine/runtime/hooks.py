"""What the host may listen to: Django signals that are sent when a unit of work has committed, never between our own modules."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.dispatch import Signal

from engine.interpreter.journal import CreateUserTask
from engine.runtime.store.instances import Loaded

task_created = Signal()  # task_id, instance_id (texts), assignee
instance_ended = Signal()  # instance_id (text), state


def after_commit(units: list[Loaded]) -> None:
    """Have the host told of new user tasks and ended instances once the transaction has committed."""
    for unit in units:
        if task_created.receivers:
            for e in (e for e in unit.effects if isinstance(e, CreateUserTask)):
                tell = partial(task_created.send_robust, sender=None, task_id=e.id, instance_id=str(unit.id), assignee=e.assignee)
                transaction.on_commit(tell)
        if instance_ended.receivers and (end := unit.end):
            transaction.on_commit(partial(instance_ended.send_robust, sender=None, instance_id=str(unit.id), state=end.state))
