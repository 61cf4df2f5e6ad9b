"""dev.py needs only Python, sets up once, and gives each way of running the environment it wants."""

from __future__ import annotations

import argparse
import ast
import importlib.util
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """dev.py as a module, at home in an empty directory."""
    spec = importlib.util.spec_from_file_location("dev", ROOT / "dev.py")
    assert spec
    assert spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "requirements.txt").write_text("")
    for name, path in {"ROOT": "", "VENV": ".venv", "PYTHON": ".venv/bin/python", "STAMP": ".venv/.requirements"}.items():
        monkeypatch.setattr(module, name, tmp_path / path)
    monkeypatch.chdir(tmp_path)
    return module


def arguments(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"host": "127.0.0.1", "port": 8000, "no_demo": False, "automatiko": False, **given})


def test_it_imports_nothing_that_must_be_installed() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text())
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_it_sets_up_once_and_again_when_the_requirements_change(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def make() -> None:
        made.append("venv")
        dev.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        dev.PYTHON.touch()

    monkeypatch.setattr(dev, "_make_venv", make)
    monkeypatch.setattr(dev.subprocess, "run", lambda command, **_: made.append("install"))
    dev.setup()
    dev.setup()
    assert made == ["venv", "install"]
    (dev.ROOT / "requirements.txt").write_text("Django\n")
    dev.setup()
    assert made == ["venv", "install"] * 2


def test_it_does_not_matter_which_python_of_a_version_calls(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    dev.PYTHON.parent.mkdir(parents=True)
    dev.PYTHON.touch()
    made: list[str] = []
    monkeypatch.setattr(dev, "_make_venv", lambda: made.append("venv"))
    monkeypatch.setattr(dev.subprocess, "run", lambda command, **_: made.append("install"))
    dev.setup()
    monkeypatch.setattr(dev.sys, "version", "another build of the same version")
    dev.setup()
    assert made == ["venv", "install"]


def test_an_installation_that_failed_is_tried_again(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, command)

    monkeypatch.setattr(dev, "_make_venv", lambda: None)
    monkeypatch.setattr(dev.subprocess, "run", fail)
    with pytest.raises(subprocess.CalledProcessError):
        dev.setup()
    assert not dev.STAMP.exists()


def test_it_says_what_to_install_where_python_cannot_make_environments(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def no_ensurepip(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        tried.append(command[0])
        return subprocess.CompletedProcess(command, 1)

    monkeypatch.setattr(dev, "_python", lambda: "/faster/python")
    monkeypatch.setattr(dev.subprocess, "run", no_ensurepip)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        dev.setup()
    assert tried == ["/faster/python", dev.CALLED]


def test_it_takes_another_python_only_if_that_is_clearly_faster(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TOWPATH_PYTHON", raising=False)
    monkeypatch.setattr(dev, "_others", lambda: ["/system/python"])
    for times, taken in ((1.5, "/system/python"), (1.1, dev.CALLED), (0.0, dev.CALLED)):
        monkeypatch.setattr(dev, "_times_as_fast", lambda other, times=times: times)
        assert dev._python() == taken
    monkeypatch.setattr(dev, "_others", list)
    assert dev._python() == dev.CALLED
    monkeypatch.setenv("TOWPATH_PYTHON", "/chosen/python")
    assert dev._python() == "/chosen/python"


def test_some_turns_in_which_the_machine_was_slow_do_not_decide(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = iter([False, True, False, False, True, False, False] * 2)
    monkeypatch.setattr(dev, "_seconds", lambda python: (9.0 if next(slow) else 1.0) if python == "/system/python" else 1.5)
    assert dev._times_as_fast("/system/python") == 1.5


def test_a_python_that_cannot_make_environments_is_never_faster(dev: Any, tmp_path: Path) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    assert 0 < dev._seconds(sys.executable) < dev._seconds(str(broken)) == math.inf
    assert dev._times_as_fast(str(broken)) == 0


def test_the_system_offers_only_what_is_not_the_python_that_called(dev: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"python{dev.VERSION}"
    (tmp_path / "same").mkdir()
    (tmp_path / "same" / name).symlink_to(dev.CALLED)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).touch()
    monkeypatch.setattr(dev, "SYSTEM", (tmp_path / "same", tmp_path / "other", tmp_path / "none"))
    assert dev._others() == [str(tmp_path / "other" / name)]


def test_an_environment_that_is_only_linked_here_is_never_emptied(dev: Any, tmp_path: Path) -> None:
    theirs = tmp_path / "elsewhere" / "precious"
    theirs.parent.mkdir()
    theirs.touch()
    dev.VENV.symlink_to(theirs.parent)
    with pytest.raises(SystemExit, match="Remove the link"):
        dev.setup()
    assert theirs.exists()


def test_it_refuses_an_old_python_by_name(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "OLDEST", (99, 0))
    with pytest.raises(SystemExit, match=r"needs Python 99\.0"):
        dev.setup()


def test_the_demo_is_a_developers_site_unless_the_environment_says_otherwise(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DEBUG", "DEMO", "ALLOWED_HOSTS", "ENGINE_BASIC_AUTH", "DEMO_SHOP_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ENV_FILE", ".env")
    (dev.ROOT / ".env").write_text("ENGINE_BASIC_AUTH=0\n")
    environment = dev._demo_environment(arguments(port=8123))
    assert environment["DEBUG"] == environment["DEMO"] == "1"
    assert environment["DEMO_SHOP_URL"] == "http://127.0.0.1:8123/demo/shop"
    assert "ENGINE_BASIC_AUTH" not in environment


def test_a_conformance_run_is_empty_utc_without_debug_and_with_basic_authentication(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    (dev.ROOT / "var").mkdir()
    left = dev.ROOT / "var" / "conformance.sqlite3"
    left.touch()
    environment = dev._bare_environment(arguments())
    wanted = {
        "DEBUG": "0",
        "DEMO": "0",
        "TIME_ZONE": "UTC",
        "ENGINE_BASIC_AUTH": "1",
        "ENV_FILE": "",
        "DATABASE_URL": "sqlite:///var/conformance.sqlite3",
    }
    assert wanted.items() <= environment.items()
    assert len(environment["SECRET_KEY"]) >= 50
    assert not left.exists()


def test_a_conformance_run_takes_the_database_it_is_given(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://db/flow")
    assert dev._bare_environment(arguments())["DATABASE_URL"] == "postgresql://db/flow"


def test_the_tests_see_nothing_of_what_this_machine_is_set_to(dev: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_JOB_RETRIES", "9")
    monkeypatch.setenv("DATABASE_URL", "postgresql://production/flow")
    assert not {"ENGINE_JOB_RETRIES", "DATABASE_URL"} & dev._test_environment().keys()


def test_one_failure_fails_the_whole_and_is_named(dev: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert dev._report([("types", 0), ("lint", 1)]) == 1
    assert "FAILED: lint" in capsys.readouterr().out
    assert dev._report([("types", 0)]) == 0


@pytest.mark.parametrize("command", ["run", "test", "check", "bench", "chaos", "setup"])
def test_make_knows_every_command(command: str) -> None:
    done = subprocess.run(["make", "--dry-run", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert f"dev.py {command}" in done.stdout


def test_every_requirement_is_pinned() -> None:
    lines = [line.partition("#")[0].strip() for line in (ROOT / "requirements.txt").read_text().splitlines()]
    assert [line for line in lines if line and "==" not in line] == []
