"""The rooms import only what DESIGN lets them: the contracts stand in pyproject.toml."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.once


def test_every_import_contract_is_kept() -> None:
    done = subprocess.run([Path(sys.executable).parent / "lint-imports"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("room", ["engine.interpreter", "engine.bpmn", "engine.expressions", "engine.errors"])
def test_the_core_is_imported_without_django(room: str) -> None:
    script = f"import sys, pkgutil, importlib\nmodule = importlib.import_module({room!r})\n"
    script += (
        "for found in pkgutil.walk_packages(getattr(module, '__path__', []), module.__name__ + '.'): importlib.import_module(found.name)\n"
    )
    script += "sys.exit('django' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
