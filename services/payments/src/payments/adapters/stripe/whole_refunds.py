"""Stripe for a port that refunds whole charges only."""

from payments.adapters.stripe.provider import StripeProvider
from payments.application.charges import ChargeOrder, NoAnswer, RefundOrder, RefundRefused


class WholeRefunds(StripeProvider):
    async def refund(self, order: ChargeOrder) -> str:  # type: ignore[override]
        outcome = await super().refund(RefundOrder(order, order.charge_id, order.amount))
        if isinstance(outcome, RefundRefused):
            raise NoAnswer(outcome.code)
        return outcome.reference
