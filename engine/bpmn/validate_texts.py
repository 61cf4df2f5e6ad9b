"""Every expression and script of a file is parsed once here, so that a wrong one is found at deployment and not when a user meets it."""

from __future__ import annotations

from engine.bpmn.parse_reading import Reading, Text
from engine.errors import ExpressionError
from engine.expressions import parse as expressions


def check(reading: Reading) -> None:
    """Note each text that cannot be parsed, with its line in the file."""
    for text in reading.texts:
        if text.language is None:
            _expression(text, reading)


def _expression(text: Text, reading: Reading) -> None:
    try:
        expressions.parse(text.source)
    except ExpressionError as error:
        if text.lenient:
            reading.warn(f"wrong expression, the text will appear as written: {error}", text.at, text.line)
        else:
            reading.problem(f"wrong expression '{text.source[:100]}': {error}", text.at, text.line)
