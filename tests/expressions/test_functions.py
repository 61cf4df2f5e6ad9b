"""`variables:` functions forgive a missing variable; `date:` functions read, move and write dates."""

from datetime import UTC, datetime

import pytest

from engine.errors import ExpressionError
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse

VARIABLES = {"present": 3, "text": "Towpath", "nothing": None, "blank": "", "tags": ["red", 2, 2.5], "which": "present"}


def value_of(source: str) -> object:
    return evaluate(parse(source), VARIABLES.__getitem__, now=lambda: datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("${variables:get(present)}", 3), ("${variables:get('present')}", 3), ("${variables:get(missing)}", None),
        ("${variables:get(which.concat(''))}", 3), ("${variables:getOrDefault('missing',5)}", 5), ("${vars:getOrDefault(nothing, 5)}", 5),
        ("${variables:exists(present)}", True), ("${var:exists(missing)}", False), ("${vars:isEmpty('missing')}", True),
        ("${vars:empty(blank)}", True), ("${vars:isNotEmpty(text)}", True), ("${vars:notEmpty(missing)}", False),
        ("${var:equals(present,3)}", True), ("${var:eq(missing,3)}", False), ("${var:eq(missing,null)}", True),
        ("${variables:notEquals(missing,1)}", True), ("${variables:ne(present,3)}", False),
        ("${variables:contains(text,'path','Tow')}", True),
        ("${variables:contains(tags,'red',2)}", True), ("${variables:contains(tags,'blue')}", False),
        ("${variables:containsAny(tags,'blue',2.5)}", True), ("${variables:containsAny(missing,1)}", False),
        ("${var:gt(present,2) && var:lte(present,3)}", True), ("${var:lt(missing,10)}", False), ("${var:lessThan(present,10)}", True),
        ("${var:gte('present', 4)}", False), ("${variables:base64(text)}", "VG93cGF0aA=="), ("${variables:base64(missing)}", None),
    ],
)  # fmt: skip
def test_reads_a_variable_by_its_name(source: str, value: object) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("${date:toDate('2011-03-04')}", datetime(2011, 3, 4, tzinfo=UTC)),
        ("${date:format(date:toDate('2011-03-04T05:06:07+01:00'))}", "2011-03-04T04:06:07Z"),
        ("${date:format(date:toDate('2011-03-04T05:06:07Z'), \"dd.MM.yyyy 'at' HH:mm:ss.SSS\")}", "04.03.2011 at 05:06:07.000"),
        ("${date:addDate('2024-01-31', 0, 1, 1)}", datetime(2024, 3, 1, tzinfo=UTC)),
        ("${date:subtractDate('2024-02-29', 1, 0, 0)}", datetime(2023, 2, 28, tzinfo=UTC)),
        ("${date:now()}", datetime(2030, 1, 1, tzinfo=UTC)),
        ("${date:format(nothing)}", None),
    ],
)
def test_reads_moves_and_writes_dates(source: str, value: object) -> None:
    assert value_of(source) == value


@pytest.mark.parametrize("source", ["${var:what(x)}", "${other:get(x)}", "${var:get()}", "${vars:gt(x)}", "${date:toDate(1,2)}"])
def test_an_unknown_function_or_count_is_refused_when_parsed(source: str) -> None:
    with pytest.raises(ExpressionError):
        parse(source)


@pytest.mark.parametrize("source", ["${date:toDate('tomorrow')}", "${date:toDate(5)}", "${date:format('2011-03-04','QQQ')}",
                                    "${date:addDate('2024-01-31', 99999, 0, 0)}"])  # fmt: skip
def test_what_is_no_date_fails(source: str) -> None:
    with pytest.raises(ExpressionError):
        value_of(source)
