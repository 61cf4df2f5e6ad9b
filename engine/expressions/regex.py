"""Java's regular expressions on texts, run in a sandbox with a time limit, so that no pattern can hang the engine."""

from __future__ import annotations

import json
from typing import Any

import quickjs

from engine.errors import ExpressionError

_SECONDS = 0.2
_MEMORY = 16 * 2**20
_SOURCE_LIMIT = 2_000
_FUNCTIONS = {
    "matches": "new RegExp('^(?:' + pattern + ')$', 'su').test(text)",
    "replace": "text.replace(new RegExp(pattern, 'gsu'), more)",
    "split": "text.split(new RegExp(pattern, 'su'))",
}


def matches(text: str, pattern: str) -> bool:
    """Whether the whole text matches; ExpressionError for a wrong pattern or one that takes too long."""
    return bool(_run("matches", text, pattern))


def replace_all(text: str, pattern: str, replacement: str) -> str:
    """All matches replaced; `$1` is the first group. ExpressionError as `matches`."""
    return str(_run("replace", text, pattern, replacement))


def split(text: str, pattern: str) -> list[str]:
    """The parts between matches. ExpressionError as `matches`."""
    return [part or "" for part in _run("split", text, pattern)]


def _run(function: str, text: str, pattern: str, more: str = "") -> Any:
    if len(pattern) > _SOURCE_LIMIT:
        raise ExpressionError(f"the regular expression is longer than {_SOURCE_LIMIT} characters")
    context = quickjs.Context()
    context.set_time_limit(_SECONDS)
    context.set_memory_limit(_MEMORY)
    try:
        run = context.eval(
            f"(function (given) {{ const [text, pattern, more] = JSON.parse(given); return JSON.stringify({_FUNCTIONS[function]}) }})"
        )
        return json.loads(run(json.dumps([text, pattern, more])))
    except quickjs.JSException as error:
        message = str(error).partition("\n")[0].partition(": ")[2]
        why = "takes too long" if "interrupted" in message else message or "needs too much memory"
    raise ExpressionError(f"the regular expression '{pattern[:40]}' fails: {why}")
