"""What the host may listen to: Django signals that are sent when a unit of work has committed, never between our own modules.

What was rolled back is never told, and no receiver can undo or hold up what has happened: an error in one is logged by Django, and
the others are told all the same. A process that dies between commit and signal tells nobody; what must not be lost belongs into a
step of the model.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from engine.interpreter.journal import ChangeUserTask, CreateUserTask, EndUserTask
from engine.runtime.store.instances import Loaded

# Ids are texts. Receivers take **kwargs: more may be told one day.
task_created = Signal()  # task_id, node, name, assignee, and what `_about` tells
instance_ended = Signal()  # state (completed, terminated, cancelled, error), reason, and what `_about` tells


def after_commit(units: list[Loaded]) -> None:
    """Have the host told of new user tasks and ended instances once the transaction has committed."""
    for unit in units:
        if task_created.receivers:
            for task in _open_tasks(unit):
                transaction.on_commit(partial(task_created.send_robust, sender=None, **_about(unit), **task))
        if instance_ended.receivers and (end := unit.end):
            ended = partial(instance_ended.send_robust, sender=None, **_about(unit), state=end.state, reason=end.reason)
            transaction.on_commit(ended)


def _about(unit: Loaded) -> dict[str, Any]:
    facts = unit.state.facts
    return {
        "instance_id": str(unit.id), "definition_id": unit.definition, "definition_key": facts.key, "business_key": facts.business_key,
    }  # fmt: skip


def _open_tasks(unit: Loaded) -> Iterator[dict[str, Any]]:
    """The user tasks that a unit made and left open, as it left them."""
    made: dict[int, dict[str, Any]] = {}
    for e in unit.effects:
        match e:
            case CreateUserTask():
                made[e.token] = {"task_id": e.id, "node": e.node, "name": e.name, "assignee": e.assignee}
            case ChangeUserTask() if e.token in made:
                made[e.token] |= {name: e.changes[name] for name in ("name", "assignee") if name in e.changes}
            case EndUserTask():
                made.pop(e.token, None)
    return iter(made.values())
