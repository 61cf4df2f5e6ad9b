"""A form: what may be entered, and what becomes of it. One FormSpec serves the browser's form and the REST doors alike.

It comes from `formProperty` lists or from form JSON (`forms_read`). Values arrive as texts or typed and leave as typed variables;
all that is wrong is said at once, field by field.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from engine.bpmn import forms_dates
from engine.bpmn.graph import Graph, Start, UserTask
from engine.errors import FormError, Problem
from engine.expressions.values import LONG, Long

TEXT_LIMIT = 4000


@dataclass(frozen=True, slots=True)
class Option:
    """One choice: its `id` is what becomes the variable's value."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """A field of a form. `value` is its default; `kind` says how it is entered, whatever dialect its `type` comes from."""

    id: str
    name: str = ""
    type: str = "text"
    required: bool = False
    readable: bool = True
    writable: bool = True
    value: Any = None
    placeholder: str = ""
    options: tuple[Option, ...] = ()
    options_expression: str | None = None
    expression: str | None = None
    variable: str | None = None
    pattern: str | None = None
    max_length: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """text, long-text, password, integer, number, boolean, moment, date, choice, person, group, or display (nothing to enter)."""
        return KINDS[self.type]

    @property
    def target(self) -> str | None:
        """The variable that is written; None if an expression more than a name would have to be written to."""
        if self.variable:
            return self.variable
        named = _NAME.fullmatch(self.expression.strip()) if self.expression else None
        return named[1] if named else (None if self.expression else self.id)

    def convert(self, value: Any, *, text_limit: int = TEXT_LIMIT) -> Any:
        """The typed value, None for an empty one; raises ValueError with a message for the person who entered it."""
        if value is None or (isinstance(value, str) and not value and self.kind != "text"):
            return None
        return _CONVERT[self.kind](self, value, min(text_limit, self.max_length or text_limit))

    def shown(self, value: Any) -> str | None:
        """The value as a text that `convert` reads back: dates in the field's pattern, true and false in small letters."""
        match value:
            case None:
                return None
            case bool():
                return str(value).lower()
            case datetime():
                return forms_dates.show(value, self.pattern) if self.kind == "moment" else value.date().isoformat()
        return str(value)


@dataclass(frozen=True, slots=True)
class FormSpec:
    """A whole form; `key` is what `formKey` names, empty for the properties of one node."""

    key: str
    name: str
    fields: tuple[FormField, ...]
    outcomes: tuple[Option, ...] = ()
    outcome_variable: str | None = None

    def field(self, name: str) -> FormField | None:
        """The field of an id."""
        return next((f for f in self.fields if f.id == name), None)

    @property
    def outcome_target(self) -> str:
        """The variable that holds the chosen outcome (Flowable: `outcomeVariableName`, else `form_<key>_outcome`)."""
        return self.outcome_variable or f"form_{self.key}_outcome"

    def resolved(self, evaluate: Callable[[str], Any]) -> FormSpec:
        """The same form with its defaults and options evaluated; `evaluate` may raise ExpressionError."""
        return replace(self, fields=tuple(_resolved(f, evaluate) for f in self.fields))

    def initial(self, variables: Mapping[str, Any], evaluate: Callable[[str], Any]) -> dict[str, Any]:
        """What each readable field shows when the form opens: its variable, else its expression or default (FormPropertyHandler)."""
        return {f.id: _initial(f, variables, evaluate) for f in self.fields if f.readable}

    def validate(
        self, values: Mapping[str, Any], *, strict: bool, outcome: str | None = None, text_limit: int = TEXT_LIMIT
    ) -> dict[str, Any]:
        """The variables that a submission makes; raises FormError with the messages of all fields at once.

        Values are texts or already typed. A field that was not sent takes its default. What is no field of the form is refused if
        `strict`, else it becomes a variable as it is, as in Flowable. Defaults that are expressions must have been `resolved`.
        """
        errors: dict[str, list[str]] = {}
        variables: dict[str, Any] = {}
        for one in self.fields:
            try:
                variables |= _taken(one, values, text_limit)
            except ValueError as error:
                errors[one.id] = [str(error)]
        for name in values.keys() - {f.id for f in self.fields}:
            if strict:
                errors[name] = ["There is no such field in this form."]
            else:
                variables[name] = values[name]
        if outcome is not None:
            if outcome in {o.id for o in self.outcomes}:
                variables[self.outcome_target] = outcome
            else:
                errors["outcome"] = ["This form has no such outcome."]
        if errors:
            raise FormError(errors)
        return variables


_NAME = re.compile(r"[$#]\{\s*([A-Za-z_]\w*)\s*\}")


def _taken(one: FormField, values: Mapping[str, Any], text_limit: int) -> dict[str, Any]:
    """The variable that one field makes, if any; the order of the rules is that of Flowable's FormPropertyHandler."""
    sent = one.id in values
    if sent and (not one.writable or one.kind == "display"):
        raise ValueError("This field cannot be changed.")
    given = values[one.id] if sent else one.value
    value = one.convert(given, text_limit=text_limit) if one.kind != "display" else None
    if one.required and one.kind != "display" and (value is None or value == ""):
        raise ValueError("This field is required.")
    if value is None and not sent:
        return {}
    if one.target is None:
        raise ValueError(f"What is entered cannot be stored: '{one.expression}' is not the name of a variable.")
    return {one.target: value}


def _resolved(one: FormField, evaluate: Callable[[str], Any]) -> FormField:
    value = evaluate(one.value) if _is_expression(one.value) else one.value
    offered = evaluate(one.options_expression) if one.options_expression else None
    options = tuple(_option(o) for o in offered) if isinstance(offered, Sequence) and not isinstance(offered, str) else one.options
    return replace(one, value=value, options=options)


def _option(offered: Any) -> Option:
    if isinstance(offered, Mapping):
        name = str(offered.get("name", offered.get("id", "")))
        return Option(str(offered.get("id") or name), name)
    return Option(str(offered), str(offered))


def _initial(one: FormField, variables: Mapping[str, Any], evaluate: Callable[[str], Any]) -> Any:
    if one.expression and not one.variable:
        return evaluate(one.expression)
    if (one.target or one.id) in variables:
        return variables[one.target or one.id]
    return evaluate(one.value) if _is_expression(one.value) else one.value


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and ("${" in value or "#{" in value)


def _text(one: FormField, value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise ValueError("Enter a text.")
    if len(value) > limit:
        raise ValueError(f"This text is too long: {len(value)} characters, {limit} are allowed.")
    if "\0" in value or _SURROGATE.search(value):
        raise ValueError("This text holds characters that cannot be stored.")
    return value


def _integer(one: FormField, value: Any, limit: int) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError("Enter a whole number.")
    if value not in LONG:
        raise ValueError("This number is too large.")
    return Long(value)


def _number(one: FormField, value: Any, limit: int) -> float:
    if isinstance(value, str) and _DECIMAL.fullmatch(value.strip()):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("Enter a number.")
    number = float(value) if abs(value) < _LARGEST else math.inf
    if not math.isfinite(number):
        raise ValueError("This number is too large.")
    return number


def _boolean(one: FormField, value: Any, limit: int) -> bool:
    found = value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value).strip().lower())
    if found is None:
        raise ValueError("Enter true or false.")
    return found


def _moment(one: FormField, value: Any, limit: int) -> datetime:
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, date):
            return forms_dates.parse(value.isoformat(), "yyyy-MM-dd")
        return forms_dates.parse(str(value).strip()[:_LONGEST_DATE], one.pattern)
    except ValueError:
        raise ValueError(f"Enter a date like {one.pattern or forms_dates.DEFAULT}.") from None


def _date(one: FormField, value: Any, limit: int) -> date:
    if isinstance(value, datetime):
        return value.date()
    try:
        return value if isinstance(value, date) else date.fromisoformat(str(value).strip()[:_LONGEST_DATE])
    except ValueError:
        raise ValueError("Enter a date like yyyy-MM-dd.") from None


def _choice(one: FormField, value: Any, limit: int) -> str:
    text = _text(one, value, limit)
    if text not in {o.id for o in one.options}:
        raise ValueError("This is not one of the choices.")
    return text


_SURROGATE = re.compile("[\ud800-\udfff]")
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_DECIMAL = re.compile(r"[+-]?([0-9]{1,400}(\.[0-9]{0,400})?|\.[0-9]{1,400})([eE][+-]?[0-9]{1,4})?")
_LARGEST = 1e308
_LONGEST_DATE = 100

KINDS = {
    # of form properties
    "string": "text", "long": "integer", "double": "number", "enum": "choice",
    # of form JSON; its boolean is the same, its date is a day and read as `json-date`
    "text": "text", "multi-line-text": "long-text", "password": "password",
    "integer": "integer", "decimal": "number", "amount": "number",
    "boolean": "boolean", "date": "moment", "json-date": "date", "radio-buttons": "choice", "dropdown": "choice",
    "people": "person", "functional-group": "group",
    "expression": "display", "hyperlink": "display", "headline": "display", "headline-with-line": "display", "spacer": "display",
    "horizontal-line": "display",
}  # fmt: skip

_CONVERT: dict[str, Callable[[FormField, Any, int], Any]] = {
    "text": _text, "long-text": _text, "password": _text, "person": _text, "group": _text, "integer": _integer, "number": _number,
    "boolean": _boolean, "moment": _moment, "date": _date, "choice": _choice,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wanted:
    """A form key that a process names, where, and whether the node's own properties make a form even without it."""

    key: str
    element: str
    line: int
    optional: bool


def forms_wanted(graph: Graph) -> tuple[Wanted, ...]:
    """The form keys of a process; keys that are expressions are known only when they are reached, and left out."""
    found = ((node, node.detail) for node in graph.nodes.values() if isinstance(node.detail, Start | UserTask))
    return tuple(
        Wanted(detail.form_key, node.id, node.line, bool(detail.properties))
        for node, detail in found
        if detail.form_key and not _is_expression(detail.form_key)
    )


def missing_forms(
    graph: Graph, *, inside: Collection[str], deployed: Collection[str], file: str = ""
) -> tuple[list[Problem], list[Problem]]:
    """Problems and warnings about form keys that name no form, given the keys inside the archive and those deployed before.

    A key may be a text for another system's eyes (Flowable allows it), so it is only a warning; an archive that brings forms
    and misses this one has a mistake in it, most likely in the spelling.
    """
    missing = [w for w in forms_wanted(graph) if w.key not in inside and w.key not in deployed and not w.optional]
    notes = [Problem(f"there is no form with the key '{w.key}'", w.element, w.line, file or None) for w in missing]
    return (notes, []) if inside else ([], notes)
