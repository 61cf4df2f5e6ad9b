"""Variables have the types of the REST dialect, in both directions, and nothing unstorable gets in."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.expressions.values import BigInteger, Instant, Long, Short, checked, from_json, to_json, type_of

SECOND = datetime(2011, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "type_", "value", "written"),
    [
        ("häß & <b>", "string", "häß & <b>", "häß & <b>"), (42, "integer", 42, 42), (42.0, "integer", 42, 42), (7, "short", Short(7), 7),
        (123456789012, "long", Long(123456789012), 123456789012), (3, "long", Long(3), 3), (1.25, "double", 1.25, 1.25),
        (2, "double", 2.0, 2.0),
        (True, "boolean", True, True), ("2011-03-04T05:06:07Z", "date", SECOND, "2011-03-04T05:06:07Z"),
        ("2011-03-04", "date", datetime(2011, 3, 4, tzinfo=UTC), "2011-03-04T00:00:00Z"),
        ("2011-03-04T07:06:07+02:00", "date", SECOND, "2011-03-04T05:06:07Z"),
        ("2011-03-04T05:06:07.891Z", "date", SECOND + timedelta(milliseconds=891), "2011-03-04T05:06:07Z"),
        ("2011-03-04T05:06:07Z", "instant", Instant(2011, 3, 4, 5, 6, 7, tzinfo=UTC), "2011-03-04T05:06:07Z"),
        ("2011-03-04T05:06:07.891Z", "instant", Instant(2011, 3, 4, 5, 6, 7, 891_000, UTC), "2011-03-04T05:06:07.891Z"),
        ("2011-03-04", "localDate", date(2011, 3, 4), "2011-03-04"),
        ("2011-03-04T05:06:07", "localDateTime", datetime(2011, 3, 4, 5, 6, 7), "2011-03-04T05:06:07"),
        ({"a": [1, {"b": None}]}, "json", {"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}), (1.5, "bigDecimal", Decimal("1.5"), "1.5"),
        ("1234567890.123456789", "bigDecimal", Decimal("1234567890.123456789"), "1234567890.123456789"),
        (5, "bigInteger", BigInteger(5), "5"),
        ("99999999999999999999", "bigInteger", BigInteger(99999999999999999999), "99999999999999999999"),
        ("12345678-1234-5678-1234-567812345678", "uuid", UUID("12345678123456781234567812345678"), "12345678-1234-5678-1234-567812345678"),
        ("AAFi", "binary", b"\x00\x01b", "AAFi"),
    ],
)  # fmt: skip
def test_a_typed_value_comes_in_and_goes_out(raw: Any, type_: str, value: Any, written: Any) -> None:
    read = from_json(raw, type_, name="v")
    assert (read, type(read)) == (value, type(value))
    assert type_of(read) == type_
    assert to_json(read) == written
    assert type(to_json(read)) is type(written)


@pytest.mark.parametrize(
    ("raw", "type_"),
    [("x", "string"), (5, "integer"), (2**31, "long"), (2**63, "bigInteger"), (-(2**31), "integer"), (2.5, "double"), (False, "boolean"),
    (None, "null"),
     ([1], "json"), ({}, "json")],
)  # fmt: skip
def test_an_untyped_value_has_the_type_it_looks_like(raw: Any, type_: str) -> None:
    assert type_of(from_json(raw, None)) == type_


def test_null_fits_every_type() -> None:
    assert from_json(None, "integer") is None
    assert from_json(None, "date") is None


@pytest.mark.parametrize(
    ("raw", "type_"),
    [
        ("no number", "integer"), ("5", "integer"), (True, "integer"), (2.5, "integer"), (2**31, "integer"), (True, "long"),
        (2**63, "long"),
        (40_000, "short"), ("1.5", "double"), (True, "double"), (10**400, "double"), ("maybe", "boolean"), ("true", "boolean"),
        (1, "boolean"), (5, "string"),
        (["x"], "string"), ("tomorrow", "date"), (5, "date"), ("2011-13-01", "date"), ("0001-01-01T00:00:00+10:00", "date"), ("x",
        "localDate"),
        ("2011-03-04T05:06:07Z", "localDateTime"), ("x", "uuid"), (5, "uuid"), ("x", "bigDecimal"), ("NaN", "bigDecimal"), ("1e99999",
        "bigDecimal"),
        (True, "bigDecimal"), ("1.5", "bigInteger"), ("9" * 2001, "bigInteger"), ("***", "binary"), ("x", "strange"), ("x", ["string"]),
        ("x", ""),
        ("a\0b", None), ({"a\0": 1}, None), ([["\0"]], "json"), ("\ud800", None), (float("nan"), None), (float("inf"), "double"),
        ([float("nan")], None), (2**5000, None), ("x" * 100, None), ([0] * 200, None), ({"a": {"b": {"c": {"d": {"e": 1}}}}}, None),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_the_field_named(raw: Any, type_: Any) -> None:
    with pytest.raises(BadInput) as refused:
        from_json(raw, type_, name="v", depth=4, size=99 if type_ is None else 10_000)
    assert refused.value.field == "v"
    assert "'v'" in str(refused.value)


def test_deep_json_is_refused_without_recursion() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested deeper"):
        checked(deep, name="deep")


@pytest.mark.parametrize("value", [object(), [object()], {1: 2}, {"a": {3}}, [datetime(2024, 1, 1)], 1j, {1, 2}])
def test_foreign_objects_are_no_variables(value: Any) -> None:
    with pytest.raises(BadInput):
        checked(value, name="v")


def test_a_zone_is_written_as_utc() -> None:
    assert to_json(datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2023-12-31T23:00:00Z"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON, st.sampled_from([None, "string", "integer", "short", "long", "double", "boolean", "date", "instant", "localDate",
"localDateTime",
                              "bigDecimal", "bigInteger", "uuid", "json", "binary", "null", "odd"]))  # fmt: skip
def test_any_json_is_a_value_that_survives_or_bad_input(raw: Any, type_: str | None) -> None:
    try:
        value = from_json(raw, type_, name="v")
    except BadInput:
        return
    again = from_json(json.loads(json.dumps(to_json(value))), type_of(value))
    assert again == value or type_of(value) == "date"
