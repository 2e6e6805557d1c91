"""Until when a card is valid: until the last instant of its month, where the merchant is."""

from datetime import datetime, tzinfo
from typing import Literal

State = Literal["valid", "expiring", "expired"]


def state(month: int, year: int, at: datetime, zone: tzinfo) -> State:
    """`expiring` in its last month and the one before. `at` is aware; `zone` is the merchant's."""
    here = at.astimezone(zone)
    months_left = (year - here.year) * 12 + month - here.month
    if months_left < 0:
        return "expired"
    return "expiring" if months_left <= 1 else "valid"


def expired(month: int, year: int, at: datetime, zone: tzinfo) -> bool:
    return state(month, year, at, zone) == "expired"
