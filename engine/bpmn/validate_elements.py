"""Nothing is accepted and then ignored in silence: each element and attribute of a file is looked up in the tables of `elements` and
`extensions`, and what they do not let pass becomes a problem or a warning. Foreign namespaces are the modelers' own affair."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.bpmn import elements, extensions
from engine.bpmn.elements import R, Row, W
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element

_ID = re.compile(r"[^\W\d][\w.\-]*")  # an NCName, which XML asks of every id
_DIAGRAM = "http://www.omg.org/spec/BPMN/20100524/DI"
_NEED_ID = {"process", "message", "signal"}
_FOREIGN = {
    "http://camunda.org/schema/zeebe/1.0": "this is written for Camunda 8 (Zeebe), whose extensions are not read",
}


def check(root: Element, reading: Reading) -> None:
    """Note unknown, misplaced and refused elements and attributes, wrong ids, and declarations without a name."""
    seen: dict[str, Element] = {}
    for at in _walk(root):
        if at.space == "bpmn":
            _own(at, reading)
            _id(at, seen, reading)
        elif at.extension:
            _extension(at, reading)
        elif at.space in _FOREIGN:
            reading.warn(_FOREIGN[at.space], at)
        elif at.space == _DIAGRAM and at.name == "BPMNEdge" and not any(c.name == "waypoint" for c in at.children):
            reading.problem(f"the drawing of '{at.attributes.get('bpmnElement')}' has no waypoints", at)
        elif not at.space:
            reading.problem(f"<{at.name}> is in no namespace", at)
    _declarations(root, reading)


def _walk(root: Element) -> Iterator[Element]:
    """All elements that the tables do not close, in document order; a stack, for files that nest deeply."""
    todo = [root]
    while todo:
        at = todo.pop()
        yield at
        if not _closed(at):
            todo += reversed(at.children)


def _closed(at: Element) -> bool:
    known: elements.Known | extensions.Extension | None = None
    if at.space == "bpmn":
        known = elements.ELEMENTS.get(at.name)
    elif at.extension:
        known = extensions.ELEMENTS.get(at.name)
        return known is None or known.closed
    return known is not None and known.closed


def _own(at: Element, reading: Reading) -> None:
    """An element of BPMN: known, in its place, with attributes it may have."""
    known = elements.ELEMENTS.get(at.name)
    if known is None:
        reading.problem(f"unknown element <{at.name}>", at)
        return
    if at.parent is not None and not _in_place(known, at.parent):
        reading.problem(f"<{at.name}> may not stand in <{at.parent.name}>", at)
        return
    _judge(f"<{at.name}>", known.row, at, reading)
    if known.closed:
        return
    for name, text in at.attributes.items():
        _own_attribute(name, text, known, at, reading)
    for name, prefix in at.prefixes.items():
        _judge(f"{prefix}:{name} on <{at.name}>", extensions.attribute_row(at.name, name) or _unknown(prefix), at, reading)


def _in_place(known: elements.Known, parent: Element) -> bool:
    return elements.stands_in(known, parent.name) if parent.space == "bpmn" or parent.extension else True


def _own_attribute(name: str, text: str, known: elements.Known, at: Element, reading: Reading) -> None:
    if name != "id" and name not in known.attributes:
        meant = f"; write flowable:{name}" if extensions.attribute_row(at.name, name) else ""
        reading.problem(f"unknown attribute '{name}' on <{at.name}>{meant}", at)
    elif name in elements.ONLY and text.strip() not in ("", elements.ONLY[name][0]):
        reading.problem(f"{name}='{text[:50]}' is not supported: {elements.ONLY[name][1]}", at)


def _unknown(prefix: str) -> Row:
    return Row(W, f"no such thing is known of {prefix}")


def _extension(at: Element, reading: Reading) -> None:
    """An element of Flowable, Activiti or Camunda."""
    known, spoken = extensions.ELEMENTS.get(at.name), f"<{at.space}:{at.name}>"
    if known is None:
        _judge(spoken, _unknown(at.space), at, reading)
        return
    around = _around(at)
    if not any(where in ("ANY", around) or around in elements.GROUPS.get(where, ()) for where in known.inside):
        _judge(spoken, Row(W, f"it says nothing in <{around}>"), at, reading)
        return
    _judge(spoken, known.row, at, reading)
    if known.row.state is not elements.S:
        return
    for name in (*at.attributes, *at.extended):
        _judge(f"{name} on {spoken}", known.attributes.get(name) or _unknown(at.space), at, reading)


def _around(at: Element) -> str:
    """The name of the element that an extension element belongs to."""
    around = at.parent
    while around is not None and around.name == "extensionElements":
        around = around.parent
    return around.name if around else ""


def _judge(what: str, row: Row, at: Element, reading: Reading) -> None:
    if row.state is R:
        reading.problem(f"{what} is not supported: {row.why}", at)
    elif row.state is W:
        reading.warn(f"{what} has no effect: {row.why}", at)


def _id(at: Element, seen: dict[str, Element], reading: Reading) -> None:
    """Ids are XML names, unique in the file (xsd:ID), and not too long."""
    if not at.id:
        if at.name in _NEED_ID:
            reading.problem(f"<{at.name}> needs an id", at)
        return
    if not _ID.fullmatch(at.id):
        reading.problem(f"'{at.id[:50]}' is not a valid id: letters, digits, '_', '-' and '.', not beginning with a digit", at)
    if len(at.id) > reading.limits.id_length:
        reading.problem(f"the id is too long: {len(at.id)} characters, {reading.limits.id_length} are allowed", at)
    if at.id in seen:
        reading.problem(f"the id '{at.id}' is used twice, first on line {seen[at.id].line}", at)
    seen.setdefault(at.id, at)


def _declarations(root: Element, reading: Reading) -> None:
    """Messages and signals have names, those of signals are unique (message-missing-name, signal-missing-name, -duplicate-name)."""
    signals: set[str] = set()
    for at in root.children:
        name = at.attributes.get("name", "")
        if at.space != "bpmn" or at.name not in ("message", "signal", "process"):
            continue
        if len(name) > reading.limits.name_length:
            reading.problem(f"the name is too long: {len(name)} characters, {reading.limits.name_length} are allowed", at)
        if at.name != "process" and not name:
            reading.problem(f"a {at.name} needs a name", at)
        if at.name == "signal" and name in signals:
            reading.problem(f"there is a second signal with the name '{name}'", at)
        if at.name == "signal":
            signals.add(name)
            _scope(at, reading)


def _scope(at: Element, reading: Reading) -> None:
    scope = at.extended.get("scope")
    if scope not in (None, "", "global", "processInstance"):
        reading.problem(f"the scope of a signal is global or processInstance, not '{scope[:50]}'", at)
