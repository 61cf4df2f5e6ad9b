"""The page that says how processes run differently from Flowable names recorded runs that exist, and few of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "engine" / "bpmn" / "DIFFERENCES.md"
GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "conformance" / "golden"

if not GOLDEN.is_dir():
    pytest.skip(f"{GOLDEN} is missing", allow_module_level=True)


def named() -> set[str]:
    """The recorded runs that the page names, in backticks and with a dot."""
    return set(re.findall(r"`([a-z_]+\.\w[\w.\-]+)`", PAGE.read_text(encoding="utf-8")))


def test_every_run_that_is_named_was_recorded() -> None:
    assert named()
    assert {name for name in named() if not (GOLDEN / f"{name}.json").exists()} == set()


def test_at_most_two_of_a_hundred_runs_differ() -> None:
    assert len(named()) <= 0.02 * len(list(GOLDEN.glob("*.json")))
