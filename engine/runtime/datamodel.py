"""The data model of a workflow, as its service shows and takes it: what the BPMN declares or, where it declares none, what its forms name.

A workflow that declares nothing and has no forms is open: any variable comes in and goes out. The tags are Automatiko's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isfinite
from typing import Any
from uuid import UUID

from engine.bpmn.forms import FormField, FormSpec
from engine.bpmn.graph import Graph, UserTask
from engine.conf import settings as conf
from engine.errors import BadInput
from engine.expressions.values import INTEGER, LONG, Long, checked, from_json, to_json
from engine.models import Definition
from engine.runtime import definitions

HIDDEN = frozenset({"internal", "sensitive"})
OWN = ("id", "metadata")  # members of every model, which no variable can be


class Violated(BadInput):
    """A rule about a variable is broken: a required one is missing, or a read-only one would be overwritten."""

    def __init__(self, instance: UUID | str | None, variable: str, rule: str) -> None:
        super().__init__(f"Variable '{variable}' in process instance '{instance}' violated : Variable '{variable}' {rule}", variable)
        self.instance, self.variable = instance, variable


@dataclass(frozen=True, slots=True)
class Member:
    """One variable of the model: its type as in the REST dialects, and its tags; `field` where a form tells more."""

    name: str
    type: str
    tags: frozenset[str] = frozenset()
    field: FormField | None = None

    @property
    def started(self) -> bool:
        """Whether a start takes it."""
        return not self.tags & (HIDDEN | {"output"})

    @property
    def shown(self) -> bool:
        return not self.tags & (HIDDEN | {"input"})

    @property
    def updated(self) -> bool:
        """Whether an update takes it."""
        return not self.tags & HIDDEN


@dataclass(frozen=True, slots=True)
class Model:
    """The members in the order in which they were declared."""

    members: tuple[Member, ...] = ()
    open: bool = False

    @property
    def key(self) -> str | None:
        """The variable that is the business key, where one is tagged so."""
        return next((m.name for m in self.members if "business-key" in m.tags), None)

    def type_of(self, name: str) -> str:
        """The declared type of a variable; any JSON where it is not declared."""
        return next((m.type for m in self.members if m.name == name), "json")

    def started(self, sent: Mapping[str, Any], instance: UUID | str) -> dict[str, Any]:
        """The variables that a start begins with; raises BadInput, Violated where a required one is missing."""
        found = self._taken(sent, lambda m: m.started)
        for member in self.members:
            if "required" in member.tags and found.get(member.name) is None:
                raise Violated(instance, member.name, "is required but not set")
        return found

    def updated(self, sent: Mapping[str, Any], known: Mapping[str, Any], instance: UUID | str) -> dict[str, Any]:
        """The variables that an update writes: those that are sent and not null; raises BadInput, Violated for read-only ones.

        To the letter Automatiko refuses every update once a read-only variable is set, whatever it brings.
        """
        found = self._taken(sent, lambda m: m.updated)
        for member in self.members:
            meant = member.name in found or conf.SERVICES_COMPATIBLE
            if "readonly" in member.tags and meant and known.get(member.name) is not None:
                raise Violated(instance, member.name, "is already set and is marked as read only")
        return found

    def _taken(self, sent: Mapping[str, Any], may: Callable[[Member], bool]) -> dict[str, Any]:
        if self.open:
            return {name: value for name, value in sent.items() if name not in OWN and value is not None}
        chosen = (m for m in self.members if may(m) and not _is_nothing(m.type, sent.get(m.name)))
        return {m.name: taken(m.type, sent[m.name], m.name) for m in chosen}

    def shown(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that the service shows, nulls included, as JSON."""
        if self.open:
            return {name: to_json(value) for name, value in sorted(variables.items()) if name not in OWN}
        return {m.name: to_json(variables.get(m.name)) for m in self.members if m.shown}

    def known(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that an operator is shown: all but hidden ones, nulls included, as JSON."""
        if self.open:
            return self.shown(variables)
        return {m.name: to_json(variables.get(m.name)) for m in self.members if m.updated}


def _is_nothing(kind: str, value: Any) -> bool:
    """Whether a value stands for none: null and, as at Automatiko, an empty text for what is no text."""
    return value is None or (value == "" and kind in ("integer", "long", "double", "boolean", "date", "localDate"))


# -- what a workflow declares ---------------------------------------------------------------------------------------------
def of(definition: Definition) -> Model:
    """The model of a definition; made once."""
    return _made(definition.pk, definition.key, definition.checksum, definition.start_form_key)


@lru_cache(maxsize=1000)
def _made(definition_id: str, key: str, checksum: str, start_form: str) -> Model:
    graph = definitions.graph_of(definition_id, key, checksum)
    if graph.data:
        return Model(tuple(Member(d.name, d.type, frozenset(d.tags)) for d in graph.data if d.name not in OWN))
    fields = _fields(definitions.get(definition_id), graph)
    members = tuple(Member(name, TYPES[f.kind], field=f) for name, f in fields.items())
    return Model(members, open=not members)


def _fields(definition: Definition, graph: Graph) -> dict[str, FormField]:
    """The fields of all forms by the variable they write, the start form's first."""
    forms = [definitions.start_form(definition)]
    for node in graph.nodes.values():
        if isinstance(node.detail, UserTask):
            forms.append(definitions.form(definition, node.detail.form_key, node.id))
    found: dict[str, FormField] = {}
    for field in (f for form in forms if form for f in form.fields):
        if field.target and field.kind in TYPES and field.target not in OWN:
            found.setdefault(field.target, field)
    return found


TYPES = {
    **dict.fromkeys(("text", "long-text", "password", "choice", "person", "group"), "string"),
    "integer": "long", "number": "double", "boolean": "boolean", "moment": "date", "date": "localDate",
}  # fmt: skip


# -- what a value may be --------------------------------------------------------------------------------------------------
def taken(kind: str, value: Any, name: str) -> Any:
    """A value as it was sent, in its declared type: numbers and texts stand for each other as at Automatiko; raises BadInput."""
    reader = _READERS.get(kind)
    try:
        made = reader(value) if reader else from_json(value, None if kind == "json" else kind, name=name, depth=conf.MAX_JSON_DEPTH)
    except (TypeError, ValueError, OverflowError):
        raise BadInput(f"{name} is not of type {kind}: {str(value)[:60]!r}", name) from None
    return checked(made, name=name, depth=conf.MAX_JSON_DEPTH, size=conf.MAX_VARIABLE_SIZE)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int) or (isinstance(value, float) and isfinite(value)):
        return str(value)
    raise TypeError


_NUMBER = re.compile(r"\s*[+-]?\d{1,400}(\.\d{0,400})?([eE][+-]?\d{1,3})?\s*", re.ASCII)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not (isinstance(value, int | float) or (isinstance(value, str) and _NUMBER.fullmatch(value))):
        raise TypeError
    found = float(value)
    if not isfinite(found):
        raise ValueError
    return found


def _whole(bounds: Any, make: Callable[[int], int]) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        number = int(value) if isinstance(value, int) and not isinstance(value, bool) else _integral(value)
        if number not in bounds:
            raise ValueError
        return make(number)

    return read


def _integral(value: Any) -> int:
    """A text of digits is exact; a fraction is cut off."""
    if isinstance(value, str) and value.strip().lstrip("+-").isdecimal() and len(value) <= 40:
        return int(value)
    return int(_float(value))


def _boolean(value: Any) -> bool:
    words = {"true": True, "false": False, "1": True, "0": False}
    return words[str(value).strip().lower()] if str(value).strip().lower() in words else bool(_refused())


def _refused() -> Any:
    raise TypeError


_READERS: dict[str, Callable[[Any], Any]] = {
    "string": _text, "integer": _whole(INTEGER, int), "long": _whole(LONG, Long), "double": _float, "boolean": _boolean,
}  # fmt: skip


# -- as JSON Schema -------------------------------------------------------------------------------------------------------
_SCHEMAS: dict[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer", "format": "int32"},
    "long": {"type": "integer", "format": "int64"},
    "double": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date-time"},
    "localDate": {"type": "string", "format": "date"},
    "json": {},
}


def schema_of(member: Member) -> dict[str, Any]:
    """The JSON Schema of a variable; every one may be null."""
    made = dict(_SCHEMAS.get(member.type, {}))
    if "type" in made:
        made["type"] = [made["type"], "null"]
    if member.field is not None and member.field.name:
        made["title"] = member.field.name
    return made


def schema_of_form(form: FormSpec) -> dict[str, Any]:
    """The JSON Schema of what a form takes: its fields that can be entered."""
    fields = [f for f in form.fields if f.kind in TYPES]
    found: dict[str, Any] = {"type": "object", "title": form.name or form.key, "properties": {f.id: _of_field(f) for f in fields}}
    required = [f.id for f in fields if f.required and f.writable]
    return {**found, "required": required} if required else found


def _of_field(one: FormField) -> dict[str, Any]:
    made = dict(_SCHEMAS[TYPES[one.kind]])
    made |= {"title": one.name} if one.name else {}
    made |= {"enum": [o.id for o in one.options]} if one.kind == "choice" and one.options else {}
    made |= {"readOnly": True} if not one.writable else {}
    return made if one.required else {**made, "type": [made["type"], "null"]} if "enum" not in made else made
