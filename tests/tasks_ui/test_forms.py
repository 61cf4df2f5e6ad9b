"""From a FormSpec to controls, and from what was entered to values."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.utils import translation

from engine.bpmn.forms import FormField, FormSpec, Option
from tasks_ui.forms import EngineForm, safe_address

SIZES = (Option("s", "Small"), Option("l", "Large"))


def form(*fields: FormField, data: dict[str, Any] | None = None, **more: Any) -> EngineForm:
    return EngineForm(FormSpec("key", "Name", fields), data, **more)


def shown(one: FormField, value: Any = None) -> str:
    made = form(one, initial={} if value is None else {one.id: value})
    return str(made[one.id])


@pytest.mark.parametrize(
    ("kind", "control"),
    [
        ("text", '<input type="text"'),
        ("multi-line-text", "<textarea"),
        ("password", '<input type="password"'),
        ("integer", '<input type="number"'),
        ("decimal", 'step="any"'),
        ("amount", 'step="any"'),
        ("boolean", '<input type="checkbox"'),
        ("json-date", '<input type="date"'),
        ("date", '<input type="date"'),
        ("radio-buttons", '<input type="radio"'),
        ("dropdown", "<select"),
        ("enum", "<select"),
    ],
)
def test_each_type_has_its_control(kind: str, control: str) -> None:
    assert control in shown(FormField(id="a", name="A", type=kind, options=SIZES))


def test_a_date_with_a_time_in_its_pattern_is_entered_with_the_time() -> None:
    assert 'type="datetime-local"' in shown(FormField(id="a", type="date", pattern="dd.MM.yyyy HH:mm"))


@pytest.mark.django_db
def test_people_and_groups_are_suggested_by_name(alice: User) -> None:
    Group.objects.create(name="kitchen")
    assert '<option value="alice">' in shown(FormField(id="a", type="people"))
    assert '<option value="kitchen">' in shown(FormField(id="a", type="functional-group"))


@pytest.mark.django_db
def test_somebody_who_is_not_there_is_refused(alice: User) -> None:
    field = FormField(id="a", name="A", type="people")
    assert form(field, data={"a": "alice"}).is_valid()
    assert form(field, data={"a": "nobody"}).errors["a"] == ["There is nobody of this name."]


@pytest.mark.parametrize(
    ("kind", "typed", "value"),
    [
        ("text", " Alice ", "Alice"),
        ("integer", "42", 42),
        ("decimal", "2.5", 2.5),
        ("json-date", "2026-05-04", date(2026, 5, 4)),
        ("boolean", "on", True),
        ("dropdown", "l", "l"),
        ("integer", "", None),
        ("text", "", ""),
    ],
)
def test_what_is_entered_becomes_a_value(kind: str, typed: str, value: Any) -> None:
    made = form(FormField(id="a", type=kind, options=SIZES), data={"a": typed})
    assert made.is_valid()
    assert made.values() == {"a": value}


@pytest.mark.parametrize(("kind", "typed"), [("integer", "4.2"), ("decimal", "a lot"), ("json-date", "tomorrow"), ("dropdown", "xl")])
def test_what_is_no_such_value_is_refused(kind: str, typed: str) -> None:
    assert not form(FormField(id="a", type=kind, options=SIZES), data={"a": typed}).is_valid()


def test_a_box_that_is_not_ticked_is_an_answer() -> None:
    made = form(FormField(id="a", type="boolean", required=True), data={})
    assert made.is_valid()
    assert made.values() == {"a": False}


def test_blanks_are_no_answer_to_a_required_field() -> None:
    assert not form(FormField(id="a", required=True), data={"a": "   "}).is_valid()


def test_a_placeholder_names_a_field_that_has_no_name() -> None:
    control = shown(FormField(id="a", type="multi-line-text", placeholder="Thanks for your order!"))
    assert 'placeholder="Thanks for your order!"' in control
    assert 'aria-label="Thanks for your order!"' in control


def test_what_cannot_be_written_is_text_and_what_cannot_be_read_is_not_there() -> None:
    made = form(
        FormField(id="a", name="A", writable=False), FormField(id="b", writable=False, readable=False), FormField(id="c"),
        initial={"a": "seen"},
    )  # fmt: skip
    assert [(part.shown.text if part.shown else part.control.name) for part in made.parts()] == ["seen", "c"]  # type: ignore[union-attr]
    assert list(made.fields) == ["c"]


def test_values_are_read_as_a_person_writes_them() -> None:
    fields = [
        FormField(id="when", type="json-date", writable=False),
        FormField(id="size", type="dropdown", options=SIZES, writable=False),
        FormField(id="hot", type="boolean", writable=False),
        FormField(id="none", writable=False),
    ]
    made = form(*fields, initial={"when": date(2026, 5, 4), "size": "l", "hot": True})
    with translation.override("de"):
        assert [part.shown.text for part in made.parts() if part.shown] == ["4. Mai 2026", "Large", "ja", "–"]


def test_what_is_only_read_and_has_no_value_shows_its_placeholder() -> None:
    made = form(FormField(id="a", type="multi-line-text", writable=False, placeholder="Thanks for your order!"))
    assert [part.shown.text for part in made.parts() if part.shown] == ["Thanks for your order!"]


def test_headlines_lines_and_links_are_shown_in_their_place() -> None:
    link = FormField(id="l", name="Menu", type="hyperlink", params={"hyperlinkUrl": "https://example.org/menu"})
    made = form(FormField(id="h", name="Order", type="headline"), FormField(id="a"), link)
    parts = [(p.shown.kind, p.shown.text) if p.shown else "control" for p in made.parts()]
    assert parts == [("headline", ""), "control", ("hyperlink", "https://example.org/menu")]


@pytest.mark.parametrize("address", ["javascript:alert(1)", " JavaScript:alert(1)", "//evil.example", "data:text/html,x", None])
def test_an_address_that_is_none_is_not_linked_to(address: str | None) -> None:
    assert safe_address(address) == ""


def test_what_a_model_says_is_escaped() -> None:
    made = form(FormField(id="a", name="<script>", placeholder='"><script>', type="dropdown", options=(Option("<b>", "<b>"),)))
    assert "<script>" not in str(made["a"])
    assert "<b>" not in str(made["a"])


def test_no_control_cuts_off_what_is_pasted() -> None:
    assert "maxlength" not in shown(FormField(id="a", max_length=10))
    made = form(FormField(id="a", max_length=10), data={"a": "x" * 11})
    assert made.errors["a"] == ["This text is too long: 11 characters, 10 are allowed."]
