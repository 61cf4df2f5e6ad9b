"""What makes the latest version of a process start by itself: subscriptions and timers of its start events, without an instance."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.timezone import get_default_timezone

from engine.bpmn.graph import Graph, Node
from engine.conf import settings as conf
from engine.errors import DeploymentError, ExpressionError, Problem
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter import timers
from engine.models import Definition, Instance, Job, Subscription
from engine.models.fields import uuid7
from engine.runtime.store import erasing

OWN = ("message", "signal")


def arm(definition: Definition, graph: Graph, now: datetime, *, again: bool = False) -> None:
    """Let a version listen in place of the ones before it.

    Raises DeploymentError for a message that starts another process; an older version that comes back (`again`) does without it.
    """
    older = Definition.objects.filter(key=definition.key, tenant=definition.tenant).exclude(pk=definition.pk)
    Subscription.objects.filter(definition__in=older, instance=None).delete()
    Job.objects.filter(definition__in=older, kind=Job.Kind.START_TIMER).delete()
    for node in graph.starts(None):
        if node.event and node.event.kind in OWN:
            if problem := _taken(definition, node):
                if again:
                    continue
                raise DeploymentError([problem])
            Subscription.objects.create(
                kind=node.event.kind, name=node.event.name, definition=definition, node=node.id, tenant=definition.tenant, created=now
            )
        elif node.event and node.event.timer:
            _timer(definition, node, now)


def _taken(definition: Definition, node: Node) -> Problem | None:
    """What is wrong with a start event whose message starts another process already: a message starts one (as in Flowable)."""
    assert node.event
    rows = Subscription.objects.filter(kind="message", name=node.event.name, instance=None, tenant=definition.tenant)
    if node.event.kind != "message" or (other := rows.exclude(definition=definition).select_related("definition").first()) is None:
        return None
    said = f"the message '{node.event.name}' starts the process {other.definition.key} already"
    return Problem(said, node.id, node.line, definition.resource)


def _timer(definition: Definition, node: Node, now: datetime) -> None:
    assert node.event
    assert node.event.timer
    try:
        coming = timers.schedule(node.event.timer, lambda text: evaluate(parse(text), _nothing), now, get_default_timezone())
    except ExpressionError as error:
        raise DeploymentError([Problem(str(error), node.id, node.line)]) from None
    plan(definition.pk, definition.tenant, node, coming, now)


def plan(definition: str, tenant: str, node: Node, coming: timers.Due | None, now: datetime) -> None:
    """Make the job of a start timer, unless it is never due (again)."""
    if coming is None:
        return
    key, (due, data) = uuid7(), coming
    Job.objects.create(
        id=key, kind=Job.Kind.START_TIMER, state=Job.State.WAITING, definition_id=definition, node=node.id, name=node.name, due=due,
        retries=conf.JOB_RETRIES, retry=node.retry, data=data, correlation=key, tenant=tenant, created=now, exclusive=False,
    )  # fmt: skip


def _nothing(name: str) -> Any:
    raise KeyError(name)


def running(definitions: Iterable[Definition]) -> bool:
    """Whether any instance of these versions has not ended."""
    return Instance.objects.filter(definition__in=list(definitions), ended=None).exists()


def forget(definitions: Iterable[Definition]) -> None:
    """Remove the instances of these versions with all that belongs to them, and what starts them."""
    mine = list(definitions)
    instances = list(Instance.objects.filter(definition__in=mine).values_list("pk", flat=True))
    erasing.erase(erasing.family(instances))
    Subscription.objects.filter(definition__in=mine).delete()
    Job.objects.filter(definition__in=mine).delete()
