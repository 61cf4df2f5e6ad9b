"""A FormSpec as a Django form: which control enters which kind of field. What is valid the engine decides in the end, for all doors alike.

Fields that cannot be written, and headlines and links between fields, are no controls: `parts()` gives everything in the form's order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.utils.formats import date_format, localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from engine.bpmn.forms import FormField, FormSpec
from engine.conf import settings as conf
from engine.errors import FormError

MOST_NAMES = 500  # offered to choose from; more would make the page heavy, and are typed
TIME_LETTERS = set("HhKkmsSa")


class Suggestions(forms.TextInput):
    """A text with names to choose from."""

    def __init__(self, names: Callable[[], list[str]]) -> None:
        super().__init__()
        self.names = names

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        ident = f"{(attrs or {}).get('id', name)}_names"
        offered = format_html_join("", '<option value="{}"></option>', ((n,) for n in self.names()))
        control = super().render(name, value, {**(attrs or {}), "list": ident}, renderer)
        return format_html('{}<datalist id="{}">{}</datalist>', control, ident, offered)


# -- one control a kind ---------------------------------------------------------------------------------------------------
def _text(one: FormField) -> forms.Field:
    return forms.CharField(validators=[_fits(one)])


def _long_text(one: FormField) -> forms.Field:
    return forms.CharField(widget=forms.Textarea(attrs={"rows": 4}), validators=[_fits(one)])


def _fits(one: FormField) -> Callable[[str], None]:
    """A limit that says so, where `maxlength` would cut off in silence what is pasted."""
    limit = min(one.max_length or conf.MAX_TEXT_FIELD, conf.MAX_TEXT_FIELD)

    def check(text: str) -> None:
        if len(text) > limit:
            said = _("This text is too long: %(length)d characters, %(limit)d are allowed.")
            raise ValidationError(said % {"length": len(text), "limit": limit})

    return check


def _password(one: FormField) -> forms.Field:
    return forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}), validators=[_fits(one)])


def _integer(one: FormField) -> forms.Field:
    return forms.IntegerField(widget=forms.NumberInput(attrs={"inputmode": "numeric"}))


def _number(one: FormField) -> forms.Field:
    made = forms.FloatField(widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}))
    made.unit = str(one.params.get("currency") or "$") if one.type == "amount" else ""  # type: ignore[attr-defined]
    return made


def _boolean(one: FormField) -> forms.Field:
    return forms.BooleanField()


def _date(one: FormField) -> forms.Field:
    return forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))


def _moment(one: FormField) -> forms.Field:
    if TIME_LETTERS.isdisjoint(one.pattern or ""):
        return _date(one)
    return forms.DateTimeField(widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M:%S", attrs={"type": "datetime-local", "step": "1"}))


def _choice(one: FormField) -> forms.Field:
    offered = [(option.id, option.name) for option in one.options]
    if one.type == "radio-buttons":
        return forms.ChoiceField(choices=offered, widget=forms.RadioSelect)
    return forms.ChoiceField(choices=[("", "–"), *offered])


def _person(one: FormField) -> forms.Field:
    users = get_user_model()._default_manager.filter(is_active=True)
    name = get_user_model().USERNAME_FIELD
    return forms.CharField(
        widget=Suggestions(lambda: list(users.order_by(name).values_list(name, flat=True)[:MOST_NAMES])),
        validators=[_exists(lambda text: users.filter(**{name: text}).exists(), gettext_lazy("There is nobody of this name."))],
    )


def _group(one: FormField) -> forms.Field:
    return forms.CharField(
        widget=Suggestions(lambda: list(Group.objects.order_by("name").values_list("name", flat=True)[:MOST_NAMES])),
        validators=[_exists(lambda text: Group.objects.filter(name=text).exists(), gettext_lazy("There is no group of this name."))],
    )


def _exists(found: Callable[[str], bool], message: Any) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not found(text):
            raise ValidationError(message)

    return check


CONTROLS: Mapping[str, Callable[[FormField], forms.Field]] = {
    "text": _text,
    "long-text": _long_text,
    "password": _password,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
    "date": _date,
    "moment": _moment,
    "choice": _choice,
    "person": _person,
    "group": _group,
}


# -- the form -------------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Shown:
    """A part of a form that is only read: `kind` is value, hyperlink, headline, headline-with-line, spacer or horizontal-line."""

    kind: str
    name: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A control to fill, or something to read; one of the two."""

    control: forms.BoundField | None = None
    shown: Shown | None = None


class EngineForm(forms.Form):
    """The form of a user task or of a start, with `initial` as the engine gives it."""

    def __init__(self, spec: FormSpec | None, *arguments: Any, locked: bool = False, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.spec, self.locked = spec, locked
        for one in spec.fields if spec else ():
            if one.writable and one.kind in CONTROLS:
                self.fields[one.id] = _control(one, locked)

    def parts(self) -> Iterator[Part]:
        """Everything there is to show, in the order of the form."""
        for one in self.spec.fields if self.spec else ():
            if one.id in self.fields:
                yield Part(control=self[one.id])
            elif one.readable:
                yield Part(shown=self._shown(one))

    def _shown(self, one: FormField) -> Shown:
        if one.type in ("headline", "headline-with-line", "spacer", "horizontal-line"):
            return Shown(one.type, one.name)
        value = self.initial.get(one.id)
        if one.type == "hyperlink":
            return Shown("hyperlink", one.name, safe_address(value or one.params.get("hyperlinkUrl")))
        return Shown("value", one.name, one.placeholder if value in (None, "") and one.placeholder else readable(one, value))

    def values(self) -> dict[str, Any]:
        """What was entered, by field id; what an empty field means the engine decides."""
        return dict(self.cleaned_data)

    def typed(self) -> dict[str, Any]:
        """What was typed, right or wrong, as a draft keeps it."""
        return {name: self[name].data for name, field in self.fields.items() if not isinstance(field.widget, forms.PasswordInput)}

    def refuse(self, error: FormError) -> None:
        """Take over what the engine has against the values, field by field."""
        for name, said in error.errors.items():
            for message in said:
                self.add_error(name if name in self.fields else None, _(message))


def _control(one: FormField, locked: bool) -> forms.Field:
    made = CONTROLS[one.kind](one)
    made.label, made.disabled = one.name, locked
    made.required = one.required and one.kind != "boolean"  # an unticked box is an answer too
    if one.placeholder:
        made.widget.attrs["placeholder"] = one.placeholder
    if not one.name:
        made.widget.attrs["aria-label"] = one.placeholder or one.id
    return made


# -- values for reading ---------------------------------------------------------------------------------------------------
def readable(one: FormField, value: Any) -> str:
    """A value as a person reads it."""
    match value:
        case None | "":
            return "–"
        case bool():
            return _("yes") if value else _("no")
        case datetime() | date():
            return date_format(value, "DATETIME_FORMAT" if isinstance(value, datetime) else "DATE_FORMAT")
        case float() | int():
            return str(localize(value))
    return next((option.name for option in one.options if option.id == value), str(value))


def safe_address(value: Any) -> str:
    """An address that may be linked to: a page, a mail address or a path of this site, never a script."""
    text = str(value or "").strip()
    return text if text.startswith(("https://", "http://", "mailto:")) or (text.startswith("/") and not text.startswith("//")) else ""
