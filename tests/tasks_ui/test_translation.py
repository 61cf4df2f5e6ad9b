"""Every text of the pages is in the German catalogue, and what is compiled is what is written.

After a change: `django-admin makemessages -l de` and `compilemessages` (GNU gettext).
"""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "tasks_ui" / "locale" / "de" / "LC_MESSAGES"
CODE = sorted([*(ROOT / "tasks_ui").rglob("*.py"), *(ROOT / "engine" / "runtime" / "progress").glob("*.py")])
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*.html") if "admin" not in path.parts)
CALLS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext"}
TAG = re.compile(r"""{%\s*translate\s+(?:"([^"]+)"|'([^']+)')""")
SAME = {"Start", "Engine", "optional"}  # spelled alike, or of one word's length
ENTRY = re.compile(r'^(?:msgid|msgid_plural|msgstr|msgstr\[\d\]) "(.+)"$', re.MULTILINE)


def texts(path: Path) -> Iterator[str]:
    """The literal texts that a module marks for translation."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


@pytest.fixture(scope="module")
def german() -> gettext.GNUTranslations:
    with (CATALOGUE / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


@pytest.mark.parametrize("path", CODE, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_text_of_the_code_is_translated(path: Path, german: gettext.GNUTranslations) -> None:
    known = german._catalog  # type: ignore[attr-defined]
    assert [text for text in texts(path) if text not in known and (text, 0) not in known] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_text_of_the_templates_is_translated(path: Path, german: gettext.GNUTranslations) -> None:
    found = [double or single for double, single in TAG.findall(path.read_text(encoding="utf-8"))]
    assert [text for text in found if german.gettext(text) == text and text not in SAME] == []


def test_what_is_compiled_is_what_is_written(german: gettext.GNUTranslations) -> None:
    written = set(ENTRY.findall((CATALOGUE / "django.po").read_text(encoding="utf-8")))
    compiled = {text for text in german._catalog.values() if text}  # type: ignore[attr-defined]
    assert {text for text in compiled if "\n" not in text} <= written
    assert 'msgstr ""\n\n' not in (CATALOGUE / "django.po").read_text(encoding="utf-8")
