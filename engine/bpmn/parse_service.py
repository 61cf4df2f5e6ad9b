"""What a model says of itself as a service, in Automatiko's words: properties with tags, and `metaData` of the process and its tasks.

Its namespace is foreign to BPMN, so modelers keep it; of it only `metaData` is read, a name with a text.
"""

from __future__ import annotations

from engine.bpmn.graph import DataObject, Service
from engine.bpmn.parse_extensions import DATA_TYPES, data_value, listed
from engine.bpmn.parse_reading import Reading
from engine.bpmn.parse_xml import Element

SPACE = "https://automatiko.io"
POLICIES = ("participants", "initiator")
TAGS = frozenset({
    "input", "output", "internal", "sensitive", "notnull", "readonly", "required", "auto-initialized", "business-key", "initiator",
    "versioned", "transient",
})  # fmt: skip
WITHOUT_EFFECT = frozenset({"notnull", "auto-initialized", "initiator", "transient"})


def meta(at: Element, name: str, reading: Reading) -> str | None:
    """The text of a `metaData` of an element, which may hold expressions."""
    for place in at.all("extensionElements"):
        for child in place.children:
            if child.space == SPACE and child.name == "metaData" and child.attributes.get("name") == name:
                inside = next((c for c in child.children if c.name == "metaValue"), child)
                return reading.expression(inside.text.strip(), child)
    return None


def service(process: Element, reading: Reading) -> Service:
    """Version, access policy, description and tags of the process."""
    policy = meta(process, "accessPolicy", reading)
    if policy is not None and policy not in POLICIES:
        reading.problem(f"the access policy is one of {', '.join(POLICIES)}, not '{policy[:50]}'", process)
    version = meta(process, "version", reading)
    if version is not None and not version.replace(".", "").replace("_", "").isalnum():
        reading.problem(f"'{version[:50]}' is no version of a service", process)
    return Service(
        version=version.replace(".", "_") if version else None,
        policy=policy,
        description=meta(process, "description", reading),
        tags=listed(meta(process, "tags", reading)),
    )


def tags(at: Element, reading: Reading) -> tuple[str, ...]:
    """The tags of a variable; unknown ones are told to the deployer."""
    found = listed(meta(at, "tags", reading))
    for tag in found:
        if tag not in TAGS:
            reading.warn(f"the tag '{tag[:50]}' of a variable is not known", at)
        elif tag in WITHOUT_EFFECT:
            reading.warn(f"the tag '{tag}' of a variable has no effect", at)
    return found


def variable(at: Element, reading: Reading) -> DataObject:
    """A `property`: a declared variable; what is no simple type is any JSON."""
    name = at.attributes.get("name") or at.id
    if not name:
        reading.problem("a property needs a name", at)
    kind = DATA_TYPES.get(_structure(at, reading), "json")
    written = meta(at, "value", reading)
    value = None if written is None else data_value(kind, written, at, reading)
    return DataObject(at.id or "", name or "", kind, value, tags(at, reading))


def _structure(at: Element, reading: Reading) -> str:
    """The last word of the type that `itemSubjectRef` leads to: `xsd:string` and `java.lang.String` are both a string."""
    ref = at.attributes.get("itemSubjectRef", "")
    declared = reading.ref("item", ref)
    spoken = declared.attributes.get("structureRef", "") if declared else ref
    return spoken.rpartition(":")[2].rpartition(".")[2].lower()
