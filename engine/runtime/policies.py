"""What becomes of a job whose attempt failed: when it is tried again, and when it is a dead letter. Decides, and writes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from engine.conf import settings as conf
from engine.errors import UnrecoverableError
from engine.runtime.store.claims import Claimed


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows a failed attempt: `state` is waiting or dead, `wait` in seconds, `retries` the attempts that are left."""

    state: str
    wait: float
    retries: int


def after_failure(job: Claimed, error: BaseException) -> Verdict:
    """Three attempts, 10 s apart; an UnrecoverableError anywhere in its causes ends it at once."""
    left = job.retries - 1
    if left <= 0 or any(isinstance(cause, UnrecoverableError) for cause in causes(error)):
        return Verdict("dead", 0, 0)
    return Verdict("waiting", conf.JOB_RETRY_WAIT, left)


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
