"""Turns JUEL source into a frozen Template, once: text and `${...}`/`#{...}` in turn; what an expression yields is never scanned again."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedToken, VisitError

from engine.errors import ExpressionError
from engine.expressions.functions import VARIABLE_PREFIXES, check_call
from engine.expressions.nodes import Call, Chain, Choice, Function, Index, Literal, Logic, Name, Node, Template, Unary
from engine.expressions.nodes import Path as Steps

LENGTH_LIMIT = 20_000
NESTING_LIMIT = 60


_OPERATORS = {"eq": "==", "ne": "!=", "lt": "<", "gt": ">", "le": "<=", "ge": ">=", "div": "/", "mod": "%", "not": "!"}
_LARGEST = 2**63


@v_args(inline=True)
class _Build(Transformer[Token, Any]):
    """Makes nodes bottom up, each with its depth, so that no input can make evaluation recurse deeply."""

    def start(self, node: _Deep) -> Node:
        return node[0]

    def choice(self, *parts: _Deep) -> _Deep:
        return _deep(Choice(*(node for node, _ in parts)), parts)

    def any_of(self, *parts: _Deep) -> _Deep:
        return _deep(Logic("||", tuple(node for node, _ in parts)), parts)

    def all_of(self, *parts: _Deep) -> _Deep:
        return _deep(Logic("&&", tuple(node for node, _ in parts)), parts)

    def chain(self, first: _Deep, *rest: Any) -> _Deep:
        pairs = tuple(zip(map(_operator, rest[::2]), (node for node, _ in rest[1::2]), strict=True))
        return _deep(Chain(first[0], pairs), [first, *rest[1::2]])

    def unary(self, *parts: Any) -> _Deep:
        *operators, operand = parts
        return _deep(Unary(tuple(map(_operator, operators)), operand[0]), [operand])

    def path(self, base: _Deep, *steps: Any) -> _Deep:
        return _deep(Steps(base[0], tuple(step for step, _ in steps)), [base, *steps])

    def property(self, word: str) -> Any:
        return Index(Literal(word)), 0

    def index(self, key: _Deep) -> Any:
        return Index(key[0]), key[1]

    def call(self, word: str, arguments: list[_Deep]) -> Any:
        return Call(word, tuple(node for node, _ in arguments)), max((depth for _, depth in arguments), default=0)

    def word(self, token: Token) -> str:
        return str(token)

    def arguments(self, *parts: _Deep | None) -> list[_Deep]:
        return [part for part in parts if part is not None]

    def group(self, inner: _Deep) -> _Deep:
        return _deep(inner[0], [inner])

    def function(self, token: Token, arguments: list[_Deep]) -> _Deep:
        prefix, name = token.split(":")
        check_call(prefix, name, len(arguments))
        return _deep(Function(prefix, name, tuple(node for node, _ in arguments)), arguments)

    def name(self, token: Token) -> _Deep:
        return Name(str(token)), 1

    def text(self, token: Token) -> _Deep:
        return Literal(re.sub(r"\\(.)", r"\1", token[1:-1])), 1

    def integer(self, token: Token) -> _Deep:
        if len(token) > 19 or int(token) > _LARGEST:
            raise ExpressionError(f"the number {token[:40]} is too large", token.start_pos)
        return Literal(int(token)), 1

    def float(self, token: Token) -> _Deep:
        if not math.isfinite(float(token)):
            raise ExpressionError(f"the number {token[:40]} is too large", token.start_pos)
        return Literal(float(token)), 1

    def true(self, _: Token) -> _Deep:
        return Literal(True), 1

    def false(self, _: Token) -> _Deep:
        return Literal(False), 1

    def null(self, _: Token) -> _Deep:
        return Literal(None), 1


_Deep = tuple[Node, int]


def _deep(node: Node, parts: Any) -> _Deep:
    depth = 1 + max((depth for _, depth in parts), default=0)
    if depth > NESTING_LIMIT:
        raise ExpressionError(f"nested deeper than {NESTING_LIMIT} levels")
    return node, depth


def _operator(token: Token) -> str:
    return _OPERATORS.get(token, str(token))


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(
        Path(__file__).with_name("juel.lark").read_text("utf-8"),
        parser="lalr",
        lexer="basic",
        transformer=_Build(),
        maybe_placeholders=False,
    )


# Up to the closing brace, past braces inside texts.
_BODY = re.compile(r"""(?:[^'"}]++|'(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")*+""", re.DOTALL)
_OPENING = re.compile(r"\\?[$#]\{")


@lru_cache(maxsize=8192)
def parse(source: str) -> Template:
    """The Template of `source`; a backslash before `${` or `#{` makes them plain text.

    Raises ExpressionError, with the position in `source` counted from 0, for what is not JUEL, too long or nested too deeply.
    """
    if len(source) > LENGTH_LIMIT:
        raise ExpressionError(f"the expression is longer than {LENGTH_LIMIT} characters", LENGTH_LIMIT)
    parts: list[str | Node] = []
    text, at = "", 0
    while opening := _OPENING.search(source, at):
        text += source[at : opening.start()]
        at = opening.end()
        if opening[0].startswith("\\"):
            text += opening[0][1:]
            continue
        if text:
            parts.append(text)
        text = ""
        node, at = _parse_one(source, at)
        parts.append(node)
    text += source[at:]
    return Template(source, (*parts, text) if text else tuple(parts))


def _parse_one(source: str, begin: int) -> tuple[Node, int]:
    """The node of the expression whose text begins at `begin`, and where it ends behind its brace."""
    body = _BODY.match(source, begin)
    end = body.end() if body else begin
    if source[end : end + 1] != "}":
        raise ExpressionError(f"Error while parsing '{_short(source)}': the expression is not closed with '}}'", begin)
    try:
        node: Node = _parser().parse(source[begin:end])  # type: ignore[assignment]  # the transformer's start
    except UnexpectedToken as error:
        position = end if error.token.type == "$END" else begin + (error.token.start_pos or 0)
        raise _unexpected(source, position, str(error.token) if position < end else "") from None
    except UnexpectedCharacters as error:
        raise _unexpected(source, begin + (error.pos_in_stream or 0), source[begin + (error.pos_in_stream or 0)]) from None
    except (ExpressionError, VisitError) as error:
        cause = error.orig_exc if isinstance(error, VisitError) else error
        raise ExpressionError(f"Error while parsing '{_short(source)}': {cause}", begin) from None
    return node, end + 1


def _unexpected(source: str, position: int, found: str) -> ExpressionError:
    what = f"'{_short(found)}'" if found else "end"
    return ExpressionError(f"Error while parsing '{_short(source)}': unexpected {what} at character {position + 1}", position)


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."


# What an expression reads ---------------------------------------------------------------------------------------------


def names(template: Template) -> frozenset[str]:
    """The identifiers that evaluating may look up, those named in `variables:get('x')` included."""
    return frozenset(name for part in template.parts if not isinstance(part, str) for name in _names(part))


def _names(node: Node) -> list[str]:
    match node:
        case Name(name):
            return [name]
        case Function(prefix, _, (Literal(str(name)), *rest)) if prefix in VARIABLE_PREFIXES:
            return [name, *(found for child in rest for found in _names(child))]
    return [found for child in _children(node) for found in _names(child)]


def _children(node: Node) -> tuple[Node, ...]:
    match node:
        case Steps(base, steps):
            inner = (step.arguments if isinstance(step, Call) else (step.key,) for step in steps)
            return (base, *(child for children in inner for child in children))
        case Function(_, _, arguments):
            return arguments
        case Unary(_, operand):
            return (operand,)
        case Chain(first, rest):
            return (first, *(child for _, child in rest))
        case Logic(_, operands):
            return operands
        case Choice(condition, yes, no):
            return (condition, yes, no)
    return ()
