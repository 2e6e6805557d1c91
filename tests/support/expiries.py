"""When a card's month ends in different time zones: one table for all code that decides it."""

from datetime import datetime
from typing import NamedTuple

from billing_contracts.expiry import State


class Case(NamedTuple):
    zone: str
    at: datetime
    month: int
    year: int
    state: State


def case(zone: str, at: str, expires: str, state: State) -> Case:
    month, year = expires.split("/")
    return Case(zone, datetime.fromisoformat(at), int(month), int(year), state)


CASES = [
    # 31 January 23:30 local, and the first instant of February.
    case("America/Los_Angeles", "2024-02-01T07:30:00+00:00", "01/2024", "expiring"),
    case("America/Los_Angeles", "2024-02-01T07:59:59.999999+00:00", "01/2024", "expiring"),
    case("America/Los_Angeles", "2024-02-01T08:00:00+00:00", "01/2024", "expired"),
    # In Auckland February begins while it is still January in UTC.
    case("Pacific/Auckland", "2024-01-31T10:59:59.999999+00:00", "01/2024", "expiring"),
    case("Pacific/Auckland", "2024-01-31T11:00:00+00:00", "01/2024", "expired"),
    case("Pacific/Auckland", "2024-01-31T23:59:59+00:00", "01/2024", "expired"),
    # The first hour of October does not exist in Asunción, and that of November comes twice in Havana.
    case("America/Asuncion", "2023-10-01T03:59:59.999999+00:00", "09/2023", "expiring"),
    case("America/Asuncion", "2023-10-01T04:00:00+00:00", "09/2023", "expired"),
    case("America/Havana", "2020-11-01T03:59:59.999999+00:00", "10/2020", "expiring"),
    case("America/Havana", "2020-11-01T04:00:00+00:00", "10/2020", "expired"),
    case("America/Havana", "2020-11-01T05:30:00+00:00", "10/2020", "expired"),
    # Clocks change on the last day of March in Lisbon; the earliest and the latest place on Earth; across a year.
    case("Europe/Lisbon", "2024-03-31T22:59:59+00:00", "03/2024", "expiring"),
    case("Europe/Lisbon", "2024-03-31T23:00:00+00:00", "03/2024", "expired"),
    case("Pacific/Kiritimati", "2024-12-31T09:59:59+00:00", "12/2024", "expiring"),
    case("Pacific/Kiritimati", "2024-12-31T10:00:00+00:00", "12/2024", "expired"),
    case("Etc/GMT+12", "2025-01-01T11:59:59+00:00", "12/2024", "expiring"),
    case("Etc/GMT+12", "2025-01-01T12:00:00+00:00", "12/2024", "expired"),
    case("UTC", "2024-02-29T23:59:59+00:00", "02/2024", "expiring"),
    case("UTC", "2024-03-01T00:00:00+00:00", "02/2024", "expired"),
    # It is announced in the month before its last, of the place too.
    case("Pacific/Auckland", "2024-01-31T11:00:00+00:00", "03/2024", "expiring"),
    case("America/Los_Angeles", "2024-02-01T07:30:00+00:00", "03/2024", "valid"),
    case("America/Los_Angeles", "2024-02-01T08:00:00+00:00", "03/2024", "expiring"),
    case("UTC", "2023-12-31T12:00:00+00:00", "01/2024", "expiring"),
    case("UTC", "2023-12-31T12:00:00+00:00", "02/2024", "valid"),
]
