"""Where events may stand. The table of places is BPMN's own (Flowable's is smaller); what is executable of it is another table's affair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from engine.bpmn.elements import GROUPS
from engine.bpmn.graph import AdHoc, Graph, Node

Found = Iterator[tuple[Node, str]]

PLACES: dict[str, set[str | None]] = {
    "start": {None, "message", "timer", "signal", "conditional"},
    "event sub-process start": {"message", "timer", "signal", "conditional", "error", "escalation", "compensate", "variable"},
    "sub-process start": {None},
    "intermediateCatchEvent": {"message", "timer", "signal", "conditional", "link", "variable"},
    "intermediateThrowEvent": {None, "message", "signal", "escalation", "compensate", "link"},
    "boundaryEvent": {"message", "timer", "signal", "conditional", "error", "escalation", "compensate", "cancel", "variable"},
    "endEvent": {None, "message", "signal", "error", "escalation", "compensate", "cancel", "terminate"},
}
_HOSTS = GROUPS["ACTIVITY"]


def place(graph: Graph, node: Node) -> str:
    """The row of PLACES that an event belongs to."""
    if node.type != "startEvent":
        return node.type
    if node.parent is None:
        return "start"
    return "event sub-process start" if graph.nodes[node.parent].triggered_by_event else "sub-process start"


def events_stand_where_they_may(graph: Graph) -> Found:
    """start-event-invalid-event-definition, boundary-event-no-event-definition and their kin."""
    for node in graph.nodes.values():
        where, kind = place(graph, node), node.event.kind if node.event else None
        if where not in PLACES or kind in PLACES[where]:
            continue
        what = where if where.endswith("start") else f"an {where}".replace("an bound", "a bound")
        what = {
            "start": "the start event of a process",
            "sub-process start": "the start event of a sub-process",
            "event sub-process start": "the start event of an event sub-process",
        }.get(where, what)
        yield node, f"{what} may not be a {kind} event" if kind else f"{what} needs an event definition"


def scopes_start_once(graph: Graph) -> Found:
    """At most one plain start a scope, and a start in every sub-process (start-event-multiple-found, subprocess-multiple-start-events)."""
    for scope in graph.children:
        plain = [n for n in graph.starts(scope) if n.event is None]
        for node in plain[1:]:
            yield node, f"there is a second start event without an event definition, beside '{plain[0].id}'"
    for node in graph.nodes.values():
        if node.type in ("subProcess", "transaction") and not graph.starts(node.id):
            yield node, "a sub-process needs a start event"
        if node.type == "startEvent" and node.parent and isinstance(graph.nodes[node.parent].detail, AdHoc):
            yield node, "an adHocSubProcess may not have a start event"


def messages_start_once(graph: Graph) -> Found:
    """Two start events of one process cannot wait for the same message."""
    seen: set[str] = set()
    for node in graph.starts(None):
        if node.event and node.event.kind == "message" and node.event.name:
            if node.event.name in seen:
                yield node, f"there is a second start event for the message '{node.event.name}'"
            seen.add(node.event.name)


def boundary_events_have_a_host(graph: Graph) -> Found:
    """A boundary event is attached to an activity of its scope; Flowable accepts one that hangs on nothing, which never fires."""
    for node in graph.nodes.values():
        if node.type != "boundaryEvent":
            continue
        host = graph.nodes.get(node.attached_to or "")
        if host is None or host.type not in _HOSTS:
            named = f"attachedToRef is '{node.attached_to}', which is no activity of this process"
            yield node, named if node.attached_to else "a boundaryEvent needs an attachedToRef"
        elif host.parent != node.parent:
            yield node, f"a boundaryEvent must lie in the same scope as '{host.id}', which it is attached to"


def boundary_events_do_not_compete(graph: Graph) -> Found:
    """One cancel and one compensation event a host, one for each message (boundary-event-multiple-..., message-event-multiple-...)."""
    for host in graph.nodes.values():
        events = [(graph.nodes[b], e) for b in host.boundary if (e := graph.nodes[b].event)]
        keys = Counter[str]()
        for node, event in events:
            key = {"cancel": "cancel", "compensate": "compensation", "message": f"message '{event.name}'"}.get(event.kind)
            if key and keys[key]:
                yield node, f"'{host.id}' has a second boundary event for {key}"
            keys[key or ""] += 1


def cancelling_belongs_to_transactions(graph: Graph) -> Found:
    """boundary-event-cancel-only-on-transaction, end-event-cancel-only-inside-transaction."""
    for node in graph.nodes.values():
        if node.event is None or node.event.kind != "cancel":
            continue
        around = graph.nodes.get((node.attached_to if node.type == "boundaryEvent" else node.parent) or "")
        if around is None or around.type != "transaction":
            yield node, f"a cancel {node.type} belongs to a transaction"


def compensation_finds_its_handler(graph: Graph) -> Found:
    """compensate-event-invalid-activity-ref; and a compensation boundary event leads to an activity marked isForCompensation."""
    for node in graph.nodes.values():
        if node.event is None or node.event.kind != "compensate":
            continue
        if node.event.activity and node.event.activity not in graph.nodes:
            yield node, f"activityRef is '{node.event.activity}', which is no activity of this process"
        if node.type == "boundaryEvent":
            handler = graph.nodes.get(node.compensated_by or "")
            if handler is None:
                yield node, "a compensation boundary event needs an association to its handler"
            elif not handler.for_compensation:
                yield node, f"its handler '{handler.id}' is not marked isForCompensation"


def errors_are_named_when_thrown(graph: Graph) -> Found:
    """Who throws an error or escalation says which."""
    for node in graph.nodes.values():
        kind = node.event.kind if node.event and not node.event.name else None
        if node.type in ("endEvent", "intermediateThrowEvent") and kind in ("error", "escalation"):
            yield node, f"a thrown {kind} needs an {kind}Ref"


def links_have_two_ends(graph: Graph) -> Found:
    """A thrown link is caught once, in the same scope."""
    links = [(n, n.event) for n in graph.nodes.values() if n.event and n.event.kind == "link"]
    caught = Counter((n.parent, e.name) for n, e in links if n.type == "intermediateCatchEvent")
    thrown = {(n.parent, e.name) for n, e in links if n.type == "intermediateThrowEvent"}
    for node, event in links:
        ends = caught[(node.parent, event.name)]
        if node.type == "intermediateThrowEvent" and ends != 1:
            yield node, f"the link '{event.name}' must be caught once in its scope, not {ends} times"
        if node.type == "intermediateCatchEvent" and (node.parent, event.name) not in thrown:
            yield node, f"the link '{event.name}' is thrown nowhere in its scope"


EVENT_RULES: tuple[Callable[[Graph], Found], ...] = (
    events_stand_where_they_may, scopes_start_once, messages_start_once, boundary_events_have_a_host, boundary_events_do_not_compete,
    cancelling_belongs_to_transactions, compensation_finds_its_handler, errors_are_named_when_thrown, links_have_two_ends,
)  # fmt: skip
