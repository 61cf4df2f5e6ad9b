"""Every expression, script and time of a file is parsed once here: a wrong one is found at deployment, not when a user meets it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engine.bpmn.parse_reading import Reading, Text
from engine.errors import BadInput, ExpressionError, ScriptError
from engine.expressions import parse as expressions
from engine.expressions import scripts, times


def check(reading: Reading) -> None:
    """Note each text that cannot be parsed, with its line in the file."""
    for text in reading.texts:
        if text.language is not None:
            _script(text, text.language, reading)
        elif text.time is not None:
            _time(text, text.time, reading)
        else:
            _expression(text, reading)


def _time(text: Text, kind: str, reading: Reading) -> None:
    try:
        _TIMES[kind](text.source)
    except BadInput as error:
        reading.problem(str(error), text.at, text.line)


_SOME_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)  # whether a text can be read does not hang on when
_TIMES: dict[str, Callable[[str], object]] = {
    "due": lambda text: times.due_date(text, _SOME_MOMENT),
    "cycle": lambda text: times.parse_cycle(text, _SOME_MOMENT),
    "retry": times.retry_policy,
}


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
