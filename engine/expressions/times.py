"""When a timer is due: dates, durations and repeating cycles of ISO 8601, and cron with seconds; local times are read in a given time zone.

All results are aware datetimes in UTC. What cannot be read is BadInput, so that a model is refused with the text that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

from engine.errors import BadInput
from engine.expressions.cron import Cron
from engine.expressions.durations import Duration, parse_duration, shift
from engine.expressions.retries import RetryPolicy, retry_policy

__all__ = ["Cycle", "Duration", "RetryPolicy", "due_date", "parse_cycle", "parse_duration", "parse_moment", "retry_policy"]


def parse_moment(value: Any, tz: tzinfo = UTC) -> datetime:
    """A date in any of its forms, or an ISO 8601 text, as a moment in UTC; without offset it is local to `tz`, a day is its midnight."""
    if isinstance(value, str):
        value = _read(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time())
    if not isinstance(value, datetime):
        raise BadInput(f"a {type(value).__name__} is not a date")
    try:
        return (value if value.tzinfo else value.replace(tzinfo=tz)).astimezone(UTC)
    except OverflowError:
        raise BadInput("the date is outside the years 1 to 9999") from None


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip()[:100])
    except ValueError:
        raise BadInput(f"'{text[:60]}' is neither an ISO 8601 date such as 2030-01-31T12:00:00Z nor a duration such as PT10M") from None


def due_date(value: Any, now: datetime, tz: tzinfo = UTC) -> datetime:
    """When something is due: a date itself, or `now` plus a duration such as PT10M (days and months follow the calendar of `tz`)."""
    if isinstance(value, Duration) or (isinstance(value, str) and value.strip().lstrip("+-").upper().startswith("P")):
        duration = parse_duration(value) if isinstance(value, str) else value
        return duration.after(now.astimezone(tz)).astimezone(UTC)
    return parse_moment(value, tz)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A repeating timer: `start` plus multiples of `interval`, or `cron`; `repeats` times in all (None: for ever), not after `end`."""

    start: datetime
    interval: Duration | None = None
    cron: Cron | None = None
    repeats: int | None = None
    end: datetime | None = None
    tz: tzinfo = UTC

    def next_after(self, moment: datetime, fired: int = 0) -> datetime | None:
        """The next due date after `moment` when it has fired `fired` times; None if it is spent.

        Occurrences that were missed are skipped, except that a limited cycle still fires as often as it says (as at Flowable).
        """
        if self.repeats is not None and fired >= self.repeats:
            return None
        due = self.cron.next_after(moment, self.tz) if self.cron else self._occurrence_after(moment)
        return due if due is not None and (self.end is None or due <= self.end) else None

    def _occurrence_after(self, moment: datetime) -> datetime:
        length = max(self.interval.approximate_seconds, 0.001) if self.interval else 1.0
        # Months are of unequal length: begin a little early, and step.
        at = max(0, int((moment - self.start).total_seconds() / (length * 1.05)) - 1)
        while (occurrence := self._occurrence(at)) <= moment:
            at += max(1, int((moment - occurrence).total_seconds() / (length * 1.05)))
        return moment if self.repeats is not None and at > self.repeats else occurrence

    def _occurrence(self, at: int) -> datetime:
        assert self.interval is not None
        times = Duration(self.interval.months * at, self.interval.days * at, self.interval.seconds * at)
        return times.after(self.start.astimezone(self.tz)).astimezone(UTC)

    @property
    def text(self) -> str:
        """The cycle as text with its start, from which `parse_cycle` makes the same cycle later."""
        if self.cron:
            return self.cron.text
        assert self.interval is not None
        count = "R" if self.repeats is None else f"R{self.repeats}"
        return f"{count}/{self.start.isoformat()}/{self.interval}" + (f"/{self.end.isoformat()}" if self.end else "")


def parse_cycle(text: str, now: datetime, tz: tzinfo = UTC, *, end: Any = None) -> Cycle:
    """The Cycle of `R3/PT10M`, `R/2030-01-01T00:00Z/P1D`, `R/PT1H/2030-01-01` (until then), `R/<start>/<end>`, or cron with seconds.

    Without a start it begins at `now`; a plain duration fires once. `end` (a date or its text) bounds it too. BadInput for other texts.
    """
    until = None if end in (None, "") else parse_moment(end, tz)
    parts = [part.strip() for part in text.strip().split("/")] if len(text) <= 200 else []
    if parts and not parts[0].upper().startswith(("R", "P")):
        return Cycle(now.astimezone(UTC), cron=Cron(text.strip()), end=until, tz=tz)
    repeats, rest = _repeats(parts, text)
    start, interval, stop = _span(rest, now, tz, text)
    if shift(start, months=interval.months, days=interval.days, seconds=interval.seconds) <= start:
        raise BadInput(f"the cycle '{text[:60]}' does not go forward")
    bounds = [bound for bound in (until, stop) if bound is not None]
    return Cycle(start, interval, None, repeats, min(bounds, default=None), tz)


def _repeats(parts: list[str], text: str) -> tuple[int | None, list[str]]:
    if not parts or not 1 <= len(parts) <= 4:
        raise BadInput(f"'{text[:60]}' is not a cycle such as R3/PT10M")
    if not parts[0].upper().startswith("R"):
        return 1, parts
    count = parts[0][1:]
    if count and not (count.isascii() and count.isdigit() and len(count) <= 9):
        raise BadInput(f"'{text[:60]}' is not a cycle such as R3/PT10M")
    return max(1, int(count)) if count else None, parts[1:]


def _span(parts: list[str], now: datetime, tz: tzinfo, text: str) -> tuple[datetime, Duration, datetime | None]:
    """Start, interval and end of the parts behind the count."""
    match [part[:1].upper() == "P" for part in parts]:
        case [True]:
            return now.astimezone(UTC), parse_duration(parts[0]), None
        case [True, False]:
            return now.astimezone(UTC), parse_duration(parts[0]), parse_moment(parts[1], tz)
        case [False, True]:
            return parse_moment(parts[0], tz), parse_duration(parts[1]), None
        case [False, True, False]:
            return parse_moment(parts[0], tz), parse_duration(parts[1]), parse_moment(parts[2], tz)
        case [False, False]:
            start, end = parse_moment(parts[0], tz), parse_moment(parts[1], tz)
            return start, Duration(seconds=(end - start) / timedelta(seconds=1)), end
    raise BadInput(f"'{text[:60]}' is not a cycle such as R3/PT10M")
