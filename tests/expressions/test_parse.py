"""Any text is a template or an ExpressionError with a position; nothing else comes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ExpressionError
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import LENGTH_LIMIT, parse


@pytest.mark.parametrize(
    ("source", "position"),
    [("${a +}", 5), ("${a b}", 4), ("${}", 2), ("ab ${a", 5), ("${'a}", 2), ("${a ; b}", 4), ("x ${1 2}", 6), ("${a.}", 4)],
)
def test_the_position_of_a_mistake_is_told(source: str, position: int) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse(source)
    assert refused.value.position == position


def test_braces_and_quotes_inside_texts_do_not_end_an_expression() -> None:
    assert evaluate(parse("""${'}'}${"it's"}${'say \\'hi\\''}"""), {}.__getitem__) == "}it'ssay 'hi'"


@pytest.mark.parametrize("source", ["${" + "(" * 5000 + "1" + ")" * 5000 + "}", "${!" + "(" * 70 + "a" + ")" * 70 + "}",
"x" * (LENGTH_LIMIT + 1),
                                    "${a" + "[a" * 100 + "]" * 100 + "}", "${" + "a?" * 100 + "b" + ":c" * 100 + "}"])  # fmt: skip
def test_what_is_too_long_or_too_deep_is_refused(source: str) -> None:
    with pytest.raises(ExpressionError):
        parse(source)


def test_long_chains_are_not_deep() -> None:
    assert evaluate(parse("${" + "+".join(["1"] * 5000) + "}"), {}.__getitem__) == 5000
    assert evaluate(parse("${" + " || ".join(["false"] * 1000) + "}"), {}.__getitem__) is False


def test_parsing_again_gives_the_same_template() -> None:
    assert parse("${a == 1}") is parse("${a == 1}")


PIECES = st.sampled_from(
    ["${", "#{", "}", "(", ")", "[", "]", ".", "a", "b", "1", "2.5", "'x'", '"', "'", "+", "-", "*", "/", "%", "==", "<", " and ", "||",
    "!", "?", ":",
     " ", ",", "empty ", "not ", "null", "true", "length()", "variables:get(a)", "date:now()", "\\", "size", "\n", "é", "0", "get("]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES).map("".join), st.lists(PIECES).map(lambda pieces: "${" + "".join(pieces) + "}")))
def test_any_text_parses_and_evaluates_or_raises_expression_error(source: str) -> None:
    variables = {"a": 3, "b": {"a": ["x", None, 2.5]}}
    try:
        evaluate(parse(source), variables.__getitem__)
    except ExpressionError:
        assert "$" in source or "#" in source
