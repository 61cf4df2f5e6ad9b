"""Where forms come from: the form JSON of Flowable (plain, or the modeler's export with `editorJson`), and `formProperty` lists."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from engine.bpmn.forms import KINDS, FormField, FormSpec, Option
from engine.bpmn.graph import FormProperty
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError, Problem

REFUSED = {"upload": "files cannot be uploaded in a form"}
_DATES = {"date": "json-date"}  # a date of form JSON is a day, that of a form property a moment


def from_properties(properties: tuple[FormProperty, ...], *, key: str = "", name: str = "") -> FormSpec:
    """The form that the `formProperty` list of a start event or user task makes."""
    return FormSpec(key, name, tuple(_from_property(p) for p in properties))


def _from_property(p: FormProperty) -> FormField:
    return FormField(
        id=p.id,
        name=p.name or p.id,
        type=p.type,
        required=p.required,
        readable=p.readable,
        writable=p.writable,
        value=p.default,
        options=tuple(Option(i, n) for i, n in p.options),
        expression=p.expression,
        variable=p.variable,
        pattern=p.pattern,
    )


def from_json(data: bytes, *, file: str = "", limits: Limits = Limits()) -> FormSpec:  # noqa: B008 - frozen
    """A form of Flowable's form JSON; raises DeploymentError with all problems. The key is the form's own, not the file's name."""
    form = _loaded(data, file, limits)
    inside = form.get("editorJson")
    model = inside if isinstance(inside, dict) else form
    problems: list[str] = []
    key = _string(model, "key", problems) or _string(form, "key", problems)
    if not key:
        problems.append("the form needs a key")
    if len(key) > limits.id_length:
        problems.append(f"the form's key is longer than {limits.id_length} characters")
    written = list(_flat(model.get("fields"), problems))
    if len(written) > limits.form_fields:
        problems.append(f"the form has too many fields: {len(written)}, {limits.form_fields} are allowed")
    fields = tuple(_field(f, number, problems) for number, f in enumerate(written[: limits.form_fields], 1))
    problems += [f"the field '{name}' is declared twice" for name, times in Counter(f.id for f in fields).items() if times > 1]
    outcomes = tuple(_options(model.get("outcomes"), "outcomes", problems))
    spec = FormSpec(
        key,
        _string(form, "name", problems) or _string(model, "name", problems) or key,
        fields,
        outcomes,
        _string(model, "outcomeVariableName", problems) or None,
    )
    if problems:
        raise DeploymentError([Problem(p, key or None, None, file or None) for p in problems])
    return spec


def is_form(data: bytes) -> bool:
    """Whether a JSON file is a form rather than something else; it may still be a wrong one."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return False
    inside = found.get("editorJson", found) if isinstance(found, dict) else None
    return isinstance(inside, dict) and isinstance(inside.get("fields"), list)


def _loaded(data: bytes, file: str, limits: Limits) -> dict[str, Any]:
    said = ""
    if len(data) > limits.form_size:
        said = f"the form is too large: {len(data)} bytes, {limits.form_size} are allowed"
    else:
        try:
            found = json.loads(data, parse_constant=_no_constant)
            if isinstance(found, dict):
                return found
            said = "a form must be a JSON object"
        except RecursionError:
            said = "the form is nested too deeply"
        except ValueError as error:
            said = f"not readable as JSON: {error}"
    raise DeploymentError([Problem(said, None, None, file or None)])


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _flat(fields: Any, problems: list[str]) -> Iterator[Mapping[str, Any]]:
    """The fields in reading order; containers are opened, row by row. A stack, not recursion: they may nest."""
    todo = [fields]
    while todo:
        found = todo.pop(0)
        if isinstance(found, list):
            todo[:0] = found
        elif not isinstance(found, dict):
            if found is not None or fields is None:
                problems.append("the form needs a list of fields, each an object")
        elif found.get("type") == "container" or found.get("fieldType") == "FormContainer":
            columns = found.get("fields")
            todo[:0] = list(columns.values()) if isinstance(columns, dict) else [columns]
        else:
            yield found


def _field(written: Mapping[str, Any], number: int, problems: list[str]) -> FormField:
    kind = _string(written, "type", problems) or "text"
    name = _string(written, "id", problems)
    if kind in REFUSED or kind not in KINDS:
        problems.append(f"field {name or number}: {REFUSED.get(kind, f'unknown type {kind[:50]!r}')}")
        kind = "text"
    kind = _DATES.get(kind, kind)
    if not name and KINDS[kind] != "display":
        problems.append(f"field {number} needs an id")
    options = list(_options(written.get("options"), f"options of field {name or number}", problems))
    empty = options.pop(0) if written.get("hasEmptyValue") is True and options else None
    params = written.get("params")
    params = params if isinstance(params, dict) else {}
    return FormField(
        id=name or f"field-{number}",
        name=_string(written, "name", problems),
        type=kind,
        required=written.get("required") is True,
        writable=written.get("readOnly") is not True,
        value=_default(written.get("value"), empty),
        placeholder=_string(written, "placeholder", problems) or (empty.name if empty else ""),
        options=tuple(options),
        options_expression=_string(written, "optionsExpression", problems) or None,
        expression=None,
        max_length=_length(params),
        params={**params, **_shown(written, problems)},
    )


def _shown(written: Mapping[str, Any], problems: list[str]) -> dict[str, Any]:
    """What a display field shows, and a currency, beside the parameters."""
    return {name: text for name in ("expression", "currency") if (text := _string(written, name, problems))}


def _default(value: Any, empty: Option | None) -> Any:
    """The default; the text of the empty choice is none."""
    return None if empty and value in (empty.id, empty.name) else value


def _length(params: Mapping[str, Any]) -> int | None:
    length = params.get("maxLength")
    text = str(length) if isinstance(length, int | str) and not isinstance(length, bool) else ""
    return int(text) if text.isdecimal() and len(text) < _DIGITS and int(text) else None


_DIGITS = 10


def _options(written: Any, what: str, problems: list[str]) -> Iterator[Option]:
    """Choices or outcomes; an id that is null is the name."""
    for one in written if isinstance(written, list) else []:
        name = _string(one, "name", problems) if isinstance(one, dict) else ""
        key = (_string(one, "id", problems) if isinstance(one, dict) else "") or name
        if not key:
            problems.append(f"each of the {what} needs a name")
        yield Option(key, name or key)


def _string(written: Mapping[str, Any], name: str, problems: list[str]) -> str:
    """A text of the form, empty for null."""
    text = written.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        problems.append(f"'{name}' must be a text, not {str(text)[:50]}")
        return ""
    return text
