"""Expressions mean what they mean at Flowable, and reach nothing but what is offered to them."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from engine.errors import BpmnError, ExpressionError
from engine.expressions.evaluate import evaluate, evaluate_condition
from engine.expressions.parse import names, parse
from engine.expressions.values import type_of

VARIABLES = {
    "a": 7, "b": 2, "name": "Towpath", "padded": "  AbC ", "nothing": None, "digits": "10", "approved": True, "price": Decimal("1.10"),
    "order": {"customer": {"name": "alice"}, "paid": False, "lines": [{"what": "rope", "pieces": 2, "price": 1.5}, {"what": "sail"}]},
    "aaa": "a" * 40, "day": datetime(2024, 1, 31, 10, tzinfo=UTC), "items": [1, 2, 3], "none": [], "people": "alice;bob",
}  # fmt: skip


def value_of(source: str) -> object:
    return evaluate(parse(source), VARIABLES.__getitem__)


@pytest.mark.parametrize(
    ("source", "value", "kind"),
    [
        ("${a+b*2-1}", 10, "long"),
        ("${(a+b)*2}", 18, "long"),
        ("${a mod b}", 1, "long"),
        ("${-7 % 2}", -1, "long"),
        ("${7/2}", 3.5, "double"),
        ("${6 div 2}", 3.0, "double"),
        ("${-a}", -7, "integer"),
        ("${2147483647+1}", 2147483648, "long"),
        ("${9223372036854775807+1}", 9223372036854775808, "bigInteger"),
        ("${1}", 1, "long"),
        ("${1.5e1}", 15.0, "double"),
        ("${price*2}", Decimal("2.20"), "bigDecimal"),
        ("${digits*2}", 20, "long"),
        ("${'1.5'+1}", 2.5, "double"),
        ("${null}", None, "null"),
        ("${nothing+1}", 1, "long"),
        ("${null+null}", 0, "long"),
        ("${a gt b ? (a > 100 ? 'huge' : 'large') : 'little'}", "large", "string"),
        ("${nothing ? 'yes' : 'no'}", "no", "string"),
        ("#{name}", "Towpath", "string"),
        ("${order.lines[0].price*order.lines[0].pieces}", 3.0, "double"),
    ],
)
def test_arithmetic_yields_the_types_of_java(source: str, value: object, kind: str) -> None:
    result = value_of(source)
    assert result == value
    assert type_of(result) == kind


@pytest.mark.parametrize(
    "source",
    [
        "${a == 7 && b != 3}", "${a eq '7'}", "${digits > 9}", "${digits == 10}", "${'b' > 'a'}", "${not (a lt b)}", "${!(a le b)}",
        "${nothing == null}", "${!(nothing > 1)}", "${!(nothing < 1)}", "${null >= null}", "${empty nothing}", "${empty none}",
        "${not empty items}", "${empty ''}", "${approved == 'true'}", "${approved eq true}", "${price == 1.1}", "${price < 2}",
        "${!(true < false)}",
        "${a != b || missing}", "${!(a == b && missing)}", "${day > '2024-01-01'}", "${day.time > 0}", "${order.lines[-1].what == 'sail'}",
    ],
)  # fmt: skip
def test_holds(source: str) -> None:
    assert evaluate_condition(parse(source), VARIABLES.__getitem__) is True


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("${name.toUpperCase()}", "TOWPATH"), ("${name.length()}", 7), ("${name.substring(0,3)}", "Tow"), ("${name.isEmpty()}", False),
        ("${name.replace('path','line')}", "Towline"), ("${name.indexOf('p')}", 3), ("${padded.trim().toLowerCase()}", "abc"),
        ("${name.startsWith('Tow') && name.endsWith('x')}", False), ("${name.equalsIgnoreCase('TOWPATH')}", True),
        ("${name.contains('path')}", True), ("${people.split(';')[1]}", "bob"), ("${'a|b||'.split('\\\\|').size()}", 2),
        ("${'a'.concat(1)}", "a1"), ("${name.matches('T.*h')}", True), ("${name.replaceAll('[aeiou](.)', '<$1>')}", "T<w>p<t>h"),
        ("${'1 , 2,,'.split(' *, *').size()}", 2), ("${'a:b:c'.split(':', 2)[1]}", "b:c"), ("${null/null}", 0), ("${(1+1).isInt()}", True),
        ("${order.lines.size()}", 2), ("${order.customer.name}", "alice"),
        ("${order['customer']['name']}", "alice"),
        ("${order.get('paid').asBoolean()}", False), ("${order.path('customer').get('name').asText()}", "alice"), ("${order.gone}", None),
        ("${order.gone.deeper.call(1)}", None), ("${order.gone.isNull()}", True), ("${order.at('/lines/0/what')}", "rope"),
        ("${items.contains(2)}", True), ("${items[7]}", None), ("${items.indexOf(3)}", 2), ("${order.containsKey('paid')}", True),
        ("${a.toString()}", "7"), ("${a.doubleValue()}", 7.0), ("${day.plusMonths(1).toLocalDate().toString()}", "2024-02-29"),
        ("${name.empty}", False), ("${day.dayOfMonth}", 31),
    ],
)  # fmt: skip
def test_methods_answer_as_in_java(source: str, value: object) -> None:
    assert value_of(source) == value


def test_text_around_expressions_is_joined_and_null_is_empty() -> None:
    assert value_of("${name}, ${nothing}you are ${a}; ${7/2} #{order.customer}") == 'Towpath, you are 7; 3.5 {"name":"alice"}'


def test_the_value_of_an_expression_is_not_read_as_an_expression() -> None:
    assert evaluate(parse("<${x}>"), {"x": "${1+1}"}.__getitem__) == "<${1+1}>"


def test_a_backslash_keeps_an_expression_as_text() -> None:
    assert value_of(r"\${a} costs \#{b} $5") == "${a} costs #{b} $5"


def test_doubles_are_written_as_java_writes_them() -> None:
    assert value_of("${1.0} ${10000000.0} ${0.0001} ${12345678.5}") == "1.0 1.0E7 1.0E-4 1.23456785E7"


def test_an_unknown_variable_fails_and_is_named() -> None:
    with pytest.raises(ExpressionError, match=r"Unknown property used in expression: missing"):
        value_of("${missing == 1}")


@pytest.mark.parametrize(
    "source",
    [
        "${1/0}", "${1%0}", "${a.nonsense()}", "${name.nonsense}", "${10%name}", "${name == 1}", "${a && true}", "${name.substring(5,99)}",
        "${aaa.matches('(a+)+b')}", "${name.matches('(')}", "${name.replaceAll('[', '')}", "${1e400}", "${items.get(9)}",
        "${name.length(1)}", "${order < 1}", "${name.__class__}", "${a.__add__(1)}",
        "${items.append(4)}", "${order.lines.clear()}", "${'x'.format(a)}", "${approved + 1}", "${1e308*10}",
    ],
)  # fmt: skip
def test_fails(source: str) -> None:
    with pytest.raises(ExpressionError):
        value_of(source)


def test_numbers_and_texts_cannot_grow_without_bounds() -> None:
    with pytest.raises(ExpressionError, match="too large"):
        evaluate(parse("${" + "*".join(["x"] * 200) + "}"), {"x": 10**18}.__getitem__)
    with pytest.raises(ExpressionError, match="longer than"):
        evaluate(parse("${x" + ".replace('a',x)" * 30 + "}"), {"x": "a" * 50}.__getitem__)


class Bean:
    expression_names = frozenset({"greet", "fail", "rank"})
    rank = 3
    secret = "s3cret"

    def greet(self, who: str) -> str:
        return f"Hello {who}"

    def fail(self) -> None:
        raise BpmnError("sold-out")


def test_an_object_shows_only_the_names_it_declares() -> None:
    lookup = {"bean": Bean()}.__getitem__
    assert evaluate(parse("${bean.greet('bob')} ${bean.rank}"), lookup) == "Hello bob 3"
    for source in ("${bean.secret}", "${bean.__class__}", "${bean.__init__()}", "${bean['secret']}", "${bean.greet.__self__}"):
        with pytest.raises(ExpressionError):
            evaluate(parse(source), lookup)


def test_a_business_error_of_an_object_passes_through() -> None:
    with pytest.raises(BpmnError, match="sold-out"):
        evaluate(parse("${bean.fail()}"), {"bean": Bean()}.__getitem__)


@pytest.mark.parametrize("source", ["${a}", "${nothing}", "${name}", "${order}", "a > 1"])
def test_a_condition_must_be_a_boolean(source: str) -> None:
    with pytest.raises(ExpressionError, match="not a Boolean"):
        evaluate_condition(parse(source), VARIABLES.__getitem__)


def test_a_condition_may_be_the_text_true_or_false() -> None:
    assert evaluate_condition(parse("${x}"), {"x": "true"}.__getitem__) is True
    assert evaluate_condition(parse("false"), {}.__getitem__) is False


def test_the_names_that_are_read_include_those_in_functions() -> None:
    assert names(parse("${a.b[c] + variables:get(d) + vars:getOrDefault('e', f)} ${x ? y : 'z'}")) == set("acdefxy")
    assert parse("plain").is_literal
    assert not parse("${a}").is_literal
