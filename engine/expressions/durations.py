"""Steps in the calendar: ISO 8601 durations, and adding years and months so that the 31st becomes the last day of a shorter month."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from engine.errors import BadInput

Day = TypeVar("Day", date, datetime)
YEARS_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar distance: months and days follow the calendar of the moment they are added to, seconds do not."""

    months: int = 0
    days: int = 0
    seconds: float = 0

    def after(self, moment: datetime) -> datetime:
        """`moment` moved by this much; days keep the wall clock of its time zone, seconds are exact. BadInput beyond the year 9999."""
        days_later = shift(moment, months=self.months, days=self.days)
        if days_later.tzinfo is None:
            return shift(days_later, seconds=self.seconds)
        return shift(days_later.astimezone(UTC), seconds=self.seconds).astimezone(moment.tzinfo)

    def __str__(self) -> str:
        sign = "-" if min(self.months, self.days, self.seconds) < 0 else ""
        date_part = "".join(f"{abs(count)}{unit}" for count, unit in ((self.months, "M"), (self.days, "D")) if count)
        seconds = f"{abs(self.seconds):.6f}".rstrip("0").rstrip(".")
        return f"{sign}P{date_part}" + (f"T{seconds}S" if self.seconds or not date_part else "")

    @property
    def approximate_seconds(self) -> float:
        """Its length in seconds, a month counted as 30 days: for comparing and for waits without a calendar."""
        return (self.months * 30 + self.days) * 86_400 + self.seconds


def shift(moment: Day, *, months: int = 0, days: int = 0, seconds: float = 0) -> Day:
    """`moment` moved along the calendar; BadInput if that leaves the years 1 to 9999."""
    try:
        if months:
            year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
            last = calendar.monthrange(year, month + 1)[1]
            moment = moment.replace(year=year, month=month + 1, day=min(moment.day, last))
        return moment + timedelta(days=days, seconds=seconds) if days or seconds else moment
    except (ValueError, OverflowError, calendar.IllegalMonthError):
        raise BadInput("the date is outside the years 1 to 9999") from None


_NUMBER = r"(\d{1,12}(?:[.,]\d{1,9})?)"
_DURATION = re.compile(
    r"([+-]?)P(?=[0-9T])(?:{n}Y)?(?:{n}M)?(?:{n}W)?(?:{n}D)?(?:T(?=[0-9])(?:{n}H)?(?:{n}M)?(?:{n}S)?)?".replace("{n}", _NUMBER),
    re.ASCII | re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def parse_duration(text: str) -> Duration:
    """The Duration of an ISO 8601 text such as `PT10M`, `P1Y2M3DT4H` or `P2W`; BadInput for any other text."""
    found = _DURATION.fullmatch(text.strip()) if len(text) <= 100 else None
    if found is None:
        raise BadInput(f"'{text[:60]}' is not an ISO 8601 duration such as PT10M")
    sign = -1 if found[1] == "-" else 1
    years, months, weeks, days, hours, minutes, seconds = (Decimal((part or "0").replace(",", ".")) for part in found.groups()[1:])
    all_months = years * 12 + months
    if all_months != int(all_months) or years > YEARS_LIMIT or months > YEARS_LIMIT * 12:
        raise BadInput(f"'{text[:60]}' does not come to a whole number of months")
    all_days = weeks * 7 + days
    exact = hours * 3600 + minutes * 60 + seconds + (all_days - int(all_days)) * 86_400
    return Duration(sign * int(all_months), sign * int(all_days), sign * float(exact))
