"""One unit of work in memory: a queue of instances and inputs, the effects of each Change, and all of it kept or nothing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine import interpreter
from engine.errors import BadInput, NotFound
from engine.interpreter import journal as j
from engine.interpreter.state import Facts
from engine.testing.things import Case, Definition, Job, Run


class Around(j.Environment, Protocol):
    """What a unit needs of its world."""

    cases: dict[str, Case]

    def definition(self, key: str, *, by_id: bool = False, deployment: int | None = None) -> Definition: ...

    def listeners(self, name: str) -> list[Definition]:
        """Definitions that a signal of this name starts."""
        ...


class Unit:
    """A unit of work: instances are copied when first touched, and put back together at the end."""

    def __init__(self, world: Around, running: str | None = None) -> None:
        self.world, self.running = world, running
        self.touched: dict[str, Case] = {}
        self.queue: deque[tuple[str, j.Input]] = deque()

    def case(self, instance: str) -> Case:
        """An instance, as this unit sees it; raises NotFound."""
        if instance not in self.touched:
            if instance not in self.world.cases:
                raise NotFound(f"there is no instance {instance}")
            self.touched[instance] = self.world.cases[instance].copy()
        return self.touched[instance]

    def carry_out(self, wishes: list[tuple[str, j.Input]]) -> None:
        """Work off the inputs and all that follows from them, then keep it."""
        self.queue.extend(wishes)
        while self.queue:
            instance, input = self.queue.popleft()
            case = self.case(instance)
            waiting = len(self.queue)
            if case.ended is None:
                self.apply(case, self.advance(case, input))
            self.queue.rotate(len(self.queue) - waiting)  # what follows from this comes before what waited already
        self.world.cases.update(self.touched)

    def advance(self, case: Case, input: j.Input) -> j.Change:
        """Hand an input to the interpreter."""
        graph = case.definition.graph
        match input:
            case j.Begin():
                return interpreter.start(graph, case.state.facts, input, self.world)
            case j.Received() | j.Evaluate():
                return interpreter.deliver(graph, case.state, input, self.world)
            case j.Cancel():
                return interpreter.cancel(graph, case.state, input, self.world)
            case j.Entering() | j.Dropped():
                return interpreter.move(graph, case.state, input, self.world)
            case _:
                return interpreter.resume(graph, case.state, input, self.world)

    def begin(
        self,
        definition: Definition,
        facts: Facts,
        variables: Mapping[str, Any],
        transient: Mapping[str, Any],
        node: str | None,
        name: str | None = None,
    ) -> None:
        """Put the start of an instance into the queue."""
        case = Case(
            facts.id, definition, interpreter.State(facts), self.world.now(), name=name, number=len(self.world.cases) + len(self.touched)
        )
        self.touched[facts.id] = case
        self.queue.append((facts.id, j.Begin(variables, node, transient=transient)))

    def run_job(self, job: Job) -> None:
        """Run a job: it goes, unless something follows from it that keeps its row."""
        case = self.case(job.instance)
        del case.jobs[job.id]
        if job.kind == "deliver":
            input: j.Input = j.Received(job.token, job.data["kind"], job.data["name"], job.data["variables"])
            token = case.state.tokens.get(job.token)
            wishes = [(job.instance, input)] if token is not None and token.wait == job.data["kind"] else []
        else:
            wishes = [(job.instance, j.Ran(job.token, job.kind, job.data, job.due))]
        self.carry_out(wishes)

    # -- what a Change says
    def apply(self, case: Case, change: j.Change) -> None:
        """Write a Change into its instance: facts into the history, effects one by one."""
        case.state = change.state
        for fact in change.journal:
            self.remember(case, fact)
        for effect in change.effects:
            EFFECTS[type(effect)](self, case, effect)
        if change.state.ended:
            case.tasks.clear()
            case.jobs.clear()
            case.waits.clear()
        state = change.state
        for kept in (state.written, state.dropped, state.past, state.added, state.changed, state.removed):
            kept.clear()

    def remember(self, case: Case, fact: j.Fact) -> None:
        """Write a fact into the history."""
        match fact:
            case j.Entered():
                kind = case.definition.graph.nodes[fact.node].type
                case.history[fact.activity] = Run(fact.activity, fact.node, fact.token, kind, fact.at)
            case j.Left():
                run = case.history[fact.activity]
                run.ended, run.reason = fact.at, fact.reason
            case j.Taken():
                case.history[fact.activity] = Run(fact.activity, fact.flow, fact.token, "sequenceFlow", fact.at, fact.at)
            case j.Ended():
                case.ended, case.outcome, case.end = fact.at, fact.state, fact.node
            case j.Noted():
                pass

    def create_task(self, case: Case, e: j.CreateUserTask) -> None:
        kept = ("id", "token", "node", "name", "description", "assignee", "owner", "candidates", "due", "priority", "category", "form_key")
        case.tasks[e.token] = {**{name: getattr(e, name) for name in kept}, "created": self.world.now()}

    def end_task(self, case: Case, e: j.EndUserTask) -> None:
        case.tasks.pop(e.token, None)

    def change_task(self, case: Case, e: j.ChangeUserTask) -> None:
        case.tasks[e.token].update(e.changes)

    def create_job(self, case: Case, e: j.CreateJob) -> None:
        state = "waiting" if e.kind == "timer" else "external" if e.kind == "external" else "ready"
        self.put(case, Job(e.id, case.id, e.kind, e.token, e.node, e.name, state, e.due, e.data, e.retry, e.topic))

    def put(self, case: Case, job: Job) -> None:
        """Put a job into its instance."""
        job.number = len(case.jobs) + sum(len(c.history) for c in self.touched.values())
        case.jobs[job.id] = job

    def subscribe(self, case: Case, e: j.CreateSubscription) -> None:
        case.waits.append((e.kind, e.name, e.token, e.node, bool(e.data.get("local"))))

    def withdraw(self, case: Case, e: j.Withdraw) -> None:
        case.waits = [one for one in case.waits if one[2] != e.token]
        case.jobs = {one: job for one, job in case.jobs.items() if job.token != e.token}

    def start_child(self, case: Case, e: j.StartChild) -> None:
        deployment = case.definition.deployment if e.same_deployment else None
        definition = self.world.definition(e.called, by_id=e.by_id, deployment=deployment)
        facts = case.state.facts
        child = Facts(
            e.instance,
            definition.id,
            definition.key,
            facts.user,
            e.business_key,
            e.name,
            case.id,
            e.token,
            facts.root,
            facts.tenant,
            facts.user,
            e.held,
        )
        self.begin(definition, child, e.variables, e.transient, None, e.name)

    def child_of(self, case: Case, token: int) -> Case | None:
        """The running instance that a token called."""
        everybody = {**self.world.cases, **self.touched}.values()
        return next(
            (c for c in everybody if c.ended is None and (c.state.facts.parent, c.state.facts.parent_token) == (case.id, token)), None
        )

    def cancel_child(self, case: Case, e: j.CancelChild) -> None:
        if child := self.child_of(case, e.token):
            self.queue.append((child.id, j.Cancel(e.reason)))

    def release_child(self, case: Case, e: j.ReleaseChild) -> None:
        if child := self.child_of(case, e.token):
            self.queue.append((child.id, j.Released()))

    def tell_parent(self, case: Case, e: j.TellParent) -> None:
        self.queue.append((e.instance, j.ChildTold(e.token, e.outcome, e.code, e.message, e.variables)))

    def throw(self, case: Case, e: j.Throw) -> None:
        """Bring a signal to everybody who waits for it and start what it starts; a message reaches one."""
        everybody = sorted({**self.world.cases, **self.touched}.values(), key=lambda c: c.number)
        reached = [
            (one.id, token)
            for one in everybody
            if one.ended is None
            for kind, name, token, _, local in one.waits
            if (kind, name) == (e.kind, e.name) and (one.id == case.id or not (e.local or local))
        ]
        for instance, token in reached[:1] if e.kind == "message" else reached:
            self.reach(instance, token, e)
        if e.kind == "signal" and not e.local:
            self.start_listeners(case, e)

    def reach(self, instance: str, token: int, e: j.Throw) -> None:
        """Bring what was thrown to one receiver: now, or by a job of his own."""
        if e.asynchronous:
            data = {"kind": e.kind, "name": e.name, "variables": dict(e.variables)}
            node = next(one[3] for one in self.case(instance).waits if one[2] == token)
            self.put(self.case(instance), Job(self.world.new_id(), instance, "deliver", token, node, None, "ready", None, data))
        else:
            self.queue.append((instance, j.Received(token, e.kind, e.name, e.variables)))

    def go_on(self, case: Case, e: j.Yield) -> None:
        self.queue.append((case.id, j.Yielded(e.token)))

    def start_listeners(self, case: Case, e: j.Throw) -> None:
        """Start the processes that begin with this signal."""
        for definition in self.world.listeners(e.name):
            start = next(
                n for n in definition.graph.starts(None) if n.event is not None and (n.event.kind, n.event.name) == ("signal", e.name)
            )
            instance = self.world.new_id()
            facts = Facts(instance, definition.id, definition.key, starter=case.state.facts.user, root=instance, user=case.state.facts.user)
            self.begin(definition, facts, e.variables, {}, start.id)

    def rename(self, case: Case, e: j.Rename) -> None:
        if e.field == "name":
            case.name = e.value
        else:
            raise BadInput(f"an instance has no {e.field} in memory")

    def say(self, case: Case, e: j.Said) -> None:
        case.said.extend(e.lines)


EFFECTS: Mapping[type, Callable[[Unit, Case, Any], None]] = {
    j.CreateUserTask: Unit.create_task,
    j.EndUserTask: Unit.end_task,
    j.ChangeUserTask: Unit.change_task,
    j.CreateJob: Unit.create_job,
    j.CreateSubscription: Unit.subscribe,
    j.Withdraw: Unit.withdraw,
    j.StartChild: Unit.start_child,
    j.CancelChild: Unit.cancel_child,
    j.ReleaseChild: Unit.release_child,
    j.TellParent: Unit.tell_parent,
    j.Throw: Unit.throw,
    j.Yield: Unit.go_on,
    j.Rename: Unit.rename,
    j.Said: Unit.say,
}
