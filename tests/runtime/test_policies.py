"""When a failed job is tried again, and when it is a dead letter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import TechnicalError, UnrecoverableError
from engine.models.fields import uuid7
from engine.runtime.policies import Verdict, after_failure
from engine.runtime.store.claims import Claimed

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FAILURE = TechnicalError("no")


def a_job(**more: Any) -> Claimed:
    job = Claimed(uuid7(), "async", "ready", None, None, None, None, None, NOW, 0, True, 3, 0, None, None, {}, None, None, "w1:1")
    return replace(job, **more)


def fail_on(job: Claimed) -> list[tuple[int, float]]:
    """(attempts left, wait) after each failure until it is dead, at most ten."""
    shown = []
    for _ in range(10):
        verdict = after_failure(job, FAILURE, chance=lambda: 0.5)
        shown.append((verdict.retries, verdict.wait))
        if verdict.state == "dead":
            break
        job = replace(job, retries=verdict.retries, attempts=job.attempts + 1, error="no")
    return shown


def test_three_attempts_ten_seconds_apart_if_nobody_says_otherwise() -> None:
    assert fail_on(a_job()) == [(2, 10), (1, 10), (0, 0)]


def test_the_settings_can_say_otherwise(settings: Any) -> None:
    settings.ENGINE_JOB_RETRY_WAIT = 0.5
    assert fail_on(a_job(retries=2)) == [(1, 0.5), (0, 0)]


@pytest.mark.parametrize(
    ("cycle", "shown"),
    [
        ("R5/PT7M", [(4, 420), (3, 420), (2, 420), (1, 420), (0, 0)]),
        ("R2/PT1S", [(1, 1), (0, 0)]),
        ("R0/PT1S", [(0, 0)]),
        ("PT10S,PT1M,PT10M", [(3, 10), (2, 60), (1, 600), (0, 0)]),
        ("R4/PT10S*2/PT30S", [(3, 10), (2, 20), (1, 30), (0, 0)]),
    ],
)
def test_the_model_says_how_often_and_how_far_apart(cycle: str, shown: list[tuple[int, float]]) -> None:
    assert fail_on(a_job(retry=cycle)) == shown


def test_a_cycle_without_end_never_makes_a_dead_letter() -> None:
    assert fail_on(a_job(retry="R/PT1S")) == [(3, 1)] * 10


def test_a_revived_dead_letter_counts_from_what_it_was_given() -> None:
    assert fail_on(a_job(retry="R5/PT1S", error="no", attempts=5)) == [(2, 1), (1, 1), (0, 0)]


@pytest.mark.parametrize("cycle", [None, "R5/PT7M", "R/PT1S"])
def test_an_unrecoverable_error_ends_it_at_once_however_deep_it_lies(cycle: str | None) -> None:
    found = TechnicalError("outer")
    found.__cause__ = TechnicalError("middle")
    found.__cause__.__context__ = UnrecoverableError("never")
    assert after_failure(a_job(retry=cycle), found) == Verdict("dead", 0, 0)


def test_a_cycle_that_cannot_be_read_falls_back_to_the_settings() -> None:
    assert fail_on(a_job(retry="whenever"))[0] == (2, 10)
