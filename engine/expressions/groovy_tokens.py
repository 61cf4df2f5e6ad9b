"""Cuts Groovy into tokens: knows where a newline ends a statement, and names what lies beyond the supported part by its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.lexer import Lexer

from engine.errors import ScriptError

_TOKEN = re.compile(
    r"""
    (?P<space>   [ \t\r\f]+ | //[^\n]* | /\*.*?\*/ | \\\n | \A\#![^\n]* )
  | (?P<newline> \n )
  | (?P<number>  0[xX][0-9a-fA-F]+[LlGgIi]? | [0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?[LlGgDdFfIi]?(?!\w) )
  | (?P<generic> [A-Z]\w*<[\w\s,.?<>]*>(?=\s*[\w(]) | [^\W\d]\w*\[\] )
  | (?P<name>    (?:[^\W\d]|\$)[\w$]* )
  | (?P<quote>   \'\'\' | \"\"\" | \' | \" )
  | (?P<sign>    ===|!==|<=>|==~|\*\*=|>>>|\.\.<|\.\.\.|<<=|>>=|\?\.|\?:|\?=|\*\.|\.&|\.@|\.\.|->|=~|==|!=|<=|>=|&&|\|\||\+\+|--|\+=|-=|\*=
               | /=|%=|<<|>>|\*\*|::|[-+*/%<>=!?:.,;(){}\[\]|&^~@\#`] )
    """,
    re.VERBOSE | re.DOTALL,
)

_SIGNS = {
    "{": "_LBRACE", "}": "_RBRACE", "(": "_LPAR", ")": "_RPAR", "[": "_LSQB", "]": "_RSQB", ",": "_COMMA", ";": "_SEMICOLON", ":": "_COLON",
    "?": "_QUESTION", "?:": "_ELVIS", "||": "_OR", "&&": "_AND", ".": "_DOT", "?.": "SAFE", "|": "_BAR", "->": "_ARROW", "=": "_ASSIGN",
    "+=": "ASSIGN_OP", "-=": "ASSIGN_OP", "*=": "ASSIGN_OP", "/=": "ASSIGN_OP", "%=": "ASSIGN_OP", "**=": "ASSIGN_OP", "<<=": "ASSIGN_OP",
    "==": "EQ", "!=": "NE", "<=>": "COMPARE", "<": "LT", ">": "GT", "<=": "LE", ">=": "GE", "..": "RANGE", "..<": "RANGE_TO",
    "<<": "APPEND", "+": "PLUS", "-": "MINUS", "*": "TIMES", "/": "DIVIDE", "%": "MODULO", "**": "POWER", "!": "NOT",
    "++": "INC", "--": "DEC",
}  # fmt: skip
_WORDS = {
    "def": "_DEF", "final": "_DEF", "var": "_DEF", "if": "_IF", "else": "_ELSE", "for": "_FOR", "while": "_WHILE", "return": "_RETURN",
    "throw": "_THROW", "break": "_BREAK", "continue": "_CONTINUE", "try": "_TRY", "catch": "_CATCH", "finally": "_FINALLY",
    "import": "_IMPORT", "new": "_NEW", "as": "_AS", "instanceof": "_INSTANCEOF", "in": "IN", "println": "PRINT", "print": "PRINT",
    "true": "CONSTANT", "false": "CONSTANT", "null": "CONSTANT",
}  # fmt: skip
_UNSUPPORTED_SIGNS = {
    "=~": "regular expressions (=~)", "==~": "regular expressions (==~)", "*.": "the spread operator (*.)", ".&": "method pointers (.&)",
    "::": "method references (::)", "@": "annotations (@)", "===": "identity (===)", "!==": "identity (!==)", ".@": "field access (.@)",
}  # fmt: skip
_UNSUPPORTED_WORDS = frozenset({
    "abstract", "assert", "case", "class", "const", "default", "do", "enum", "extends", "goto", "implements", "interface",
    "native", "package", "private", "protected", "public", "static", "strictfp", "super", "switch", "synchronized", "this",
    "throws", "trait", "transient", "volatile",
})  # fmt: skip

# A newline means nothing after the first, nor before the second.
_OPEN_END = frozenset({
    "_LBRACE", "_LPAR", "_LSQB", "_COMMA", "_SEP", "_COLON", "_QUESTION", "_ELVIS", "_OR", "_AND", "_DOT", "SAFE", "_ARROW",
    "_ASSIGN", "ASSIGN_OP", "EQ", "NE", "COMPARE", "LT", "GT", "LE", "GE", "RANGE", "RANGE_TO", "APPEND", "PLUS", "MINUS",
    "TIMES", "DIVIDE", "MODULO", "POWER", "NOT", "_ELSE", "_TRY", "_FINALLY", "_NEW", "_AS", "_INSTANCEOF", "IN",
})  # fmt: skip
_GOES_ON = frozenset({"_RBRACE", "_DOT", "SAFE", "_ELSE", "_CATCH", "_FINALLY", "_QUESTION", "_ELVIS", "_OR", "_AND"})
_HEADS = frozenset({"_IF", "_FOR", "_WHILE", "_CATCH"})
_CLOSERS = {"_RPAR": "_LPAR", "_RBRACE": "_LBRACE", "_RSQB": "_LSQB"}
NESTING_LIMIT = 40

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}


def unsupported(what: str, line: int | None) -> ScriptError:
    """The error for a construct beyond the supported part of Groovy."""
    return ScriptError(f"line {line}: Groovy scripts cannot use {what}", line)


def scan_text(source: str, begin: int, quote: str, line: int) -> tuple[list[tuple[str, str]], int]:
    """The parts of a quoted text, ("text", ...) or ("code", ...), from behind its opening quote on, and where it ends."""
    parts: list[tuple[str, str]] = []
    plain, at = "", begin
    while not source.startswith(quote, at):
        if at >= len(source) or (source[at] == "\n" and len(quote) == 1):
            raise ScriptError(f"line {line}: a text is not closed with {quote}", line)
        if source[at] == "\\":
            character, at = _escaped(source, at + 1, line)
            plain += character
        elif source[at] == "$" and "'" not in quote and (code := _interpolated(source, at + 1, line)):
            parts += [("text", plain), ("code", code[0])]
            plain, at = "", code[1]
        else:
            plain += source[at]
            at += 1
    return [*parts, ("text", plain)], at + len(quote)


def _escaped(source: str, at: int, line: int) -> tuple[str, int]:
    character = source[at : at + 1]
    if character == "u":
        digits = re.compile(r"u+([0-9a-fA-F]{4})").match(source, at)
        if digits is None:
            raise ScriptError(f"line {line}: \\u needs four hexadecimal digits", line)
        return chr(int(digits[1], 16)), digits.end()
    if character == "\n":
        return "", at + 1
    if character not in _ESCAPES and character not in ("\\", "'", '"', "$"):
        raise ScriptError(f"line {line}: unknown escape '\\{character}' in a text", line)
    return _ESCAPES.get(character, character), at + 1


_NAME_PATH = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_CODE_PIECE = re.compile(r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|[^{}'\"]+|[{}]")


def _interpolated(source: str, at: int, line: int) -> tuple[str, int] | None:
    """The code behind a `$`: in braces, or a name with properties; None if the `$` is just a sign."""
    if not source.startswith("{", at):
        path = _NAME_PATH.match(source, at)
        return (path[0], path.end()) if path else None
    depth, end = 0, at
    while piece := _CODE_PIECE.match(source, end):
        depth += {"{": 1, "}": -1}.get(piece[0], 0)
        end = piece.end()
        if depth == 0:
            return source[at + 1 : end - 1], end
    raise ScriptError(f"line {line}: '${{' is not closed with '}}'", line)


def raw_tokens(source: str) -> Iterator[Token]:
    """All tokens with their lines, newlines included; ScriptError for signs and words beyond the supported part."""
    at, line, before = 0, 1, ""
    while at < len(source):
        found = _TOKEN.match(source, at)
        if found is None:
            raise ScriptError(f"line {line}: unexpected '{source[at]}'", line)
        kind, end, text = str(found.lastgroup), found.end(), found[0]
        if kind == "quote":
            _, end = scan_text(source, end, text, line)
            yield Token("TEXT" if "'" in text else "GSTRING", source[at:end], line=line)
        elif kind != "space":
            yield Token(_type_of(kind, text, before, line), text, line=line)
        before = text if kind != "space" else before
        line += source.count("\n", at, end)
        at = end


def _type_of(kind: str, text: str, before: str, line: int) -> str:
    after_dot = before in (".", "?.")
    match kind:
        case "name" if text in _UNSUPPORTED_WORDS and not after_dot:
            raise unsupported(f"'{text}'", line)
        case "name" if after_dot and text not in ("println", "print"):
            return "NAME"
        case "name":
            return _WORDS.get(text, "NAME")
        case "sign" if text == "*" and after_dot:
            return "STAR"
        case "sign" if text not in _SIGNS:
            raise unsupported(_UNSUPPORTED_SIGNS.get(text, f"'{text}'"), line)
        case "sign":
            return _SIGNS[text]
    return {"newline": "_SEP", "number": "NUMBER", "generic": "GENERIC"}[kind]


class GroovyLexer(Lexer):
    """Hands lark the tokens, with _SEP only where a statement ends."""

    def __init__(self, _conf: Any) -> None:
        pass

    def lex(self, data: Any) -> Iterator[Token]:  # type: ignore[override]  # lark's protocol for lexers of one's own
        """The tokens of one script."""
        source = data if isinstance(data, str) else data.text
        return separated(list(raw_tokens(str(source))))


def separated(tokens: list[Token]) -> Iterator[Token]:
    """Drops the newlines that end nothing, merges `else if`, and refuses brackets that do not match or nest too deeply."""
    open_brackets: list[tuple[str, bool]] = []
    last, after_head = "_SEP", False
    for at, token in enumerate(tokens):
        kind = token.type
        if kind == "_SEMICOLON" and not (open_brackets and open_brackets[-1][0] == "_LPAR"):
            kind = "_SEP"
        if kind == "_SEP":
            ends = not open_brackets or open_brackets[-1][0] == "_LBRACE"
            if not ends or after_head or last in _OPEN_END or _next_type(tokens, at) in _GOES_ON:
                continue
        if kind in _CLOSERS:
            if not open_brackets or open_brackets[-1][0] != _CLOSERS[kind]:
                raise ScriptError(f"line {token.line}: unexpected '{token}'", token.line)
            after_head = open_brackets.pop()[1]
        else:
            after_head = False
        if kind in _CLOSERS.values():
            open_brackets.append((kind, kind == "_LPAR" and last in (*_HEADS, "_ELSE_IF")))
            if len(open_brackets) > NESTING_LIMIT:
                raise ScriptError(f"line {token.line}: nested deeper than {NESTING_LIMIT} levels", token.line)
        if kind == "_ELSE" and _next_type(tokens, at) == "_IF":
            kind = "_ELSE_IF"
        elif kind == "_IF" and last == "_ELSE_IF":
            continue
        last = kind
        yield Token(kind, token.value, line=token.line)


def _next_type(tokens: list[Token], at: int) -> str:
    """The type of the next token that is no newline or semicolon; the end counts as a closing brace."""
    return next((token.type for token in tokens[at + 1 :] if token.type not in ("_SEP", "_SEMICOLON")), "_RBRACE")
