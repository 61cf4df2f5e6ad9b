"""`engine/bpmn/ELEMENTS.md`, written from the tables: `python -m tests.bpmn.elements_page` writes it anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.bpmn import elements, extensions, validate

PAGE = Path(__file__).parents[2] / "engine" / "bpmn" / "ELEMENTS.md"
INTRODUCTION = """# Elements

Every element of BPMN 2.0, and every extension attribute and element of Flowable, Activiti and Camunda 7 that is known here. The three
namespaces are read alike; `asyncBefore`, `asyncAfter` and `resultVariableName` are other names of `async`, `asyncLeave` and
`resultVariable`.

| state | means |
|---|---|
| supported | read and executed |
| tolerated | changes nothing about running, here or elsewhere |
| warned | means something to another engine and nothing here: the deployment is accepted and says so |
| refused | the deployment is refused, with element, line and reason |

An extension that is in no table is *warned*; an element or attribute of BPMN's own namespace that is in no table is *refused*; other
namespaces belong to modelers and are tolerated. This page is written from the tables in `validate.py`, `elements.py` and
`extensions.py`; a test deploys an example of each row.
"""


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_running(), *_others(), *_only(), *_attributes(), *_extensions()]) + "\n"


def _running() -> Iterator[str]:
    yield "## What runs\n"
    yield "Events are named with their definition; `startEvent/error` stands in an event sub-process.\n"
    yield "| element | state | |\n|---|---|---|"
    order = {name: i for i, name in enumerate(elements.ELEMENTS)}
    rows = {**dict.fromkeys(validate.SUPPORTED, ""), **validate.REFUSED}
    for feature in sorted(rows, key=lambda f: (order.get(f.partition("/")[0], 1000), f)):
        yield f"| `{feature}` | {'supported' if feature in validate.SUPPORTED else 'refused'} | {rows[feature]} |"


def _others() -> Iterator[str]:
    yield "\n## The other elements of BPMN\n"
    yield "| element | stands in | state | |\n|---|---|---|---|"
    nodes = elements.GROUPS["NODE"]
    for name, known in elements.ELEMENTS.items():
        if name not in nodes:
            yield f"| `{name}` | {_places(known.inside)} | {known.row.state} | {known.row.why} |"


def _only() -> Iterator[str]:
    yield "\n## Attributes of BPMN with one value\n"
    yield "| attribute | supported | any other value is refused, for |\n|---|---|---|"
    for name, (value, why) in elements.ONLY.items():
        yield f"| `{name}` | `{value}` | {why} |"


def _attributes() -> Iterator[str]:
    yield "\n## Extension attributes\n"
    yield "| on | attribute | state | |\n|---|---|---|---|"
    for where, rows in extensions.ATTRIBUTES.items():
        for name, row in rows.items():
            yield f"| {_places((where,))} | `{name}` | {row.state} | {row.why} |"


def _extensions() -> Iterator[str]:
    yield "\n## Extension elements\n"
    yield "| element | attribute | stands in | state | |\n|---|---|---|---|---|"
    for name, known in extensions.ELEMENTS.items():
        yield f"| `{name}` | | {_places(known.inside)} | {known.row.state} | {known.row.why} |"
        for attribute, row in known.attributes.items():
            yield f"| `{name}` | `{attribute}` | | {row.state} | {row.why} |"


_SPOKEN = {
    "ANY": "any element", "SCOPE": "process and sub-processes", "ACTIVITY": "activities", "EVENT": "events", "NODE": "flow nodes",
    "": "the file",
}  # fmt: skip


def _places(inside: tuple[str, ...]) -> str:
    return ", ".join(_SPOKEN.get(where, f"`{where}`") for where in inside or ("",))


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
