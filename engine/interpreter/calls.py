"""Call activities: another process runs as a child of its own, gets variables and gives some back.

(BPMN 2.0, 13.3.4; Flowable's CallActivityBehavior.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.bpmn.graph import Call
from engine.errors import BpmnError
from engine.interpreter import names, propagation, terminate, variables
from engine.interpreter.journal import ChildTold, CreateJob, ReleaseChild, StartChild
from engine.interpreter.run import Run
from engine.interpreter.state import Token


def detail_of(run: Run, token: Token) -> Call:
    """What the call activity says that a token stands on."""
    detail = run.node(token).detail
    assert isinstance(detail, Call)
    return detail


def call(run: Run, token: Token) -> None:
    """Start the called process within the same unit of work, and wait for its end."""
    detail = detail_of(run, token)
    given, passing = handed_over(run, token, detail)
    child = run.env.new_id()
    if detail.id_variable:
        variables.write(run, token, names.text(run, token, detail.id_variable), child)
    key = run.state.facts.business_key if detail.inherit_business_key else names.maybe(run, token, detail.business_key)
    run.rest(token, "child")
    run.effect(
        StartChild(
            child,
            token.number,
            token.node or "",
            called=names.text(run, token, detail.called),
            by_id=detail.by_id,
            same_deployment=detail.same_deployment,
            variables=given,
            business_key=key,
            name=names.maybe(run, token, detail.instance_name),
            transient=passing,
            held=detail.complete_async,
        )
    )


def handed_over(run: Run, token: Token, detail: Call) -> tuple[dict[str, Any], dict[str, Any]]:
    """The variables a child begins with, stored and transient: all of them where they are inherited, and those mapped in."""
    given: dict[str, Any] = dict(variables.visible(run, token)) if detail.inherit_variables else {}
    passing: dict[str, Any] = {}
    find = names.lookup(run, token)
    for mapping in detail.ins:
        (passing if mapping.transient else given)[names.text(run, token, mapping.target)] = names.parameter(run, token, mapping, find)
    return given, passing


def told(run: Run, token: Token, news: ChildTold) -> None:
    """The child ended, threw something beyond itself, or ended everything."""
    match news.outcome:
        case "ended":
            ended(run, token, news.variables)
        case "error":
            propagation.throw_error(run, token, BpmnError(news.code or "", news.message or "", news.variables))
        case "escalation":
            propagation.throw_escalation(run, token, news.code, news.variables)
        case "terminate":
            terminate.everything(run, token.node)
        case "terminate-rounds":
            terminate.rounds_of_call(run, token)


def ended(run: Run, token: Token, given: Mapping[str, Any]) -> None:
    """Bring back what the call maps out and go on; a held child (`completeAsync`) waits for a job of the caller first."""
    node, detail = run.node(token), detail_of(run, token)
    if detail.complete_async and not token.counters.pop("released", False):
        run.rest(token, "child")
        run.effect(
            CreateJob(run.env.new_id(), "async-call", token.number, node.id, name=node.name, exclusive=node.exclusive, retry=node.retry)
        )
        return
    back(run, token, detail, given)
    run.wake(token)
    run.plan("leave", token)


def back(run: Run, token: Token, detail: Call, given: Mapping[str, Any]) -> None:
    """Write the given a call maps out: into the scope where they live, or kept at the call."""
    for mapping in detail.outs:
        name = names.text(run, token, mapping.target)
        value = names.parameter(run, token, mapping, given.__getitem__)
        if mapping.transient:
            run.transient.setdefault(token.number, {})[name] = value
        elif detail.local_outs:
            variables.write_local(run, token.number, name, value)
        else:
            variables.write(run, token, name, value)


def release(run: Run, token: Token) -> None:
    """The job behind a held child runs: the child may end now, and tells so a second time."""
    token.counters["released"] = True
    run.state.touch(token)
    run.effect(ReleaseChild(token.number))
