"""Paying a debt: the charges of a confirmation, and their effect."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from chassis.text import isolated
from portal_gateway.application.presentation.bank_confirmation import row_of
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.settlement import after, before, span
from portal_gateway.application.results import DueCharge
from portal_gateway.application.view import View
from portal_gateway.domain.settlement import Settling, settling
from portal_gateway.domain.view import Period, Subscription
from presentation.languages import N_

SEPARATE_LINES_MAX: Final = 3
"""Up to so many begun periods of a subscription have a line each; more of them share one line."""
LATER: Final = N_("Later periods have also started. We won't charge them now; we'll ask you to confirm them.")


@dataclass(frozen=True, slots=True)
class ChargeLine:
    """One charge, or several of the same kind."""

    text: str
    amount: str


def lines(reader: Reader, view: View, due: Sequence[DueCharge]) -> list[ChargeLine]:
    """The charges in their order: open invoices with number and date, begun periods with their days."""
    listed: list[ChargeLine] = []
    for each in due:
        if each["number"] is not None:
            listed.append(ChargeLine(_invoice(reader, view, each), reader.money(each["amount"])))
            listed += _begun(reader, view, [it for it in due if _follows(view, it, each)], several=_several(view, due))
    return listed


def label(reader: Reader, due: DueCharge) -> str:
    """The invoice's number, or the period's days if there is no invoice yet."""
    return due["number"] if due["number"] is not None else span(reader, due["period"])


def does(reader: Reader, view: View, due: Sequence[DueCharge], *, more: bool = False) -> list[str]:
    """The effect of paying each open invoice, without repetitions; with several subscriptions, each sentence names its plan.

    `more`: there are begun periods that are not listed. This confirmation does not charge them.
    """
    sentences: dict[str, None] = {}
    for each in due:
        subscription = subscription_of(view, each)
        local = reader.of_subscription(subscription) if subscription else reader
        stated = _settling(reader, view, each, subscription) if each["number"] is not None else None
        if stated is None:
            continue
        if stated.begun and not any(_follows(view, it, each) for it in due):
            stated, more = replace(stated, begun=False), True
        sentence = before(local, stated)
        if subscription and _several(view, due):
            sentence = f"{isolated(subscription['plan']['name'])}: {sentence}"
        sentences[sentence] = None
    return [*sentences, *([reader.say(LATER)] if more else [])]


def outcome(reader: Reader, view: View, facts: Mapping[str, Any]) -> dict[str, Any]:
    """`payment_text`: the effect of paying a debt; `settling`: the payment succeeded and its effect is not known yet."""
    owed = facts["status"] == "paid" and any(it["kind"] == "failed_attempt" for it in facts.get("movements") or ())
    subscription = next((it for it in view.facts["subscriptions"] if it["id"] == facts["subscription_id"]), None)
    text = after(reader, facts, subscription) if owed else None
    return {"payment_text": text, "settling": owed and text is None}


def subscription_of(view: View, due: DueCharge) -> Subscription | None:
    id = _subscription_id(view, due)
    return next((it for it in view.facts["subscriptions"] if it["id"] == id), None)


def _settling(reader: Reader, view: View, due: DueCharge, subscription: Subscription | None) -> Settling | None:
    """From the local facts, except the effect, which the subscriptions service decides.

    None for an invoice older than those in the view, if its subscription is unknown.
    """
    row = row_of(view, due["invoice_id"])
    period = due.get("period") or (row["period"] if row else subscription["current_period"] if subscription else None)
    if period is None:
        return None
    local = settling(subscription, period, reader.now)
    effect = due.get("effect")
    if effect is None or effect == local.effect:
        return local
    return replace(local, effect=effect, begun=False, until=None if effect != "ends" else local.until or period["end"])


def _begun(reader: Reader, view: View, begun: Sequence[DueCharge], *, several: bool) -> Iterable[ChargeLine]:
    subscription = subscription_of(view, begun[0]) if begun else None
    reader = reader.of_subscription(subscription) if subscription else reader
    if len(begun) <= SEPARATE_LINES_MAX:
        return [ChargeLine(_named(view, it, span(reader, it["period"]), several), reader.money(it["amount"])) for it in begun]
    first, last, currency = begun[0], begun[-1], begun[0]["amount"]["currency"]
    whole: Period = {"start": first["period"]["start"], "end": last["period"]["end"]}
    text = reader.language.say_count(
        "%(count)d period, %(days)s", "%(count)d periods, %(days)s", len(begun), days=span(reader, whole)
    )
    total = reader.money({"amount_minor": sum(it["amount"]["amount_minor"] for it in begun), "currency": currency})
    return [ChargeLine(_named(view, first, text, several), total)]


def _invoice(reader: Reader, view: View, due: DueCharge) -> str:
    """`TS-000014 · 14 may 2023`; with the date only if the view contains the invoice."""
    row = row_of(view, due["invoice_id"])
    issued = reader.language.short_day(date.fromisoformat(row["issued_on"])) if row else None
    return " · ".join(part for part in (due["number"], issued) if part)


def _named(view: View, due: DueCharge, text: str, several: bool) -> str:
    subscription = subscription_of(view, due)
    return f"{isolated(subscription['plan']['name'])} · {text}" if subscription and several else text


def _follows(view: View, it: DueCharge, paid: DueCharge) -> bool:
    return it["number"] is None and _subscription_id(view, it) == _subscription_id(view, paid)


def _several(view: View, due: Sequence[DueCharge]) -> bool:
    return len({_subscription_id(view, it) for it in due}) > 1


def _subscription_id(view: View, due: DueCharge) -> str | None:
    row = row_of(view, due["invoice_id"])
    return due.get("subscription_id") or (row["subscription_id"] if row else None)
