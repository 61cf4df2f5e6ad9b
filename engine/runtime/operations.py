"""The operations of the service API: what each needs to be allowed, and the unit of work that does it. One table, by name.

Values come as they were sent and are read by the data model. What does nothing but change a row (claim, release) runs in a
transaction of its own; everything else is a unit of work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from engine.bpmn.forms import FormSpec
from engine.bpmn.graph import Node, Parameter
from engine.conf import settings as conf
from engine.errors import BadInput, Conflict, Forbidden, NotFound
from engine.interpreter.journal import Aborted, Begin, Cancel, Completed, Evaluate, Received
from engine.models import Definition, Instance, Job, Ledger, Request, Subscription, TaskEvent, Token, UserTask
from engine.runtime import access, datamodel, definitions, labels, naming, outbox, shapes, tasks, work
from engine.runtime.store.claims import Claimed
from engine.runtime.store.statements import Statement

Trigger = Ledger.Trigger


@dataclass(frozen=True, slots=True)
class Wanted:
    """An operation as it was asked for. `values` are as sent; `name` is that of a task's phase, a signal or a node to begin at."""

    operation: str
    definition: Definition
    instance: UUID
    values: Mapping[str, Any] = field(default_factory=dict)
    service_id: str | None = None
    business_key: str | None = None
    task: UUID | None = None
    name: str | None = None
    metadata: bool = False
    accepted: bool = False
    proof: Statement | None = None  # see `newest`
    started: Mapping[str, Any] | None = None  # what the values are to a start, where who asks has just read them
    loaded: UserTask | None = None  # the task, where who asks has just looked at it and whether it may be done

    def as_json(self, caller: access.User) -> dict[str, Any]:
        """How a request keeps it, with whoever asked."""
        who = {"name": access.name(caller), "groups": sorted(access.groups(caller)), "persona": isinstance(caller, access.Persona)}
        return {
            "version": 1, "values": dict(self.values), "service_id": self.service_id, "business_key": self.business_key,
            "task": str(self.task) if self.task else None, "name": self.name, "metadata": self.metadata, "caller": who,
        }  # fmt: skip

    @classmethod
    def from_json(cls, request: Request, definition: Definition) -> Wanted:
        kept = request.input
        assert request.instance is not None
        task = UUID(kept["task"]) if kept["task"] else None
        return cls(
            request.operation, definition, request.instance, kept["values"], kept["service_id"], kept["business_key"], task, kept["name"],
            kept["metadata"], accepted=request.operation == "start",
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Doing:
    """What surrounds an operation: the fence and the failure of its job, and what is told of its end in its transaction."""

    caller: access.User
    guard: work.Guard | None = None
    on_failure: Callable[[BaseException], None] | None = None
    told: work.Told | None = None
    then: Callable[[], None] | None = None
    job: Claimed | None = None
    seen: work.Told | None = None
    stands: work.Stands | None = None

    def unit(self, order: work.Order) -> None:
        if self.job:
            order = replace(order, job=self.job.id, lease=self.job.lease, attempt=self.job.attempts + 1)
        work.run(order, guard=self.guard, on_failure=self.on_failure, told=self.told, seen=self.seen, stands=self.stands)

    def rows(self, change: Callable[[], None]) -> None:
        """Change rows without a unit of work."""
        with transaction.atomic():
            if self.guard:
                self.guard()
            change()
            if self.then:
                self.then()


def perform(
    wanted: Wanted,
    caller: access.User,
    *,
    guard: work.Guard | None = None,
    on_failure: Callable[[BaseException], None] | None = None,
    told: work.Told | None = None,
    then: Callable[[], None] | None = None,
    job: Claimed | None = None,
    seen: work.Told | None = None,
    stands: work.Stands | None = None,
) -> None:
    """Carry an operation out, perhaps as a job; `told` or `seen` is shown the instance that its unit saved.

    Where there is no unit `then` is called; `stands` as in `work.run`.
    """
    OPERATIONS[wanted.operation](wanted, _Doing(caller, guard, on_failure, told, then, job, seen, stands))


# -- instances ------------------------------------------------------------------------------------------------------------
def _start(wanted: Wanted, doing: _Doing) -> None:
    found = wanted.definition
    values = datamodel.of(found).started(wanted.values, wanted.instance) if wanted.started is None else wanted.started
    start = work.Start(found, wanted.business_key, None, found.tenant, wanted.service_id, wanted.accepted, wanted.proof)
    begin = Begin(values, enter=wanted.name)
    subject = found.name or found.key
    doing.unit(work.Order(wanted.instance, begin, Trigger.START, subject, wanted.name, access.name(doing.caller), start=start))


def check_start(
    definition: Definition, values: Mapping[str, Any], instance: UUID, caller: access.User, node: str | None = None
) -> dict[str, Any]:
    """The variables that a start begins with; raises what it would be refused for: no right, suspended, wrong values, no such node."""
    access.check_start(caller, definition)
    if definition.suspended:
        raise Conflict(f"process {definition.key}, version {definition.version} is suspended")
    started = datamodel.of(definition).started(values, instance)
    if node is not None and node not in definitions.graph(definition).children.get(None, ()):
        raise NotFound(f"Node with id {node} not found within process instance {instance}")
    return started


def _update(wanted: Wanted, doing: _Doing) -> None:
    values = check_update(wanted)
    graph = definitions.graph(wanted.definition)
    conditions = any(n.event and n.event.kind == "conditional" for n in graph.nodes.values())
    more = ((wanted.instance, Evaluate(), None),) if conditions else ()
    wish = work.SetVariables(0, values)
    names = ", ".join(values)[:255]
    try:
        doing.unit(work.Order(wanted.instance, wish, Trigger.VARIABLES, names, None, access.name(doing.caller), more=more))
    except work.Gone:
        if not Instance.objects.filter(pk=wanted.instance, state=Instance.State.ACCEPTED, ended=None).exists():
            raise
        doing.rows(lambda: _before_start(wanted))


def _before_start(wanted: Wanted) -> None:
    """Change what an accepted start will begin with, also one that has failed; raises Conflict while it runs."""
    job = Job.objects.select_for_update().filter(instance=wanted.instance, kind=Job.Kind.REQUEST, name="start").first()
    start = Request.objects.filter(pk=job.data["request"]).first() if job else None
    if job is None or start is None or (job.lease_until is not None and job.lease_until > datetime.now(UTC)):
        raise Conflict(f"process instance {wanted.instance} is being started; try again")
    values = {**start.input["values"], **{name: value for name, value in wanted.values.items() if value is not None}}
    Request.objects.filter(pk=start.pk).update(input={**start.input, "values": values})
    begun = datamodel.of(wanted.definition).started(values, wanted.instance)
    Instance.objects.filter(pk=wanted.instance).update(tags=labels.made(definitions.graph(wanted.definition), begun))


def check_update(wanted: Wanted) -> dict[str, Any]:
    """The variables that an update writes; raises BadInput, Violated."""
    model = datamodel.of(wanted.definition)
    guarded = any("readonly" in m.tags for m in model.members)
    known = shapes.values_of(Instance.objects.get(pk=wanted.instance)) if guarded else {}
    return model.updated(wanted.values, known, wanted.instance)


def _abort(wanted: Wanted, doing: _Doing) -> None:
    row = Instance.objects.filter(pk=wanted.instance).first()
    if row is not None and row.state == Instance.State.ACCEPTED and row.ended is None:
        doing.rows(lambda: _give_up(wanted.instance))
    else:
        doing.unit(work.Order(wanted.instance, Cancel("aborted"), Trigger.ABORT, "aborted", None, access.name(doing.caller)))


def _give_up(instance: UUID) -> None:
    """Cancel an instance whose start was accepted and has not run; the request of the start is told so."""
    now = datetime.now(UTC)
    waiting = Instance.objects.filter(pk=instance, state=Instance.State.ACCEPTED, ended=None)
    if not waiting.update(state=Instance.State.CANCELLED, reason="aborted", ended=now):
        raise Conflict(f"process instance {instance} has begun meanwhile; abort it again")
    start = Request.objects.filter(instance=instance, operation="start", state=Request.State.ACCEPTED).first()
    Job.objects.filter(instance=instance, kind=Job.Kind.REQUEST, name="start").delete()
    if start:
        outbox.finished(start, Instance.objects.select_related("definition").get(pk=instance), {}, None)


# -- user tasks -----------------------------------------------------------------------------------------------------------
_FROM = {"complete": ("active", "claim"), "skip": ("active", "claim"), "abort": ("active", "claim"), "save": ("active", "claim"),
         "claim": ("active",), "release": ("claim",), "active": ()}  # fmt: skip


def standing(task: UserTask) -> str:
    """The phase a task is in: active, or claimed by somebody."""
    return "claim" if task.assignee is not None and task.claimed is not None else "active"


def _last_phase(task: UserTask) -> str:
    """The phase as a refusal names it: a task that was given back is active again, and called released."""
    given_back = TaskEvent.objects.filter(task=task, action=TaskEvent.Action.DELETE_USER_LINK)
    released = standing(task) == "active" and any("assignee" in event.parts for event in given_back)
    return "release" if released else standing(task)


class Unauthorized(Forbidden):
    """A task is somebody else's."""


def check_phase(task: UserTask, phase: str, caller: access.User) -> None:
    """Raises BadInput for an unknown phase or one that does not follow, Unauthorized for a stranger."""
    if phase not in _FROM:
        raise BadInput(phase, "phase")
    if standing(task) not in _FROM[phase]:
        raise BadInput(f"Cannot transition from {_last_phase(task)} to {phase}", "phase")
    if not access.may_work_on(caller, task):
        raise Unauthorized(f"User is not authorized to access task instance with id {task.pk}")


def find_task(task: UUID, instance: UUID, definition: Definition) -> UserTask | None:
    """A task of an instance, with signs of what else there is of it; `definition` is most probably its own."""
    found = tasks.signed(task)
    if found is None or found.instance_id != instance:
        return None
    if found.definition_id == definition.pk:
        found.definition = definition
    return found


def _allowed(wanted: Wanted, phase: str, doing: _Doing) -> UserTask:
    """The task that is meant, once it is sure that this may be done to it."""
    if wanted.loaded is not None:
        return wanted.loaded
    task = _open(wanted)
    check_phase(task, phase, doing.caller)
    return task


def _open(wanted: Wanted) -> UserTask:
    task = find_task(wanted.task or UUID(int=0), wanted.instance, wanted.definition)
    if task is None:
        raise NotFound(f"there is no task {wanted.task}")
    if task.state != UserTask.State.OPEN:
        raise NotFound(f"task {task.pk} is {task.get_state_display()} already")
    tasks.check_awake(task)
    return task


def outputs(task: UserTask, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The variables that a completion writes: what the task's form takes, in the types of the data model; raises FormError.

    What is no field of the form is left out, and a task without a form takes nothing.
    """
    assert task.definition is not None
    spec = _form(task)
    if spec is None:
        return {}
    kinds = {m.name: m.type for m in datamodel.of(task.definition).members if m.field is None}
    writable = {f.id: f for f in spec.fields if f.writable and f.kind != "display"}
    given: dict[str, Any] = {}
    for name, one in writable.items():
        if sent.get(name) is not None:
            given[name] = datamodel.taken(kinds[one.target or name], sent[name], name) if (one.target or name) in kinds else sent[name]
    return spec.validate(given, strict=False, text_limit=conf.MAX_TEXT_FIELD)


def _form(task: UserTask) -> FormSpec | None:
    """The form of a task; its variables are looked at only where defaults or options are made of them."""
    assert task.definition is not None
    spec = definitions.form(task.definition, task.form_key, task.node)
    made = spec is not None and any(f.options_expression or "{" in str(f.value) for f in spec.fields)
    return tasks.form(task) if made else spec


def _complete(wanted: Wanted, doing: _Doing) -> None:
    task = _allowed(wanted, "complete", doing)
    _end(task, outputs(task, wanted.values), doing)


def _skip(wanted: Wanted, doing: _Doing) -> None:
    task = _allowed(wanted, "skip", doing)
    _end(task, {}, doing)


def _end(task: UserTask, values: dict[str, Any], doing: _Doing) -> None:
    user = access.name(doing.caller)
    own = tasks.own_variables(task.pk) if getattr(task, "has_own", True) else {}
    wish = Completed(task.token, values, own, {}, user, tasks.described(task))
    doing.unit(_order(task, wish, user))


def _order(task: UserTask, wish: work.Wish, user: str | None) -> work.Order:
    subject = (task.name or task.node or "")[:255]
    assert task.instance_id is not None
    return work.Order(task.instance_id, wish, Trigger.TASK, subject, task.node, user, cause=task.pk, run=task.activity)


def _abort_task(wanted: Wanted, doing: _Doing) -> None:
    task = _allowed(wanted, "abort", doing)
    doing.unit(_order(task, Aborted(task.token, tasks.described(task)), access.name(doing.caller)))


def _rows_of_task(phase: str, change: Callable[[UserTask, Wanted, access.User], None]) -> Callable[[Wanted, _Doing], None]:
    def operation(wanted: Wanted, doing: _Doing) -> None:
        task = _allowed(wanted, phase, doing)
        doing.rows(lambda: change(task, wanted, doing.caller))

    return operation


# -- events ---------------------------------------------------------------------------------------------------------------
def receivers(instance: UUID, name: str) -> list[tuple[int, str, str | None, Node]]:
    """Who waits in an instance for a signal, a message or the trigger of a receive task of this name: (token, kind, name, node)."""
    row = Instance.objects.select_related("definition").get(pk=instance)
    graph = definitions.graph(row.definition)
    waiting = Subscription.objects.filter(instance=instance, kind__in=("signal", "message")).order_by("created", "pk")
    rows = [(s.token or 0, s.kind, s.name, s.node or "", naming.segment(s.name or "")) for s in waiting]
    for token in Token.objects.filter(instance=instance, wait="trigger").order_by("number"):
        rows.append((token.number, "trigger", None, token.node or "", naming.of_task(graph, token.node or "")))
    return [
        (number, kind, event, graph.nodes[node]) for number, kind, event, node, called in rows if called == name and node in graph.nodes
    ]


def _signal(wanted: Wanted, doing: _Doing) -> None:
    """Whoever waits in this instance receives it, in one transaction; where nobody does, nothing happens."""
    found = receivers(wanted.instance, wanted.name or "")
    if not found:
        doing.rows(lambda: None)
        return
    wishes: list[tuple[UUID, work.Wish, work.Start | None]] = [
        (wanted.instance, Received(token, kind, name, payload(wanted, node)), None) for token, kind, name, node in found
    ]
    (instance, wish, _), *more = wishes
    kind = found[0][1]
    user = access.name(doing.caller)
    doing.unit(work.Order(instance, wish, Trigger(kind), wanted.name or "", found[0][3].id, user, more=tuple(more)))


def payload(wanted: Wanted, node: Node) -> dict[str, Any]:
    """What an event brings, in the types of the data model: the members of an object, or the value of the one variable it maps.

    Raises BadInput. Nothing sent brings nothing.
    """
    sent = wanted.values.get("body")
    model = datamodel.of(wanted.definition)
    mapped = node.event.ins if node.event else ()
    if sent is None:
        return {}
    if not mapped:
        return model.updated(sent, {}, wanted.instance) if isinstance(sent, Mapping) else {}
    types = {p.source or p.target: model.type_of(p.target) for p in mapped}
    given = sent if isinstance(sent, Mapping) and not _is_whole(mapped, sent, types) else {next(iter(types)): sent}
    return {name: datamodel.taken(types.get(name, "json"), value, name) for name, value in given.items() if value is not None}


def _is_whole(mapped: tuple[Parameter, ...], sent: Mapping[str, Any], types: Mapping[str, str]) -> bool:
    """Whether an object is itself the value of the only variable that is mapped."""
    (name, kind), *others = types.items()
    return not others and mapped[0].expression is None and kind == "json" and name not in sent


def takes_text(definition: Definition, name: str) -> bool:
    """Whether a signal or message brings a single text, which clients may send as it is."""
    model = datamodel.of(definition)
    return any(
        len(event.ins) == 1 and event.ins[0].expression is None and model.type_of(event.ins[0].target) == "string"
        for node in definitions.graph(definition).nodes.values()
        if (event := node.event) and event.kind in ("signal", "message") and naming.segment(event.name or "") == name
    )


Operation = Callable[[Wanted, _Doing], None]
OPERATIONS: Mapping[str, Operation] = {
    "start": _start,
    "update": _update,
    "abort": _abort,
    "complete": _complete,
    "skip": _skip,
    "abort task": _abort_task,
    "claim": _rows_of_task("claim", lambda task, wanted, caller: tasks.claim(task, caller)),
    "release": _rows_of_task("release", lambda task, wanted, caller: tasks.release(task, caller)),
    "save": _rows_of_task("save", lambda task, wanted, caller: tasks.save_draft(task, wanted.values, caller)),
    "signal": _signal,
}
