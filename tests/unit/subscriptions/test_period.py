from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscriptions.domain.period import Calendar, Interval, Period, Unit
from support.property_tests import examples

MADRID, NEW_YORK = ZoneInfo("Europe/Madrid"), ZoneInfo("America/New_York")


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def days(unit: Unit, anchor: datetime, boundaries: int, count: int = 1) -> list[str]:
    calendar = Calendar(anchor, "UTC", Interval(unit, count))
    return [calendar.boundary(n).strftime("%y-%m-%d") for n in range(1, boundaries + 1)]


def local(zone: ZoneInfo, *parts: int, fold: int = 0) -> datetime:
    return datetime(*parts, tzinfo=zone, fold=fold).astimezone(UTC)  # type: ignore[arg-type, misc]


def test_the_anchors_day_is_used_in_every_month_that_has_it() -> None:
    assert days("month", utc(2023, 1, 31), 4) == ["23-02-28", "23-03-31", "23-04-30", "23-05-31"]


def test_a_leap_day_comes_back_every_fourth_year() -> None:
    assert days("year", utc(2020, 2, 29), 4) == ["21-02-28", "22-02-28", "23-02-28", "24-02-29"]


@pytest.mark.parametrize(
    ("unit", "count", "expected"),
    [
        ("day", 1, ["23-12-31", "24-01-01"]),
        ("day", 10, ["24-01-09", "24-01-19"]),
        ("week", 2, ["24-01-13", "24-01-27"]),
        ("month", 3, ["24-03-30", "24-06-30"]),
        ("year", 2, ["25-12-30", "27-12-30"]),
    ],
)
def test_intervals_are_counted_in_their_own_unit(unit: Unit, count: int, expected: list[str]) -> None:
    assert days(unit, utc(2023, 12, 30), 2, count) == expected


def test_the_wall_time_is_kept_when_clocks_change() -> None:
    calendar = Calendar(local(MADRID, 2023, 3, 14, 9, 30), "Europe/Madrid", Interval("month"))
    assert [calendar.boundary(n).astimezone(MADRID).strftime("%d %H:%M %z") for n in (0, 1, 8)] == [
        "14 09:30 +0100",
        "14 09:30 +0200",
        "14 09:30 +0100",
    ]


def test_a_skipped_wall_time_moves_forward_by_the_gap() -> None:
    calendar = Calendar(local(MADRID, 2023, 3, 25, 2, 30), "Europe/Madrid", Interval("day"))
    assert calendar.boundary(1) == local(MADRID, 2023, 3, 26, 3, 30)
    assert calendar.boundary(2) == local(MADRID, 2023, 3, 27, 2, 30)


def test_the_first_of_two_equal_wall_times_counts() -> None:
    calendar = Calendar(local(NEW_YORK, 2023, 11, 4, 1, 30), "America/New_York", Interval("day"))
    assert calendar.boundary(1) == utc(2023, 11, 5, 5, 30)


def test_an_anchor_in_the_second_hour_stays_there_and_never_moves_backwards() -> None:
    london = ZoneInfo("Europe/London")
    calendar = Calendar(local(london, 2023, 10, 29, 1, 30, fold=1), "Europe/London", Interval("day"))
    assert (calendar.boundary(0), calendar.boundary(364)) == (
        utc(2023, 10, 29, 1, 30),
        utc(2024, 10, 27, 0, 30) + timedelta(hours=1),
    )
    skipped = next(n for n in range(200) if calendar.boundary(n).date() == utc(2024, 3, 31).date())
    assert calendar.boundary(skipped) == utc(2024, 3, 31, 1, 30)


def test_a_day_that_a_zone_skipped_is_not_a_period() -> None:
    samoa = ZoneInfo("Pacific/Apia")
    calendar = Calendar(local(samoa, 2011, 12, 29, 10), "Pacific/Apia", Interval("day"))
    first = calendar.first()
    second = calendar.after(first, 1)
    assert first == Period(local(samoa, 2011, 12, 29, 10), local(samoa, 2011, 12, 31, 10))
    assert second == Period(first.end, local(samoa, 2012, 1, 1, 10))


@settings(max_examples=examples(300))
@given(
    anchor=st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    zone=st.sampled_from(sorted(available_timezones())),
    interval=st.builds(Interval, st.sampled_from(["day", "week", "month", "year"]), st.integers(1, 13)),
)
def test_periods_follow_each_other_without_a_gap_in_every_zone(anchor: datetime, zone: str, interval: Interval) -> None:
    calendar = Calendar(anchor, zone, interval)
    period = calendar.first()
    assert period.start == anchor
    for number in range(1, 14):
        following = calendar.after(period, number)
        assert following.start == period.end < following.end
        period = following


@given(
    anchor=st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
    months=st.integers(1, 120),
)
def test_a_monthly_boundary_falls_on_the_anchors_day_or_the_months_last(anchor: datetime, months: int) -> None:
    boundary = Calendar(anchor, "UTC", Interval("month")).boundary(months)
    assert boundary.time() == anchor.time()
    assert boundary.day == anchor.day or (boundary.day < anchor.day and (boundary + timedelta(days=1)).day == 1)
