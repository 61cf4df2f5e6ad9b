"""Whether a model can run here. One table says which elements are executable now: to take one in, move its row from REFUSED to SUPPORTED.

The rules about how elements may be put together are in `validate_rules`, those about the texts inside them in `validate_texts`.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.bpmn import validate_elements, validate_rules, validate_texts
from engine.bpmn.graph import Graph, Node, Work
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element
from engine.errors import Problem

SUPPORTED = frozenset({
    "startEvent", "endEvent",
    "task", "manualTask", "userTask", "scriptTask",
    "serviceTask/class", "serviceTask/delegateExpression", "serviceTask/expression", "serviceTask/mail", "serviceTask/http",
    "exclusiveGateway", "parallelGateway",
    "subProcess",
})

_LATER = "is not executed yet"
REFUSED = {
    "startEvent/message": _LATER, "startEvent/timer": _LATER, "startEvent/signal": _LATER, "startEvent/conditional": _LATER,
    "startEvent/error": _LATER, "startEvent/escalation": _LATER, "startEvent/compensate": _LATER, "startEvent/variable": _LATER,
    "intermediateCatchEvent/message": _LATER, "intermediateCatchEvent/timer": _LATER, "intermediateCatchEvent/signal": _LATER,
    "intermediateCatchEvent/conditional": _LATER, "intermediateCatchEvent/variable": _LATER, "intermediateCatchEvent/link": _LATER,
    "intermediateThrowEvent": _LATER, "intermediateThrowEvent/message": _LATER, "intermediateThrowEvent/signal": _LATER,
    "intermediateThrowEvent/escalation": _LATER, "intermediateThrowEvent/compensate": _LATER, "intermediateThrowEvent/link": _LATER,
    "boundaryEvent/message": _LATER, "boundaryEvent/timer": _LATER, "boundaryEvent/signal": _LATER, "boundaryEvent/error": _LATER,
    "boundaryEvent/escalation": _LATER, "boundaryEvent/conditional": _LATER, "boundaryEvent/compensate": _LATER,
    "boundaryEvent/cancel": _LATER, "boundaryEvent/variable": _LATER,
    "endEvent/message": _LATER, "endEvent/signal": _LATER, "endEvent/error": _LATER, "endEvent/escalation": _LATER,
    "endEvent/compensate": _LATER, "endEvent/cancel": _LATER, "endEvent/terminate": _LATER,
    "inclusiveGateway": _LATER, "eventBasedGateway": _LATER, "complexGateway": _LATER,
    "callActivity": _LATER, "receiveTask": _LATER,
    "sendTask": _LATER, "sendTask/class": _LATER, "sendTask/delegateExpression": _LATER, "sendTask/expression": _LATER,
    "sendTask/mail": _LATER, "sendTask/external-worker": _LATER,
    "serviceTask/external-worker": _LATER,
    "eventSubProcess": _LATER, "transaction": _LATER, "adHocSubProcess": _LATER,
    "multiInstance": _LATER, "standardLoop": _LATER, "compensation": _LATER,
    "dataObject": _LATER,
    "businessRuleTask": "needs a decision engine (DMN), which is not built in",
    "serviceTask/dmn": "needs a decision engine (DMN), which is not built in",
    "sendTask/dmn": "needs a decision engine (DMN), which is not built in",
    "serviceTask/case": "needs a case engine (CMMN), which is not built in",
    "serviceTask/send-event": "needs an event registry, which is not built in",
    "serviceTask/camel": "needs Apache Camel: call the other system from a handler",
    "sendTask/camel": "needs Apache Camel: call the other system from a handler",
    "serviceTask/mule": "needs Mule: call the other system from a handler",
    "serviceTask/shell": "a model may not run commands on the server",
}


def elements(root: Element, reading: Reading) -> None:
    """Note elements, attributes and ids that cannot be, or that will change nothing."""
    validate_elements.check(root, reading)


def model(root: Element, graphs: tuple[Graph, ...], reading: Reading) -> None:
    """Note what keeps the processes of a file from running: elements, rules, texts."""
    for graph in graphs:
        for asked, element, line in _asked(graph):
            if asked not in SUPPORTED:
                reason = REFUSED.get(asked, "is not supported")
                reading.problems.append(Problem(f"{spoken(asked)} {reason}", element, line, reading.file or None))
        validate_rules.check(graph, reading)
    validate_texts.check(reading)


def _asked(graph: Graph) -> Iterator[tuple[str, str, int]]:
    """The features of a process with the element that asks for each, and its line."""
    yield from (("dataObject", d.id, graph.line) for d in graph.data)
    yield from ((feature, node.id, node.line) for node in graph.nodes.values() for feature in features(node))


def features(node: Node) -> Iterator[str]:
    """What a node asks of the interpreter, as rows of the tables."""
    if node.type == "subProcess" and node.triggered_by_event:
        yield "eventSubProcess"
    elif node.event:
        yield f"{node.type}/{node.event.kind}"
    elif isinstance(node.detail, Work) and node.type != "businessRuleTask":
        yield f"{node.type}/{node.detail.kind}"
    elif node.type != "serviceTask":  # without work it is refused by its own rule
        yield node.type
    if node.loop:
        yield "standardLoop" if node.loop.standard else "multiInstance"
    if node.for_compensation:
        yield "compensation"
    if node.data:
        yield "dataObject"


def spoken(feature: str) -> str:
    """A row as the author of a model calls it: `timer boundaryEvent`, `serviceTask of type shell`."""
    kind, _, more = feature.partition("/")
    if not more:
        return feature
    return f"{more} {kind}" if kind.endswith("Event") else f"{kind} of type {more}"
