"""What a customer owes for the subscriptions that the page does not show."""

from dataclasses import dataclass

from chassis.text import isolated
from portal_gateway.application.presentation.common import Reader, Tone
from portal_gateway.application.presentation.notice import is_running, notice, pay_button
from portal_gateway.application.presentation.payment_offer import Offer, offer
from portal_gateway.application.view import View
from portal_gateway.domain.view import Subscription


@dataclass(frozen=True, slots=True)
class OtherDebt:
    subscription_id: str
    tone: Tone
    says: str
    pay: str
    """The label of the button that leads to paying."""
    offer: Offer | None


def other_debts(reader: Reader, view: View, chosen: Subscription | None) -> list[OtherDebt]:
    """The debts of all subscriptions except the chosen one, without those that are being charged."""
    return [debt for it in view.facts["subscriptions"] if it is not chosen and (debt := _other_debt(reader, view, it))]


def _other_debt(reader: Reader, view: View, subscription: Subscription) -> OtherDebt | None:
    debt, owed = subscription["debt"], notice(reader, subscription, view)
    offered = offer(reader, view, subscription)
    if debt is None or owed is None or (offered is None and is_running(debt, view)):
        return None
    plan, amount = isolated(subscription["plan"]["name"]), reader.money(debt["amount"])
    says = reader.say("You have %(amount)s due for %(plan)s.", plan=plan, amount=amount)
    return OtherDebt(subscription["id"], owed.tone, says, pay_button(reader, view), offered)
