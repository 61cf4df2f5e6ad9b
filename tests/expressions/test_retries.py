"""A retry cycle says how many attempts there are and how long to wait for the next."""

import pytest

from engine.errors import BadInput
from engine.expressions.times import retry_policy


@pytest.mark.parametrize(
    ("text", "attempts", "waits"),
    [
        ("R5/PT7M", 5, [420, 420, 420, 420]), ("R2/PT6S", 2, [6]), ("R/PT10S", None, [10, 10, 10]), ("R0/PT5M", 1, [300]),
        ("PT7M", 1, [420]),
        ("R1/PT5M", 1, [300]), ("PT10S,PT1M,PT10M", 4, [10, 60, 600, 600]), ("R9/PT10S,PT1M", 9, [10, 60, 60, 60]),
        ("R8/PT10S*2/PT1M", 8, [10, 20, 40, 60, 60]), ("R5/PT1S*1.5", 5, [1, 1.5, 2.25]), (" R3 / PT0S ", 3, [0]),
        ("R4/PT1S,PT2S*2", 4, [1, 2, 4, 8]),
    ],
)  # fmt: skip
def test_reads_attempts_and_waits(text: str, attempts: int | None, waits: list[float]) -> None:
    policy = retry_policy(text)
    assert policy.attempts == attempts
    assert [policy.wait(attempt) for attempt in range(1, len(waits) + 1)] == waits


def test_jitter_spreads_the_wait_around_its_length() -> None:
    policy = retry_policy("R5/PT100S~20%")
    assert [policy.wait(1, iter([at]).__next__) for at in (0.0, 0.5, 1.0)] == pytest.approx([80, 100, 120])


def test_a_growing_wait_never_overflows() -> None:
    assert retry_policy("R/PT10S*999").wait(10**6) == 365 * 86_400


@pytest.mark.parametrize(
    "text", ["", "5", "R5", "R5/", "R5/7M", "Rx/PT1M", "R5/-PT1M", "PT1M,", "R5/PT1M*x", "R5/PT1M/forever", "R5/PT1M~200%", "x" * 999]
)
def test_refuses_the_wrong_format(text: str) -> None:
    with pytest.raises(BadInput):
        retry_policy(text)
