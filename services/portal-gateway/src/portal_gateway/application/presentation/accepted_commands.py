"""The sentence for an accepted command that the facts do not contain yet."""

from typing import Final

from portal_gateway.application.view import View
from portal_gateway.domain.view import Subscription
from presentation.languages import N_

CANCELLATION_PENDING: Final = N_("We've received your cancellation and are processing it.")
WITHDRAWAL_PENDING: Final = N_("We've recorded that you're keeping your subscription; you'll see it here shortly.")


def pending_sentence(subscription: Subscription, view: View) -> str | None:
    """The untranslated sentence for the subscription's newest accepted command; None if there is none."""
    kinds = [p["kind"] for p in view.pending if p["aggregate"] == f"subscription-{subscription['id']}"]
    if "cancellation_withdrawn" in kinds[-1:]:
        return WITHDRAWAL_PENDING
    return CANCELLATION_PENDING if "cancellation" in kinds[-1:] else None
