"""Turns facts into sentences, amounts and days, in a language and by the merchant's clock.

Pure. Templates and the JSON API show the results and decide nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Final, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from billing_contracts.money import exponent
from chassis.text import isolated
from portal_gateway.application.live import minutes_late
from portal_gateway.application.view import STALE_AFTER, View
from portal_gateway.domain.view import CardFace, Interval, Subscription, Tax
from portal_gateway.domain.view import Money as MoneyFacts
from presentation import periods
from presentation.languages import N_, Language

Tone = Literal["good", "warn", "bad", "mute"]

BRANDS: Final = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express"}
"""Proper names, the same in every language."""
EVERY: Final = {
    "day": N_("%(price)s per day"),
    "week": N_("%(price)s per week"),
    "month": N_("%(price)s per month"),
    "year": N_("%(price)s per year"),
}
SOMEWHAT_STALE: Final = N_("Updated less than a minute ago. Recent changes may not appear yet.")
STALE: Final = N_("Recent changes may not appear yet.")


@dataclass(frozen=True, slots=True)
class Badge:
    text: str
    tone: Tone
    code: str
    """The meaning of the text, the same in every language: a status, `ending` or `pending`."""


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Reader:
    """The reader of a page: language, time zone of the dates, the merchant's clock, and the merchant's tax."""

    language: Language
    zone: ZoneInfo
    """The merchant's zone, or the one that `where` has set."""
    now: datetime
    """The merchant's clock, in UTC."""
    tax: Tax | None = None
    """The tax of plans without their own."""
    tax_known: bool = True
    """False while an event of the merchant is missing: the next invoice may have another tax."""

    @classmethod
    def of(cls, view: View, language: Language) -> "Reader":
        merchant = view.merchant
        return cls(language, ZoneInfo(str(merchant["time_zone"])), view.now, merchant.get("tax"), not view.merchant_behind)

    def where(self, zone: str | None) -> "Reader":
        """The same reader with the dates of another zone; None keeps the zone."""
        return self if zone in (None, self.zone.key) else replace(self, zone=ZoneInfo(zone))

    def of_subscription(self, subscription: Subscription) -> "Reader":
        """With dates in the subscription's own zone: its periods keep it when the merchant changes zones."""
        return self.where(subscription.get("time_zone"))

    @property
    def today(self) -> date:
        return self.date(self.now)

    def say(self, message: str, /, **values: object) -> str:
        return self.language.say(message, **values)

    def date(self, instant: datetime | str) -> date:
        """The day of an instant in the reader's zone."""
        return moment(instant).astimezone(self.zone).date()

    def day(self, instant: datetime | str) -> str:
        return self.language.day(self.date(instant))

    def near_day(self, instant: datetime | str) -> str:
        """Without the current year: `17 de mayo`."""
        day = self.date(instant)
        return self.language.day_and_month(day) if day.year == self.today.year else self.language.day(day)

    def money(self, amount: MoneyFacts) -> str:
        return money(self.language, amount)

    def period(self, start: str, end: str) -> str:
        """`14 de mayo – 13 de junio de 2023`, with the last day of the period, as its invoice prints it."""
        return self.language.days(*periods.days(moment(start), moment(end), self.zone))

    def near_period(self, start: str, end: str) -> str:
        """Without the current year: `14 de mayo – 13 de junio`."""
        return self.language.days(*periods.days(moment(start), moment(end), self.zone), year=self.today.year)

    def card(self, face: CardFace) -> str:
        """`Visa •••• 4242`"""
        return f"{BRANDS.get(face['brand']) or self.say('Card')} •••• {face['last4']}"


@dataclass(frozen=True, slots=True)
class Company:
    """The merchant that the page presents."""

    name: str
    initials: str
    logo: str | None
    """Media id."""
    colour: str | None
    contact_email: str | None
    terms_url: str | None
    privacy_url: str | None


def company(merchant: Mapping[str, Any]) -> Company:
    branding = merchant.get("branding") or {}
    return Company(
        merchant["name"],
        initials(merchant["name"]),
        branding.get("logo_media_id"),
        branding.get("colour"),
        branding.get("contact_email"),
        _web(branding.get("terms_url")),
        _web(branding.get("privacy_url")),
    )


def initials(name: str) -> str:
    """`TI` of `TechSolutions Inc.`: shown in place of a missing picture."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in words[:2]).upper() or "·"


def hidden_email(email: str) -> str:
    """`a…@example.com`: enough to recognize the account, not enough to write to it."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}…@{domain}"


def account(view: View) -> str:
    """`Ana García · a…@example.com`; empty if the profile has not arrived."""
    customer = view.facts["customer"]
    email = customer["email"]
    name = isolated(customer["name"]) if customer["name"] else None
    return " · ".join(part for part in (name, hidden_email(email) if email else None) if part)


def money(language: Language, amount: MoneyFacts) -> str:
    """`29.99 USD`"""
    return language.money(amount["amount_minor"], amount["currency"], exponent(amount["currency"]))


def frequency(language: Language, price: str, interval: Interval) -> str:
    """`29.99 USD al mes`, `29.99 USD cada 3 meses`"""
    unit, count = interval["unit"], interval["count"]
    if count == 1:
        return language.say(EVERY[unit], price=price)
    say_count = partial(language.say_count, price=price)
    match unit:
        case "day":
            return say_count("%(price)s every %(count)d day", "%(price)s every %(count)d days", count)
        case "week":
            return say_count("%(price)s every %(count)d week", "%(price)s every %(count)d weeks", count)
        case "month":
            return say_count("%(price)s every %(count)d month", "%(price)s every %(count)d months", count)
        case "year":
            return say_count("%(price)s every %(count)d year", "%(price)s every %(count)d years", count)


def freshness(view: View, language: Language, wall_clock: datetime) -> str | None:
    """The staleness notice; None while the facts are fresh."""
    minutes = minutes_late(view.as_of, view.stale, wall_clock)
    if minutes is None:
        return None
    if minutes == 0:
        return language.say(SOMEWHAT_STALE if wall_clock - view.as_of > STALE_AFTER else STALE)
    return language.say_count(
        "Updated %(count)d minute ago. Recent changes may not appear yet.",
        "Updated %(count)d minutes ago. Recent changes may not appear yet.",
        minutes,
    )


def shown(subscriptions: list[Subscription], chosen: UUID | None) -> Subscription | None:
    """The chosen subscription if it belongs to the customer, else the first one."""
    for subscription in subscriptions:
        if chosen is not None and subscription["id"] == str(chosen):
            return subscription
    return subscriptions[0] if subscriptions else None


def moment(instant: datetime | str) -> datetime:
    """Parse an RFC 3339 instant; the result is in UTC."""
    return (datetime.fromisoformat(instant) if isinstance(instant, str) else instant).astimezone(UTC)


def _web(url: str | None) -> str | None:
    return url if url and url.startswith(("https://", "http://")) else None
