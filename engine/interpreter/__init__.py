"""What happens next: pure rules, values in and values out.

`start`, `resume`, `deliver` and `cancel` give a Change and leave their State as it was.

They raise BpmnError never, TechnicalError when a step fails, Conflict when the token does not wait for the input, and
NotLoaded when the State was given in part and more of it is needed.
"""

from __future__ import annotations

from engine.bpmn.graph import Graph
from engine.interpreter import inputs
from engine.interpreter.journal import (
    Aborted,
    Assigned,
    Begin,
    Cancel,
    Change,
    ChildTold,
    Completed,
    Dropped,
    Entering,
    Environment,
    Evaluate,
    Input,
    Ran,
    Received,
    Released,
    Yielded,
)
from engine.interpreter.run import STEPS, Run
from engine.interpreter.state import ROOT, Facts, State, Token
from engine.interpreter.table import OPERATIONS

__all__ = ["Change", "Facts", "State", "cancel", "deliver", "move", "resume", "start"]


def start(graph: Graph, facts: Facts, input: Begin, env: Environment, *, steps: int = STEPS) -> Change:
    """Start an instance and advance it until every token rests; `steps` limits the operations of this unit."""
    state = State(facts)
    state.tokens[ROOT] = Token(ROOT, None, scope=True, counters={"open": 0})
    state.added.add(ROOT)
    return _advance(graph, state, input, env, steps)


def resume(
    graph: Graph,
    state: State,
    input: Completed | Aborted | Ran | ChildTold | Assigned | Released | Yielded,
    env: Environment,
    *,
    steps: int = STEPS,
) -> Change:
    """Let a token go on whose user task, job or child is done; `steps` limits the operations of this unit."""
    return _advance(graph, state.copy(), input, env, steps)


def deliver(graph: Graph, state: State, input: Received | Evaluate, env: Environment, *, steps: int = STEPS) -> Change:
    """Bring a message, signal or trigger to a token, or let conditions and variable listeners look; `steps` limits the operations."""
    return _advance(graph, state.copy(), input, env, steps)


def cancel(graph: Graph, state: State, input: Cancel, env: Environment, *, steps: int = STEPS) -> Change:
    """End an instance from outside."""
    return _advance(graph, state.copy(), input, env, steps)


def move(graph: Graph, state: State, input: Entering | Dropped, env: Environment, *, steps: int = STEPS) -> Change:
    """Change from outside where an instance stands; raises BadInput, Conflict for what cannot be entered or taken away."""
    return _advance(graph, state.copy(), input, env, steps)


def _advance(graph: Graph, state: State, input: Input, env: Environment, steps: int) -> Change:
    run = Run(graph, env, Change(state), OPERATIONS, limit=steps, user=state.facts.user)
    try:
        inputs.take(run, input)
        run.go()
    except Exception as error:
        vars(error)["journal"] = run.change.journal  # for the ledger: what is undone now, up to the step that failed
        raise
    return run.tidy()
