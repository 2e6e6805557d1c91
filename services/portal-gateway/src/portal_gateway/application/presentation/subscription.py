"""The summary and the subscription in words, for each status: what it costs, what happens next, what can be done."""

from dataclasses import dataclass
from typing import Final

from portal_gateway.application.answers import View
from portal_gateway.application.presentation import price
from portal_gateway.application.presentation.common import Badge, Reader, Tone, initials, moment
from portal_gateway.application.presentation.settlement import owed as owed_words
from portal_gateway.application.subscription_status import LIVING, access_ended_before, can_be_kept, end_of, is_unsettled, renews
from portal_gateway.domain.settlement import settling
from portal_gateway.domain.view import CardFace, Debt, InvoiceRow, Subscription
from portal_gateway.domain.view import Money as MoneyFacts
from presentation.languages import N_, in_context

TONES: Final[dict[str, Tone]] = {
    "trialing": "good",
    "active": "good",
    "incomplete": "warn",
    "past_due": "bad",
    "unpaid": "bad",
    "paused": "mute",
    "canceled": "mute",
    "incomplete_expired": "mute",
}
BADGES: Final = {
    "trialing": in_context("subscription", "Free trial"),
    "incomplete": in_context("subscription", "Payment due"),
    "incomplete_expired": in_context("subscription", "Not activated"),
    "active": in_context("subscription", "Active"),
    "past_due": in_context("subscription", "Payment due"),
    "unpaid": in_context("subscription", "Unpaid"),
    "canceled": in_context("subscription", "Ended"),
    "paused": in_context("subscription", "Paused"),
}
ON_ITS_WAY: Final = in_context("subscription", "On its way")
CANCELLING: Final = N_("Your cancellation is registered, on its way.")
KEEPING: Final = N_("Your decision to keep the subscription is registered, on its way.")
OWING: Final = frozenset({"incomplete", "past_due", "unpaid"})
REASONS: Final = {
    "card_declined": (N_("Your bank declined the card."), N_("Your bank declined the card %(card)s.")),
    "insufficient_funds": (
        N_("Your bank declined the card for insufficient funds."),
        N_("Your bank declined the card %(card)s for insufficient funds."),
    ),
    "expired_card": (N_("The card has expired."), N_("The card %(card)s has expired.")),
    "incorrect_cvc": (N_("The card's security code is wrong."), N_("The security code of the card %(card)s is wrong.")),
}
"""What the bank had against the card: when nobody knows which, and when one does."""
NOT_CONFIRMED: Final = "not_confirmed"
"""The reason of a debt that is not charged before the customer confirms it."""


@dataclass(frozen=True, slots=True)
class Summary:
    label: str
    amount: str
    """`29.99`"""
    currency: str
    period: str
    plan: str
    description: str
    image: str | None
    """The media id of the plan's picture."""
    initials: str


@dataclass(frozen=True, slots=True)
class Notice:
    """What is owed and what becomes of it, above everything else."""

    tone: Tone
    lead: str
    rest: str
    pay: str | None
    """What the button says that leads to paying."""


@dataclass(frozen=True, slots=True)
class Details:
    id: str
    plan: str
    price: str
    """With its tax, and which part that is."""
    unit_price: str | None
    """`2 × 14.99 USD`, when the quantity is not one."""
    says: str
    badge: Badge
    cancel: str | None
    """What each button says; None where it has no place."""
    end_now: str | None
    """Of one that is to end later."""
    keep: str | None
    edit_method: str | None


@dataclass(frozen=True, slots=True)
class Renewal:
    """A subscription that continues, and what it costs."""

    id: str
    plan: str
    price: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several subscriptions, in the switcher."""

    id: str
    plan: str
    since: str | None
    """When it began, where another one is of a plan with the same name."""
    badge: Badge
    chosen: bool


def summary(reader: Reader, subscription: Subscription, invoices: list[InvoiceRow]) -> Summary:
    reader, plan = reader.of_subscription(subscription), subscription["plan"]
    amount, _, currency = reader.money(total(reader, subscription, invoices)).rpartition(" ")
    period = subscription["current_period"]
    return Summary(
        label=reader.say("Amount due") if _owes(subscription) else reader.say("Total amount"),
        amount=amount,
        currency=currency,
        period=reader.period(period["start"], period["end"]),
        plan=plan["name"],
        description=plan["description"],
        image=plan["image_media_id"],
        initials=initials(plan["name"]),
    )


def _owes(subscription: Subscription) -> bool:
    """Also one that has ended, and left an invoice unpaid."""
    return subscription["status"] in OWING or bool(subscription["ended_at"] and subscription["debt"])


def total(reader: Reader, subscription: Subscription, invoices: list[InvoiceRow]) -> MoneyFacts:
    """What the current period costs: what is owed, else what was invoiced, else what will be."""
    if subscription["status"] == "trialing":
        return {"amount_minor": 0, "currency": subscription["plan"]["price"]["currency"]}
    if subscription["debt"] and _owes(subscription):
        return subscription["debt"]["amount"]
    for invoice in invoices:
        same = invoice["subscription_id"] == subscription["id"]
        if same and moment(invoice["period"]["start"]) == moment(subscription["current_period"]["start"]):
            nothing: MoneyFacts = {"amount_minor": 0, "currency": invoice["total"]["currency"]}
            return nothing if invoice["status"] == "void" else invoice["total"]
    return price.of_subscription(reader, subscription).total


def details(reader: Reader, subscription: Subscription, view: View) -> Details:
    reader = reader.of_subscription(subscription)
    plan, status, quantity = subscription["plan"], subscription["status"], subscription["quantity"]
    waiting = on_its_way(subscription, view)
    return Details(
        id=subscription["id"],
        plan=plan["name"],
        price=price.price(reader, plan, quantity).text,
        unit_price=price.unit_price(reader, plan, quantity),
        says=says(reader, subscription, view),
        badge=badge(reader, subscription, view),
        cancel=_cancel(reader, subscription) if not waiting else None,
        end_now=reader.say("End it today") if can_be_kept(subscription, reader.now) and not waiting else None,
        keep=reader.say("Keep my subscription") if can_be_kept(subscription, reader.now) and not waiting else None,
        edit_method=_edit_method(reader, view) if status == "incomplete" else None,
    )


def _cancel(reader: Reader, subscription: Subscription) -> str | None:
    if subscription["cancellation"] or subscription["status"] not in LIVING:
        return None
    return reader.say("Cancel subscription") if subscription["status"] == "active" else reader.say(in_context("button", "Cancel"))


def is_kept(subscription: Subscription, view: View) -> bool:
    """Nothing ends it, or whoever wanted that has just changed their mind."""
    living = subscription["cancellation"] is None and subscription["status"] in LIVING
    return on_its_way(subscription, view) == KEEPING or living


def _edit_method(reader: Reader, view: View) -> str:
    return reader.say("Edit payment method") if _has_card(view) else reader.say("Add payment method")


def badge(reader: Reader, subscription: Subscription, view: View) -> Badge:
    reader = reader.of_subscription(subscription)
    if on_its_way(subscription, view):
        return Badge(reader.say(ON_ITS_WAY), "warn")
    status, ends_at = subscription["status"], end_of(subscription)
    if ends_at and moment(ends_at) > reader.now:
        return Badge(reader.say("Ends on %(day)s", day=reader.near_day(ends_at)), "warn")
    if ends_at:
        status = "canceled"  # its owner has not noticed yet
    return Badge(reader.say(BADGES[status]), TONES[status])


def says(reader: Reader, subscription: Subscription, view: View) -> str:
    """The one sentence under the price."""
    reader = reader.of_subscription(subscription)
    if waiting := on_its_way(subscription, view):
        return reader.say(waiting)
    status, period, cancellation = subscription["status"], subscription["current_period"], subscription["cancellation"]
    if cancellation and status in LIVING:
        requested, day = reader.near_day(cancellation["requested_at"]), reader.day(cancellation["effective_at"])
        if moment(cancellation["effective_at"]) <= reader.now:
            return reader.say("You cancelled on %(requested)s. Your access ended on %(day)s.", requested=requested, day=day)
        if is_unsettled(subscription, view):
            return reader.say(
                "You cancelled on %(requested)s. If the payment under way goes through, you have access until %(day)s; "
                "nothing is charged after it.",
                requested=requested,
                day=day,
            )
        return reader.say(
            "You cancelled on %(requested)s. You have access until %(day)s and will not be charged again.",
            requested=requested,
            day=day,
        )
    if status == "trialing":
        then = price.of_subscription(reader, subscription).text
        return reader.say("Free trial until %(day)s; then %(price)s", day=reader.day(period["end"]), price=then)
    if status == "active":
        return reader.say("Your subscription renews on %(day)s", day=reader.day(period["end"]))
    debt = subscription["debt"]
    if status == "past_due" or (status == "unpaid" and debt and is_running(debt, view)):
        return reader.say("Your renewal of %(day)s is unpaid.", day=reader.near_day(period["start"]))
    if status == "paused":
        return reader.say("Paused since %(day)s", day=reader.near_day(period["start"]))
    if status == "unpaid":
        owed = reader.money(debt["amount"] if debt else price.of_subscription(reader, subscription).total)
        return owed_words(reader, settling(subscription, period, reader.now), owed, has_card=_has_card(view))
    if status == "canceled":
        day, access = reader.day(subscription["ended_at"] or period["end"]), access_ended_before(subscription, reader)
        if access:
            return reader.say("Ended on %(day)s; your access had ended on %(access)s.", day=day, access=reader.day(access))
        return reader.say("Ended on %(day)s", day=day)
    if status == "incomplete":
        return reader.say("Your first payment is still to be confirmed")
    return reader.say("Your first payment was not confirmed and the subscription never started.")


def renewals(reader: Reader, view: View) -> list[Renewal]:
    """What will be charged again and again with the card on file."""
    living = filter(renews, view.facts["subscriptions"])
    return [Renewal(it["id"], it["plan"]["name"], price.of_subscription(reader, it).text) for it in living]


def on_its_way(subscription: Subscription, view: View) -> str | None:
    """The sentence, not translated yet, for a command that was accepted and is not in the facts yet."""
    kinds = [p["kind"] for p in view.pending if p["aggregate"] == f"subscription-{subscription['id']}"]
    if "cancellation_withdrawn" in kinds[-1:]:
        return KEEPING
    return CANCELLING if "cancellation" in kinds[-1:] else None


def notice(reader: Reader, subscription: Subscription, view: View) -> Notice | None:
    debt, reader = subscription["debt"], reader.of_subscription(subscription)
    if debt is None or not _owes(subscription) or on_its_way(subscription, view):
        return None
    amount = reader.money(debt["amount"])
    if is_running(debt, view):
        lead = reader.say("We are processing your payment of %(amount)s.", amount=amount)
        rest = reader.say("Your bank has not answered yet. We will tell you here; you need not pay again.")
        return Notice("warn", lead, rest, None)
    untried = subscription["status"] == "incomplete" and debt["reason"] == "no_payment_method"
    if debt["reason"] == NOT_CONFIRMED:
        lead = reader.say("%(amount)s is waiting for your confirmation.", amount=amount)
        rest = reader.say("It was not in the list that you confirmed, so we have not charged it.")
        return Notice("warn", lead, f"{rest} {_access(reader, debt)}", pay_button(reader, view))
    if subscription["ended_at"]:
        lead = reader.say("You still owe %(amount)s.", amount=amount)
        return Notice("bad", lead, _why(reader, debt, view), pay_button(reader, view))
    if untried:
        lead = reader.say("Your first payment of %(amount)s is missing.", amount=amount)
    else:
        lead = reader.say("We could not charge %(amount)s.", amount=amount)
    about = f"{_why(reader, debt, view)} {_next_try(reader, debt, view)} {_access(reader, debt)}"
    if subscription["status"] == "incomplete":
        return Notice("warn" if untried else "bad", lead, about, None)  # its pane has the button
    return Notice("bad", lead, about, pay_button(reader, view))


def pay_button(reader: Reader, view: View) -> str:
    return reader.say("Update card and pay") if _has_card(view) else reader.say("Add a card and pay")


def _has_card(view: View) -> bool:
    return view.facts["payment_method"] is not None


def is_running(debt: Debt, view: View) -> bool:
    """A charge for it is on its way: asking for another would look like paying twice."""
    charged = {p["detail"].get("invoice_id") for p in view.pending if p["kind"] == "charge"}
    statuses = {row["id"]: row["status"] for row in view.facts["invoices"]}
    return debt["retrying"] or debt["invoice_id"] in charged or statuses.get(debt["invoice_id"]) in ("processing", "paid")


def _why(reader: Reader, debt: Debt, view: View) -> str:
    reason = debt["reason"]
    if reason == "no_payment_method":
        came_since = _has_card(view) and debt["next_attempt_at"] is None
        return reader.say("There was no card on file.") if came_since else reader.say("You have no card on file.")
    if reason not in REASONS:
        return reader.say("There was a problem processing the charge.")
    face = refused_card(debt, view)
    of_some_card, of_this_card = REASONS[reason]
    return reader.say(of_this_card, card=reader.card(face)) if face else reader.say(of_some_card)


def _next_try(reader: Reader, debt: Debt, view: View) -> str:
    at = debt["next_attempt_at"]
    if at:
        return reader.say("We will try again on %(day)s.", day=reader.near_day(at))
    card, refused = view.facts["payment_method"], refused_card(debt, view)
    if card is None:
        return reader.say("Add one to pay it.")
    if debt["reason"] == "no_payment_method" or (refused and not same_face(refused, card)):
        return reader.say("We will not try again automatically.")  # another card has come on file since
    return reader.say("We will not try again until you update your card.")


def refused_card(debt: Debt, view: View) -> CardFace | None:
    """The card of the last charge that failed; None when there was none, or it is not known."""
    return next((row["payment_method"] for row in view.facts["invoices"] if row["id"] == debt["invoice_id"]), None)


def same_face(one: CardFace, other: CardFace) -> bool:
    return (one["brand"], one["last4"]) == (other["brand"], other["last4"])


def _access(reader: Reader, debt: Debt) -> str:
    day = reader.near_day(debt["access_until"])
    if moment(debt["access_until"]) <= reader.now:
        return reader.say("Your access ended on %(day)s.", day=day)
    return reader.say("You keep your access until %(day)s.", day=day)


def choices(reader: Reader, subscriptions: list[Subscription], chosen: Subscription | None, view: View) -> list[Choice]:
    names = [it["plan"]["name"] for it in subscriptions]

    def since(it: Subscription) -> str | None:
        day = reader.language.short_day(reader.of_subscription(it).date(it["started_at"]))
        return reader.say("Since %(day)s", day=day) if names.count(it["plan"]["name"]) > 1 else None

    return [Choice(it["id"], it["plan"]["name"], since(it), badge(reader, it, view), it is chosen) for it in subscriptions]
