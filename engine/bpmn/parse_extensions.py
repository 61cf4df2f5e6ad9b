"""What stands in `extensionElements`: listeners, fields, parameters, form properties, values of data objects. Names are read alike
in all three namespaces; where Camunda's element has another name or shape than Flowable's, both are read here, side by side."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime

from engine.bpmn import forms_dates
from engine.bpmn.graph import DataObject, Field, FormProperty, Listener, Parameter
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element
from engine.expressions.values import Long

IMPLEMENTATIONS = ("class", "delegateExpression", "expression")
SCRIPT_LISTENERS = re.compile(r"\.Script(Execution|Task)Listener$")  # Flowable's older way to write a script listener


def listeners(at: Element, name: str, reading: Reading) -> tuple[Listener, ...]:
    """The execution or task listeners (`name`) of an element, in document order."""
    return tuple(found for c in at.extensions(name) if (found := _listener(c, at, reading)))


def _listener(written: Element, at: Element, reading: Reading) -> Listener | None:
    event = written.value("event") or ("take" if at.name == "sequenceFlow" else "")
    if event not in LISTENED[written.name]:
        instead = f", not '{event[:50]}'" if event else ""
        reading.problem(f"{written.name} needs an event, one of {', '.join(LISTENED[written.name])}{instead}", written)
        return None
    script = _listener_script(written, reading)
    if script:
        return Listener(event, "script", script[1], fields(written, reading), script[0], written.line)
    kinds = [k for k in IMPLEMENTATIONS if written.value(k)]
    if not kinds:
        reading.problem(f"{written.name} needs one of class, expression, delegateExpression or a script", written)
        return None
    text = reading.expression(written.value(kinds[0]), written) or ""
    return Listener(event, kinds[0], text, fields(written, reading), line=written.line)


LISTENED = {
    "executionListener": ("start", "end", "take"),
    "taskListener": ("create", "assignment", "complete", "delete", "all"),
}


def _listener_script(written: Element, reading: Reading) -> tuple[str, str] | None:
    """Language and source of a script listener: Flowable's `<script language>`, Camunda's `scriptFormat`, or fields of the older class."""
    for script in written.extensions("script"):
        language = script.value("language") or script.value("scriptFormat") or "juel"
        return language.lower(), reading.script(language, script)
    if written.value("type") == "script" or SCRIPT_LISTENERS.search(written.value("class") or ""):
        inside = {f.value("name"): f for f in written.extensions("field")}
        source, language = inside.get("script"), _field_text(inside.get("language")) or "juel"
        if source is not None and (place := _text_place(source)) is not None:
            return language.lower(), reading.script(language, place)
        reading.problem(f"{written.name} needs a script", written)
        return language.lower(), ""
    return None


def fields(at: Element, reading: Reading) -> tuple[Field, ...]:
    """The injected fields; `stringValue`, `expression` or a child element give the text."""
    return tuple(_field(f, reading) for f in at.extensions("field"))


def _field(written: Element, reading: Reading) -> Field:
    name = written.value("name")
    if not name:
        reading.problem("a field needs a name", written)
    place = _text_place(written)
    literal = written.value("stringValue") is not None or (place is not None and place.name == "string")
    text = _field_text(written) or ""
    return Field(name or "", text if literal else reading.expression(text, written) or "")


def _field_text(written: Element | None) -> str | None:
    if written is None:
        return None
    place = _text_place(written)
    return written.value("stringValue") or written.value("expression") or (place.text.strip() if place is not None else None)


def _text_place(written: Element) -> Element | None:
    return next((c for c in written.children if c.extension and c.name in ("string", "expression")), None)


def parameters(at: Element, name: str, reading: Reading) -> tuple[Parameter, ...]:
    """The `in` or `out` parameters (also external workers' and events') of an element; `variables="all"` is the call activity's affair."""
    return tuple(found for c in at.extensions(name) if (found := _parameter(c, reading)))


def _parameter(written: Element, reading: Reading) -> Parameter | None:
    source, target = written.value("source"), written.value("target")
    expression = reading.expression(written.value("sourceExpression"), written)
    if written.value("businessKey") or written.value("variables"):
        return None
    target = target or reading.expression(written.value("targetExpression"), written)
    if not target:
        reading.problem(f"{written.name} needs a target", written)
    if not source and not expression:
        reading.problem(f"{written.name} needs a source or a sourceExpression", written)
    return Parameter(target or "", source, expression, true(written, "transient", reading))


def true(at: Element, name: str, reading: Reading, default: bool = False) -> bool:
    """A boolean of an extension element, written with or without prefix."""
    return reading.flag(at, name, default, own=name in at.attributes)


def form_properties(at: Element, reading: Reading) -> tuple[FormProperty, ...]:
    """`formProperty` of Flowable, or the fields of Camunda's `formData`."""
    written = [_form_property(p, reading) for p in at.extensions("formProperty")]
    written += [_form_field(f, reading) for data in at.extensions("formData") for f in data.extensions("formField")]
    for name, times in Counter(p.id for p in written).items():
        if times > 1:
            reading.problem(f"the form property '{name}' is declared twice", at)
    return tuple(written)


FORM_TYPES = ("string", "long", "double", "boolean", "date", "enum")


def _form_property(written: Element, reading: Reading) -> FormProperty:
    kind = written.value("type") or "string"
    found = FormProperty(
        id=_named(written, reading),
        name=written.value("name"),
        type=kind,
        variable=written.value("variable"),
        expression=reading.expression(written.value("expression"), written),
        default=reading.expression(written.value("default"), written),
        pattern=written.value("datePattern"),
        readable=true(written, "readable", reading, True),
        writable=true(written, "writable", reading, True),
        required=true(written, "required", reading),
        options=_values(written, reading),
    )
    return _checked(written, reading, found)


def _values(written: Element, reading: Reading) -> tuple[tuple[str, str], ...]:
    return tuple((_named(v, reading), v.value("name") or v.value("id") or "") for v in written.extensions("value"))


def _form_field(written: Element, reading: Reading) -> FormProperty:
    rules = {c.value("name"): c for v in written.extensions("validation") for c in v.extensions("constraint")}
    for name in rules.keys() - {"required", "readonly"}:
        reading.warn(f"the constraint '{name}' of a form field is not checked", rules[name])
    found = FormProperty(
        id=_named(written, reading),
        name=written.value("label"),
        type=written.value("type") or "string",
        default=reading.expression(written.value("defaultValue"), written),
        pattern=written.value("datePattern"),
        writable="readonly" not in rules,
        required="required" in rules,
        options=_values(written, reading),
    )
    return _checked(written, reading, found)


def _checked(written: Element, reading: Reading, found: FormProperty) -> FormProperty:
    if found.type not in FORM_TYPES:
        reading.problem(f"unknown type '{found.type[:50]}' of a form property; known are {', '.join(FORM_TYPES)}", written)
    if found.pattern:
        try:
            forms_dates.python_format(found.pattern)
        except ValueError as error:
            reading.problem(str(error), written)
    return found


def _named(written: Element, reading: Reading) -> str:
    """The id that a form property and its options must have."""
    if not written.value("id"):
        reading.problem(f"{written.name} needs an id", written)
    return written.value("id") or ""


def data_object(at: Element, reading: Reading) -> DataObject:
    """A declared variable: its type from `itemSubjectRef`, its value from `<value>`; Flowable's types, else string."""
    name = at.attributes.get("name")
    if not name:
        reading.problem("a dataObject needs a name", at)
    kind = DATA_TYPES.get(_item(at, reading).rpartition(":")[2].lower(), "string")
    written = next(at.extensions("value"), None)
    value: object = None
    if written is not None and written.text.strip():
        value = data_value(kind, written.text.strip(), written, reading)
    return DataObject(at.id or "", name or "", kind, value)


def data_value(kind: str, text: str, at: Element, reading: Reading) -> object:
    """The value that a declared variable begins with; a problem where its type has none such."""
    try:
        return _DATA[kind](text)
    except (ValueError, RecursionError):
        reading.problem(f"'{text[:50]}' is no value of type {kind}", at)
        return None


def _item(at: Element, reading: Reading) -> str:
    ref = at.attributes.get("itemSubjectRef", "")
    declared = reading.ref("item", ref)
    return declared.attributes.get("structureRef", "") if declared else ref


DATA_TYPES = {
    "string": "string", "boolean": "boolean", "int": "integer", "integer": "integer", "long": "long", "double": "double", "float": "double",
    "datetime": "date", "date": "date", "json": "json",
}  # fmt: skip
_BOOLEANS = {"true": True, "false": False}


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        raise ValueError(text)
    return _BOOLEANS[text.lower()]


def _double(text: str) -> float:
    if not math.isfinite(number := float(text)):
        raise ValueError(text)
    return number


_DATA: dict[str, Callable[[str], object]] = {
    "string": str,
    "boolean": _boolean,
    "integer": int,
    "long": Long,
    "double": _double,
    "date": datetime.fromisoformat,
    "json": json.loads,
}


def listed(text: str | None) -> tuple[str, ...]:
    """The entries of a comma-separated text; commas inside an expression do not part."""
    return tuple(entry for part in _ENTRY.findall(text or "") if (entry := part.strip()))


_ENTRY = re.compile(r"(?:[$#]\{[^}]*\}|[^,])+")


def roles(at: Element, reading: Reading) -> tuple[tuple[str, str], ...]:
    """Who a standard role names, as (`user` or `group`, text): `user(alice), group(office), crew`; a bare name is a group."""
    spoken = [e for r in at.all("resourceAssignmentExpression") for e in r.all("formalExpression")]
    return tuple(_role(entry) for e in spoken for entry in listed(reading.content(e)))


def _role(entry: str) -> tuple[str, str]:
    found = _ROLE.fullmatch(entry)
    return (found[1], found[2].strip()) if found else ("group", entry)


_ROLE = re.compile(r"(user|group)\((.*)\)", re.DOTALL)
