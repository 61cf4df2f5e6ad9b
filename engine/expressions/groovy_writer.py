"""Writes JavaScript for the tree of a Groovy script, construct by construct; `groovy.py` hands it the tree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from lark import Token, Tree

from engine.errors import ScriptError
from engine.expressions.groovy_java import CASTS, KINDS, check_import, check_new, check_reach
from engine.expressions.groovy_tokens import scan_text, unsupported

DEPTH_LIMIT = 120

_JS_WORDS = frozenset({
    "await", "arguments", "case", "class", "const", "debugger", "default", "delete", "do", "enum", "eval", "export", "extends",
    "function", "globalThis", "implements", "Infinity", "interface", "let", "NaN", "package", "private", "protected", "public",
    "static", "super", "switch", "this", "typeof", "undefined", "var", "void", "with", "yield", "__g",
})  # fmt: skip
Node = Tree[Token]


def _line(node: Any) -> int | None:
    return node.line if isinstance(node, Token) else getattr(node.meta, "line", None)


class Writer:
    """Walks one script's tree and writes JavaScript; the name of each rule in groovy.lark is the name of its method here."""

    def __init__(self, parse_code: Callable[[str], Node]) -> None:
        self.parse_code = parse_code
        self.at_line = 1
        self.depth = 0
        self.line: int | None = None
        self.declared: set[str] = set()

    def script(self, tree: Node) -> str:
        """The whole program; its completion value is that of the last statement."""
        for node in tree.iter_subtrees():
            self._declare(node)
        return "(function () {" + self._statements(_tree(tree, 0), result=True) + "\n})()"

    def _declare(self, node: Node) -> None:
        names = [child for child in node.children if isinstance(child, Token) and child.type == "NAME"]
        if node.data in ("declaration", "param", "closure_params", "catch_part", "method"):
            self.declared.update(map(str, names))
        if any(name.startswith("__") for name in names):
            raise unsupported(f"the name '{names[0]}'", _line(node))

    # Statements ----------------------------------------------------------------------------------------------------

    def _statements(self, tree: Node, *, result: bool = False) -> str:
        children = [child for child in tree.children if isinstance(child, Tree)]
        return "".join(self._statement(child, result and child is children[-1]) for child in children)

    def _statement(self, node: Node, result: bool = False) -> str:
        self.line = _line(node) or self.line
        lead = "\n" * ((self.line or 1) - self.at_line)
        self.at_line += len(lead)
        if node.data in ("value", "assignment", "print_stmt"):
            return f"{lead}{'return ' if result else ''}{self.expression(node)};"
        return lead + str(getattr(self, f"_{node.data}")(node, result))

    def _block(self, node: Node, result: bool) -> str:
        """A body in braces, whether it had them or is a single statement."""
        if node.data == "block":
            return "{" + self._statements(_tree(node, 0), result=result) + "}"
        return "{" + self._statement(node, result) + "}"

    def _declaration(self, node: Node, _result: bool) -> str:
        name = next(child for child in node.children if isinstance(child, Token))
        last = node.children[-1]
        value = self.expression(last) if isinstance(last, Tree) and last.data != "type" else "null"
        return f"let {self._local(name)} = {value};"

    def _method(self, node: Node, _result: bool) -> str:
        name = next(child for child in node.children if isinstance(child, Token))
        params, block = (child for child in node.children if isinstance(child, Tree) and child.data != "type")
        names = ", ".join(f"{self._local(_tree_names(param)[-1])} = null" for param in params.children if isinstance(param, Tree))
        return f"function {self._local(name)}({names}) {self._block(block, True)}"

    def _if_stmt(self, node: Node, result: bool) -> str:
        parts = [child for child in node.children if isinstance(child, Tree)]
        written = ""
        for at in range(0, len(parts) - 1, 2):
            condition = f"{' else ' if at else ''}if ({self._truth(parts[at])}) "
            written += condition + self._block(parts[at + 1], result)
        return written + (f" else {self._block(parts[-1], result)}" if len(parts) % 2 else "")

    def _for_in(self, node: Node, _result: bool) -> str:
        param, collection, body = (child for child in node.children if isinstance(child, Tree))
        name = self._local(_tree_names(param)[-1])
        return f"for (let {name} of __g.items({self.expression(collection)})) {self._block(body, False)}"

    def _for_c(self, node: Node, _result: bool) -> str:
        init, test, step, body = (child for child in node.children if isinstance(child, Tree))
        begin = self._statement(_tree(init, 0)) if init.children else ";"
        condition = self._truth(_tree(test, 0)) if test.children else ""
        after = self.expression(_tree(step, 0)) if step.children else ""
        return f"for ({begin} {condition}; {after}) {self._block(body, False)}"

    def _while_stmt(self, node: Node, _result: bool) -> str:
        return f"while ({self._truth(_tree(node, 0))}) {self._block(_tree(node, 1), False)}"

    def _return_stmt(self, node: Node, _result: bool) -> str:
        return f"return {self.expression(_tree(node, 0)) if node.children else 'null'};"

    def _throw_stmt(self, node: Node, _result: bool) -> str:
        return f"throw {self.expression(_tree(node, 0))};"

    def _break_stmt(self, _node: Node, _result: bool) -> str:
        return "break;"

    def _continue_stmt(self, _node: Node, _result: bool) -> str:
        return "continue;"

    def _try_stmt(self, node: Node, result: bool) -> str:
        written = f"try {self._block(_tree(node, 0), result)}"
        catches = [child for child in node.children if _rule(child) == "catch_part"]
        if catches:
            written += " catch (__e) { " + " else ".join(self._catch(part, result) for part in catches) + " else throw __e; }"
        for child in node.children:
            if _rule(child) == "finally_part":
                written += f" finally {self._block(_tree(child, 0), False)}"
        return written + ("" if catches or _rule(node.children[-1]) == "finally_part" else " finally {}")

    def _catch(self, part: Any, result: bool) -> str:
        types = [str(name) for child in part.children if _rule(child) == "catch_types" for name in child.children] or ["Exception"]
        name = next(child for child in part.children if isinstance(child, Token))
        return f"if (__g.catches(__e, {json.dumps(types)})) {{ let {self._local(name)} = __e; {self._block(part.children[-1], result)} }}"

    def _import_stmt(self, node: Node, _result: bool) -> str:
        check_import([str(part) for part in _tree(node, 0).children], self.line)
        return ";"

    # Expressions ---------------------------------------------------------------------------------------------------

    def expression(self, node: Any) -> str:
        """One expression, or an assignment where it stands as one."""
        self.line = _line(node) or self.line
        self.depth += 1
        if self.depth > DEPTH_LIMIT:
            raise ScriptError(f"line {self.line}: the expression is nested too deeply", self.line)
        written = str(getattr(self, f"_write_{node.data}")(node))
        self.depth -= 1
        return written

    def _truth(self, node: Any) -> str:
        return f"__g.truth({self.expression(node)})"

    def _write_value(self, node: Node) -> str:
        return self.expression(_tree(node, 0))

    def _write_print_stmt(self, node: Node) -> str:
        shown = node.children[-1]
        return f"__g.print({self.expression(shown) if isinstance(shown, Tree) else json.dumps('')})"

    def _write_assignment(self, node: Node) -> str:
        target, value = _tree(node, 0), self.expression(node.children[-1])
        operator = node.children[1] if isinstance(node.children[1], Token) else None
        if operator:
            value = f"__g[{json.dumps(str(operator)[:-1])}]({self.expression(target)}, {value})"
        if target.data == "name":
            return f"({self._identifier(target.children[0])} = {value})"
        if target.data == "path" and _rule(target.children[-1]) in ("property", "index"):
            *before, last = target.children
            base = self._steps(before)
            key = json.dumps(str(_word(last))) if last.data == "property" else self.expression(last.children[0])  # type: ignore[union-attr]
            return f"__g.put({base}, {key}, {value})"
        raise unsupported("assignment to anything but a variable, property or index", self.line)

    def _write_choice(self, node: Node) -> str:
        condition, yes, no = node.children
        return f"({self._truth(condition)} ? {self.expression(yes)} : {self.expression(no)})"

    def _write_elvis(self, node: Node) -> str:
        return f"__g.elvis({self.expression(node.children[0])}, () => {self.expression(node.children[1])})"

    def _write_any_of(self, node: Node) -> str:
        return "(" + " || ".join(map(self._truth, node.children)) + ")"

    def _write_all_of(self, node: Node) -> str:
        return "(" + " && ".join(map(self._truth, node.children)) + ")"

    def _write_chain(self, node: Node) -> str:
        parts = [json.dumps(str(child)) if isinstance(child, Token) else self.expression(child) for child in node.children]
        return f"__g.chain({', '.join(parts)})"

    def _write_range(self, node: Node) -> str:
        begin, sign, end = node.children
        return f"__g.range({self.expression(begin)}, {self.expression(end)}, {json.dumps(sign == '..<')})"

    def _write_cast(self, node: Node) -> str:
        return self._typed(node, "cast", CASTS)

    def _write_is_a(self, node: Node) -> str:
        return self._typed(node, "isA", KINDS)

    def _typed(self, node: Node, function: str, known: frozenset[str]) -> str:
        if str(node.children[1]) not in known:
            raise unsupported(f"the type '{node.children[1]}'", self.line)
        return f"__g.{function}({self.expression(node.children[0])}, {json.dumps(str(node.children[1]))})"

    def _write_unary(self, node: Node) -> str:
        *operators, operand = node.children
        written = self.expression(operand)
        for operator in reversed(operators):
            written = {"!": f"!__g.truth({written})", "-": f"__g.negate({written})", "+": f"__g.plus({written})"}[str(operator)]
        return f"({written})"

    def _write_after(self, node: Node) -> str:
        return f"({self._counter(node.children[0])}{node.children[1]})"

    def _write_before(self, node: Node) -> str:
        return f"({node.children[0]}{self._counter(node.children[1])})"

    def _counter(self, target: Any) -> str:
        if target.data != "name":
            raise unsupported("++ or -- on anything but a variable", self.line)
        return self._identifier(target.children[0])

    def _write_path(self, node: Node) -> str:
        return self._steps(node.children)

    def _steps(self, parts: list[Any]) -> str:
        base = str(parts[0].children[0]) if parts[0].data == "name" and str(parts[0].children[0]) not in self.declared else ""
        check_reach(base, [str(_word(step)) for step in parts[1:] if step.data != "index"], self.line)
        written = self.expression(parts[0])
        for step in parts[1:]:
            self.depth += 1
            written = self._step(written, step)
        self.depth -= len(parts) - 1
        if len(written) > 200_000:
            raise ScriptError(f"line {self.line}: the expression is too long", self.line)
        return written

    def _step(self, base: str, step: Node) -> str:
        if step.data == "index":
            return f"__g.at({base}, {self.expression(step.children[0])})"
        name, safe = json.dumps(str(_word(step))), ", true" if any(_is(child, "SAFE") for child in step.children) else ""
        if step.data == "property":
            return f"__g.get({base}, {name}{safe})"
        return f"__g.call({base}, {name}, [{self._arguments(step)}]{safe})"

    def _arguments(self, node: Node) -> str:
        written = [self.expression(arg) for child in node.children if _rule(child) == "args" for arg in child.children]  # type: ignore[union-attr]
        return ", ".join(written + [self.expression(child) for child in node.children if _rule(child) == "closure"])

    def _write_name(self, node: Node) -> str:
        name = str(node.children[0])
        return f"__g.global({json.dumps(name)})" if name in _JS_WORDS and name not in self.declared else self._identifier(name)

    def _write_function(self, node: Node) -> str:
        name = str(node.children[0])
        if name == "sleep":
            return f"Thread.sleep({self._arguments(node)})"
        if name not in self.declared:
            raise unsupported(f"the function '{name}'", self.line)
        return f"{self._identifier(name)}({self._arguments(node)})"

    def _write_number(self, node: Node) -> str:
        return _number(node.children[0], self.line)

    def _write_text(self, node: Node) -> str:
        return _quoted(node.children[0], self.line)

    def _write_gstring(self, node: Node) -> str:
        return self._interpolated(node.children[0])

    def _interpolated(self, token: Any) -> str:
        quote = token[:3] if token.startswith('"""') else token[:1]
        parts, _ = scan_text(str(token), len(quote), quote, self.line or 1)
        if len(parts) == 1:
            return json.dumps(parts[0][1])
        line = self.line
        written = [json.dumps(part) if kind == "text" else self._code(part, line) for kind, part in parts]
        return f"__g.text({', '.join(written)})"

    def _code(self, source: str, line: int | None) -> str:
        try:
            written = self.expression(self.parse_code(source.strip()))
        except ScriptError as error:
            raise ScriptError(f"line {line}: in a text: {re.sub(r'^line [0-9]+: ', '', str(error))}", line) from None
        self.line = line
        return written

    def _write_constant(self, node: Node) -> str:
        return str(node.children[0])

    def _write_list(self, node: Node) -> str:
        return "[" + ", ".join(map(self.expression, node.children)) + "]"

    def _write_map(self, node: Node) -> str:
        pairs = [f"[{self._key(entry.children[0])}, {self.expression(entry.children[1])}]" for entry in node.children]  # type: ignore[union-attr]
        return f"__g.map({', '.join(pairs)})"

    def _key(self, key: Any) -> str:
        inner = key.children[0]
        if isinstance(inner, Tree):
            return self.expression(inner)
        match inner.type:
            case "NAME":
                return json.dumps(str(inner))
            case "NUMBER":
                return _number(inner, self.line)
            case "TEXT":
                return _quoted(inner, self.line)
        return self._interpolated(inner)

    def _write_new(self, node: Node) -> str:
        kind: Any = node.children[0]
        name = str(kind).partition("<")[0] if isinstance(kind, Token) else str(kind.children[-1])
        check_new(name, self.line)
        return f"__g.make({json.dumps(name)}, [{self._arguments(node)}])"

    def _write_closure(self, node: Node) -> str:
        params = [child for child in node.children if _rule(child) == "closure_params"]
        # No default values: the library tells by a closure's length whether it takes an entry or its key and value.
        names = [self._local(name) for name in _tree_names(params[0])] if params else ["it"]
        outer, self.depth = self.depth, self.depth
        written = f"(({', '.join(names)}) => {{{self._statements(_tree(node, -1), result=True)}}})"
        self.depth = outer
        return written

    def _identifier(self, name: Any) -> str:
        if str(name) in _JS_WORDS and str(name) not in self.declared:
            raise unsupported(f"assignment to '{name}'", self.line)
        return self._local(name)

    @staticmethod
    def _local(name: Any) -> str:
        return f"{name}$" if str(name) in _JS_WORDS else str(name)


def _rule(node: Any) -> str:
    return str(node.data) if isinstance(node, Tree) else ""


def _is(node: Any, kind: str) -> bool:
    return isinstance(node, Token) and node.type == kind


def _tree(node: Any, at: int) -> Node:
    child = node.children[at]
    assert isinstance(child, Tree)
    return child


def _tree_names(node: Any) -> list[Token]:
    return [child for child in node.children if _is(child, "NAME")]


def _word(step: Any) -> Any:
    return next(child.children[0] for child in step.children if _rule(child) == "word")


def _number(token: Any, line: int | None) -> str:
    digits = str(token).replace("_", "")
    if digits[:2] in ("0x", "0X"):
        return digits.rstrip("LlGgIi")
    digits = digits.rstrip("LlGgDdFfIi")
    if re.fullmatch(r"0[0-9]+", digits):
        raise unsupported(f"the octal number {token}", line)
    return digits


def _quoted(token: Any, line: int | None) -> str:
    quote = token[:3] if token.startswith("'''") else token[:1]
    parts, _ = scan_text(str(token), len(quote), quote, line or 1)
    return json.dumps(parts[0][1])
