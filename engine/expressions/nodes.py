"""The tree of a parsed expression: frozen, made by `parse.py`, compiled by `evaluate.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, number, boolean or null."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, or something the engine offers, such as `execution`."""

    name: str


@dataclass(frozen=True, slots=True)
class Index:
    """A step into a value: `.key` (then a text literal) or `[key]`."""

    key: Node


@dataclass(frozen=True, slots=True)
class Call:
    """A step that calls the method `name`."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A value and the steps from it, left to right."""

    base: Node
    steps: tuple[Index | Call, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """A call of `prefix:name(...)`."""

    prefix: str
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Unary:
    """Operators `-`, `!` and `empty` before an operand, the innermost last."""

    operators: tuple[str, ...]
    operand: Node


@dataclass(frozen=True, slots=True)
class Chain:
    """Binary operators of one precedence, left to right."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`&&` or `||` over two or more operands; evaluation stops at the first that decides."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? yes : no`."""

    condition: Node
    yes: Node
    no: Node


Node = Literal | Name | Path | Function | Unary | Chain | Logic | Choice


@dataclass(frozen=True)
class Template:
    """A parsed text: `parts` are literal texts and nodes in order. Two templates are equal if their sources are."""

    source: str
    parts: tuple[str | Node, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Template) and self.source == other.source

    def __hash__(self) -> int:
        return hash(self.source)

    @property
    def is_literal(self) -> bool:
        """Whether it holds no expression at all."""
        return all(isinstance(part, str) for part in self.parts)
