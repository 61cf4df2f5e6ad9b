"""For every row of ELEMENTS.md a process in which that thing stands, and nothing is wrong but what the row says."""

from __future__ import annotations

from engine.bpmn import elements, extensions
from tests.bpmn.models import ext, role

ROOTS = '<message id="m" name="go"/><signal id="g" name="now"/><error id="e" errorCode="E"/><escalation id="x" escalationCode="X"/>'
BEGIN = '<startEvent id="s"/>'

# --- what runs: features ----------------------------------------------------------------------------------------------------------

DEFINITIONS = {  # event kind -> its definition; {a}: further attributes
    "message": '<messageEventDefinition messageRef="m"{a}/>',
    "signal": '<signalEventDefinition signalRef="g"{a}/>',
    "timer": "<timerEventDefinition{a}><timeDuration>PT1H</timeDuration></timerEventDefinition>",
    "error": '<errorEventDefinition errorRef="e"{a}/>',
    "escalation": '<escalationEventDefinition escalationRef="x"{a}/>',
    "conditional": "<conditionalEventDefinition{a}><condition>${{true}}</condition></conditionalEventDefinition>",
    "compensate": "<compensateEventDefinition{a}/>",
    "cancel": "<cancelEventDefinition{a}/>",
    "terminate": "<terminateEventDefinition{a}/>",
    "link": '<linkEventDefinition name="L"{a}/>',
    "variable": ext('<flowable:variableListenerEventDefinition variableName="v"{a}/>'),
}
_FIELDS = ext(*(f'<flowable:field name="{name}" stringValue="x"/>' for name in ("requestMethod", "requestUrl", "to", "text")))
_ROUNDS = "<multiInstanceLoopCharacteristics{a}><loopCardinality>2</loopCardinality></multiInstanceLoopCharacteristics>"
_MESSAGE = DEFINITIONS["message"].format(a="")
_FEATURES = {
    "eventSubProcess": f'<subProcess id="n" triggeredByEvent="true"><startEvent id="i">{_MESSAGE}</startEvent></subProcess>',
    "multiInstance": f'<task id="n">{_ROUNDS.format(a="")}</task>',
    "standardLoop": '<task id="n"><standardLoopCharacteristics/></task>',
    "compensation": '<task id="n" isForCompensation="true"/>',
    "dataObject": '<dataObject id="n" name="v" itemSubjectRef="xsd:string"/>',
    "eventBasedGateway": f'<eventBasedGateway id="n"/><intermediateCatchEvent id="c">{_MESSAGE}</intermediateCatchEvent>'
                         '<sequenceFlow id="f" sourceRef="n" targetRef="c"/>',
    "callActivity": '<callActivity id="n" calledElement="c"/>',
    "scriptTask": '<scriptTask id="n"><script>1</script></scriptTask>',
    "subProcess": '<subProcess id="n"><startEvent id="i"/></subProcess>',
    "transaction": '<transaction id="n"><startEvent id="i"/></transaction>',
}  # fmt: skip


def feature(name: str) -> str:
    """The inside of a process in which the element `n` asks for a feature, and all else is plain."""
    kind, _, more = name.partition("/")
    if name in _FEATURES:
        return BEGIN + _FEATURES[name]
    if kind.endswith("Event"):
        return event(kind, more)
    if kind.endswith("Gateway"):
        return f'{BEGIN}<{kind} id="n"/><endEvent id="end"/><sequenceFlow id="f" sourceRef="n" targetRef="end"/>'
    if more in ("class", "delegateExpression", "expression"):
        return f'{BEGIN}<{kind} id="n" flowable:{more}="${{k}}"/>'
    return f'{BEGIN}<{kind} id="n" flowable:type="{more}" flowable:topic="t">{_FIELDS}</{kind}>' if more else f'{BEGIN}<{kind} id="n"/>'


def event(kind: str, more: str, attributes: str = "") -> str:
    """A process with an event `n` of a kind, in the surroundings that its definition asks for."""
    definition = DEFINITIONS[more].format(a=attributes) if more else ""
    written = f'<{kind} id="n">{definition}</{kind}>'
    match kind, more:
        case "startEvent", "error" | "escalation" | "compensate" | "variable":
            return f'{BEGIN}<subProcess id="u" triggeredByEvent="true">{written}</subProcess>'
        case "startEvent", _:
            return written
        case "boundaryEvent", _:
            host = '<transaction id="h"><startEvent id="i"/></transaction>' if more == "cancel" else '<task id="h"/>'
            handler = '<task id="undo" isForCompensation="true"/><association id="to" sourceRef="n" targetRef="undo"/>'
            attached = written.replace("<boundaryEvent", '<boundaryEvent attachedToRef="h"')
            return BEGIN + host + attached + (handler if more == "compensate" else "")
        case _, "cancel":
            return f'{BEGIN}<transaction id="t"><startEvent id="i"/>{written}</transaction>'
        case _, "link":
            other = "intermediateThrowEvent" if kind == "intermediateCatchEvent" else "intermediateCatchEvent"
            return f'{BEGIN}{written}<{other} id="o">{definition}</{other}>'
    return BEGIN + written


# --- elements of BPMN, with attributes or content ---------------------------------------------------------------------------------

_SAMPLES = {  # how an element is written; {n}: its name, {a}: attributes, {c}: content
    **dict.fromkeys(elements.GROUPS["NODE"], "<{n} id='n'{a}>{c}</{n}>"),
    "subProcess": "<{n} id='n'{a}>{c}<startEvent id='i'/></{n}>",
    "callActivity": "<{n} id='n' calledElement='c'{a}>{c}</{n}>",
    "scriptTask": "<{n} id='n' scriptFormat='javascript'{a}>{c}<script>1</script></{n}>",
    **dict.fromkeys(("serviceTask", "sendTask", "businessRuleTask"), "<{n} id='n' flowable:class='k'{a}>{c}</{n}>"),
    "sequenceFlow": "<endEvent id='end'/><{n} id='n' sourceRef='s' targetRef='end'{a}>{c}</{n}>",
    "dataObject": "<{n} id='n' name='v'{a}>{c}</{n}>",
    **dict.fromkeys(("message", "signal"), "<{n} id='n' name='own'{a}>{c}</{n}>"),
    "messageEventDefinition": "<{n} messageRef='m'{a}>{c}</{n}>",
    "multiInstanceLoopCharacteristics": "<{n}{a}>{c}<loopCardinality>2</loopCardinality></{n}>",
    "timeCycle": "<{n}{a}>R3/PT1H</{n}>",
    "timeDate": "<{n}{a}>2030-01-01</{n}>",
    "timeDuration": "<{n}{a}>PT1H</{n}>",
    **dict.fromkeys(("conditionExpression", "condition"), "<{n}{a}>${{true}}</{n}>"),
}
_CALLS = ("class", "expression", "delegateExpression", "type")
_PLACES = {"SCOPE": "process", "ANY": "process", "NODE": "task", "ACTIVITY": "userTask", "EVENT": "startEvent"}


def element(name: str, attributes: str = "", content: str = "") -> tuple[str, str]:
    """What stands beside and inside a process so that there is such an element, in the first place where it may stand."""
    kind = name.removesuffix("EventDefinition")
    if name.endswith("EventDefinition") and not content:
        stands = {"error": "boundaryEvent", "escalation": "boundaryEvent", "compensate": "boundaryEvent", "cancel": "boundaryEvent",
                  "terminate": "endEvent", "signal": "endEvent"}.get(kind, "intermediateCatchEvent")  # fmt: skip
        return "", event(stands, kind, attributes)
    sample = _SAMPLES.get(name, "<{n}{a}>{c}</{n}>")
    if any(f" flowable:{call}=" in attributes for call in _CALLS):
        sample = sample.replace(" flowable:class='k'", "")
    return _placed(name, sample.format(n=name, a=attributes, c=content))


def _placed(name: str, written: str) -> tuple[str, str]:
    where = elements.ELEMENTS[name].inside[0]
    parent = _PLACES.get(where, where)
    if parent == "definitions":
        return written, BEGIN
    if parent == "process":
        return "", written if name == "startEvent" else BEGIN + written
    return element(parent, content=written)


def with_attribute(where: str, name: str, text: str) -> tuple[str, str, str]:
    """Roots, inside and process attributes of a file in which an extension attribute stands on an element or group."""
    needed = ' flowable:topic="t"' if name == "type" else ""
    written = f' flowable:{name}="{text}"{needed}' if name else ""
    if where == "process":
        return "", BEGIN, f'id="p"{written}'
    return (*element(_PLACES.get(where, where), written), 'id="p"')


# --- extension elements -----------------------------------------------------------------------------------------------------------

_LISTEN = '<flowable:executionListener event="start" class="k">{}</flowable:executionListener>'
_FIELD = _LISTEN.format('<flowable:field name="f">{}</flowable:field>')
_FORM = '<flowable:formData><flowable:formField id="f">{}</flowable:formField></flowable:formData>'
_PEOPLE = role("x", "crew")[3:-4]
EXTENSIONS: dict[str, tuple[dict[str, str], str, str]] = {  # its own attributes, its content, and what is around it
    "executionListener": ({"event": "start", "class": "k"}, "", "{}"),
    "taskListener": ({"event": "create", "class": "k"}, "", "{}"),
    "script": ({"language": "groovy"}, "1", '<flowable:executionListener event="start">{}</flowable:executionListener>'),
    "field": ({"name": "f"}, "", _LISTEN),
    "string": ({}, "x", _FIELD),
    "expression": ({}, "x", _FIELD),
    "formProperty": ({"id": "f"}, "", "{}"),
    "value": ({"id": "v"}, "", '<flowable:formProperty id="f" type="enum">{}</flowable:formProperty>'),
    "formData": ({}, '<flowable:formField id="f"/>', "{}"),
    "formField": ({"id": "f"}, "", "<flowable:formData>{}</flowable:formData>"),
    "validation": ({}, '<flowable:constraint name="required"/>', _FORM),
    "constraint": ({"name": "required"}, "", _FORM.format("<flowable:validation>{}</flowable:validation>")),
    "in": ({"source": "a", "target": "b"}, "", "{}"),
    "out": ({"source": "a", "target": "b"}, "", "{}"),
    "historyLevel": ({}, "task", "{}"),
    "includeInHistory": ({}, "true", "{}"),
    "failedJobRetryTimeCycle": ({}, "R5/PT7M", "{}"),
    "potentialStarter": ({}, _PEOPLE, "{}"),
    "customResource": ({}, _PEOPLE, "{}"),
    "mapException": ({"errorCode": "E"}, "x", "{}"),
    "externalWorkerInParameter": ({"source": "a", "target": "b"}, "", "{}"),
    "externalWorkerOutParameter": ({"source": "a", "target": "b"}, "", "{}"),
    "variableListenerEventDefinition": ({"variableName": "v"}, "", "{}"),
    "variableAggregation": ({"target": "t"}, "", "{}"),
    "variable": ({"source": "a"}, "", '<flowable:variableAggregation target="t">{}</flowable:variableAggregation>'),
    "collection": ({}, "<flowable:string>people</flowable:string>", "{}"),
    "documentation": ({}, "x", "<flowable:localization>{}</flowable:localization>"),
}
_INSTEAD = {  # an attribute that takes the place of another
    "expression": "class", "delegateExpression": "class", "sourceExpression": "source", "targetExpression": "target", "scriptFormat": "language",
}  # fmt: skip


def extension(name: str, attribute: str = "", text: str = "") -> str:
    """The inside of a process with an extension element, perhaps with an attribute of its own set."""
    own, content, around = EXTENSIONS.get(name, ({}, "x", "{}"))
    own = dict(own)
    if attribute:
        own.pop(_INSTEAD.get(attribute, ""), None)
        own[attribute] = text
        if name.endswith("Listener") and attribute == "type":
            content = '<flowable:field name="script"><flowable:string>1</flowable:string></flowable:field>'
    attributes = "".join(f' {key}="{value}"' for key, value in own.items())
    return around_extension(name, around.format(f"<flowable:{name}{attributes}>{content}</flowable:{name}>"))


def around_extension(name: str, written: str) -> str:
    """A process with extension elements where this one stands; with an empty text the same process without it."""
    place = extensions.ELEMENTS[name].inside[0]
    while place in extensions.ELEMENTS:
        place = extensions.ELEMENTS[place].inside[0]
    content = ext(written) if written else ""
    if place == "process":
        return content + BEGIN
    if place == "EVENT":
        other = DEFINITIONS["timer"].format(a="") if "EventDefinition" not in written else ""
        return f'{BEGIN}<intermediateCatchEvent id="n">{content}{other}</intermediateCatchEvent>'
    if name == "collection":  # it takes the place of a cardinality
        rounds = content or "<loopCardinality>2</loopCardinality>"
        return f'{BEGIN}<task id="n"><multiInstanceLoopCharacteristics>{rounds}</multiInstanceLoopCharacteristics></task>'
    return element({"NODE": "task", "ANY": "task"}.get(place, place), content=content)[1]
