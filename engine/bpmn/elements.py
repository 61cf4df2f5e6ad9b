"""Every element of BPMN 2.0 with where it stands, its attributes, and whether it counts. Flow nodes and event definitions are listed
here for their places; whether they run says the table in `validate`. What is not in this table is no BPMN and is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What becomes of an element or attribute."""

    SUPPORTED = "supported"
    TOLERATED = "tolerated"  # changes nothing about running, anywhere
    WARNED = "warned"  # means something elsewhere and nothing here; the deployer is told
    REFUSED = "refused"


S, T, W, R = State.SUPPORTED, State.TOLERATED, State.WARNED, State.REFUSED


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: the state, and the reason where it is not supported."""

    state: State
    why: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """An element of BPMN: the groups or elements it stands in, its attributes beside `id`, its state; `closed` is not looked into."""

    inside: tuple[str, ...]
    attributes: tuple[str, ...]
    row: Row
    closed: bool


def _known(inside: str, attributes: str = "", state: State = S, why: str = "", *, closed: bool = False) -> Known:
    return Known(tuple(inside.split()), tuple(attributes.split()), Row(state, why), closed or state is R)


TASKS = ("task", "userTask", "serviceTask", "scriptTask", "manualTask", "sendTask", "receiveTask", "businessRuleTask")
SUB_PROCESSES = ("subProcess", "transaction", "adHocSubProcess")
EVENTS = ("startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent")
GATEWAYS = ("exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway", "complexGateway")
GROUPS: dict[str, frozenset[str]] = {
    "SCOPE": frozenset({"process", *SUB_PROCESSES}),
    "ACTIVITY": frozenset({*TASKS, *SUB_PROCESSES, "callActivity"}),
    "EVENT": frozenset(EVENTS),
    "NODE": frozenset({*TASKS, *SUB_PROCESSES, "callActivity", *EVENTS, *GATEWAYS}),
}

_LOOP = "multiInstanceLoopCharacteristics"
_ACTIVITY = "name default isForCompensation startQuantity completionQuantity"
_DATA = "process data through expressions and parameters; data inputs and outputs are not filled"
_WEB = "web services are called from handlers"
_PAPER = "drawn only"
_CORRELATION = "messages are correlated by instance, business key or variables"
_ASSIGN = "name the people in a resourceAssignmentExpression"

ELEMENTS: dict[str, Known] = {
    "definitions": _known("", "name targetNamespace expressionLanguage typeLanguage exporter exporterVersion"),
    # -- in definitions
    "process": _known("definitions", "name processType isClosed isExecutable definitionalCollaborationRef"),
    "message": _known("definitions", "name itemRef"),
    "signal": _known("definitions", "name structureRef"),
    "error": _known("definitions", "name errorCode structureRef"),
    "escalation": _known("definitions", "name escalationCode structureRef"),
    "itemDefinition": _known("definitions", "structureRef isCollection itemKind"),
    "collaboration": _known("definitions", "name isClosed", T, "pools, participants and message flows are " + _PAPER, closed=True),
    "choreography": _known("definitions", "name isClosed", T, _PAPER, closed=True),
    "globalConversation": _known("definitions", "name isClosed", T, _PAPER, closed=True),
    "dataStore": _known("definitions", "name capacity isUnlimited itemSubjectRef", T, _PAPER, closed=True),
    "category": _known("definitions", "name", T, _PAPER, closed=True),
    "relationship": _known("definitions", "type direction", T, _PAPER, closed=True),
    "extension": _known("definitions", "definition mustUnderstand", T, "declares foreign elements", closed=True),
    "resource": _known("definitions", "name", T, "roles are named in the user task", closed=True),
    "partnerEntity": _known("definitions", "name", T, _PAPER, closed=True),
    "partnerRole": _known("definitions", "name", T, _PAPER, closed=True),
    "correlationProperty": _known("definitions", "name type", W, _CORRELATION, closed=True),
    "endPoint": _known("definitions", "", W, _WEB, closed=True),
    "import": _known("definitions", "namespace location importType", W, _WEB, closed=True),
    "interface": _known("definitions", "name implementationRef", W, _WEB, closed=True),
    **{name: _known("definitions", "name implementation scriptLanguage", W, "global tasks cannot be called: make it a process", closed=True)
       for name in ("globalTask", "globalUserTask", "globalScriptTask", "globalManualTask", "globalBusinessRuleTask")},
    # -- everywhere
    "documentation": _known("ANY", "textFormat"),
    "extensionElements": _known("ANY"),
    # -- in a process or sub-process
    "startEvent": _known("SCOPE", "name isInterrupting parallelMultiple"),
    "endEvent": _known("SCOPE", "name"),
    "intermediateCatchEvent": _known("SCOPE", "name parallelMultiple"),
    "intermediateThrowEvent": _known("SCOPE", "name"),
    "boundaryEvent": _known("SCOPE", "name attachedToRef cancelActivity parallelMultiple"),
    "task": _known("SCOPE", _ACTIVITY),
    "userTask": _known("SCOPE", _ACTIVITY + " implementation"),
    "serviceTask": _known("SCOPE", _ACTIVITY + " implementation operationRef"),
    "scriptTask": _known("SCOPE", _ACTIVITY + " scriptFormat"),
    "manualTask": _known("SCOPE", _ACTIVITY),
    "sendTask": _known("SCOPE", _ACTIVITY + " implementation messageRef operationRef"),
    "receiveTask": _known("SCOPE", _ACTIVITY + " implementation messageRef operationRef instantiate"),
    "businessRuleTask": _known("SCOPE", _ACTIVITY + " implementation"),
    "callActivity": _known("SCOPE", _ACTIVITY + " calledElement"),
    "subProcess": _known("SCOPE", _ACTIVITY + " triggeredByEvent"),
    "transaction": _known("SCOPE", _ACTIVITY + " triggeredByEvent method"),
    "adHocSubProcess": _known("SCOPE", _ACTIVITY + " triggeredByEvent ordering cancelRemainingInstances"),
    "exclusiveGateway": _known("SCOPE", "name gatewayDirection default"),
    "inclusiveGateway": _known("SCOPE", "name gatewayDirection default"),
    "parallelGateway": _known("SCOPE", "name gatewayDirection"),
    "complexGateway": _known("SCOPE", "name gatewayDirection default"),
    "eventBasedGateway": _known("SCOPE", "name gatewayDirection instantiate eventGatewayType"),
    "sequenceFlow": _known("SCOPE", "name sourceRef targetRef isImmediate"),
    "dataObject": _known("SCOPE", "name itemSubjectRef isCollection"),
    "association": _known("SCOPE", "sourceRef targetRef associationDirection"),
    "laneSet": _known("SCOPE", "name", T, "lanes are " + _PAPER + "; candidates are named in the user task", closed=True),
    "dataObjectReference": _known("SCOPE", "name itemSubjectRef dataObjectRef", T, _PAPER, closed=True),
    "dataStoreReference": _known("SCOPE", "name itemSubjectRef dataStoreRef", T, _PAPER, closed=True),
    "textAnnotation": _known("SCOPE", "textFormat", T, _PAPER, closed=True),
    "group": _known("SCOPE", "categoryValueRef", T, _PAPER, closed=True),
    "auditing": _known("process NODE sequenceFlow", "", T, "every step is audited", closed=True),
    "monitoring": _known("process NODE sequenceFlow", "", T, "every step is monitored", closed=True),
    "categoryValueRef": _known("NODE sequenceFlow", "", T, _PAPER, closed=True),
    "supports": _known("process", "", T, _PAPER, closed=True),
    "correlationSubscription": _known("process", "correlationKeyRef", W, _CORRELATION, closed=True),
    "property": _known("process ACTIVITY EVENT", "name itemSubjectRef isCollection", closed=True),
    "ioSpecification": _known("process ACTIVITY", "", W, _DATA, closed=True),
    "ioBinding": _known("process", "operationRef inputDataRef outputDataRef", W, _WEB, closed=True),
    **{name: _known("SCOPE", "name", R, "choreographies are not executed")
       for name in ("choreographyTask", "subChoreography", "callChoreography")},
    "implicitThrowEvent": _known("SCOPE", "name", R, "only the standard uses it, inside"),
    # -- in nodes
    "incoming": _known("NODE", "", T, "the sequenceFlow says it", closed=True),
    "outgoing": _known("NODE", "", T, "the sequenceFlow says it", closed=True),
    "dataInputAssociation": _known("ACTIVITY EVENT", "", W, _DATA, closed=True),
    "dataOutputAssociation": _known("ACTIVITY EVENT", "", W, _DATA, closed=True),
    **{name: _known("EVENT", "name itemSubjectRef isCollection", W, _DATA, closed=True) for name in ("dataInput", "dataOutput")},
    **{name: _known("EVENT", "name", W, _DATA, closed=True) for name in ("inputSet", "outputSet")},
    "humanPerformer": _known("userTask", "name"),
    "potentialOwner": _known("userTask", "name"),
    "performer": _known("process ACTIVITY", "name", W, "name a humanPerformer or an assignee", closed=True),
    "resourceRole": _known("process ACTIVITY", "name", W, "name a potentialOwner or candidates", closed=True),
    "resourceAssignmentExpression": _known("humanPerformer potentialOwner customResource potentialStarter"),
    "formalExpression": _known("resourceAssignmentExpression", "language evaluatesToTypeRef"),
    "resourceRef": _known("humanPerformer potentialOwner", "", W, _ASSIGN, closed=True),
    "resourceParameterBinding": _known("humanPerformer potentialOwner", "parameterRef", W, _ASSIGN, closed=True),
    "rendering": _known("userTask", "", T, "the form key says what is shown", closed=True),
    "script": _known("scriptTask"),
    "conditionExpression": _known("sequenceFlow", "language evaluatesToTypeRef"),
    "multiInstanceLoopCharacteristics": _known("ACTIVITY", "isSequential behavior oneBehaviorEventRef noneBehaviorEventRef"),
    "loopCardinality": _known("multiInstanceLoopCharacteristics", "language evaluatesToTypeRef"),
    "loopDataInputRef": _known("multiInstanceLoopCharacteristics"),
    "inputDataItem": _known("multiInstanceLoopCharacteristics", "name itemSubjectRef isCollection"),
    "completionCondition": _known("multiInstanceLoopCharacteristics adHocSubProcess", "language evaluatesToTypeRef"),
    "loopDataOutputRef": _known("multiInstanceLoopCharacteristics", "", W, "use variableAggregation", closed=True),
    "outputDataItem": _known(_LOOP, "name itemSubjectRef isCollection", W, "use variableAggregation", closed=True),
    "complexBehaviorDefinition": _known(_LOOP, "", R, "rounds throw no events of their own"),
    "standardLoopCharacteristics": _known("ACTIVITY", "testBefore loopMaximum"),
    "loopCondition": _known("standardLoopCharacteristics", "language evaluatesToTypeRef"),
    "activationCondition": _known("complexGateway", "language evaluatesToTypeRef", R, "the conditions of its flows decide"),
    # -- event definitions
    "messageEventDefinition": _known("EVENT", "messageRef operationRef"),
    "timerEventDefinition": _known("EVENT"),
    "signalEventDefinition": _known("EVENT", "signalRef"),
    "errorEventDefinition": _known("EVENT", "errorRef"),
    "escalationEventDefinition": _known("EVENT", "escalationRef"),
    "conditionalEventDefinition": _known("EVENT"),
    "compensateEventDefinition": _known("EVENT", "activityRef waitForCompletion"),
    "cancelEventDefinition": _known("EVENT"),
    "terminateEventDefinition": _known("EVENT"),
    "linkEventDefinition": _known("EVENT", "name"),
    "eventDefinitionRef": _known("EVENT", "", R, "put the event definition into the event"),
    "operationRef": _known("messageEventDefinition", "", W, _WEB, closed=True),
    "source": _known("linkEventDefinition", "", T, "links meet by name", closed=True),
    "target": _known("linkEventDefinition", "", T, "links meet by name", closed=True),
    "condition": _known("conditionalEventDefinition", "language evaluatesToTypeRef"),
    "timeDate": _known("timerEventDefinition", "language evaluatesToTypeRef"),
    "timeDuration": _known("timerEventDefinition", "language evaluatesToTypeRef"),
    "timeCycle": _known("timerEventDefinition", "language evaluatesToTypeRef"),
}  # fmt: skip

# Attributes that count only with another value than this; such a value is refused.
ONLY: dict[str, tuple[str, str]] = {
    "startQuantity": ("1", "one token starts an activity"),
    "completionQuantity": ("1", "an activity ends with one token"),
    "parallelMultiple": ("false", "an event waits for one thing"),
    "instantiate": ("false", "processes are started by start events"),
    "eventGatewayType": ("Exclusive", "the first event wins"),
    "behavior": ("All", "rounds throw no events of their own"),
}


def stands_in(known: Known, parent: str) -> bool:
    """Whether an element may stand directly inside another."""
    return any(where in ("ANY", parent) or parent in GROUPS.get(where, ()) for where in known.inside)
