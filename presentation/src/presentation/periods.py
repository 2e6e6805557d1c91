"""Periods as customers read them: from their first day to their last one."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def days(start: datetime, end: datetime, zone: ZoneInfo) -> tuple[date, date]:
    """The first and the last day of a period, in the zone of the subscription.

    `end` is the first instant of the next period. Its day belongs to that one, even when the period ends within the day.
    """
    first, following = start.astimezone(zone).date(), end.astimezone(zone).date()
    return first, max(first, following - timedelta(days=1))
