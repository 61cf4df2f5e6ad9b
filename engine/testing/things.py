"""What a world in memory holds: definitions, instances, their jobs and their history."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.bpmn.graph import Graph
from engine.interpreter.state import State


@dataclass(slots=True)
class Definition:
    """A deployed process: `version` counts from 1 for each key, `deployment` is what was deployed together."""

    id: str
    key: str
    version: int
    graph: Graph
    deployment: int
    suspended: bool = False


@dataclass(slots=True)
class Job:
    """A job of an instance; `state` is ready, waiting (a timer, or until its retry), external, suspended or dead."""

    id: str
    instance: str
    kind: str
    token: int
    node: str
    name: str | None
    state: str
    due: datetime | None
    data: Mapping[str, Any]
    retry: str | None = None
    topic: str | None = None
    retries: int = 3
    error: str | None = None
    before: str = ""  # the state it had before it was suspended
    number: int = 0


@dataclass(slots=True)
class Run:
    """One entry of the history: a run of a node, or a flow that was taken."""

    id: str
    node: str
    token: int
    type: str
    started: datetime
    ended: datetime | None = None
    reason: str | None = None


@dataclass(slots=True)
class Case:
    """An instance with all that belongs to it."""

    id: str
    definition: Definition
    state: State
    started: datetime
    tasks: dict[int, dict[str, Any]] = field(default_factory=dict)  # by token
    jobs: dict[str, Job] = field(default_factory=dict)
    waits: list[tuple[str, str | None, int, str, bool]] = field(default_factory=list)  # kind, name, token, node, local
    history: dict[str, Run] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    ended: datetime | None = None
    outcome: str | None = None
    end: str | None = None
    suspended: bool = False
    name: str | None = None
    number: int = 0

    def copy(self) -> Case:
        """A copy for a unit of work to change."""
        other = copy.copy(self)
        other.tasks = {token: dict(task) for token, task in self.tasks.items()}
        other.jobs = {one: copy.copy(job) for one, job in self.jobs.items()}
        other.waits = list(self.waits)
        other.history = {one: copy.copy(run) for one, run in self.history.items()}
        other.said = list(self.said)
        return other
