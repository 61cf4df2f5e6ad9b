"""What stands in the tree: every setting is read by somebody, and no test model is known to the engine by its name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine import conf

ROOT = Path(__file__).parents[2]
MODELS = ROOT.parent / "shared" / "conformance" / "processes"
CODE = sorted(path for room in ("engine", "tasks_ui", "workflow_site") for path in (ROOT / room).rglob("*.py") if path.name != "conf.py")
PROCESS = re.compile(r"<(?:\w+:)?process\b[^>]*?\bid\s*=\s*[\"']([^\"']+)")
OF_BPMN = {"mainProcess"}  # a key of the JSON in which Flowable tells a model


def texts(path: Path) -> Iterator[str]:
    """The literal texts of a module, its docstrings among them."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return (node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def telling(name: str) -> bool:
    """Whether a name can only be a model's: made of several words, and none that BPMN itself has."""
    return len(name) > 5 and name not in OF_BPMN and bool(re.search(r"[_\d-]|[a-z][A-Z]", name))


def test_every_setting_is_read_by_somebody() -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    assert [row.name for row in conf.table() if not re.search(rf"\b(?:conf|settings)\.{row.name}\b", written)] == []


@pytest.mark.skipif(not MODELS.is_dir(), reason="the conformance models lie outside of the repository")
def test_the_engine_knows_no_test_model_by_its_name() -> None:
    files = [path for path in MODELS.rglob("*") if path.is_file()]
    found = [(path.name.split(".")[0], *PROCESS.findall(path.read_text(encoding="utf-8", errors="replace"))) for path in files]
    elements = set(re.findall(r"`(\w+)(?:/[\w-]+)?`", (ROOT / "engine" / "bpmn" / "ELEMENTS.md").read_text(encoding="utf-8")))
    names = {name for some in found for name in some if telling(name)} - elements
    assert len(names) > 300
    known = {(str(path.relative_to(ROOT)), text) for path in CODE if path.parts[len(ROOT.parts)] == "engine" for text in texts(path)}
    assert sorted((where, text) for where, text in known if names & set(re.findall(r"[\w-]+", text))) == []
