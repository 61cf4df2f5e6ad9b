"""What happened, as rows: the instance's own row, the runs of its activities, and the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from engine import models
from engine.bpmn.graph import Graph, Node, Work
from engine.conf import settings as conf
from engine.interpreter.journal import CreateUserTask, Ended, Entered, Fact, Left, Noted, Rename, Said, StartChild, Taken
from engine.runtime import labels
from engine.runtime.store.instances import Loaded
from engine.runtime.store.statements import Statement, adapted, among, insert, key

SHIFT = 20  # an activity's number is its revision, then its place in the unit: a million runs in one transaction


def instances(units: Iterable[Loaded]) -> list[Statement]:
    """New instances in one INSERT; each existing one by an UPDATE that is guarded by its revision."""
    units = list(units)
    made = insert(models.Instance, [_instance(u) for u in units if u.new and not u.accepted])
    return made + [_begin(u) if u.accepted else _advance(u) for u in units if u.accepted or not u.new]


def _outcome(unit: Loaded) -> dict[str, Any]:
    end = unit.end
    names = {e.field: e.value for e in unit.effects if isinstance(e, Rename)}
    return {
        **names, "tags": labels.tags(unit.graph, unit.state), "ended": end.at if end else unit.ended, "end_node": end.node if end else None,
        "state": end.state if end else unit.status, "reason": end.reason if end else None, "next_number": unit.state.next_number,
    }  # fmt: skip


def _instance(unit: Loaded) -> dict[str, Any]:
    f = unit.state.facts
    row = {
        "id": unit.id, "definition_id": unit.definition, "business_key": f.business_key, "business_status": None,
        "service_id": unit.service_id, "awaited": False, "added_tags": "",
        "name": f.name, "tenant": unit.tenant, "parent": UUID(f.parent) if f.parent else None, "parent_token": f.parent_token,
        "root": UUID(f.root) if f.root else None, "starter": f.starter, "started": unit.started, "start_node": unit.start_node,
        "revision": 1, "attempts": 0, "held": f.held, "suspended": unit.suspended, "lease_owner": None, "lease_until": None,
    }  # fmt: skip
    return row | _outcome(unit)


def _begin(unit: Loaded) -> Statement:
    """The row that was inserted with the 202 becomes an instance that runs; it may have been cancelled meanwhile."""
    row = _instance(unit)
    kept = {"id", "added_tags", "lease_owner", "lease_until", "service_id", "suspended"}
    new = {name: value for name, value in row.items() if name not in kept}
    names = ", ".join(f'"{c}" = %s' for c in new)
    return Statement(
        f"UPDATE towpath_instance SET {names} WHERE id = %s AND state = 'accepted' AND ended IS NULL",
        adapted([*new.values(), unit.id]), guard=1,
    )  # fmt: skip


def _advance(unit: Loaded) -> Statement:
    new = _outcome(unit) | {"revision": unit.revision + 1, "attempts": 0}
    names = ", ".join(f'"{c}" = %s' for c in new)
    return Statement(
        f"UPDATE towpath_instance SET {names} WHERE id = %s AND revision = %s", adapted([*new.values(), unit.id, unit.revision]), guard=1
    )


# -- activities -----------------------------------------------------------------------------------------------------------
def activities(units: Iterable[Loaded]) -> list[Statement]:
    """The ends of earlier runs, by one UPDATE a moment and reason; then new runs in one INSERT, ended ones with their end."""
    if conf.HISTORY == "none":
        return []
    rows, made = [], []
    for unit in units:
        fresh = _fresh(unit)
        rows += list(fresh.values())
        ends: dict[tuple[datetime, str | None], list[UUID]] = defaultdict(list)
        for f in unit.journal:
            if isinstance(f, Left) and f.activity not in fresh:
                ends[f.at, f.reason].append(UUID(f.activity))
        for (at, reason), keys in ends.items():
            where, values = among("id", keys)
            made.append(
                Statement(
                    f"UPDATE towpath_activity SET ended = %s, ended_in = %s, reason = %s WHERE {where}",
                    adapted([at, unit.revision + 1, reason]) + list(values),
                )
            )
    return made + insert(models.Activity, rows)


def _fresh(unit: Loaded) -> dict[str, dict[str, Any]]:
    tasks = {e.activity: e for e in unit.effects if isinstance(e, CreateUserTask)}
    rows: dict[str, dict[str, Any]] = {}
    for f in unit.journal:
        match f:
            case Entered(node=element) | Taken(flow=element) if unit.graph.remembers(element):
                number = (unit.revision + 1 << SHIFT) + len(rows)
                rows[f.activity] = _run(unit, f, number, tasks.get(f.activity))
            case Left() if f.activity in rows:
                rows[f.activity] |= {"ended": f.at, "ended_in": unit.revision + 1, "reason": f.reason}
    for e in unit.effects:
        if isinstance(e, StartChild) and (run := _calling(unit, e)) in rows:
            rows[run]["called"] = UUID(e.instance)
    return rows


def _run(unit: Loaded, f: Entered | Taken, number: int, task: CreateUserTask | None) -> dict[str, Any]:
    """A flow is taken in no time; a node's run stays open until it is left."""
    taken = isinstance(f, Taken)
    node = f.flow if isinstance(f, Taken) else f.node
    name, kind = described(unit.graph, node)
    if drawn := unit.graph.nodes.get(node):
        kind = kind_of(drawn)
    return {
        "id": key(f.activity), "instance_id": unit.id, "number": number, "node": node, "name": task.name if task else name, "type": kind,
        "token": f.token, "started": f.at, "ended": f.at if taken else None, "began_in": unit.revision + 1,
        "ended_in": unit.revision + 1 if taken else None, "assignee": task.assignee if task else None,
        "task": UUID(task.id) if task else None, "called": None, "reason": None,
    }  # fmt: skip


_OF_WORK = {"external-worker": "externalWorkerServiceTask", "http": "httpServiceTask"}


def kind_of(node: Node) -> str:
    """The type of a node as the history has it, where Flowable tells kinds apart that are one element in BPMN."""
    if node.triggered_by_event:
        return "eventSubProcess"
    return _OF_WORK.get(node.detail.kind, node.type) if isinstance(node.detail, Work) else node.type


def _calling(unit: Loaded, e: StartChild) -> str:
    """The run of the call activity that started a child, as the journal knows it."""
    return next((f.activity for f in reversed(unit.journal) if isinstance(f, Entered) and f.token == e.token and f.node == e.node), "")


def described(graph: Graph, element: str) -> tuple[str | None, str]:
    """Name and type of a node or flow."""
    if node := graph.nodes.get(element):
        return node.name, node.type
    flow = graph.flows.get(element)
    return (flow.name if flow else None), "sequenceFlow"


# -- the ledger -----------------------------------------------------------------------------------------------------------
def journal_of(graph: Graph, facts: Iterable[Fact], effects: Iterable[Any] = ()) -> list[list[Any]]:
    """The journal as JSON: `[what, element id, name, type, more]`, in the order of happening; printed lines at the end."""
    return [_entry(graph, f) for f in facts] + [
        ["printed", e.node, *described(graph, e.node), list(e.lines)] for e in effects if isinstance(e, Said)
    ]


def _entry(graph: Graph, fact: Fact) -> list[Any]:
    match fact:
        case Entered():
            return ["entered", fact.node, *described(graph, fact.node), None]
        case Left():
            return ["left", fact.node, *described(graph, fact.node), fact.reason]
        case Taken():
            return ["taken", fact.flow, *described(graph, fact.flow), None]
        case Noted():
            return [fact.what, fact.node, *(described(graph, fact.node) if fact.node else (None, "")), fact.about]
        case Ended():
            return ["ended", fact.node, *(described(graph, fact.node) if fact.node else (None, "")), fact.reason or fact.state]


def failing(facts: Iterable[Fact]) -> str | None:
    """The node that had been entered last and not left when the unit failed."""
    open_: dict[str, str] = {}
    for f in facts:
        if isinstance(f, Entered):
            open_[f.activity] = f.node
        elif isinstance(f, Left):
            open_.pop(f.activity, None)
    return next(reversed(open_.values()), None)
