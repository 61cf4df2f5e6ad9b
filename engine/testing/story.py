"""A story: one instance of a process, played step by step, and sentences that claim where it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Self

from engine.interpreter.journal import Cancel, Completed, Evaluate, Received
from engine.interpreter.state import ROOT
from engine.testing.things import Case, Job
from engine.testing.world import Handler, World


def play(*models: str | Path | bytes, key: str | None = None, user: str | None = "alice", **handlers: Handler) -> Story:
    """A story in which models are deployed: paths of files, or their content; `key` is the process to start, by default the first.

    `handlers` stand for the Python handlers by their names; each is called with the Invocation and returns a value or an Answer.
    """
    world = World(handlers=dict(handlers), user=user)
    deployed = [one for model in models for one in world.deploy(*_content(model))]
    return Story(world, key or deployed[0].key)


def _content(model: str | Path | bytes) -> tuple[bytes, str]:
    if isinstance(model, bytes):
        return model, ""
    if isinstance(model, str) and model.lstrip().startswith("<"):
        return model.encode(), ""
    return Path(model).read_bytes(), Path(model).name


class Story:
    """What happens to one instance, told in verbs (do) and claims (check)."""

    def __init__(self, world: World, key: str) -> None:
        self.world, self.key = world, key
        self.instance = ""
        self.failure: str | None = None

    # -- looking
    @property
    def case(self) -> Case:
        """The instance as it is now."""
        assert self.instance, "the story has not started"
        return self.world.cases[self.instance]

    @property
    def cases(self) -> list[Case]:
        """The instance and those it called, in the order they began."""
        found = [self.case]
        for one in found:
            found += [c for c in self.world.cases.values() if c.state.facts.parent == one.id]
        return sorted(found, key=lambda c: c.number)

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables of the process."""
        return dict(self.case.state.variables.get(ROOT, {}))

    @property
    def open_tasks(self) -> list[str]:
        """The names (else ids) of the open user tasks, those of called processes included."""
        return sorted(t["name"] or t["node"] for c in self.cases for t in c.tasks.values())

    @property
    def visited(self) -> Counter[str]:
        """How often each step was finished, by id."""
        return Counter(r.node for c in self.cases for r in c.history.values() if r.ended and r.type != "sequenceFlow")

    @property
    def said(self) -> list[str]:
        """What scripts printed."""
        return [line for c in self.cases for line in c.said]

    def jobs(self, *states: str) -> list[Job]:
        """The jobs in these states, the oldest first."""
        return [j for c in self.cases for j in c.jobs.values() if j.state in states]

    # -- doing
    def start(self, *, message: str | None = None, business_key: str | None = None, **variables: Any) -> Self:
        """Start the process, or the start event of a message."""
        definition = self.world.definition(self.key)
        nodes = [n.id for n in definition.graph.starts(None) if message and n.event and n.event.name == message]
        assert nodes or not message, f"nothing starts with the message {message!r}"
        self.instance = self.world.start(definition, variables, node=nodes[0] if nodes else None, business_key=business_key).id
        return self

    def complete(self, task: str, *, by: str | None = None, **variables: Any) -> Self:
        """Complete an open user task."""
        case, found = self._task(task)
        self.world.work((case.id, Completed(found["token"], variables, user=by or self.world.user, task=found)))
        return self

    def _task(self, name: str) -> tuple[Case, dict[str, Any]]:
        for case in self.cases:
            for task in case.tasks.values():
                if name in (task["name"], task["node"]):
                    return case, task
        raise AssertionError(f"there is no open task {name!r}, but {self._standing()}")

    def run_jobs(self, limit: int = 10_000) -> Self:
        """Run everything that is due, as a cluster would, until nothing is; failed jobs wait for their next attempt."""
        for _ in range(limit):
            due = [j for j in self.jobs("ready", "waiting") if j.state == "ready" or (j.due is not None and j.due <= self.world.moment)]
            if not due:
                return self
            job = min(due, key=lambda j: (j.due or datetime.min.replace(tzinfo=self.world.moment.tzinfo), j.number))
            self._run(job)
        raise AssertionError(f"after {limit} jobs there are still more")

    def _run(self, job: Job) -> None:
        if not self.world.run_job(job):
            self.failure = job.error

    def advance(self, **time: float) -> Self:
        """Let time pass (`hours=2`, `days=1` ...), running jobs and timers when they are due, in their order."""
        until = self.world.moment + timedelta(**time)
        self.run_jobs()
        while coming := [j.due for j in self.jobs("waiting") if j.due is not None and j.due <= until]:
            self.world.moment = max(self.world.moment, min(coming))
            self.run_jobs()
        self.world.moment = until
        return self

    def message(self, name: str, **variables: Any) -> Self:
        """Bring a message to the one who waits for it."""
        case, token = next(iter(self._waiting("message", name)), (None, 0))
        assert case is not None, f"nobody waits for the message {name!r}, {self._standing()}"
        self.world.work((case.id, Received(token, "message", name, variables)))
        return self

    def signal(self, name: str, **variables: Any) -> Self:
        """Broadcast a signal."""
        self.world.work(*((case.id, Received(token, "signal", name, variables)) for case, token in self._waiting("signal", name)))
        return self

    def _waiting(self, kind: str, name: str) -> list[tuple[Case, int]]:
        return [(c, token) for c in self.world.cases.values() if not c.ended for k, n, token, _, _ in c.waits if (k, n) == (kind, name)]

    def trigger(self, step: str, **variables: Any) -> Self:
        """Let a receive task or triggerable service task go on, or a step that waits for its job or its worker, which is left undone."""
        for case in self.cases:
            for token in case.state.tokens.values():
                if token.wait in ("trigger", "job", "external", "condition") and step in self._called(case, token.node):
                    self.world.work((case.id, Received(token.number, "trigger", None, variables)))
                    return self
        raise AssertionError(f"nothing waits in {step!r}, {self._standing()}")

    def begin(self, subprocess: str, activity: str) -> Self:
        """Begin an activity of an ad-hoc sub-process."""
        for case in self.cases:
            for token in case.state.tokens.values():
                if token.wait == "adhoc" and subprocess in self._called(case, token.node):
                    self.world.work((case.id, Received(token.number, "adhoc", activity)))
                    return self
        raise AssertionError(f"no ad-hoc sub-process {subprocess!r} is open, {self._standing()}")

    def answer(self, topic: str, *, error: str | None = None, **variables: Any) -> Self:
        """Answer as the external worker of a topic, or with the code of a business error."""
        job = next((j for j in self.jobs("external") if j.topic == topic), None)
        assert job is not None, f"there is no work under the topic {topic!r}, {self._standing()}"
        kind = "external" if error is None else "bpmn-error"
        self.world.work((job.instance, Received(job.token, kind, error, variables)))
        return self

    def set(self, **variables: Any) -> Self:
        """Write variables of the process from outside."""
        mine = self.case.state.variables.setdefault(ROOT, {})
        changes = tuple((ROOT, name, "update" if name in mine else "create") for name in variables)
        mine.update(variables)
        self.world.work((self.instance, Evaluate(changes)))
        return self

    def evaluate_conditions(self) -> Self:
        """Let the conditional events look."""
        self.world.work((self.instance, Evaluate()))
        return self

    def cancel(self, reason: str | None = None) -> Self:
        """End the instance from outside."""
        self.world.work((self.instance, Cancel(reason)))
        return self

    # -- claiming
    def waits_at(self, *tasks: str) -> Self:
        """Exactly these user tasks are open (one name twice, if two are)."""
        assert sorted(tasks) == self.open_tasks, f"expected the open tasks {sorted(tasks)}, but {self._standing()}"
        return self

    def has_jobs(self, *steps: str) -> Self:
        """Exactly these steps have a job that is ready to run."""
        have = sorted(j.node for j in self.jobs("ready"))
        assert sorted(steps) == have, f"expected jobs at {sorted(steps)}, but there are {have}"
        return self

    def has_timers(self, *steps: str) -> Self:
        """Exactly these steps have a timer (or an attempt) that waits for its time."""
        have = sorted(j.node for j in self.jobs("waiting"))
        assert sorted(steps) == have, f"expected timers at {sorted(steps)}, but there are {have}"
        return self

    def has_dead(self, *steps: str) -> Self:
        """Exactly these steps have a job that failed for good."""
        have = sorted(j.node for j in self.jobs("dead"))
        assert sorted(steps) == have, f"expected dead letters at {sorted(steps)}, but there are {have}"
        return self

    def awaits(self, *names: str) -> Self:
        """Exactly these messages, signals and variables are waited for."""
        have = sorted(n or node for c in self.cases for k, n, _, node, _ in c.waits if k != "compensate")
        assert sorted(names) == have, f"expected to wait for {sorted(names)}, but it waits for {have}"
        return self

    def has_ended(self, at: str | None = None) -> Self:
        """The instance has ended, at this end event."""
        assert self.case.ended, f"expected the end, but {self._standing()}"
        assert at is None or at in self._called(self.case, self.case.end), f"expected the end at {at!r}, but it was {self.case.end!r}"
        return self

    def is_running(self) -> Self:
        """The instance has not ended."""
        assert not self.case.ended, f"expected it to run, but it ended at {self.case.end!r}"
        return self

    def has_done(self, **times: int) -> Self:
        """These steps were finished so often."""
        have = {step: self.visited[step] for step in times}
        assert have == times, f"expected {times}, but {have}"
        return self

    def knows(self, **values: Any) -> Self:
        """The process has these variables."""
        mine = self.variables
        have = {name: mine.get(name, "(missing)") for name in values}
        assert have == values, f"expected {values}, but {have}"
        return self

    def knows_nothing_of(self, *names: str) -> Self:
        """The process has no such variables."""
        assert not set(names) & set(self.variables), f"expected none of {names}, but there are {self.variables}"
        return self

    def _called(self, case: Case, node: str | None) -> tuple[str | None, ...]:
        return (node, case.definition.graph.nodes[node].name) if node else ()

    def _standing(self) -> str:
        """Where the story stands, in words."""
        if self.instance and self.case.ended:
            return f"it ended at {self.case.end!r}"
        jobs = [f"{j.node} ({j.state}{': ' + j.error if j.error else ''})" for j in self.jobs("ready", "waiting", "external", "dead")]
        return f"open tasks are {self.open_tasks}" + (f", jobs {jobs}" if jobs else "")
