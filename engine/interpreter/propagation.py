"""How errors and escalations find who catches them: outwards, scope by scope, then the caller.

(BPMN 2.0, 10.5.4 and 13.5.5; Flowable's ErrorPropagation and EscalationPropagation.)

At each step an event sub-process inside a scope comes before the boundary event on it, and a named code before catch-all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from engine.bpmn.graph import Node
from engine.errors import BpmnError, TechnicalError
from engine.interpreter import endings, events, scopes, variables
from engine.interpreter.journal import TellParent
from engine.interpreter.run import Run
from engine.interpreter.state import ROOT, Token


def throw_error(run: Run, token: Token, error: BpmnError) -> None:
    """Let an error be caught; in a called process that does not catch it, the caller has to; raises TechnicalError where nobody does."""
    found = catcher(run, token, "error", error.code)
    facts = run.state.facts
    if found is not None:
        where, event = found
        run.note("error caught", event.id, error.code)
        caught(run, where, event, {"errorCode": error.code, "errorMessage": error.message, **error.variables}, error.code, error.variables)
    elif facts.parent is not None and facts.parent_token is not None:
        give_up(run, token.node, error, facts.parent, facts.parent_token)
    elif facts.service:
        scopes.cancel_inside(run, run.state.tokens[ROOT], f"error ({error.code})")
        endings.end_instance(run, token.node, "error", error.code, tell=False, data=error.variables)
    else:
        raise TechnicalError(f"No catching boundary event found for error with errorCode '{error.code}'") from error


def give_up(run: Run, node: str | None, error: BpmnError, parent: str, parent_token: int) -> None:
    """End a called process by an error that it does not catch, and tell its caller."""
    scopes.cancel_inside(run, run.state.tokens[ROOT], f"error ({error.code})")
    endings.end_instance(run, node, "error", error.code, tell=False)
    run.effect(TellParent(parent, parent_token, "error", error.code, error.message, error.variables))


def throw_escalation(run: Run, token: Token, code: str | None, data: Mapping[str, Any]) -> None:
    """Let an escalation be heard; one that nobody hears is forgotten (BPMN 2.0, 10.5.6)."""
    found = catcher(run, token, "escalation", code)
    facts = run.state.facts
    if found is not None:
        where, event = found
        run.note("escalation heard", event.id, code or "")
        caught(run, where, event, {"escalationCode": code, **data}, code, data)
    elif facts.parent is not None and facts.parent_token is not None:
        run.effect(TellParent(facts.parent, facts.parent_token, "escalation", code, variables=data))


# -- who catches
def catcher(run: Run, token: Token, kind: str, code: str | None) -> tuple[Token, Node] | None:
    """The nearest event that catches a code, with the scope it listens in or the host it sits on."""
    for where, candidates in levels(run, token):
        matching = [n for n in candidates if n.event is not None and n.event.kind == kind and n.event.name in (None, code)]
        if matching:
            return where, min(matching, key=lambda n: n.event is None or n.event.name is None)
    return None


def levels(run: Run, token: Token) -> Iterator[tuple[Token, list[Node]]]:
    """The places where something may catch, from a token outwards: inside each scope around it, then on its boundary."""
    below: str | None = None
    for where in run.state.chain(token):
        if where.number == ROOT or (where.scope and not scopes.is_body(where)):
            inside = run.graph.event_subprocesses(scopes.scope_node(run, where))
            yield where, [start for s in inside if s.id != below for start in run.graph.starts(s.id)]
        if where.number != ROOT and where.node is not None and not scopes.is_round(run, where):
            yield where, [run.graph.nodes[b] for b in run.node(where).boundary]
        below = where.node


def caught(run: Run, where: Token, event: Node, told: Mapping[str, Any], code: str | None, data: Mapping[str, Any]) -> None:
    """Begin what catches an error or escalation, and write its code and data where the model wants them."""
    if event.type == "boundaryEvent":
        listener = next(t for t in run.state.children(where.number) if t.node == event.id)
        tell_code(run, listener, event, told, code, data)
        events.boundary(run, listener, event)
    else:
        tell_code(run, where, event, told, code, data)
        events.event_subprocess(run, where, event, None)


def tell_code(run: Run, token: Token, event: Node, told: Mapping[str, Any], code: str | None, data: Mapping[str, Any]) -> None:
    """Write the code variable, and the data that in parameters name; without in parameters, all data."""
    definition = event.event
    assert definition is not None
    if definition.code_variable and definition.code_transient:
        run.transient.setdefault(ROOT, {})[definition.code_variable] = code
    elif definition.code_variable:
        variables.write(run, token, definition.code_variable, code)
    events.bring_in(run, token, event, told if definition.ins else data)
