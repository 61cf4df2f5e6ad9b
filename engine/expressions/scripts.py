"""Runs scripts in a sandbox (QuickJS) that reaches neither files nor network nor Python: values go in, an Outcome comes out.

Where it runs is decided by contexts.py. Time counts as CPU time; sleeping happens afterwards, outside of the sandbox.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import quickjs

from engine.errors import BadInput, BpmnError, ExpressionError, ScriptError
from engine.expressions import groovy, values
from engine.expressions.contexts import Limits, fresh, global_names, on_one_line, run_plain
from engine.expressions.evaluate import evaluate
from engine.expressions.parse import parse
from engine.expressions.plain import is_plain

SOURCE_LIMIT = 100_000
_EXACT = 2**53  # a JavaScript number is exact up to here
_json = json.JSONEncoder(default=str).encode


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script did.

    `value` is that of its last expression; `assigned`, `local`, `transient` and `removed` are what it told `execution` to set or remove;
    `globals` the names it assigned without that (for `autoStoreVariables`); `printed` its lines of output.
    """

    value: Any = None
    assigned: dict[str, Any] = field(default_factory=dict)
    local: dict[str, Any] = field(default_factory=dict)
    removed: frozenset[str] = frozenset()
    printed: tuple[str, ...] = ()
    globals: dict[str, Any] = field(default_factory=dict)
    transient: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Language:
    """How a language becomes JavaScript, and the library that its programs need."""

    translate: Callable[[str], str] = str
    library: str = ""


_JAVASCRIPT, _GROOVY = _Language(), _Language(groovy.to_javascript, on_one_line("groovy.js"))
_LANGUAGES = {"javascript": _JAVASCRIPT, "js": _JAVASCRIPT, "ecmascript": _JAVASCRIPT, "secure-javascript": _JAVASCRIPT,
              "groovy": _GROOVY, "groovy-static": _GROOVY}  # fmt: skip


def check(language: str, source: str) -> None:
    """ScriptError, with the line, for an unknown language, a mistake in the source, or Groovy beyond what is supported."""
    if _is_juel(language):
        _parse_juel(source)
        return
    kind = _language(language, source)
    # A stop at the start: everything is parsed, nothing is run.
    error = _Told(_enter(_Language(library=kind.library), "throw 'checked';" + kind.translate(source), {}, {}, Limits())).error
    if error is not None and error["message"] != "checked":
        raise ScriptError(error["message"], error["line"])


def run(
    language: str,
    source: str,
    variables: Mapping[str, Any],
    *,
    facts: Mapping[str, Any] | None = None,
    limits: Limits | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Outcome:
    """The Outcome of running `source` with `variables` as its global names and `facts` as the properties of `execution`.

    A fact that is a dict (such as `task`) becomes an object of its own beside `execution`. `sleep(seconds)` serves `Thread.sleep`.
    Raises ScriptError (its text is what the script threw), and BpmnError if the script threw one.
    """
    if _is_juel(language):
        return Outcome(evaluate(_parse_juel(source), variables.__getitem__))
    bounds = limits or Limits()
    kind = _language(language, source)
    told = _Told(_enter(kind, kind.translate(source), variables, facts or {}, bounds))
    if told.slept:
        sleep(told.slept)
    if told.error:
        raise _failure(told.error)
    return told.outcome()


def _is_juel(language: str) -> bool:
    return (language or "juel").strip().lower() == "juel"


def _parse_juel(source: str) -> Any:
    try:
        return parse(source.strip())
    except ExpressionError as error:
        raise ScriptError(str(error), source[: error.position].count("\n") + 1 if error.position is not None else None) from None


def _language(language: str, source: str) -> _Language:
    kind = _LANGUAGES.get(language.strip().lower())
    if kind is None:
        raise ScriptError(f"scripts in '{language[:40]}' are not supported; supported are javascript, groovy (its simple part) and juel")
    if len(source) > SOURCE_LIMIT:
        raise ScriptError(f"the script is longer than {SOURCE_LIMIT} characters")
    if "\0" in source or (not source.isascii() and any("\ud800" <= c <= "\udfff" for c in source)):
        raise ScriptError("the script holds a character that cannot be")
    return kind


# Into the sandbox and out of it --------------------------------------------------------------------------------------


def _enter(kind: _Language, source: str, variables: Mapping[str, Any], facts: Mapping[str, Any], limits: Limits) -> Any:
    """What the sandbox tells of a run. No context outlives its thread's work, so no exception carries one to another thread."""
    given = {name: written for name, value in variables.items() if (written := _write(value)) is not None}
    scopes: dict[str, Any] = {"execution": {}}
    for name, fact in facts.items():
        (scopes if isinstance(fact, dict) else scopes["execution"])[name] = fact
    bounds = {"sleep": limits.sleep_seconds * 1000, "printed": limits.printed}
    offered = _json({"variables": given, "scopes": scopes, "limits": bounds})
    try:
        # What fails among others is told by a context of its own: nothing has happened outside.
        told = run_plain("\n" + source, offered, limits, kind.library) if _may_share(kind, source, given, scopes) else None
        return told or json.loads(fresh(limits, kind.library)("\n" + source, offered))
    except quickjs.JSException as error:
        return {"error": {"message": _ended(str(error), limits)}}
    except ValueError:
        return None


def _may_share(kind: _Language, source: str, *named: Mapping[str, Any]) -> bool:
    taken = global_names(kind.library)
    return is_plain(source, taken) and all(map(taken.isdisjoint, named))


def _ended(message: str, limits: Limits) -> str:
    """Why the sandbox ended a script; without memory QuickJS throws null, or an error that there is no memory to describe."""
    if "interrupted" in message:
        return f"the script ran longer than {limits.cpu_seconds:g} seconds"
    if "out of memory" in message or message.startswith("null") or message.partition("\n")[0].strip(" :") == "InternalError":
        return f"the script used more than {limits.memory // 2**20} MB of memory"
    return message.partition("\n")[0]


class _Told:
    """What came back, mistrusted: a script may have broken the very functions that wrote it."""

    def __init__(self, told: Any) -> None:
        sound = isinstance(told, dict) and isinstance(told.get("error"), dict | None)
        self._told: dict[str, Any] = told if sound else {"error": {"message": "the script broke its own environment"}}
        slept = self._told.get("slept")
        self.slept = slept / 1000 if isinstance(slept, int | float) else 0.0
        self.error = self._error(self._told.get("error"))

    def _error(self, error: dict[str, Any] | None) -> dict[str, Any] | None:
        if error is None:
            return None
        line, message = error.get("line"), str(error.get("message"))
        if message in ("null", "InternalError: out of memory", "InternalError: "):
            message = "the script used too much memory, or threw null"
        return {
            "message": message,
            "line": line if isinstance(line, int) else None,
            "own": bool(error.get("own")),
            "code": error.get("code"),
        }

    def outcome(self) -> Outcome:
        told = self._told
        try:
            return Outcome(
                value=_read("result", told["value"]),
                assigned=_read_all(told["assigned"]),
                local=_read_all(told["local"]),
                removed=frozenset(map(str, told["removed"])),
                printed=tuple(map(str, told["printed"])),
                globals=_read_all(told["globals"]),
                transient=_read_all(told["transient"]),
            )
        except (BadInput, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
            raise ScriptError(f"a result of the script cannot be stored: {error}") from None


def _failure(error: Mapping[str, Any]) -> Exception:
    if error["code"] is not None:
        return BpmnError(str(error["code"]), error["message"])
    message = error["message"] if error["own"] or not error["line"] else f"{error['message']} (line {error['line']})"
    return ScriptError(message, error["line"])


def _write(value: Any) -> list[Any] | None:
    """A value as the prelude reads it; None for what has no meaning in a script (objects of the engine or host)."""
    match value:
        case None | bool() | str() | float() | list() | dict() | tuple():
            return ["value", value]
        case int():
            return ["value", int(value)] if abs(value) <= _EXACT else ["big", str(int(value))]
        case Decimal():
            return ["value", float(value)]
        case datetime() if value.tzinfo is not None:
            return ["date", (value - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1)]
        case date() | UUID():
            return ["value", values.to_json(value)]
        case bytes():
            return ["bytes", list(value)]
    return None


def _read(name: str, written: list[Any]) -> Any:
    kind, content = written
    match kind:
        case "date":
            value: Any = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=content)
        case "big":
            value = values.whole(int(content)) if len(content) < 1200 else float("inf")
        case "bytes":
            value = bytes(content)
        case _:
            value = float(content) if type(content) is int and abs(content) > _EXACT else content
    return values.checked(value, name=name)


def _read_all(written: Mapping[str, list[Any]]) -> dict[str, Any]:
    return {name: _read(name, value) for name, value in written.items()} if written else {}
