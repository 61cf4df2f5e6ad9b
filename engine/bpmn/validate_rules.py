"""How nodes and flows may be put together: one function a rule, with Flowable's name for it where it has one. Those about events
are in `validate_events`. RULES refuse a process; HINTS only tell the deployer what will not do what it seems to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from engine.bpmn import forms_read
from engine.bpmn.graph import AdHoc, Flow, Graph, Node, Start, UserTask, Work
from engine.bpmn.parse_reading import Reading
from engine.bpmn.validate_events import EVENT_RULES
from engine.errors import Problem

Found = Iterator[tuple[Node | Flow | Graph, str]]


def check(graph: Graph, reading: Reading) -> None:
    """Note every rule that the process breaks, and every hint."""
    for rule in RULES + EVENT_RULES:
        reading.problems += _notes(rule(graph), reading)
    for hint in HINTS:
        reading.warnings += _notes(hint(graph), reading)


def _notes(found: Found, reading: Reading) -> list[Problem]:
    return [Problem(said, at.key if isinstance(at, Graph) else at.id, at.line, reading.file or None) for at, said in found]


def flows_lead_somewhere(graph: Graph) -> Found:
    """Both ends of a flow are nodes, and lie in the same scope (seqflow-invalid-src, -target, -target-different-scope)."""
    for flow in graph.flows.values():
        for attribute, name in (("sourceRef", flow.source), ("targetRef", flow.target)):
            if not name:
                yield flow, f"a sequenceFlow needs a {attribute}"
            elif name not in graph.nodes:
                yield flow, f"{attribute} is '{name}', which is no node of this process"
        ends = [graph.nodes[n] for n in (flow.source, flow.target) if n in graph.nodes]
        if len({n.parent for n in ends}) > 1:
            yield flow, f"a sequenceFlow may not cross the border of a sub-process ('{flow.source}' to '{flow.target}')"


def defaults_leave_their_node(graph: Graph) -> Found:
    """The default flow is one of the node's own."""
    for node in graph.nodes.values():
        if node.default and node.default not in node.outgoing:
            yield node, f"the default flow '{node.default}' does not leave this element"


def exclusive_gateways_lead_on(graph: Graph) -> Found:
    """There is a way out, and a condition only where there is a choice (exclusive-gateway-no-outgoing-seq-flow and its kin)."""
    for node in graph.nodes.values():
        if node.type != "exclusiveGateway":
            continue
        if not node.outgoing:
            yield node, "an exclusiveGateway needs an outgoing flow"
        elif len(node.outgoing) == 1 and graph.flows[node.outgoing[0]].condition:
            yield graph.flows[node.outgoing[0]], "the only flow out of an exclusiveGateway may not have a condition"
        elif node.default and node.default in graph.flows and graph.flows[node.default].condition:
            yield graph.flows[node.default], "the default flow of an exclusiveGateway may not have a condition"


def event_gateways_lead_to_events(graph: Graph) -> Found:
    """After an event-based gateway stand intermediate catching events (event-gateway-only-connected-to-intermediate-events)."""
    for node in graph.nodes.values():
        if node.type != "eventBasedGateway":
            continue
        if not node.outgoing:
            yield node, "an eventBasedGateway needs an outgoing flow"
        for name in node.outgoing:
            target = graph.nodes.get(graph.flows[name].target)
            if target and target.type != "intermediateCatchEvent":
                yield graph.flows[name], f"an eventBasedGateway leads only to intermediateCatchEvents, and '{target.id}' is a {target.type}"


def work_is_named(graph: Graph) -> Found:
    """A service task says what it calls (servicetask-missing-implementation)."""
    for node in graph.nodes.values():
        if node.type == "serviceTask" and node.detail is None:
            yield node, "a serviceTask needs one of class, delegateExpression, expression or type"
        if isinstance(node.detail, Work):
            for said in _missing(node.detail):
                yield node, said


def _missing(work: Work) -> Iterator[str]:
    """What a built-in type cannot do without."""
    given = {f.name for f in work.fields if f.text}
    if work.kind == "external-worker" and not work.topic:
        yield "an external-worker needs a topic"
    if work.kind == "http":
        yield from (f"an http task needs the field {name}" for name in ("requestMethod", "requestUrl") if name not in given)
    if work.kind == "mail":
        if not given & {"to", "cc", "bcc"}:
            yield "a mail task needs one of the fields to, cc and bcc"
        if not given & {"text", "html", "textVar", "htmlVar"}:
            yield "a mail task needs one of the fields text, html, textVar and htmlVar"


def compensation_handlers_stand_alone(graph: Graph) -> Found:
    """A compensation handler is reached by its association alone."""
    for node in graph.nodes.values():
        if node.for_compensation and (node.incoming or node.outgoing):
            yield node, "a compensation handler (isForCompensation) may have no sequence flows"


RULES: tuple[Callable[[Graph], Found], ...] = (
    flows_lead_somewhere, defaults_leave_their_node, exclusive_gateways_lead_on, event_gateways_lead_to_events, work_is_named,
    compensation_handlers_stand_alone,
)  # fmt: skip


def choices_have_conditions(graph: Graph) -> Found:
    """Of several flows out of an exclusive gateway, one without condition hides those behind it (seq-flow-without-conditions)."""
    for node in graph.nodes.values():
        if node.type == "exclusiveGateway" and len(node.outgoing) > 1:
            for name in node.outgoing[:-1]:
                if name != node.default and not graph.flows[name].condition:
                    yield graph.flows[name], "this flow has no condition and is not the default: the flows after it are never taken"


def conditions_are_looked_at(graph: Graph) -> Found:
    """A parallel or event-based gateway takes every flow; a default flow is taken when no other is."""
    for node in graph.nodes.values():
        for name in node.outgoing:
            flow = graph.flows[name]
            if flow.condition and node.type in ("parallelGateway", "eventBasedGateway"):
                yield flow, f"the condition is not looked at: a {node.type} takes every flow"
            elif flow.condition and name == node.default:
                yield flow, "the condition is not looked at: this is the default flow"


def nodes_are_reached(graph: Graph) -> Found:
    """What nothing leads to never runs."""
    for node in graph.nodes.values():
        if node.incoming or node.type in ("startEvent", "boundaryEvent") or node.triggered_by_event or node.for_compensation:
            continue
        around = graph.nodes.get(node.parent) if node.parent else None
        if not (around and isinstance(around.detail, AdHoc)) and not (node.event and node.event.kind == "link"):
            yield node, "no flow leads here: it will never run"


def forms_can_be_stored(graph: Graph) -> Found:
    """What is entered into a field goes to a variable; an expression that is more than a name can only be shown."""
    for node in graph.nodes.values():
        if isinstance(node.detail, Start | UserTask):
            for one in forms_read.from_properties(node.detail.properties).fields:
                if one.writable and one.target is None:
                    yield node, f"the form field '{one.id}' can be shown but not stored: '{one.expression}' is not the name of a variable"


def processes_begin(graph: Graph) -> Found:
    """A process without a start event cannot be started."""
    if not graph.starts(None):
        yield graph, "the process has no start event: it cannot be started"


HINTS: tuple[Callable[[Graph], Found], ...] = (
    choices_have_conditions, conditions_are_looked_at, nodes_are_reached, forms_can_be_stored, processes_begin,
)  # fmt: skip
