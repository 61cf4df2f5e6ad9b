"""Every engine setting stands in one table, can be set by the host and by the environment, and is in the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from engine import conf
from engine.checks import check_settings

README = Path(__file__).parents[2] / "README.md"


def test_a_setting_that_nobody_set_has_its_default() -> None:
    assert conf.settings.JOB_RETRIES == conf.Settings.JOB_RETRIES.default == 3


def test_a_setting_of_the_host_counts_at_once() -> None:
    with override_settings(ENGINE_JOB_RETRIES=7):
        assert conf.settings.JOB_RETRIES == 7
    assert conf.settings.JOB_RETRIES == 3


def test_the_environment_gives_each_type() -> None:
    found = conf.from_environment(
        {"ENGINE_JOB_RETRIES": "5", "ENGINE_NOTIFY": "off", "ENGINE_JOB_LEASE": "2.5", "ENGINE_HISTORY": "none", "X": "1"}
    )
    assert found == {"ENGINE_JOB_RETRIES": 5, "ENGINE_NOTIFY": False, "ENGINE_JOB_LEASE": 2.5, "ENGINE_HISTORY": "none"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JOB_RETRIES", "many"),
        ("JOB_RETRIES", "0"),
        ("JOB_RETRIES", "2.5"),
        ("NOTIFY", "perhaps"),
        ("HISTORY", "some"),
        ("JOB_LEASE", "-1"),
        ("RETENTION", "order=30"),
        ("RETENTION", "[30]"),
        ("RETENTION", '{"order": "long"}'),
        ("RETENTION", '{"order": -1}'),
        ("RETENTION", '{"order": true}'),
    ],
)
def test_the_environment_is_refused_a_value_that_cannot_be(name: str, value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=f"ENGINE_{name} must be"):
        conf.from_environment({f"ENGINE_{name}": value})


def test_the_environment_gives_names_with_numbers_as_json() -> None:
    assert conf.from_environment({"ENGINE_RETENTION": '{"order": 30, "audit": 0.5}'}) == {"ENGINE_RETENTION": {"order": 30, "audit": 0.5}}


def test_every_default_is_a_value_that_can_be() -> None:
    assert [row.name for row in conf.table() if row.problem(row.default)] == []


@override_settings(ENGINE_JOB_RETRYS=4)
def test_a_misspelt_setting_is_warned_of_with_the_right_name() -> None:
    (warning,) = check_settings()
    assert warning.id == "towpath.W001"
    assert "ENGINE_JOB_RETRIES" in (warning.hint or "")


@override_settings(ENGINE_JOB_RETRIES="3")
def test_a_setting_of_the_wrong_type_is_an_error() -> None:
    (error,) = check_settings()
    assert error.id == "towpath.E001"
    assert "whole number" in error.msg


@override_settings(ENGINE_JOB_LEASE=float("nan"), ENGINE_NOTIFY=1)
def test_nan_is_no_time_and_one_is_not_true() -> None:
    assert sorted(error.msg.split()[0] for error in check_settings()) == ["ENGINE_JOB_LEASE", "ENGINE_NOTIFY"]


def test_the_readme_lists_exactly_these_settings() -> None:
    rows = re.findall(r"^\| `ENGINE_(\w+)` \| ([^|]+) \| `([^`]*)` \| (.+) \|$", README.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == [(row.name, row.type.__name__, str(row.default), row.why) for row in conf.table()]
