"""What a ledger row tells by its journal: entered and left is executed, entered and not left is a wait state, and a flow taken to a node
that was not entered leads to an asynchronous step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from engine.bpmn.graph import Graph
from engine.conf import settings as conf
from engine.models import Ledger

NOT_TOLD = {"sequenceFlow", "startEvent", "endEvent", "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"}


@dataclass(frozen=True, slots=True)
class Told:
    """What a unit did, by name: steps executed in order, user tasks created, other waits, asynchronous steps reached, and its end.

    `tried` counts the attempts at the same thing, from 1; `left` are the attempts that remain after this one, None if nobody knows.
    """

    entry: Ledger
    executed: list[str]
    failing: str
    user_tasks: list[str]
    waits: list[str]
    asynchronous: list[str]
    ended: str | None
    tried: int
    left: int | None


def tell(entry: Ledger, graph: Graph, tries: Counter[tuple[object, ...]], dead: set[UUID]) -> Told:
    """What one ledger row tells; `tries` counts along from row to row, `dead` are the instance's dead letters."""
    journal = [[*fact, None][:5] for fact in entry.journal if len(fact) >= 4]
    resting = _resting(journal)
    executed = [_named(f) for f in journal if f[0] == "entered" and f not in resting and f[3] not in NOT_TOLD]
    cause = (entry.trigger, entry.job, entry.subject)
    tries[cause] += entry.outcome == Ledger.Outcome.ROLLED_BACK
    number = (entry.number, *cause)
    tries[number] += 1
    return Told(
        entry,
        executed,
        failing=_named(resting[-1]) if entry.outcome == Ledger.Outcome.ROLLED_BACK and resting else "",
        user_tasks=[_named(f) for f in resting if f[3] == "userTask"],
        waits=[_named(f) for f in resting if f[3] != "userTask" and f[3] not in NOT_TOLD],
        asynchronous=_reached(journal, graph),
        ended=next((str(f[4]) for f in journal if f[0] == "ended"), None),
        tried=tries[number],
        left=_left(entry, graph, tries[cause], dead),
    )


def _left(entry: Ledger, graph: Graph, failed: int, dead: set[UUID]) -> int | None:
    """The attempts that a job has left; a step with a retry policy of its own keeps them to itself until they are used up."""
    node = graph.nodes.get(entry.node or "")
    left = conf.JOB_RETRIES - failed if node is None or node.retry is None else -1
    if left > 0:
        return left
    return 0 if left == 0 and entry.job in dead else None


def _named(fact: list[Any]) -> str:
    return str(fact[2] or fact[1] or "")


def _resting(journal: list[list[Any]]) -> list[list[Any]]:
    """What was entered and not left."""
    still: list[list[Any]] = []
    for fact in journal:
        if fact[0] == "entered":
            still.append(fact)
        elif fact[0] == "left":
            found = next((f for f in reversed(still) if f[1] == fact[1]), None)
            still = [f for f in still if f is not found]
    return still


def _reached(journal: list[list[Any]], graph: Graph) -> list[str]:
    """The asynchronous steps at which a token arrived without entering them."""
    entered = {f[1] for f in journal if f[0] == "entered"}
    flows = [graph.flows[f[1]] for f in journal if f[0] == "taken" and f[1] in graph.flows]
    targets = [graph.nodes[flow.target] for flow in flows if flow.target not in entered and flow.target in graph.nodes]
    return list(dict.fromkeys(node.name or node.id for node in targets if node.asynchronous))
