"""What comes from outside and sets a unit going; each kind of input is checked against what its token waits for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Node, Start, Work
from engine.errors import BadInput, BpmnError, Conflict
from engine.interpreter import (
    activities,
    calls,
    endings,
    events,
    listeners,
    moving,
    scopes,
    subprocesses,
    timers,
    usertasks,
    variables,
    watching,
)
from engine.interpreter.journal import (
    Aborted,
    Assigned,
    Begin,
    Cancel,
    ChildTold,
    Completed,
    CreateJob,
    Dropped,
    Entering,
    Evaluate,
    Input,
    Ran,
    Received,
    Released,
    Yielded,
)
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token

JOBS = {"timer": "timer", "external": "external", "async-call": "child"}  # what the token of a job waits for, if not for the job itself
ANSWERS = {"bpmn-error": "external"}  # what the token waits for that gets such a thing, if not for the thing itself
PASSED_BY_TRIGGER = {"userTask", "serviceTask", "sendTask", "businessRuleTask", "receiveTask", "intermediateCatchEvent"}
OF_TASKS: Mapping[type[Input], str] = {Completed: "complete", Aborted: "abort", Assigned: "assign"}


def take(run: Run, input: Input) -> None:
    """Begin a unit with an input; raises Conflict where nobody waits for it, BadInput where it cannot be.

    What a token gets is planned as an operation, so that a BpmnError in it finds who catches it.
    """
    match input:
        case Begin():
            begin(run, input)
        case Completed() | Aborted() | Assigned():
            run.plan(OF_TASKS[type(input)], waiting(run, input.token, "user"), input)
        case Ran():
            run.plan("run job", waiting(run, input.token, JOBS.get(input.kind, "job")), input)
        case Received(kind="trigger"):
            run.plan("receive", triggered(run, input.token), input)
        case Received():
            run.plan("receive", waiting(run, input.token, ANSWERS.get(input.kind, input.kind)), input)
        case ChildTold() | Yielded():
            follow_up(run, input)
        case Released():
            run.plan("scope ended", waiting(run, ROOT, "held"), run.state.tokens[ROOT].node)
        case Evaluate():
            evaluate(run, input)
        case Cancel():
            scopes.cancel_inside(run, run.state.tokens[ROOT], input.reason)
            endings.end_instance(run, None, "cancelled", input.reason, tell=input.tell)
        case Entering():
            moving.enter_beside(run, input.node)
        case Dropped():
            moving.drop(run, input.token, again=input.again)


def waiting(run: Run, number: int, wait: str) -> Token:
    """The token of that number, if it waits for such a thing; raises Conflict."""
    token = run.state.tokens.get(number)
    if token is None or token.wait != wait:
        raise Conflict(f"Nothing waits for this any more ({wait})")
    return token


def triggered(run: Run, number: int) -> Token:
    """The token of that number, if it waits for a trigger or may be triggered past what it waits for; raises Conflict."""
    token = run.state.tokens.get(number)
    if token is not None and (token.wait in ("condition", "external") or (token.wait == "job" and _may_be_left_undone(run, token))):
        return token
    if token is not None and token.wait == "armed" and _catches(run.node(token)):
        return token
    return waiting(run, number, "trigger")


def _catches(node: Node) -> bool:
    """Whether a node is a boundary event that a trigger lets happen without its error or escalation (as at Flowable)."""
    return node.type == "boundaryEvent" and node.event is not None and node.event.kind in ("error", "escalation")


def _may_be_left_undone(run: Run, token: Token) -> bool:
    """Whether a trigger goes past a flagged step that was not begun, as at Flowable; what it refuses there is refused here."""
    node = run.node(token)
    remote = isinstance(node.detail, Work) and node.detail.kind in ("http", "mail")
    return token.activity is None and node.type in PASSED_BY_TRIGGER and not remote


def follow_up(run: Run, input: ChildTold | Yielded) -> None:
    """What follows within one work reaches a token that may be gone by then, which is no fault."""
    token = run.state.tokens.get(input.token)
    if token is None:
        return
    if isinstance(input, ChildTold) and token.wait == "child":
        run.plan("hear child", token, input)
    elif isinstance(input, Yielded) and token.wait == "yield":
        run.wake(token)
        run.plan("leave", token)


# -- starting
def begin(run: Run, input: Begin) -> None:
    """Set the variables of the start, data objects and initiator, let event sub-processes listen, and put a token on the start event."""
    root = run.state.tokens[ROOT]
    start = start_node(run, input.node)
    for name, value in input.variables.items():
        run.state.set_local(ROOT, name, value)
    for declared in run.graph.data:
        if declared.name not in input.variables:
            run.state.set_local(ROOT, declared.name, declared.value)
    run.transient[ROOT] = dict(input.transient)
    if isinstance(start.detail, Start) and start.detail.initiator:
        run.state.set_local(ROOT, start.detail.initiator, run.state.facts.starter)
    if input.enter is not None and input.enter not in run.graph.children.get(None, ()):
        raise BadInput(f"The process {run.graph.key!r} has no node {input.enter!r} to begin at", "node")
    run.plan("begin process", root, start, input.asynchronous, input.enter)


def begin_process(run: Run, root: Token, start: Node, asynchronous: bool, enter: str | None = None) -> None:
    """Start the process: its listeners, its event sub-processes, its first token (waiting for a job, if started asynchronously)."""
    scopes.arm_event_subprocesses(run, root)
    listeners.call(run, root, run.graph.listeners, "start")
    token = scopes.branch(run, root)
    if not asynchronous:
        run.plan("enter", token, enter or start.id)
        return
    token.node = start.id
    run.rest(token, "job")
    run.effect(CreateJob(run.env.new_id(), "async", token.number, start.id, name=start.name, exclusive=False, retry=start.retry))


def start_node(run: Run, wanted: str | None) -> Node:
    """The start event that is meant, else the plain one, else the first; raises BadInput."""
    starts = run.graph.starts(None)
    found = [n for n in starts if n.id == wanted] if wanted else [n for n in starts if n.event is None] or list(starts)
    if not found:
        raise BadInput(f"The process {run.graph.key!r} has no start event{'' if wanted is None else ' ' + repr(wanted)}")
    return found[0]


# -- going on
def complete(run: Run, token: Token, input: Completed) -> None:
    """A user task is completed."""
    usertasks.complete(run, token, input)


def abort(run: Run, token: Token, input: Aborted) -> None:
    """A user task is given up."""
    usertasks.abort(run, token, input)


def assign(run: Run, token: Token, input: Assigned) -> None:
    """A user task was given to somebody."""
    usertasks.tell(run, token, "assignment", input.task)


def run_job(run: Run, token: Token, input: Ran) -> None:
    """A job runs: the flagged node is entered or left, the timer fires, the external work comes back."""
    match input.kind:
        case "async":
            token.wait = None
            run.state.touch(token)
            run.plan("execute", token)
        case "async-leave":
            token.wait = None
            run.state.touch(token)
            run.plan("depart", token, input.data.get("flow"))
        case "async-call":
            calls.release(run, token)
        case "timer":
            timers.fired(run, token, input)
            events.happened(run, token, {})
        case "external":
            external(run, token, input.data.get("error"), input.data.get("message") or "", input.data.get("variables") or {})
        case kind:
            raise BadInput(f"there is no job of kind {kind!r}")


def receive(run: Run, token: Token, input: Received) -> None:
    """A message, signal or trigger arrives, or an external worker's answer (`external`, or `bpmn-error` with the code as name)."""
    run.transient.setdefault(token.number, {}).update(input.transient)
    match input.kind:
        case "trigger":
            trigger(run, token, input.variables)
        case "external" | "bpmn-error":
            external(run, token, input.name if input.kind == "bpmn-error" else None, "", input.variables)
        case "adhoc":
            subprocesses.begin_activity(run, token, input.name)
        case _:
            events.happened(run, token, input.variables)


def trigger(run: Run, token: Token, given: Mapping[str, Any]) -> None:
    """A trigger lets a token go on; a conditional event that gets one looks at its condition (Flowable's behaviours and their triggers)."""
    variables.write_all(run, token, given)
    event = run.node(token).event
    if token.wait == "armed":
        events.happened(run, token, {})
    elif event is None or event.kind != "conditional":
        run.wake(token)
        run.plan("leave", token)
    elif watching.holds(run, token):
        events.happened(run, token, {})


def external(run: Run, token: Token, error: str | None, message: str, answered: Mapping[str, Any]) -> None:
    """External work is done, or ends in a business error."""
    run.wake(token)
    if error is not None:
        raise BpmnError(error, message, answered)
    activities.external_done(run, token, dict(answered))


def evaluate(run: Run, input: Evaluate) -> None:
    """Let conditions look, or variable listeners hear."""
    if input.changes:
        run.altered.extend(input.changes)
    else:
        watching.evaluate_conditions(run)
