"""`docs/python-api.md` says the truth: every example on it is run, one after the other, as it stands there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from engine import runtime
from engine.runtime.handlers import registry
from tests.docs import pages

PAGE = "python-api.md"


@pytest.fixture
def _quiet() -> Iterator[None]:
    """What the examples register is forgotten again."""
    kept = [(signal, list(signal.receivers)) for signal in (runtime.task_created, runtime.instance_ended)]
    yield
    registry._HANDLERS.pop("docs_store", None)
    for signal, receivers in kept:
        signal.receivers = receivers
        signal.sender_receivers_cache.clear()


@pytest.mark.usefixtures("_quiet")
@pytest.mark.django_db(transaction=True)
def test_every_example_does_what_the_page_says(alice: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, content in pages.blocks(PAGE, "xml"):
        (tmp_path / name).write_text(content, encoding="utf-8")
    names: dict[str, Any] = {}
    count, said = pages.run(PAGE, names)
    assert not said, said
    assert count > 30


def test_the_page_names_every_verb() -> None:
    told = pages.text(PAGE)
    assert [verb for verb in runtime.__all__ if f"`{verb}`" not in told and f"runtime.{verb}" not in told] == []
