"""What happens when nothing moves any more: variable listeners hear what changed, then inclusive joins look whether they may go on."""

from __future__ import annotations

from engine.interpreter import events, gateways
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def settle(run: Run) -> None:
    """Tell the listeners what changed in this unit; if that moves nothing, look at the inclusive joins."""
    if run.state.ended:
        return
    changes, run.altered = run.altered, []
    for number, name, change in changes:
        if number in run.state.tokens or number == ROOT:
            tell(run, number, name, change)
    if not run.agenda:
        gateways.settle(run)


def tell(run: Run, number: int, name: str, change: str) -> None:
    """Let every variable listener fire that sees the variable and waits for this change (Flowable's variableListenerEventDefinition)."""
    for token in [t for t in everybody(run) if t.wait == "variable"]:
        event = run.node(token).event
        if event is None or run.state.tokens.get(token.number) is not token:
            continue
        if event.name == name and event.change in (None, "all", change) and any(s.number == number for s in run.state.chain(token)):
            events.happened(run, token, {})


def everybody(run: Run) -> list[Token]:
    """All tokens of the instance, in the order they were made; raises NotLoaded where the State was given in part."""
    run.state.children(ROOT)
    return list(run.state.tokens.values())


def evaluate_conditions(run: Run) -> None:
    """Let every conditional event look at its condition; those whose condition holds fire (Flowable: only when told to look)."""
    firing = [t for t in everybody(run) if t.wait == "condition" and holds(run, t)]
    for token in sorted(firing, key=lambda t: run.node(t).interrupting):  # what interrupts comes last, so that nothing is missed
        if run.state.tokens.get(token.number) is token:
            events.happened(run, token, {})


def holds(run: Run, token: Token) -> bool:
    """Whether the condition a token waits for holds now."""
    event = run.node(token).event
    return event is not None and event.condition is not None and events.condition_holds(run, token, event)
