"""The documentation as the tests read it: blocks of code between fences, and the examples of Python in them."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def text(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[tuple[str, str]]:
    """(name, content) of the blocks in one language."""
    return [(name, content) for kind, name, content in _BLOCK.findall(text(page)) if kind == language]


def run(page: str, names: dict[str, Any]) -> tuple[int, str]:
    """Run the examples of a page one after the other; how many there are, and what went wrong."""
    examples = "\n".join(content for _, content in blocks(page, "pycon"))
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    parsed = doctest.DocTestParser().get_doctest(examples, names, page, page, 0)
    runner.run(parsed, out=said.append, clear_globs=False)
    return len(parsed.examples), "".join(said)
