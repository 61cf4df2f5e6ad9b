"""Event definitions with their references resolved. A table gives each kind its reader; which kind may stand where is `validate`'s affair.

References may carry a prefix (`tns:paid`); an error or escalation that is not declared is taken for the code itself, as Flowable does.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.bpmn.graph import Event, Timer
from engine.bpmn.parse_extensions import parameters
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element

_SUFFIX = "EventDefinition"


def event(at: Element, reading: Reading) -> Event | None:
    """The event definition of an event element, None if it has none; several at once are a problem."""
    found = [c for c in at.children if c.name in READERS and (c.space == "bpmn")]
    found += [c for place in at.all("extensionElements") for c in place.children if c.extension and c.name in READERS]
    if len(found) > 1:
        reading.problem("several event definitions in one event are not supported", at)
    if reference := at.child("eventDefinitionRef"):
        reading.problem("eventDefinitionRef is not supported: put the event definition into the event", reference)
    return READERS[found[0].name](found[0], at, reading) if found else None


def message(definition: Element, at: Element, reading: Reading) -> Event:
    """Waits for a message: the name of the referenced one, or `messageExpression`."""
    spoken = reading.attribute(definition, "messageExpression")
    return Event(
        "message",
        spoken or message_name(definition, reading),
        definition.attributes.get("messageRef"),
        ins=parameters(at, "in", reading),
        outs=parameters(at, "out", reading),
    )


def message_name(at: Element, reading: Reading) -> str | None:
    """The name of the message that `messageRef` means; a problem if there is none."""
    ref = at.attributes.get("messageRef")
    declared = reading.ref("message", ref)
    if declared is None:
        reading.problem(f"there is no message '{ref}'" if ref else f"{at.name} needs a messageRef", at)
        return None
    return reading.expression(declared.attributes.get("name"), declared)


def signal(definition: Element, at: Element, reading: Reading) -> Event:
    """A signal: the name of the referenced one, or `signalExpression`; scope and async as Flowable writes them."""
    ref, spoken = definition.attributes.get("signalRef"), reading.attribute(definition, "signalExpression")
    declared = reading.ref("signal", ref)
    if declared is None and not spoken:
        reading.problem(f"there is no signal '{ref}'" if ref else "signalEventDefinition needs a signalRef", definition)
    name = spoken or (reading.expression(declared.attributes.get("name"), declared) if declared else None)
    return Event(
        "signal",
        name,
        ref,
        local=declared is not None and declared.extended.get("scope") == "processInstance",
        asynchronous=reading.flag(definition, "async"),
        ins=parameters(at, "in", reading),
        outs=parameters(at, "out", reading),
    )


def error(definition: Element, at: Element, reading: Reading) -> Event:
    """An error: its code, None catches all; the extension says into which variable the code goes."""
    ref = definition.attributes.get("errorRef") or None
    code = _code("error", "errorCode", ref, definition, reading)
    variable = _first(definition, "errorVariableName", "errorCodeVariable")
    return Event(
        "error",
        code,
        ref,
        code_variable=variable,
        code_transient=reading.flag(definition, "errorVariableTransient"),
        ins=parameters(at, "in", reading),
        outs=parameters(at, "out", reading),
    )


def escalation(definition: Element, at: Element, reading: Reading) -> Event:
    """An escalation: its code, None catches all."""
    ref = definition.attributes.get("escalationRef") or None
    return Event(
        "escalation",
        _code("escalation", "escalationCode", ref, definition, reading),
        ref,
        code_variable=definition.extended.get("escalationCodeVariable"),
        ins=parameters(at, "in", reading),
        outs=parameters(at, "out", reading),
    )


def _code(kind: str, attribute: str, ref: str | None, definition: Element, reading: Reading) -> str | None:
    declared = reading.ref(kind, ref)
    if declared is None:
        return ref
    if not declared.attributes.get(attribute, ref):
        reading.problem(f"the {kind} '{ref}' has an empty {attribute}", definition)
    return declared.attributes.get(attribute) or ref


def timer(definition: Element, at: Element, reading: Reading) -> Event:
    """A timer: exactly one of date, duration and cycle; `endDate` ends a cycle."""
    found = [(kind, c) for name, kind in TIMERS.items() for c in definition.all(name) if c.text.strip()]
    if len(found) != 1:
        reading.problem("a timer needs one of timeDate, timeDuration and timeCycle" + (", not several" if found else ""), definition)
        return Event("timer")
    kind, written = found[0]
    text = reading.time("cycle" if kind == "cycle" else "due", written.text.strip(), written)
    return Event("timer", timer=Timer(kind, text or "", reading.time("due", written.extended.get("endDate"), written)))


TIMERS = {"timeDate": "date", "timeDuration": "duration", "timeCycle": "cycle"}


def conditional(definition: Element, at: Element, reading: Reading) -> Event:
    """A condition, looked at when conditions are evaluated."""
    written = definition.child("condition")
    if written is None or not written.text.strip():
        reading.problem("a conditional event needs a condition", definition)
        return Event("conditional")
    text, language = condition(written, reading)
    return Event("conditional", condition=text, language=language)


def condition(written: Element, reading: Reading) -> tuple[str | None, str]:
    """The text of a condition and its language, empty for an expression."""
    language = written.attributes.get("language", "").strip().lower()
    if not written.text.strip() or language in JUEL:
        return reading.content(written), ""
    reading.script(language, written)
    return written.text.strip(), language


JUEL = frozenset({"", "juel", "http://www.w3.org/1999/xpath", "http://www.java.com/javatypes"})  # the addresses are modelers' defaults


def compensate(definition: Element, at: Element, reading: Reading) -> Event:
    """Compensation of one activity, or of all in the scope."""
    return Event(
        "compensate",
        activity=definition.attributes.get("activityRef") or None,
        ref=definition.attributes.get("activityRef"),
        wait=reading.flag(definition, "waitForCompletion", True, own=True),
    )


def terminate(definition: Element, at: Element, reading: Reading) -> Event:
    """Ends its scope; `terminateAll` the whole call tree, `terminateMultiInstance` the rounds around it."""
    return Event(
        "terminate",
        terminate_all=reading.flag(definition, "terminateAll"),
        terminate_multi_instance=reading.flag(definition, "terminateMultiInstance"),
    )


def cancel(definition: Element, at: Element, reading: Reading) -> Event:
    """Cancels the transaction around it, or catches that."""
    return Event("cancel")


def link(definition: Element, at: Element, reading: Reading) -> Event:
    """A link: the throwing and the catching event of one name belong together."""
    name = definition.attributes.get("name") or at.attributes.get("name")
    if not name:
        reading.problem("a link event needs a name", definition)
    return Event("link", name)


def variable(definition: Element, at: Element, reading: Reading) -> Event:
    """Flowable's variable listener: fires when a variable is created, updated or deleted."""
    name, change = definition.value("variableName"), definition.value("variableChangeType") or "all"
    if not name:
        reading.problem("a variable listener needs a variableName", definition)
    if change not in CHANGES:
        reading.problem(f"variableChangeType must be one of {', '.join(CHANGES)}, not '{change[:50]}'", definition)
    return Event("variable", name, change=change)


CHANGES = ("all", "create", "update", "update-create", "delete")


def _first(at: Element, *names: str) -> str | None:
    return next((at.extended[n] for n in names if at.extended.get(n)), None)


Reader = Callable[[Element, Element, Reading], Event]
READERS: dict[str, Reader] = {
    "message" + _SUFFIX: message,
    "timer" + _SUFFIX: timer,
    "signal" + _SUFFIX: signal,
    "error" + _SUFFIX: error,
    "escalation" + _SUFFIX: escalation,
    "conditional" + _SUFFIX: conditional,
    "compensate" + _SUFFIX: compensate,
    "cancel" + _SUFFIX: cancel,
    "terminate" + _SUFFIX: terminate,
    "link" + _SUFFIX: link,
    "variableListener" + _SUFFIX: variable,
}
