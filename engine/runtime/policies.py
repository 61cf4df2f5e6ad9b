"""What becomes of a job whose attempt failed: when it is tried again, and when it is a dead letter. Decides, and writes nothing."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.conf import settings as conf
from engine.errors import BadInput, UnrecoverableError
from engine.expressions.durations import Duration
from engine.expressions.retries import RetryPolicy, retry_policy
from engine.runtime.store.claims import Claimed

LOG = logging.getLogger("towpath.jobs")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows a failed attempt: `state` is waiting or dead, `wait` in seconds, `retries` the attempts that are left."""

    state: str
    wait: float
    retries: int


def after_failure(job: Claimed, error: BaseException, *, chance: Callable[[], float] = random.random) -> Verdict:
    """As often as the settings or the model (`failedJobRetryTimeCycle`) say; an UnrecoverableError in its causes ends it at once.

    As in Flowable the model's number of attempts is taken at the first failure, so that R5 shows 4, 3, 2, 1 and then is dead, and
    not again after an operator moved a dead letter back or set the retries.
    """
    if any(isinstance(cause, UnrecoverableError) for cause in causes(error)):
        return Verdict("dead", 0, 0)
    policy = _policy(job)
    if policy.attempts is None:
        return Verdict("waiting", policy.wait(job.attempts + 1, chance), max(1, job.retries))
    left = (policy.attempts if job.error is None and job.retry else job.retries) - 1
    if left <= 0:
        return Verdict("dead", 0, 0)
    return Verdict("waiting", policy.wait(max(1, policy.attempts - left), chance), left)


def _policy(job: Claimed) -> RetryPolicy:
    """The model's, which deployment has checked, else the settings'."""
    if job.retry:
        try:
            return retry_policy(job.retry)
        except BadInput as error:
            LOG.error("job %s (%s) is retried as the settings say: %s", job.id, job.name or job.node, error)
    return RetryPolicy(conf.JOB_RETRIES, (Duration(seconds=conf.JOB_RETRY_WAIT),))


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it came from."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__
