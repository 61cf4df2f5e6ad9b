"""Variables come from the process first, then from .env."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from workflow_site import environment


def test_reads_names_and_values_and_leaves_comments_out() -> None:
    text = "# a comment\nDEBUG=1\n export NAME = 'a b'\nEMPTY=\nTOLD=x # why\nno assignment\n"
    assert environment.parse(text) == {"DEBUG": "1", "NAME": "a b", "EMPTY": "", "TOLD": "x"}


def test_a_variable_of_the_process_beats_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\nB=file\n")
    found = environment.read(tmp_path, {"A": "process"})
    assert found == {"A": "process", "B": "file"}


def test_an_empty_env_file_variable_means_no_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=file\n")
    assert "A" not in environment.read(tmp_path, {"ENV_FILE": ""})


@pytest.mark.parametrize(("said", "meant"), [("1", True), ("Yes", True), ("on", True), ("0", False), ("FALSE", False), ("", False)])
def test_understands_the_usual_words_for_yes_and_no(said: str, meant: bool) -> None:
    assert environment.flag(said, "DEBUG") is meant


def test_refuses_another_word_and_names_the_variable() -> None:
    with pytest.raises(ImproperlyConfigured, match="DEBUG"):
        environment.flag("perhaps", "DEBUG")


def test_splits_a_list_at_commas() -> None:
    assert environment.names("a.example, b.example,,") == ["a.example", "b.example"]
