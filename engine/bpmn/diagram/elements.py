"""What a BPMN element looks like: its sign, markers and wording, read from the XML.
Tolerant: an unknown kind is a plain box, a dangling reference is nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lxml import etree

from engine.bpmn.diagram.values import ACTIVITIES, EVENTS, FONT_SIZE, GATEWAYS, POOLS, SUB_PROCESSES, Bounds, Edge, Point, Shape

Element = etree._Element

EDGES = frozenset({"sequenceFlow", "messageFlow", "association", "dataInputAssociation", "dataOutputAssociation", "conversationLink"})
SCOPES = SUB_PROCESSES | {"process"}

EVENT_SIGNS = {
    "messageEventDefinition": "message",
    "timerEventDefinition": "timer",
    "errorEventDefinition": "error",
    "escalationEventDefinition": "escalation",
    "cancelEventDefinition": "cancel",
    "compensateEventDefinition": "compensation",
    "signalEventDefinition": "signal",
    "conditionalEventDefinition": "conditional",
    "linkEventDefinition": "link",
    "terminateEventDefinition": "terminate",
}
THROWING = frozenset({"endEvent", "intermediateThrowEvent", "implicitThrowEvent"})


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def child(element: Element, name: str) -> Element | None:
    return next((e for e in element if local(e) == name), None)


def is_true(element: Element, attribute: str, otherwise: bool = False) -> bool:
    value = element.get(attribute)
    return otherwise if value is None else value.strip() in ("true", "1")


@dataclass(frozen=True, slots=True)
class Model:
    """The elements of a file by id, whatever prefix the references carry."""

    elements: dict[str, Element]
    defaults: frozenset[str]

    def find(self, reference: str | None) -> Element | None:
        """The element a QName such as `tns:order` means, or None."""
        reference = (reference or "").strip()
        return self.elements.get(reference, self.elements.get(reference.rpartition(":")[2]))

    def referred(self, reference: str | None) -> str:
        """The id a QName means, or nothing where it dangles."""
        found = self.find(reference)
        return "" if found is None else found.get("id", "")

    def parents(self) -> dict[str, str]:
        """Each element's id with that of the process or sub-process around it."""
        around = ((key, _scope(element)) for key, element in self.elements.items())
        return {key: scope for key, scope in around if scope}


def _scope(element: Element) -> str:
    return next((e.get("id", "") for e in element.iterancestors() if local(e) in SCOPES), "")


def index(root: Element) -> Model:
    """Index all elements in the namespace of the root, so that neither extensions nor the drawing's own ids get in the way."""
    namespace = str(root.tag).rpartition("}")[0]
    found: dict[str, Element] = {}
    for element in _of_namespace(root, namespace):
        found.setdefault(element.get("id", ""), element)
    found.pop("", None)
    return Model(found, frozenset(e.get("default", "") for e in found.values()) - {""})


def _of_namespace(root: Element, namespace: str) -> Iterator[Element]:
    return (e for e in root.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[0] == namespace)


def name_of(element: Element, model: Model) -> str:
    """The words drawn with an element: name, text of an annotation, category of a group, data with its state."""
    match local(element):
        case "textAnnotation":
            text = child(element, "text")
            return "" if text is None else "".join(map(str, text.itertext())).strip()
        case "group":
            value = model.find(element.get("categoryValueRef"))
            return "" if value is None else value.get("value", "")
        case "dataObjectReference" | "dataStoreReference" | "dataObject":
            return _name_of_data(element, model)
    return element.get("name", "")


def _name_of_data(element: Element, model: Model) -> str:
    meant = model.find(element.get("dataObjectRef") or element.get("dataStoreRef"))
    name = element.get("name") or ("" if meant is None else meant.get("name", "")) or ""
    state = child(element, "dataState")
    words: str = "" if state is None else state.get("name", "")
    return name if not words or words in name else f"{name} [{words}]".strip()


def shape_of(element: Element, model: Model, bounds: Bounds, **drawn: Any) -> Shape:
    """The shape of an element within `bounds`; `drawn` are fields that only the picture's own data knows."""
    kind = local(element)
    fields: dict[str, Any] = {"name": name_of(element, model), "icon": _icon(element, kind), "font": FONT_SIZE}
    if kind in EVENTS:
        fields |= {"throwing": kind in THROWING, "interrupting": _interrupting(element)}
        fields |= {"host": model.referred(element.get("attachedToRef"))}
    fields |= {"event_sub_process": is_true(element, "triggeredByEvent")} | drawn
    fields["markers"] = _markers(element, kind, model, bool(fields.get("expanded")))
    return Shape(element.get("id", ""), kind, bounds, **fields)


def _interrupting(element: Element) -> bool:
    return is_true(element, "cancelActivity", True) and is_true(element, "isInterrupting", True)


def _icon(element: Element, kind: str) -> str:
    if kind in EVENTS:
        return _event_sign(element)
    if kind == "eventBasedGateway" and is_true(element, "instantiate"):
        return "parallelStartGateway" if element.get("eventGatewayType") == "Parallel" else "eventStartGateway"
    return kind if kind in ACTIVITIES | GATEWAYS | {"dataInput", "dataOutput"} else ""


def _event_sign(element: Element) -> str:
    names = [local(e) for e in element]
    signs = [EVENT_SIGNS[n] for n in names if n in EVENT_SIGNS]
    referred = names.count("eventDefinitionRef")
    if len(signs) + referred > 1:
        return "parallelMultiple" if is_true(element, "parallelMultiple") else "multiple"
    return signs[0] if signs else "multiple" if referred else ""


def _markers(element: Element, kind: str, model: Model, expanded: bool) -> tuple[str, ...]:
    if kind in POOLS:
        return ("parallel",) if _many_participants(element) else ()
    if kind.startswith("data"):
        meant = model.find(element.get("dataObjectRef"))
        return ("collection",) if is_true(element if meant is None else meant, "isCollection") else ()
    if kind not in ACTIVITIES:
        return ()
    return tuple(_activity_markers(element, kind, expanded))


def _activity_markers(element: Element, kind: str, expanded: bool) -> Iterator[str]:
    """BPMN 2.0 §10.2: at most loop or multi-instance, compensation, ad-hoc and the plus of something folded, side by side."""
    many = child(element, "multiInstanceLoopCharacteristics")
    if many is not None:
        yield "sequential" if is_true(many, "isSequential") else "parallel"
    elif child(element, "standardLoopCharacteristics") is not None:
        yield "loop"
    if is_true(element, "isForCompensation"):
        yield "compensation"
    if kind == "adHocSubProcess":
        yield "adhoc"
    if not expanded and kind in SUB_PROCESSES | {"callActivity", "callChoreography"}:
        yield "collapsed"


def _many_participants(element: Element) -> bool:
    many = child(element, "participantMultiplicity")
    return many is not None and many.get("maximum", "1") not in ("0", "1")


def edge_of(element: Element, model: Model, points: tuple[Point, ...], **drawn: Any) -> Edge:
    """The edge of a connecting element along `points`."""
    source, target = ends_of(element, model)
    start = model.find(source)
    return Edge(
        element.get("id", ""),
        local(element),
        points,
        name=element.get("name", ""),
        source=source,
        target=target,
        default=element.get("id", "") in model.defaults,
        conditional=child(element, "conditionExpression") is not None and start is not None and local(start) not in GATEWAYS,
        direction=_direction(element),
        **drawn,
    )


def ends_of(element: Element, model: Model) -> tuple[str, str]:
    """The ids an edge goes from and to; the end of a data association that is not named is the activity it stands in."""
    refs = [element.get(a) or _text(child(element, a)) for a in ("sourceRef", "targetRef")]
    source, target = (model.referred(r) for r in refs)
    owner = element.getparent()
    if owner is not None and local(element) == "dataInputAssociation":
        return source, owner.get("id", "")
    if owner is not None and local(element) == "dataOutputAssociation":
        return owner.get("id", ""), target
    return source, target


def _text(element: Element | None) -> str:
    return "" if element is None else (element.text or "").strip()


def _direction(element: Element) -> str:
    """Associations have no arrow unless they say so; all else points one way."""
    if local(element) == "association":
        return element.get("associationDirection", "None").lower()
    return "none" if local(element) == "conversationLink" else "one"
