"""Every expression and script of a file is parsed once here, so that a wrong one is found at deployment and not when a user meets it."""

from __future__ import annotations

from engine.bpmn.parse_reading import Reading, Text
from engine.errors import ExpressionError, ScriptError
from engine.expressions import parse as expressions
from engine.expressions import scripts


def check(reading: Reading) -> None:
    """Note each text that cannot be parsed, with its line in the file."""
    for text in reading.texts:
        if text.language is None:
            _expression(text, reading)
        else:
            _script(text, text.language, reading)


def _expression(text: Text, reading: Reading) -> None:
    try:
        expressions.parse(text.source)
    except ExpressionError as error:
        if text.lenient:  # a name or description: Flowable shows it as it is written
            reading.warn(f"wrong expression, the text will appear as written: {error}", text.at, text.line)
        else:
            reading.problem(f"wrong expression '{text.source[:100]}': {error}", text.at, text.line)


def _script(text: Text, language: str, reading: Reading) -> None:
    try:
        scripts.check(language, text.source)
    except ScriptError as error:
        reading.problem(f"{language} script: {error}", text.at, text.line + (error.line or 1) - 1)
    except ExpressionError as error:
        reading.problem(f"wrong expression in a script: {error}", text.at, text.line)
