"""The queue in tests: processes whose steps are jobs, and a worker that drains in this process, without a heartbeat."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from engine import runtime
from engine.models import Instance, Job
from engine.models.fields import uuid7
from engine.runtime.drain import Worker
from tests.runtime.models import model

ASYNC = 'flowable:async="true"'


def deploy(*steps: str, key: str = "story") -> None:
    runtime.deploy({f"{key}.bpmn": model(*steps, key=key)}, name=key)


def start(*steps: str) -> Instance:
    """An instance of a new process with these steps."""
    deploy(*steps)
    return runtime.start("story")


def make_instance(**more: Any) -> Instance:
    return Instance.objects.create(definition_id="order:1:x", started=timezone.now(), **more)


def make_job(**more: Any) -> Job:
    """A row of the queue that belongs to nothing; not exclusive."""
    now = timezone.now()
    given = {"kind": "async", "state": "ready", "due": now, "created": now, "correlation": uuid7(), "definition_id": "order:1:x"}
    return Job.objects.create(**{**given, "exclusive": False, **more})


def ago(seconds: float) -> Any:
    return timezone.now() - timedelta(seconds=seconds)


def drain() -> int:
    """Run what is due; returns how many jobs were run."""
    return Worker().drain()


def hurry() -> None:
    """Let what waits be due."""
    Job.objects.filter(state="waiting").update(due=ago(1))
