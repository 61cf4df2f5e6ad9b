"""Cron as Flowable writes it (Quartz): seconds first, days of the week from 1 = Sunday, `?` for any day, perhaps a year."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo

from cronsim import CronSim, CronSimError

from engine.errors import BadInput

_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_YEARS = range(1970, 2100)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron text of six fields, or seven with the year; BadInput if it cannot be read."""

    text: str
    _fields: tuple[str, ...] = field(init=False, repr=False, compare=False)
    _years: frozenset[int] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fields = self.text.upper().split()
        try:
            if len(fields) not in (6, 7) or len(self.text) > 200:
                raise ValueError
            week = "*" if fields[5] == "?" else _week(fields[5])
            object.__setattr__(self, "_fields", (*fields[:3], "*" if fields[3] == "?" else fields[3], fields[4], week))
            object.__setattr__(self, "_years", None if fields[6:] in ([], ["*"]) else frozenset(_numbers(fields[6], _YEARS)))
            CronSim(" ".join(self._fields), datetime(2024, 1, 1, tzinfo=UTC))
        except (ValueError, CronSimError) as error:
            why = f" ({error})" if str(error) else ""
            raise BadInput(f"'{self.text[:60]}' is not a cycle: neither R3/PT10M nor cron such as 0 0/5 * * * ?{why}") from None

    def next_after(self, moment: datetime, tz: tzinfo = UTC) -> datetime | None:
        """The first date that fits after `moment`, in UTC; None if there is none (within the next fifty years)."""
        while (due := self._next(moment.astimezone(tz))) is not None and self._years is not None and due.year not in self._years:
            later = [year for year in self._years if year > due.year]
            if not later:
                return None
            moment = datetime(min(later), 1, 1, tzinfo=tz) - timedelta(seconds=1)
        return due.astimezone(UTC) if due else None

    def _next(self, local: datetime) -> datetime | None:
        """At a fixed second the five fields behind it are used: cronsim then runs daily jobs exactly once when clocks change."""
        seconds = self._fields[0]
        fixed = int(seconds) if seconds.isdigit() else None
        fields, begin = (self._fields[1:], local - timedelta(seconds=fixed)) if fixed is not None else (self._fields, local)
        try:
            due = next(CronSim(" ".join(fields), begin))
        except StopIteration:
            return None
        return due + timedelta(seconds=fixed or 0)


def _numbers(text: str, whole: range) -> Iterable[int]:
    """The numbers of a list, range or step such as `1-5/2,7`; ranges may go around the end. ValueError for anything else."""
    for part in text.split(","):
        span, _, step = part.partition("/")
        first, _, last = span.partition("-")
        begin = whole[0] if first == "*" else int(first)
        end = int(last) if last else whole[-1] if step or first == "*" else begin
        if begin not in whole or end not in whole or (step and int(step) < 1):
            raise ValueError(f"{part} is out of range")
        distance = (end - begin) % len(whole)
        yield from (whole[(begin - whole[0] + at) % len(whole)] for at in range(0, distance + 1, int(step or 1)))


def _week(text: str) -> str:
    """Days of the week in cronsim's counting from 0; `L` alone is Saturday, `6L` the last Friday, `6#3` the third."""
    for number, name in enumerate(_DAYS):
        text = text.replace(name, str(number + 1))
    if text in ("*", "L"):
        return "6" if text == "L" else text
    for sign in ("L", "#"):
        day, found, nth = text.partition(sign)
        if found:
            return f"{_day(day)}{sign}{nth}"
    return ",".join(str(number - 1) for number in sorted(set(_numbers(text, range(1, 8)))))


def _day(text: str) -> int:
    if int(text) not in range(1, 8):
        raise ValueError(f"day {text} is out of range")
    return int(text) - 1
