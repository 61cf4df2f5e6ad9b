"""Tells which scripts are plain: they run the same among frozen surroundings, where one after another may use a context (contexts.py).

A plain script calls and calculates, and never names what could change its surroundings. This is read from its tokens; where they leave a
doubt it is not plain, which costs it a context of its own and nothing else. What keeps scripts apart is `sandbox/lasting.js`, not this.
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 10_000  # characters
_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n\r\u2028\u2029]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n\r]|\\.)*"|'(?:[^'\\\n\r]|\\.)*')
    |(?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
    |(?P<number>0[xXbBoO][0-9a-fA-F_]+n?|[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?n?)
    |(?P<sign>-->|<!--|[=!]==?|=>|[-+]{2}|[][(){}.,;:?<>=!+*%&|^~/-])""",
    re.VERBOSE | re.DOTALL,
)
_NEVER = frozenset(
    ("this", "arguments", "class", "super", "import", "export", "with", "delete", "throw", "try", "catch", "finally", "async", "await",
     "yield", "debugger", "eval", "constructor", "prototype", "__proto__", "__defineGetter__", "__defineSetter__", "__lookupGetter__",
     "__lookupSetter__", "caller", "callee")
)  # fmt: skip
# Global names that a plain script may read from and call.
_OFFERED = frozenset(
    ("Math", "JSON", "Number", "String", "Boolean", "Array", "Object", "Date", "Map", "Set", "parseInt", "parseFloat", "isNaN", "isFinite",
     "encodeURIComponent", "decodeURIComponent", "print", "println", "console", "__g")
)  # fmt: skip
_CONSTANT = frozenset(("undefined", "NaN", "Infinity"))
_OF_OBJECT = frozenset(("keys", "values", "entries", "assign", "fromEntries"))
_BEFORE_NAMES = frozenset(("var", "let", "const", "function"))
_BEFORE_VALUES = frozenset(("return", "typeof", "case", "in", "of", "do", "else", "void", "new", "instanceof"))


@lru_cache(maxsize=512)
def is_plain(source: str, taken: frozenset[str]) -> bool:
    """Whether this JavaScript is plain; `taken` are the global names of the sandbox."""
    tokens = _tokens(source)
    return tokens is not None and all(_harmless(tokens, at, taken) for at in range(1, len(tokens) - 1))


def _tokens(source: str) -> list[tuple[str, str]] | None:
    """(kind, text) of each token between two empty ones, or None where one is not understood."""
    found, at = [("sign", "")], 0
    if len(source) > LONGEST:
        return None
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            return None
        at = match.end()
        if match.lastgroup != "space":
            found.append((match.lastgroup or "", match.group()))
    return [*found, ("sign", "")]


def _harmless(tokens: list[tuple[str, str]], at: int, taken: frozenset[str]) -> bool:
    (_, before), (kind, text), (_, after) = tokens[at - 1 : at + 2]
    if kind == "sign":
        # A `/` divides only after a number or a name; elsewhere it may begin a pattern, in which anything stands.
        return text not in ("-->", "<!--") and (text != "/" or _divides(tokens, at))
    if kind != "name":
        return True
    if text in _NEVER or (text == "function" and after == "*") or (text == "new" and after == "."):
        return False
    if before == "." or text not in taken or text in _CONSTANT:
        return True
    called = before not in _BEFORE_NAMES and (after in (".", "(", "[") or (before, after) == ("(", ")"))
    return text in _OFFERED and called and (text != "Object" or tokens[at + 2][1] in _OF_OBJECT)


def _divides(tokens: list[tuple[str, str]], at: int) -> bool:
    """Whether what stands before the `/` is something to divide."""
    kind, text = tokens[at - 1]
    if kind != "sign":
        return kind == "number" or (kind == "name" and text not in _BEFORE_VALUES)
    return text == "]" or (text == ")" and tokens[_opened(tokens, at - 1) - 1][1] not in ("if", "while", "for"))


def _opened(tokens: list[tuple[str, str]], at: int) -> int:
    """Where the parenthesis was opened that is closed here."""
    depth = 0
    while at > 1:
        depth += (tokens[at] == ("sign", ")")) - (tokens[at] == ("sign", "("))
        if depth == 0:
            break
        at -= 1
    return at
