"""What the tests of the parser share."""

from __future__ import annotations

import pytest

from engine.bpmn import validate


@pytest.fixture
def everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """All elements count as executable, so that the parser can be tested ahead of the interpreter."""
    monkeypatch.setattr(validate, "SUPPORTED", validate.SUPPORTED | validate.REFUSED.keys())
