"""From the bytes of a BPMN file to Graphs. Everything wrong with the file is gathered and said at once, in one DeploymentError."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from engine.bpmn import parse_service, parse_xml, validate
from engine.bpmn.graph import HISTORY_LEVELS, DataObject, Event, Flow, Graph, Node
from engine.bpmn.limits import Limits
from engine.bpmn.parse_activities import detail, loop
from engine.bpmn.parse_events import condition, event
from engine.bpmn.parse_extensions import data_object, listed, listeners, roles
from engine.bpmn.parse_reading import Reading, by_line
from engine.bpmn.parse_xml import Element
from engine.errors import BadInput, Problem
from engine.expressions.durations import parse_duration

__all__ = ["Limits", "Model", "read"]

DAY, MOST_DAYS = 86_400.0, 100_000  # seconds; some centuries
SCOPES = frozenset({"subProcess", "transaction", "adHocSubProcess"})
EVENTS = frozenset({"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"})
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway"})
TASKS = frozenset({"task", "userTask", "serviceTask", "scriptTask", "manualTask", "sendTask", "receiveTask", "businessRuleTask"})
ACTIVITIES = TASKS | SCOPES | {"callActivity"}
NODES = EVENTS | GATEWAYS | ACTIVITIES
_DECLARED = {"message": "message", "signal": "signal", "error": "error", "escalation": "escalation", "itemDefinition": "item"}


@dataclass(frozen=True, slots=True)
class Model:
    """What one file holds: its executable processes, what the deployer should know, and its target namespace."""

    graphs: tuple[Graph, ...]
    warnings: tuple[Problem, ...] = ()
    namespace: str = ""


def read(xml: bytes, *, file: str = "", limits: Limits = Limits()) -> Model:  # noqa: B008 - frozen
    """The processes of a BPMN 2.0 file; raises DeploymentError with all problems, each with element id and line.

    A process with `isExecutable="false"` is left out with a warning; a file without any other is refused (Flowable's rule).
    """
    reading = Reading(file, limits)
    root = parse_xml.tree(xml, file, limits)
    if (root.space, root.name) != ("bpmn", "definitions"):
        reading.problem("this is not a BPMN 2.0 file: its root must be 'definitions' of the BPMN namespace", root)
        reading.refuse_if_wrong()
    _identify(root, reading)
    validate.elements(root, reading)
    _declare(root, reading)
    graphs = tuple(_graph(process, root, reading) for process in _executable(root, reading))
    validate.model(root, graphs, reading)
    reading.refuse_if_wrong()
    return Model(graphs, tuple(by_line(reading.warnings)), root.attributes.get("targetNamespace", ""))


def _executable(root: Element, reading: Reading) -> list[Element]:
    """The processes that are meant to run; of the others only the picture counts."""
    chosen = []
    for process in root.all("process"):
        if reading.flag(process, "isExecutable", True, own=True):
            chosen.append(process)
        else:
            reading.warn("isExecutable is false: this process is not deployed", process)
    if not chosen:
        reading.problem("the file has no executable process" + (": isExecutable is false" if root.child("process") else ""), root)
    return chosen


def _identify(root: Element, reading: Reading) -> None:
    """Give nodes and flows without an id one: BPMN allows that, and Flowable's users leave out those of flows and event sub-processes."""
    inside = [element for process in root.all("process") for element, _ in _inside(process)]
    taken = {element.id for element in inside}
    numbers: dict[str, Iterator[int]] = defaultdict(lambda: count(1))
    for at in inside:
        if not at.id and (at.name in NODES or at.name == "sequenceFlow"):
            name = next(name for n in numbers[at.name] if (name := f"{at.name}_{n}") not in taken)
            at.attributes["id"] = name
            reading.named.add(name)
            if at.name in NODES:
                reading.warn(f"<{at.name}> has no id and is called '{at.id}': instances that run find it again only by its place", at)


def _declare(root: Element, reading: Reading) -> None:
    """Find what events and data refer to, by id."""
    for element in root.children:
        if element.space == "bpmn" and (kind := _DECLARED.get(element.name)) and element.id:
            reading.refs.setdefault(kind, {})[element.id] = element


def _graph(process: Element, root: Element, reading: Reading) -> Graph:
    drawn = list(_inside(process))
    flows = _flows(drawn, reading)
    edges = _Edges.of(flows.values(), drawn)
    nodes = {e.id: _node(e, parent, edges, reading) for e, parent in drawn if e.name in NODES and e.id}
    children: dict[str | None, list[str]] = defaultdict(list)
    for node in nodes.values():
        children[node.parent].append(node.id)
    starters = [found for p in process.extensions("potentialStarter") for found in roles(p, reading)]
    return Graph(
        key=process.id or "", name=process.attributes.get("name"), documentation=_documentation(process),
        category=root.attributes.get("targetNamespace"), line=process.line,
        nodes=nodes, flows=flows, children={scope: tuple(inside) for scope, inside in children.items()},
        listeners=listeners(process, "executionListener", reading), data=_data(process, reading),
        service=parse_service.service(process, reading),
        candidate_starter_users=(*listed(reading.attribute(process, "candidateStarterUsers")), *(t for k, t in starters if k == "user")),
        candidate_starter_groups=(*listed(reading.attribute(process, "candidateStarterGroups")), *(t for k, t in starters if k == "group")),
        history=_history(process, reading), keep_days=_kept(process, reading),
    )  # fmt: skip


def _data(process: Element, reading: Reading) -> tuple[DataObject, ...]:
    """The declared variables of a process, properties and data objects, in document order."""
    found = []
    for at in process.children:
        if at.space == "bpmn" and at.name == "property":
            found.append(parse_service.variable(at, reading))
        elif at.space == "bpmn" and at.name == "dataObject":
            found.append(replace(data_object(at, reading), tags=parse_service.tags(at, reading)))
    for name, times in Counter(d.name for d in found).items():
        if times > 1 and name:
            reading.problem(f"the variable '{name[:50]}' is declared {times} times", process)
    return tuple(found)


def _inside(process: Element) -> Iterator[tuple[Element, str | None]]:
    """Every BPMN element of the process with the id of the sub-process it lies in; no recursion, scopes may nest deeply."""
    todo: list[tuple[Element, str | None]] = [(process, None)]
    while todo:
        scope, name = todo.pop()
        for element in scope.children:
            if element.space == "bpmn":
                yield element, name
                if element.name in SCOPES:
                    todo.append((element, element.id))


def _flows(drawn: list[tuple[Element, str | None]], reading: Reading) -> dict[str, Flow]:
    """The sequence flows by id, in document order."""
    return {e.id or "": _flow(e, reading) for e, _ in drawn if e.name == "sequenceFlow"}


def _flow(at: Element, reading: Reading) -> Flow:
    source, target = at.attributes.get("sourceRef", ""), at.attributes.get("targetRef", "")
    written = at.child("conditionExpression")
    text, language = condition(written, reading) if written is not None else (None, "")
    return Flow(
        id=at.id or "",
        source=source,
        target=target,
        name=at.attributes.get("name"),
        condition=text or None,
        language=language,
        skip=reading.attribute(at, "skipExpression"),
        listeners=listeners(at, "executionListener", reading),
        line=at.line,
    )


@dataclass(frozen=True, slots=True)
class _Edges:
    """What leads to, from and hangs on each node."""

    incoming: dict[str, list[str]]
    outgoing: dict[str, list[str]]
    boundary: dict[str, list[str]]
    associated: dict[str, list[str]]  # the nodes at the other ends of associations, whichever way they are drawn

    @classmethod
    def of(cls, flows: Iterable[Flow], drawn: list[tuple[Element, str | None]]) -> _Edges:
        edges = cls(defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(list))
        nodes = {element.id for element, _ in drawn if element.name in NODES}
        for flow in flows:
            edges.incoming[flow.target].append(flow.id)
            edges.outgoing[flow.source].append(flow.id)
        for element, _ in drawn:
            if element.name == "boundaryEvent" and element.id:
                edges.boundary[element.attributes.get("attachedToRef", "")].append(element.id)
            elif element.name == "association":
                ends = element.attributes.get("sourceRef", ""), element.attributes.get("targetRef", "")
                for one, other in (ends, ends[::-1]):
                    if other in nodes:
                        edges.associated[one].append(other)
        return edges


def _node(at: Element, parent: str | None, edges: _Edges, reading: Reading) -> Node:
    name = at.id or ""
    happening = event(at, reading) if at.name in EVENTS else None
    return Node(
        id=name, type=at.name, line=at.line, parent=parent,
        name=reading.expression(at.attributes.get("name"), at, lenient=True), documentation=_documentation(at, reading),
        incoming=tuple(edges.incoming.get(name, ())), outgoing=tuple(edges.outgoing.get(name, ())), default=at.attributes.get("default"),
        asynchronous=reading.flag(at, "async"), exclusive=reading.flag(at, "exclusive", True),
        async_leave=reading.flag(at, "asyncLeave"), async_leave_exclusive=reading.flag(at, "asyncLeaveExclusive", True),
        retry=_retry(at, reading), category=_text(at, "jobCategory", reading),
        skip=reading.attribute(at, "skipExpression"), listeners=listeners(at, "executionListener", reading),
        event=happening, attached_to=at.attributes.get("attachedToRef"), boundary=tuple(edges.boundary.get(name, ())),
        interrupting=reading.flag(at, "cancelActivity" if at.name == "boundaryEvent" else "isInterrupting", True, own=True),
        triggered_by_event=reading.flag(at, "triggeredByEvent", own=True), for_compensation=reading.flag(at, "isForCompensation", own=True),
        compensated_by=next(iter(edges.associated.get(name, ())), None) if _undoes(at, happening) else None,
        loop=loop(at, reading) if at.name in ACTIVITIES else None, detail=detail(at, reading),
        data=tuple(data_object(d, reading) for d in at.all("dataObject")),
        anonymous=name in reading.named, in_history=any(e.text.strip().lower() == "true" for e in at.extensions("includeInHistory")),
    )  # fmt: skip


def _undoes(at: Element, happening: Event | None) -> bool:
    """Whether this is a compensation boundary event: the association from it leads to its handler."""
    return at.name == "boundaryEvent" and happening is not None and happening.kind == "compensate"


def _documentation(at: Element, reading: Reading | None = None) -> str | None:
    written = at.child("documentation")
    if written is None or not written.text.strip():
        return None
    return reading.expression(written.text.strip(), written, lenient=True) if reading else written.text.strip()


def _retry(at: Element, reading: Reading) -> str | None:
    """The text of `failedJobRetryTimeCycle`: R5/PT7M, a list of waits, or an expression."""
    return next((reading.time("retry", e.text.strip(), e) for e in at.extensions("failedJobRetryTimeCycle")), None)


def _history(process: Element, reading: Reading) -> str | None:
    """The level of history that a process asks for; anything but a level is a problem."""
    written = next(iter(process.extensions("historyLevel")), None)
    level = written.text.strip().lower() if written is not None else ""
    if level and level not in HISTORY_LEVELS:
        reading.problem(f"historyLevel must be one of {', '.join(HISTORY_LEVELS)}, not '{level[:50]}'", written)
    return level or None


def _kept(process: Element, reading: Reading) -> float | None:
    """The days of `historyTimeToLive`: a whole number, or an ISO 8601 duration; anything else is a problem."""
    written = process.extended.get("historyTimeToLive", "").strip()
    try:
        days = float(written) if written.isascii() and written.isdigit() else parse_duration(written).approximate_seconds / DAY
    except BadInput:
        days = -1.0
    if written and not 0 <= days <= MOST_DAYS:
        reading.problem(f"historyTimeToLive must be a number of days or a duration such as P30D, not '{written[:50]}'", process)
        return None
    return days if written else None


def _text(at: Element, name: str, reading: Reading) -> str | None:
    """The text of an extension element that may be an expression."""
    return next((reading.content(e) for e in at.extensions(name)), None)
