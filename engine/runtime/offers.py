"""Whom a task is offered to, and whom it is kept from, as one more column of the query that finds the task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.expressions import Combinable

from engine.models import IdentityLink, UserTask
from engine.models.compiled import KEPT

_offers = IdentityLink.objects.filter(type__in=("candidate", "excluded")).order_by("pk")


class Offer(NamedTuple):
    """One of those a task is offered to (`candidate`) or kept from (`excluded`): a user or a group."""

    type: str
    user: str | None
    group: str | None


class _Gathered(Subquery):
    """Rows of `type`, `user` and `group` as one JSON array."""

    template = """(SELECT json_group_array(json_array(o."type", o."user", o."group")) FROM (%(subquery)s) o)"""
    output_field = models.JSONField()

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = """(SELECT jsonb_agg(jsonb_build_array(o."type", o."user", o."group")) FROM (%(subquery)s) o)"""
        return self.as_sql(compiler, connection, template=template, **context)


def column() -> Combinable:
    """For `annotate(offers=column())` on tasks."""
    return _Gathered(_offers.filter(task=OuterRef("pk")).values("type", "user", "group"))


def of(tasks: Sequence[UserTask]) -> dict[UUID, list[Offer]]:
    """The offers of each task, from that column; one query for all that were found without it."""
    found: dict[UUID, list[Offer]] = {task.pk: _read(task) for task in tasks}
    missing = [task.pk for task in tasks if not hasattr(task, "offers")]
    for link in KEPT.rows(IdentityLink, ("offers", len(missing)), missing, _of_all) if missing else ():
        found[link.task_id].append(link)
    return found


def _of_all(tasks: Any) -> QuerySet[IdentityLink]:
    return _offers.filter(task__in=tasks)


def _read(task: Any) -> list[Any]:
    return [Offer(*one) for one in getattr(task, "offers", None) or ()]
