"""Reads `failedJobRetryTimeCycle`: how many attempts a failing job has, and how long it waits before the next."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from engine.errors import BadInput
from engine.expressions.durations import Duration, parse_duration

LONGEST_WAIT = 365 * 86_400.0
_POLICY = re.compile(
    r"(?:R(?P<attempts>[0-9]{0,6})/)?(?P<waits>P[^/*~]{1,400}?)(?:\*(?P<factor>[0-9]{1,3}(?:\.[0-9]{1,3})?))?(?:~(?P<jitter>[0-9]{1,2})%)?"
    r"(?:/(?P<longest>P[^/]{1,60}))?",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` in all (None: without end). After each failure one of `waits`, the last of them again and again, grown by `factor` each
    time, spread by `jitter` (a share of the wait) and never over `longest` seconds.
    """

    attempts: int | None
    waits: tuple[Duration, ...]
    factor: float = 1.0
    jitter: float = 0.0
    longest: float = LONGEST_WAIT

    def wait(self, after_attempt: int, random: Callable[[], float] = lambda: 0.5) -> float:
        """Seconds to wait after attempt number `after_attempt` (from 1) has failed; `random()` gives a number from 0 to 1."""
        at = min(after_attempt, len(self.waits)) - 1
        grown = self.factor ** min(after_attempt - 1 - at, 64)
        seconds = min(self.waits[max(at, 0)].approximate_seconds * grown, self.longest)
        return max(0.0, min(seconds * (1 + self.jitter * (2 * random() - 1)), self.longest))


@lru_cache(maxsize=1024)
def retry_policy(text: str) -> RetryPolicy:
    """The policy of a text; BadInput if it cannot be read. As at Flowable (observed, and its source):

    * `R5/PT7M`: five attempts, seven minutes apart; `R/PT7M`: without end
    * `R0/PT7M`, and a plain `PT7M`: no second attempt

    and beyond Flowable:

    * `PT10S,PT1M,PT10M`: an attempt more than there are waits; with a count (`R9/PT10S,PT1M`) the last wait repeats
    * `R8/PT10S*2/PT1H`: each wait twice the one before, at most an hour; `~20%` behind the wait or factor spreads it by a fifth
    """
    found = _POLICY.fullmatch("".join(text.split())) if len(text) <= 500 else None
    if found is None:
        raise BadInput(f"the retry cycle '{text[:60]}' has the wrong format; R5/PT7M is right")
    waits = tuple(parse_duration(part) for part in found["waits"].split(","))
    if any(wait.approximate_seconds < 0 for wait in waits):
        raise BadInput(f"the retry cycle '{text[:60]}' waits for a negative time")
    longest = parse_duration(found["longest"]).approximate_seconds if found["longest"] else LONGEST_WAIT
    factor, jitter = float(found["factor"] or 1), int(found["jitter"] or 0) / 100
    return RetryPolicy(_attempts(found["attempts"], waits), waits, max(factor, 1.0), jitter, min(longest, LONGEST_WAIT))


def _attempts(count: str | None, waits: tuple[Duration, ...]) -> int | None:
    if count is None:
        return len(waits) + 1 if len(waits) > 1 else 1
    return max(1, int(count)) if count else None
