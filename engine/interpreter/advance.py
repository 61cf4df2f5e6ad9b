"""How a token moves: it enters a node, the node does what its type says, it leaves, and takes the flows whose conditions hold.

A node flagged async is a wait state before it is entered: nothing of it happens before its job runs (Flowable's
ContinueProcessOperation). With async leave the token waits for a second job between the node and its flows.
"""

from __future__ import annotations

from collections.abc import Sequence

from engine.bpmn.graph import Flow, Node
from engine.errors import TechnicalError
from engine.interpreter import compensation, listeners, names, scopes, variables
from engine.interpreter.invoke import invoke
from engine.interpreter.journal import CreateJob, Taken
from engine.interpreter.run import Run
from engine.interpreter.state import Token

SKIPPING = "_FLOWABLE_SKIP_EXPRESSION_ENABLED"


# -- entering
def enter(run: Run, token: Token, node: str) -> None:
    """Bring a token to a node: a multi-instance begins its rounds, an async node waits for its job, any other is executed."""
    token.node = node
    run.state.touch(token)
    drawn = run.graph.nodes[node]
    if drawn.loop is not None:
        run.plan("begin rounds", token)
    else:
        enter_once(run, token)


def enter_once(run: Run, token: Token) -> None:
    """Enter a node, or one round of it."""
    if run.node(token).asynchronous:
        create_job(run, token, "async")
    else:
        execute(run, token)


def create_job(run: Run, token: Token, kind: str, flow: str | None = None) -> None:
    """Let the token wait for a job that continues it: `async` before the node, `async-leave` behind it."""
    node = run.node(token)
    run.rest(token, "job")
    run.effect(
        CreateJob(
            run.env.new_id(),
            kind,
            token.number,
            node.id,
            name=node.name,
            exclusive=node.exclusive if kind == "async" else node.async_leave_exclusive,
            retry=node.retry,
            category=job_category(run, token, node),
            data={"flow": flow} if flow else {},
        )
    )


def job_category(run: Run, token: Token, node: Node) -> str | None:
    """`flowable:jobCategory`, which may be an expression."""
    return None if node.category is None else str(names.evaluate(run, token, node.category))


def execute(run: Run, token: Token) -> None:
    """Do what the node says: its history begins, start listeners, boundary events, then its behaviour (in Flowable's order)."""
    node = run.node(token)
    run.began(token)
    if node.listeners:
        listeners.call(run, token, node.listeners, "start")
    scopes.arm_boundary(run, token, node)
    if node.skip and skips(run, token, node.skip):
        run.plan("leave", token)
    else:
        run.operations[f"at {node.type}"](run, token)


def skips(run: Run, token: Token, expression: str) -> bool:
    """Whether a skip expression counts and holds: only where the variable that enables skipping is true."""
    enabled = variables.visible(run, token).get(SKIPPING)
    return enabled is True and names.holds(run, token, expression, "skip expression")


# -- leaving
def leave(run: Run, token: Token, flow: str | None = None) -> None:
    """Leave a node whose work is done; `flow` is what a gateway chose already."""
    node = run.node(token)
    scopes.disarm_boundary(run, token, node)
    if node.async_leave and not scopes.is_round(run, token):
        create_job(run, token, "async-leave", flow)
    else:
        depart(run, token, flow)


def depart(run: Run, token: Token, flow: str | None = None) -> None:
    """End the run of the node: end listeners, history, compensation; then on to the flows, or the end of the round."""
    node = run.node(token)
    one_of_many = node.loop is not None and scopes.is_round(run, token)
    if node.loop is None or one_of_many:  # the body around the rounds has no run of its own
        if node.listeners:
            listeners.call(run, token, node.listeners, "end")
        run.ended(token)
        compensation.remember(run, token, node)
    if one_of_many:
        run.plan("round ended", token)
    else:
        move_on(run, token, flow)


def move_on(run: Run, token: Token, flow: str | None = None) -> None:
    """Take the flows out of a node; a token that finds none has come to the end of its branch."""
    node = run.node(token)
    if flow is not None:
        take(run, token, (run.graph.flows[flow],))
        return
    if not node.outgoing:
        run.plan("branch ended", token)
        return
    take(run, token, chosen(run, token, node))


# -- flows
UNCONDITIONAL = {"parallelGateway", "eventBasedGateway"}


def take(run: Run, token: Token, flows: Sequence[Flow]) -> None:
    """Take flows: the token goes on along the first, a new one along each further."""
    assert token.parent is not None
    scope = run.state.tokens[token.parent]
    going = [token, *(scopes.branch(run, scope) for _ in flows[1:])]
    for one, flow in zip(going, flows, strict=True):
        run.plan("follow", one, flow)


def follow(run: Run, token: Token, flow: Flow) -> None:
    """Pass along one flow: its take listeners, then the node it leads to."""
    run.fact(Taken(run.env.new_id(), flow.id, token.number, run.now))
    if flow.listeners:
        listeners.call(run, token, flow.listeners, "take")
    run.plan("enter", token, flow.target)


def chosen(run: Run, token: Token, node: Node) -> Sequence[Flow]:
    """All flows whose condition holds, else the default (BPMN 2.0, 13.3.1; Flowable's TakeOutgoingSequenceFlowsOperation)."""
    flows = [run.graph.flows[f] for f in node.outgoing]
    if node.type in UNCONDITIONAL:
        return flows
    open_ones = [f for f in flows if f.id != node.default and passes(run, token, f, alone=len(flows) == 1)]
    return open_ones or [fallback(run, node)]


def first_chosen(run: Run, token: Token, node: Node) -> Flow:
    """The first flow in document order whose condition holds, else the default (BPMN 2.0, 13.4.2)."""
    flows = (run.graph.flows[f] for f in node.outgoing)
    return next((f for f in flows if f.id != node.default and passes(run, token, f)), None) or fallback(run, node)


def passes(run: Run, token: Token, flow: Flow, alone: bool = False) -> bool:
    """Whether a flow can be taken: by its skip expression where skipping is enabled, else by its condition."""
    if flow.skip and variables.visible(run, token).get(SKIPPING) is True:
        return alone or names.holds(run, token, flow.skip, f"flow {flow.id!r}")
    if flow.condition is not None and flow.language:
        return bool(invoke(run, token, "script", flow.condition, language=flow.language).value)
    return flow.condition is None or names.holds(run, token, flow.condition, f"flow {flow.id!r}")


def fallback(run: Run, node: Node) -> Flow:
    """The default flow; raises TechnicalError if there is none."""
    if node.default is None:
        raise TechnicalError(f"No outgoing sequence flow of element {node.id!r} could be selected for continuing the process")
    return run.graph.flows[node.default]
