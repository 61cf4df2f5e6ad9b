"""`manage.py draw` writes the picture of a file, and says plainly what is wrong with it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.bpmn.diagram_models import process


@pytest.fixture
def model(tmp_path: Path) -> Path:
    file = tmp_path / "order.bpmn"
    file.write_bytes(process('<userTask id="enter" name="Enter Order"/><endEvent id="end"/>'))
    return file


def draw(*arguments: object) -> str:
    out = StringIO()
    call_command("draw", *map(str, arguments), stdout=out)
    return out.getvalue()


def test_writes_the_picture_to_standard_output(model: Path) -> None:
    svg = draw(model)
    assert svg.startswith("<svg")
    assert "Enter Order" in svg


def test_writes_the_picture_to_a_file(model: Path) -> None:
    out = model.with_suffix(".svg")
    assert draw(model, "--out", out) == ""
    assert out.read_text(encoding="utf-8").startswith("<svg")


def test_marks_states_and_badges(model: Path) -> None:
    svg = draw(model, "--states", "enter=failed,end=done", "--badges", "enter=attempt 3")
    assert "Enter Order (user task), failed, attempt 3" in svg
    assert "end (end event), done" in svg


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--plane", "7"], "no page 7"),
        (["--states", "enter=odd"], "'odd'"),
        (["--states", "enter"], "id=value"),
    ],
)
def test_refuses_wrong_options(model: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message):
        draw(model, *arguments)


def test_refuses_a_file_that_is_missing_or_no_xml(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No such file"):
        draw(tmp_path / "missing.bpmn")
    (tmp_path / "bad.bpmn").write_text("nonsense")
    with pytest.raises(CommandError, match="well-formed"):
        draw(tmp_path / "bad.bpmn")
