"""A form takes texts or typed values, gives typed variables, and says all that is wrong at once, field by field."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.bpmn import forms_dates, forms_read
from engine.bpmn.forms import FormField, FormSpec, Option, forms_wanted, missing_forms
from engine.bpmn.graph import FormProperty
from engine.bpmn.limits import Limits
from engine.errors import DeploymentError, FormError
from engine.expressions.values import Long, type_of
from tests.bpmn.models import ext, line, read


def form(*properties: FormProperty) -> FormSpec:
    return forms_read.from_properties(properties)


ORDER = form(
    FormProperty("customer", "Customer", required=True),
    FormProperty("pieces", type="long", variable="count"),
    FormProperty("express", type="boolean", default="true"),
    FormProperty("colour", type="enum", options=(("red", "Red"), ("blue", "Blue"))),
    FormProperty("day", type="date", pattern="yyyy-MM-dd"),
    FormProperty("limit", type="long", expression="${maximum}", writable=False),
    FormProperty("secret", readable=False),
    FormProperty("rate", type="double"),
)


def messages(spec: FormSpec, values: dict[str, Any], **how: Any) -> dict[str, list[str]]:
    with pytest.raises(FormError) as refusal:
        spec.validate(values, strict=how.pop("strict", True), **how)
    return refusal.value.errors


def test_makes_typed_variables_of_texts() -> None:
    sent = {"customer": "Ann", "pieces": "3", "express": "false", "colour": "blue", "day": "2011-12-24", "rate": "9.5", "secret": "x"}
    made = ORDER.validate(sent, strict=True)
    assert made == {
        "customer": "Ann", "count": 3, "express": False, "colour": "blue", "day": datetime(2011, 12, 24, tzinfo=UTC), "rate": 9.5,
        "secret": "x",
    }  # fmt: skip
    assert {name: type_of(value) for name, value in made.items()} == {
        "customer": "string", "count": "long", "express": "boolean", "colour": "string", "day": "date", "rate": "double",
        "secret": "string",
    }  # fmt: skip


def test_takes_values_that_are_typed_already() -> None:
    sent = {"customer": "Ann", "pieces": 3, "express": False, "day": date(2011, 12, 24), "rate": 9}
    assert ORDER.validate(sent, strict=True) == {
        "customer": "Ann", "count": 3, "express": False, "day": datetime(2011, 12, 24, tzinfo=UTC), "rate": 9.0}  # fmt: skip


def test_takes_the_default_of_a_field_that_was_not_sent_and_leaves_out_the_rest() -> None:
    assert ORDER.validate({"customer": "Ann"}, strict=True) == {"customer": "Ann", "express": True}


def test_keeps_unknown_fields_as_variables_unless_strict() -> None:
    assert ORDER.validate({"customer": "Ann", "extra": "kept"}, strict=False)["extra"] == "kept"
    assert messages(ORDER, {"customer": "Ann", "extra": "kept"}) == {"extra": ["There is no such field in this form."]}


def test_says_all_that_is_wrong_at_once() -> None:
    sent = {"pieces": "many", "express": "maybe", "colour": "giant", "day": "soon", "limit": "9", "rate": "much"}
    assert messages(ORDER, sent) == {
        "customer": ["This field is required."],
        "pieces": ["Enter a whole number."],
        "express": ["Enter true or false."],
        "colour": ["This is not one of the choices."],
        "day": ["Enter a date like yyyy-MM-dd."],
        "limit": ["This field cannot be changed."],
        "rate": ["Enter a number."],
    }


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("customer", "", "This field is required."),
        ("customer", None, "This field is required."),
        ("customer", "x" * 4001, "This text is too long: 4001 characters, 4000 are allowed."),
        ("customer", "a\0b", "This text holds characters that cannot be stored."),
        ("customer", "\ud800", "This text holds characters that cannot be stored."),
        ("customer", 5, "Enter a text."),
        ("pieces", "9" * 19, "This number is too large."),
        ("pieces", True, "Enter a whole number."),
        ("pieces", 1.5, "Enter a whole number."),
        ("pieces", "1" * 5000, "Enter a whole number."),
        ("rate", "1e999", "This number is too large."),
        ("rate", 10**400, "This number is too large."),
        ("rate", "nan", "Enter a number."),
        ("day", "2011-02-30", "Enter a date like yyyy-MM-dd."),
        ("colour", ["red"], "Enter a text."),
    ],
)  # fmt: skip
def test_refuses_a_wrong_value(name: str, value: Any, said: str) -> None:
    assert messages(ORDER, {"customer": "Ann", name: value}) == {name: [said]}


def test_takes_an_empty_text_for_nothing() -> None:
    assert ORDER.validate({"customer": "Ann", "pieces": "", "day": "", "colour": ""}, strict=True)["count"] is None


def test_the_limit_of_a_text_is_the_smaller_one() -> None:
    spec = FormSpec("k", "n", (FormField(id="a", max_length=3),))
    assert messages(spec, {"a": "four"}) == {"a": ["This text is too long: 4 characters, 3 are allowed."]}
    assert messages(spec, {"a": "abc"}, text_limit=2) == {"a": ["This text is too long: 3 characters, 2 are allowed."]}


def test_writes_through_an_expression_that_names_a_variable() -> None:
    assert form(FormProperty("a", expression="#{ b }")).validate({"a": "x"}, strict=True) == {"b": "x"}
    assert messages(form(FormProperty("a", expression="${b.c}")), {"a": "x"}) == {
        "a": ["What is entered cannot be stored: '${b.c}' is not the name of a variable."]}  # fmt: skip


def test_shows_what_the_variables_hold_when_it_opens() -> None:
    values = {"${maximum}": Long(10), "${today}": "2011-03-04"}
    spec = form(
        FormProperty("pieces", variable="count"), FormProperty("limit", expression="${maximum}"), FormProperty("secret", readable=False),
        FormProperty("day", type="date", default="${today}"),
    )  # fmt: skip
    assert spec.initial({"count": 3}, values.__getitem__) == {"pieces": 3, "limit": 10, "day": "2011-03-04"}


def test_a_default_that_is_an_expression_is_evaluated_before() -> None:
    spec = form(FormProperty("n", type="long", default="${x}")).resolved({"${x}": 7}.__getitem__)
    assert spec.validate({}, strict=True) == {"n": 7}


def test_options_may_come_from_an_expression() -> None:
    field = FormField(id="p", type="dropdown", options_expression="${pizzas}")
    spec = FormSpec("k", "n", (field,)).resolved(lambda _: ["Funghi", {"id": "c", "name": "Capricciosa"}])
    assert spec.fields[0].options == (Option("Funghi", "Funghi"), Option("c", "Capricciosa"))
    assert spec.validate({"p": "c"}, strict=True) == {"p": "c"}


@pytest.mark.parametrize(
    ("field", "value", "shown"),
    [
        (FormField(id="a", type="date", pattern="dd-MM-yyyy"), datetime(2011, 12, 4, tzinfo=UTC), "04-12-2011"),
        (FormField(id="a", type="date"), datetime(2011, 12, 4, tzinfo=UTC), "04/12/2011"),
        (FormField(id="a", type="json-date"), date(2011, 12, 4), "2011-12-04"),
        (FormField(id="a", type="boolean"), True, "true"),
        (FormField(id="a", type="long"), 12, "12"),
        (FormField(id="a", type="double"), 9.5, "9.5"),
        (FormField(id="a", type="string"), "x", "x"),
    ],
)
def test_shows_a_value_as_a_text_that_it_reads_back(field: FormField, value: Any, shown: str) -> None:
    assert field.shown(value) == shown
    assert field.convert(shown) == value
    assert field.shown(None) is None


@pytest.mark.parametrize("pattern", ["qq", "'open", "x" * 200, "yyyyy"])
def test_refuses_date_patterns_it_cannot_read(pattern: str) -> None:
    with pytest.raises(ValueError, match="date pattern"):
        forms_dates.python_format(pattern)


def test_reads_quoted_and_percent_signs_in_date_patterns() -> None:
    assert forms_dates.parse("at 5 o%, 24.12.99", "'at' H 'o'%, dd.MM.yy") == datetime(1999, 12, 24, 5, tzinfo=UTC)


_NUMBERS = st.integers() | st.floats()
_VALUES = st.none() | st.booleans() | _NUMBERS | st.text() | st.dates() | st.datetimes() | st.lists(st.integers(), max_size=2)


@given(st.dictionaries(st.sampled_from([f.id for f in ORDER.fields]) | st.text(max_size=5), _VALUES), st.booleans())
def test_any_values_make_variables_or_a_form_error(values: dict[str, Any], strict: bool) -> None:
    try:
        made = ORDER.validate(values, strict=strict)
    except FormError as error:
        assert set(error.errors) <= {*values, "customer"}  # noqa: PT017 - which of both happens is hypothesis' choice
    else:
        assert made["customer"]


# --- form JSON ------------------------------------------------------------------------------------------------------------------

PLAIN = {
    "key": "vacation", "name": "Vacation", "outcomeVariableName": "verdict",
    "outcomes": [{"id": "ok", "name": "Accept"}, {"id": None, "name": "Reject"}],
    "fields": [
        {"fieldType": "FormField", "id": "days", "name": "Days", "type": "integer", "required": True, "placeholder": "How many?"},
        {"fieldType": "FormContainer", "id": "c", "type": "container", "fields": {
            "1": [{"id": "from", "type": "date"}], "2": [{"id": "why", "type": "multi-line-text", "params": {"maxLength": "5"}}]}},
        {"fieldType": "OptionFormField", "id": "kind", "type": "dropdown", "value": "Please choose", "hasEmptyValue": True,
         "options": [{"id": "e", "name": "Please choose"}, {"id": None, "name": "Paid"}, {"id": "u", "name": "Unpaid"}]},
        {"fieldType": "ExpressionFormField", "type": "expression", "id": "hint", "expression": "Dear ${who}"},
        {"id": "note", "type": "text", "readOnly": True},
    ],
}  # fmt: skip


def loaded(model: object) -> FormSpec:
    return forms_read.from_json(json.dumps(model).encode())


@pytest.mark.parametrize("exported", [False, True])
def test_reads_form_json_plain_and_as_exported(exported: bool) -> None:
    spec = loaded({"id": "1", "key": "vacation", "name": "Vacation", "editorJson": PLAIN} if exported else PLAIN)
    assert (spec.key, spec.name, spec.outcome_variable) == ("vacation", "Vacation", "verdict")
    assert [(f.id, f.kind) for f in spec.fields] == [
        ("days", "integer"), ("from", "date"), ("why", "long-text"), ("kind", "choice"), ("hint", "display"), ("note", "text"),
    ]  # fmt: skip
    assert spec.outcomes == (Option("ok", "Accept"), Option("Reject", "Reject"))
    days, kind, note = (spec.field(n) for n in ("days", "kind", "note"))
    assert days
    assert kind
    assert note
    assert (days.required, days.placeholder) == (True, "How many?")
    assert (kind.options, kind.value, kind.placeholder) == ((Option("Paid", "Paid"), Option("u", "Unpaid")), None, "Please choose")
    assert not note.writable


def test_makes_variables_of_form_json() -> None:
    spec = loaded(PLAIN)
    made = spec.validate({"days": "3", "from": "2011-12-24", "why": "tired", "kind": "Paid"}, strict=True, outcome="ok")
    assert made == {"days": 3, "from": date(2011, 12, 24), "why": "tired", "kind": "Paid", "verdict": "ok"}
    assert type_of(made["days"]) == "long"
    assert type_of(made["from"]) == "localDate"
    assert messages(spec, {"days": 1, "why": "exhausted", "hint": "x", "note": "x"}, outcome="maybe") == {
        "why": ["This text is too long: 9 characters, 5 are allowed."],
        "hint": ["This field cannot be changed."],
        "note": ["This field cannot be changed."],
        "outcome": ["This form has no such outcome."],
    }


def test_the_outcome_has_a_variable_of_its_own() -> None:
    spec = loaded({"key": "k", "fields": [], "outcomes": [{"name": "Yes"}]})
    assert spec.validate({}, strict=True, outcome="Yes") == {"form_k_outcome": "Yes"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "not readable as JSON"),
        (b"[]", "a form must be a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"key": NaN}', "NaN is not JSON"),
        (b'{"fields": []}', "the form needs a key"),
        (b'{"key": 5, "fields": []}', "'key' must be a text, not 5"),
        (b'{"key": "k"}', "the form needs a list of fields"),
        (b'{"key": "k", "fields": [5]}', "the form needs a list of fields, each an object"),
        (b'{"key": "k", "fields": [{"type": "text"}]}', "field 1 needs an id"),
        (b'{"key": "k", "fields": [{"id": "a"}, {"id": "a"}]}', "the field 'a' is declared twice"),
        (b'{"key": "k", "fields": [{"id": "a", "type": "hologram"}]}', "field a: unknown type 'hologram'"),
        (b'{"key": "k", "fields": [{"id": "a", "type": "upload"}]}', "field a: files cannot be uploaded in a form"),
        (b'{"key": "k", "fields": [{"id": "a", "type": "dropdown", "options": [{}]}]}', "each of the options of field a needs a name"),
        (b'{"key": "k", "fields": [' + b'{"id": "a"},' * 1001 + b"{}]}", "too many fields: 1002, 1000 are allowed"),
    ],
)  # fmt: skip
def test_refuses_what_is_no_form(data: bytes, said: str) -> None:
    with pytest.raises(DeploymentError) as refusal:
        forms_read.from_json(data, file="a.form")
    assert said in str(refusal.value)
    assert {p.file for p in refusal.value.problems} == {"a.form"}


def test_refuses_a_form_that_is_too_large() -> None:
    with pytest.raises(DeploymentError, match="the form is too large: 11 bytes, 10 are allowed"):
        forms_read.from_json(b'{"key": ""}', limits=Limits(form_size=10))


_KEYS = st.sampled_from(["key", "fields", "id", "type", "options", "params", "outcomes", "value", "name", "editorJson"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["container", "dropdown", "date"])
_JSON = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=5))


@given(_JSON)
def test_any_json_is_a_form_or_refused(model: object) -> None:
    try:
        loaded(model)
    except DeploymentError as error:
        assert error.problems  # noqa: PT017 - which of both happens is hypothesis' choice


# --- the forms that a process wants -----------------------------------------------------------------------------------------------


def test_a_form_key_without_a_form_is_a_warning_unless_forms_came_along() -> None:
    property = ext('<flowable:formProperty id="x"/>')
    graph = read(line('<userTask id="a" flowable:formKey="order"/>', '<userTask id="b" flowable:formKey="${key}"/>',
                      f'<userTask id="c" flowable:formKey="own">{property}</userTask>'))  # fmt: skip
    assert [(w.key, w.element) for w in forms_wanted(graph)] == [("order", "a"), ("own", "c")]
    problems, warnings = missing_forms(graph, inside=(), deployed=())
    assert (problems, [str(w) for w in warnings]) == ([], ["line 5, a: there is no form with the key 'order'"])
    problems, warnings = missing_forms(graph, inside={"ordr"}, deployed=(), file="p.bpmn")
    assert ([str(p) for p in problems], warnings) == (["p.bpmn, line 5, a: there is no form with the key 'order'"], [])
    assert missing_forms(graph, inside={"x"}, deployed={"order"}) == ([], [])
