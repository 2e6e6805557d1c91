"""The status of a charge, read from its payment intent."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from payments.adapters.stripe.declines import refusal
from payments.application.charges import NeedsCustomer, Pending, Refused, Status, Taken, UnknownCharge
from payments.domain.shapes import FailureCode

if TYPE_CHECKING:
    from payments.adapters.stripe.client import StripeApi


async def read_intent(api: "StripeApi", reference: str) -> dict[str, Any]:
    return await api.ask(lambda v1, options: v1.payment_intents.retrieve_async(reference, {}, options))


def reading(intent: Mapping[str, Any]) -> Status:
    """UnknownCharge: it was not confirmed yet. Refused: it took no money, and may still take some unless it is cancelled."""
    reference, error = intent["id"], intent.get("last_payment_error")
    match intent.get("status"):
        case "succeeded":
            return Taken(reference)
        case "canceled":
            return refusal(error, reference) if error else Refused(FailureCode.PROCESSING_ERROR, reference)
        case "requires_action":
            return NeedsCustomer()
        case "requires_payment_method" if error:
            return refusal(error, reference)
        case "requires_payment_method" | "requires_confirmation":
            return UnknownCharge()
        case _:
            return Pending()
