"""Which elements and attributes may stand where."""

from __future__ import annotations

from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element


def check(root: Element, reading: Reading) -> None:
    """Note unknown elements and attributes, and ids that are missing or used twice."""
    seen: set[str] = set()
    todo = [root]
    while todo:
        at = todo.pop()
        todo += at.children
        if at.space == "bpmn" and at.id:
            if at.id in seen:
                reading.problem(f"the id '{at.id}' is used twice", at)
            seen.add(at.id)
