"""Timers are due when ISO 8601, cron and the calendar say so, summer time included."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from engine.expressions.times import Duration, due_date, parse_cycle, parse_duration

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2024, 1, 31, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT10M", Duration(seconds=600)), ("P1Y2M3DT4H5M6.5S", Duration(14, 3, 14706.5)), ("P2W", Duration(days=14)), ("PT0S", Duration()),
        ("-PT1H", Duration(seconds=-3600)), ("P0.5D", Duration(seconds=43200)), ("pt1,5s", Duration(seconds=1.5)), ("P0.5Y", Duration(6)),
        (" PT36H ", Duration(seconds=129_600)),
    ],
)  # fmt: skip
def test_reads_durations(text: str, duration: Duration) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text", ["", "P", "PT", "P1", "10M", "PT10", "P1H", "PT1D", "P1DT", "P0.3M", "P99999999Y", "PT1M1H", "P" + "1" * 200, "P١D"]
)
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(BadInput):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "due"),
    [
        ("PT10M", NOW + timedelta(minutes=10)), ("P1M", datetime(2024, 2, 29, 12, tzinfo=UTC)),
        ("P1Y1M", datetime(2025, 2, 28, 12, tzinfo=UTC)),
        ("2030-01-31T12:00:00+02:00", datetime(2030, 1, 31, 10, tzinfo=UTC)), ("2030-07-01T12:00:00", datetime(2030, 7, 1, 10, tzinfo=UTC)),
        ("2030-01-31", datetime(2030, 1, 30, 23, tzinfo=UTC)), (date(2030, 1, 31), datetime(2030, 1, 30, 23, tzinfo=UTC)),
        (datetime(2030, 1, 31, 1), datetime(2030, 1, 31, tzinfo=UTC)), (NOW, NOW), ("-PT1H", NOW - timedelta(hours=1)),
        ("2001-01-01T00:00:00Z", datetime(2001, 1, 1, tzinfo=UTC)), (Duration(days=1), NOW + timedelta(days=1)),
    ],
)  # fmt: skip
def test_is_due(value: object, due: datetime) -> None:
    assert due_date(value, NOW, BERLIN) == due
    assert due_date(value, NOW, BERLIN).tzinfo is UTC


@pytest.mark.parametrize("value", ["tomorrow", "", None, 5, "P9999Y", "0001-01-01T00:00:00+05:00", "2030-13-01", True])
def test_refuses_what_is_no_date(value: object) -> None:
    with pytest.raises(BadInput):
        due_date(value, NOW, BERLIN)


def test_a_day_keeps_the_clock_and_24_hours_do_not_when_summer_begins() -> None:
    evening_before = datetime(2024, 3, 30, 17, tzinfo=UTC)
    assert due_date("P1D", evening_before, BERLIN) == evening_before + timedelta(hours=23)
    assert due_date("PT24H", evening_before, BERLIN) == evening_before + timedelta(hours=24)


def due_dates(text: str, count: int, *, now: datetime = NOW, tz: object = UTC, end: object = None) -> list[datetime | None]:
    cycle = parse_cycle(text, now, tz, end=end)  # type: ignore[arg-type]
    found: list[datetime | None] = []
    moment: datetime | None = now
    for fired in range(count):
        moment = cycle.next_after(moment, fired) if moment else None
        found.append(moment)
    return found


def test_a_limited_cycle_fires_so_often_and_no_more() -> None:
    assert due_dates("R3/PT10M", 4) == [NOW + timedelta(minutes=m) for m in (10, 20, 30)] + [None]


def test_an_endless_cycle_goes_on_and_skips_what_was_missed() -> None:
    cycle = parse_cycle("R/PT1H", NOW)
    assert cycle.next_after(NOW + timedelta(days=1000, minutes=1), 5) == NOW + timedelta(days=1000, hours=1)


def test_a_limited_cycle_that_was_missed_is_due_at_once() -> None:
    assert parse_cycle("R2/2021-07-01T19:22:00Z/P1D", NOW).next_after(NOW) == NOW


def test_a_cycle_may_begin_later_and_then_begins_with_its_start() -> None:
    start = datetime(2024, 6, 1, tzinfo=UTC)
    assert due_dates("R2/2024-06-01T00:00:00Z/P1D", 3) == [start, start + timedelta(days=1), None]


def test_a_cycle_ends_with_its_end() -> None:
    assert due_dates("R/PT10M/2024-01-31T12:25:00Z", 3) == [NOW + timedelta(minutes=10), NOW + timedelta(minutes=20), None]
    assert due_dates("R/PT10M", 3, end="2024-01-31T12:10:00Z") == [NOW + timedelta(minutes=10), None, None]
    assert due_dates("R/2024-02-01T00:00:00Z/2024-02-01T12:00:00Z", 3)[2] is None


def test_a_plain_duration_fires_once() -> None:
    assert due_dates("PT5M", 2) == [NOW + timedelta(minutes=5), None]


def test_every_month_on_the_last_day_stays_on_the_last_day() -> None:
    days = [moment.day for moment in due_dates("R/P1M", 5) if moment]
    assert days == [29, 31, 30, 31, 30]


def test_the_text_of_a_cycle_gives_the_same_cycle_later() -> None:
    for text in ("R3/PT10M", "R/P1M", "R/PT1H/2030-01-01", "0 0/5 * * * ?"):
        cycle = parse_cycle(text, NOW)
        later = parse_cycle(cycle.text, NOW + timedelta(days=40))
        assert later.next_after(NOW + timedelta(days=50)) == cycle.next_after(NOW + timedelta(days=50))


@pytest.mark.parametrize(
    ("cron", "due"),
    [
        ("0 0/5 * * * ?", ["12:05", "12:10"]), ("0/2 * * * * ?", ["12:00:02", "12:00:04"]), ("30 0 12 * * ?", ["12:00:30",
        "02-01 12:00:30"]),
        ("0 0 1 ? * 2-6", ["02-01 01:00", "02-02 01:00", "02-05 01:00"]), ("0 0 1 ? * MON,SAT", ["02-03 01:00", "02-05 01:00"]),
        ("0 0 1 L * ?", ["02-29 01:00"]), ("0 0 1 ? * 6L", ["02-23 01:00"]), ("0 0 1 ? * 6#2", ["02-09 01:00"]),
        ("0 0 1 LW * ?", ["02-29 01:00"]),
        ("0 0 1 ? * SAT-MON", ["02-03 01:00", "02-04 01:00", "02-05 01:00"]), ("0 0 1 ? * L", ["02-03 01:00"]),
        ("0 0 0 1 1 ? 2026-2027", ["2026-01-01 00:00", "2027-01-01 00:00", ""]), ("0 0 0 1 JAN * *", ["2025-01-01 00:00"]),
        ("0 0 0 29 2 ? 2025", [""]), ("5,10 0 13 * * ?", ["13:00:05", "13:00:10"]), ("0 0 0 1 1 ? 2020", [""]),
    ],
)  # fmt: skip
def test_cron_with_seconds(cron: str, due: list[str]) -> None:
    expected = [_moment(text) for text in due]
    assert due_dates(cron, len(due)) == expected


def _moment(text: str) -> datetime | None:
    prefix = {0: "", 5: "2024-01-31 ", 8: "2024-01-31 ", 11: "2024-", 14: "2024-", 16: ""}[len(text)]
    return datetime.fromisoformat(prefix + text).replace(tzinfo=UTC) if text else None


def test_a_daily_cron_runs_once_a_day_when_clocks_change() -> None:
    spring = due_dates("0 30 2 * * ?", 3, now=datetime(2024, 3, 29, 12, tzinfo=UTC), tz=BERLIN)
    assert [moment.astimezone(BERLIN).day for moment in spring if moment] == [30, 31, 1]
    autumn = due_dates("15 30 2 * * ?", 3, now=datetime(2024, 10, 25, 12, tzinfo=UTC), tz=BERLIN)
    assert [moment.astimezone(BERLIN).day for moment in autumn if moment] == [26, 27, 28]
    assert all(moment.second == 15 for moment in autumn if moment)


@pytest.mark.parametrize(
    "text",
    ["", "R", "R3", "R3/", "Rx/PT1H", "R3/PT0S", "R3/-PT1H", "R3/hello", "R1/2/3/4/5", "* * * * *", "0 0 0 0 * ?", "99 * * * * ?",
    "0 0 1 ? * 8",
     "0 0 1 15W * ?", "hello", "0 0 1 ? * 0", "0 0 0 1 1 ? 1800", "R/2024-02-01/2024-01-01", "R" + "9" * 20 + "/PT1H"],
)  # fmt: skip
def test_refuses_what_is_no_cycle(text: str) -> None:
    with pytest.raises(BadInput):
        parse_cycle(text, NOW)


@given(st.one_of(st.text(alphabet="RPT0123456789YMDHS/-:*?,.Z +L#W"), st.text()))
def test_any_text_is_a_time_or_bad_input(text: str) -> None:
    for read in (lambda: due_date(text, NOW, BERLIN), lambda: parse_cycle(text, NOW, BERLIN).next_after(NOW)):
        try:
            assert read() is None or read().tzinfo is not None
        except BadInput as error:
            assert str(error)  # noqa: PT017  # either outcome is right


@given(st.integers(-40, 400), st.integers(0, 5000), st.integers(1, 3000))
def test_occurrences_follow_each_other(months: int, days: int, seconds: int) -> None:
    cycle = parse_cycle(f"R/2020-01-31T00:00:00Z/{Duration(abs(months) % 14, days % 40, seconds)}", NOW)
    first = cycle.next_after(NOW)
    assert first is not None
    second = cycle.next_after(first)
    assert second is not None
    assert NOW < first < second
    assert cycle.next_after(second - timedelta(milliseconds=1)) == second
