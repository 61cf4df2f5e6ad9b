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
    "startEvent", "startEvent/message", "startEvent/timer", "startEvent/signal", "startEvent/conditional",
    "startEvent/error", "startEvent/escalation", "startEvent/variable",
    "intermediateCatchEvent/message", "intermediateCatchEvent/timer", "intermediateCatchEvent/signal",
    "intermediateCatchEvent/conditional", "intermediateCatchEvent/variable", "intermediateCatchEvent/link",
    "intermediateThrowEvent", "intermediateThrowEvent/message", "intermediateThrowEvent/signal",
    "intermediateThrowEvent/escalation", "intermediateThrowEvent/compensate", "intermediateThrowEvent/link",
    "boundaryEvent/message", "boundaryEvent/timer", "boundaryEvent/signal", "boundaryEvent/error", "boundaryEvent/escalation",
    "boundaryEvent/conditional", "boundaryEvent/compensate", "boundaryEvent/cancel", "boundaryEvent/variable",
    "endEvent", "endEvent/message", "endEvent/signal", "endEvent/error", "endEvent/escalation", "endEvent/compensate",
    "endEvent/cancel", "endEvent/terminate",
    "exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway",
    "task", "manualTask", "userTask", "scriptTask", "receiveTask", "callActivity",
    "serviceTask/class", "serviceTask/delegateExpression", "serviceTask/expression", "serviceTask/mail", "serviceTask/http",
    "serviceTask/external-worker",
    "sendTask/class", "sendTask/delegateExpression", "sendTask/expression", "sendTask/mail", "sendTask/external-worker",
    "subProcess", "eventSubProcess", "transaction", "adHocSubProcess",
    "multiInstance", "standardLoop", "compensation", "dataObject",
})  # fmt: skip

REFUSED = {
    "startEvent/compensate": "what a scope has to undo is undone by the handlers of its activities",
    "sendTask": "it needs one of class, delegateExpression, expression or type",
    "businessRuleTask": "it needs a decision engine (DMN), which is not built in",
    "serviceTask/dmn": "it needs a decision engine (DMN), which is not built in",
    "sendTask/dmn": "it needs a decision engine (DMN), which is not built in",
    "serviceTask/case": "it needs a case engine (CMMN), which is not built in",
    "serviceTask/send-event": "it needs an event registry, which is not built in",
    "serviceTask/camel": "it needs Apache Camel: call the other system from a handler",
    "sendTask/camel": "it needs Apache Camel: call the other system from a handler",
    "serviceTask/mule": "it needs Mule: call the other system from a handler",
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
                reading.problems.append(Problem(refusal(asked), element, line, reading.file or None))
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


def refusal(feature: str) -> str:
    """What is said against a model that asks for a feature."""
    return f"{spoken(feature)} is not supported: {REFUSED.get(feature, 'no such thing is known')}"


def spoken(feature: str) -> str:
    """A row as the author of a model calls it: `timer boundaryEvent`, `serviceTask of type shell`."""
    kind, _, more = feature.partition("/")
    if not more:
        return feature
    return f"{more} {kind}" if kind.endswith("Event") else f"{kind} of type {more}"
