"""Translates the simple Groovy that process models carry to JavaScript for the sandbox; every construct beyond it is refused with its line.

GROOVY.md beside this file lists what is supported. Lines of the result are those of the source, so that errors tell the right one.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from lark import Lark, Token, Tree
from lark.exceptions import UnexpectedInput, UnexpectedToken

from engine.errors import ScriptError
from engine.expressions.groovy_tokens import GroovyLexer
from engine.expressions.groovy_writer import Writer

Node = Tree[Token]


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = Path(__file__).with_name("groovy.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer=GroovyLexer, start=["start", "ternary"], propagate_positions=True, maybe_placeholders=False)


def _parse(source: str, start: str = "start") -> Node:
    try:
        return _parser().parse(source, start=start)
    except UnexpectedToken as error:
        line = getattr(error.token, "line", None) or source.count("\n") + 1
        found = "the end of the script" if error.token.type == "$END" else f"'{str(error.token)[:40]}'".replace("\n", "\\n")
        raise ScriptError(f"line {line}: unexpected {found}; see the list of what Groovy scripts may use", line) from None
    except UnexpectedInput as error:
        raise ScriptError(f"the script cannot be read: {error}") from None


@lru_cache(maxsize=1024)
def to_javascript(source: str) -> str:
    """The JavaScript that does what the Groovy `source` does; its completion value is that of the last statement. Raises ScriptError."""
    return Writer(lambda code: _parse(code, "ternary")).script(_parse(source))
