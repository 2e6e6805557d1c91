"""Billing periods, computed in the merchant's time zone.

The anchor (day and wall time in the merchant's zone) never changes, and every boundary is computed from it, so that
31 January is followed by 28 February and then by 31 March.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Unit = Literal["day", "week", "month", "year"]

_DAYS: dict[Unit, int] = {"day": 1, "week": 7}
_MONTHS: dict[Unit, int] = {"month": 1, "year": 12}


@dataclass(frozen=True, slots=True)
class Interval:
    unit: Unit
    count: int = 1


@dataclass(frozen=True, slots=True)
class Period:
    """From start, inclusive, to end, exclusive; both aware and in UTC."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Calendar:
    """The boundaries of a subscription's periods."""

    anchor: datetime
    """The start of the first period, in UTC."""
    zone: str
    """IANA. Every boundary has the anchor's wall time in this zone."""
    interval: Interval

    def first(self) -> Period:
        return Period(self.anchor, self._next(1, self.anchor))

    def after(self, period: Period, number: int) -> Period:
        """The period that follows `period`, which is the `number`th, counted from 1."""
        return Period(period.end, self._next(number + 1, period.end))

    def boundary(self, n: int) -> datetime:
        """The anchor moved by n intervals, in UTC.

        A wall time that a clock change skips moves forward by the skipped time. If a wall time occurs twice, the first
        occurrence counts, unless the anchor was the second one.
        """
        local = self.anchor.astimezone(ZoneInfo(self.zone))
        if n == 0:
            return self.anchor
        steps = n * self.interval.count
        if self.interval.unit in _DAYS:
            moved = local + timedelta(days=steps * _DAYS[self.interval.unit])
        else:
            moved = _add_months(local, steps * _MONTHS[self.interval.unit])
        return max(moved.replace(fold=fold).astimezone(UTC) for fold in {0, local.fold})

    def _next(self, n: int, after: datetime) -> datetime:
        # Zones have skipped whole days (Samoa, 30 December 2011). A period must not be empty.
        while (boundary := self.boundary(n)) <= after:
            n += 1
        return boundary


def _add_months(local: datetime, months: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    return local.replace(year=year, month=month + 1, day=min(local.day, monthrange(year, month + 1)[1]))
