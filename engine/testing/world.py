"""A world in memory: definitions, instances, user tasks, jobs, subscriptions and a clock that only moves when told to.

It plays the part of the runtime for tests of models: each unit of work is all or nothing, over the whole call tree, as in
production; nothing is stored, no server or cluster is needed.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from engine.bpmn.parse import read
from engine.errors import Conflict, HandlerError, NotFound, UnrecoverableError
from engine.expressions import scripts
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.interpreter.journal import Answer, Input, Invocation, Lookup
from engine.interpreter.state import Facts
from engine.testing.things import Case, Definition, Job
from engine.testing.unit import Unit

Handler = Callable[..., Any]


@dataclass(slots=True)
class World:
    """Everything there is; it is the interpreter's Environment, too. `handlers` are the Python handlers by name."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    moment: datetime = datetime(2030, 1, 1, 8, tzinfo=UTC)
    zone: tzinfo = UTC
    user: str | None = None
    definitions: list[Definition] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # -- the environment
    def now(self) -> datetime:
        return self.moment

    def new_id(self) -> str:
        return f"00000000-0000-7000-8000-{next(self.numbers):012x}"

    def evaluate(self, source: str, lookup: Lookup) -> Any:
        return evaluate(parse(source), lookup, now=self.now)

    def invoke(self, call: Invocation) -> Answer:
        """Run a script in its sandbox, evaluate an expression, or call the handler of that name with the Invocation."""
        if call.kind == "script":
            return self._script(call)
        name = re.fullmatch(r"[$#]\{\s*(\w+)\s*\}", call.implementation)
        if call.kind == "expression" and not (name and name[1] in self.handlers):
            return Answer(self.evaluate(call.implementation, call.lookup))
        handler = self.handlers.get(name[1] if name else call.implementation, self.handlers.get(call.kind))
        if handler is None:
            raise HandlerError(f"there is no handler {call.implementation or call.kind!r}")
        answer = handler(call)
        return answer if isinstance(answer, Answer) else Answer(answer)

    def _script(self, call: Invocation) -> Answer:
        facts = {"id": f"{call.facts.id}.{call.token}", "processInstanceId": call.facts.id, "currentActivityId": call.node}
        told = scripts.run(call.language, call.implementation, call.variables, facts=facts, sleep=lambda seconds: None)
        return Answer(told.value, told.assigned, told.local, told.removed, told.globals, told.transient, told.printed)

    # -- definitions
    def deploy(self, xml: bytes, file: str = "") -> list[Definition]:
        """Deploy a model: each of its processes becomes the latest version of its key; raises DeploymentError."""
        deployment = next(self.numbers)
        added = []
        for graph in read(xml, file=file).graphs:
            version = 1 + max((d.version for d in self.definitions if d.key == graph.key), default=0)
            added.append(Definition(f"{graph.key}:{version}:{self.new_id()}", graph.key, version, graph, deployment))
        self.definitions += added
        return added

    def definition(self, key: str, *, by_id: bool = False, deployment: int | None = None) -> Definition:
        """The latest version of a key (of one deployment, where that has it), or the one with this id; raises NotFound."""
        if by_id:
            found = [d for d in self.definitions if d.id == key]
        else:
            found = [d for d in self.definitions if d.key == key]
            found = [d for d in found if d.deployment == deployment] or found
        if not found:
            raise NotFound(f"no process definition was deployed with key {key!r}")
        return max(found, key=lambda d: d.version)

    def listeners(self, name: str) -> list[Definition]:
        """The latest definitions that a signal of this name starts."""
        latest = {d.key: d for d in self.definitions}
        return [
            d for d in latest.values() if any(n.event and (n.event.kind, n.event.name) == ("signal", name) for n in d.graph.starts(None))
        ]

    # -- units of work
    def work(self, *wishes: tuple[str, Input]) -> None:
        """Carry out inputs for instances as one unit: all of it, with all that follows, or nothing."""
        Unit(self).carry_out(list(wishes))

    def start(
        self,
        definition: Definition,
        variables: Mapping[str, Any] | None = None,
        *,
        node: str | None = None,
        business_key: str | None = None,
        transient: Mapping[str, Any] | None = None,
    ) -> Case:
        """Start an instance of a definition."""
        unit = Unit(self)
        instance = self.new_id()
        facts = Facts(instance, definition.id, definition.key, starter=self.user, business_key=business_key, root=instance, user=self.user)
        unit.begin(definition, facts, variables or {}, transient or {}, node)
        unit.carry_out([])
        return self.cases[instance]

    def run_job(self, job: Job) -> bool:
        """Run a job now; a failure counts an attempt, and is told by False."""
        case = self.cases[job.instance]
        if case.suspended:
            raise Conflict("the instance is suspended")
        try:
            Unit(self, running=job.id).run_job(job)
        except Exception as error:
            self._failed(job, error)
            return False
        return True

    def _failed(self, job: Job, error: Exception) -> None:
        total = attempts(job.retry) if job.error is None else job.retries
        job.error, job.retries = f"{type(error).__name__}: {error}", max(0, total - 1)
        if job.retries and not isinstance(error, UnrecoverableError):
            job.state, job.due = "waiting", self.moment + timedelta(seconds=10)
        else:
            job.state, job.retries = "dead", 0


def attempts(retry: str | None) -> int:
    """The attempts a retry cycle such as R5/PT7M allows, 3 without one."""
    written = re.match(r"R(\d+)", retry or "R3")
    return int(written[1]) if written else 3
