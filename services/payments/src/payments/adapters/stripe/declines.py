"""Stripe's reasons for a refusal, as failure codes and remedies. Every reason has one."""

from collections.abc import Mapping
from typing import Any

from payments.application.charges import Refused
from payments.domain.shapes import FailureCode, Remedy

_ADVICE = {
    "confirm_card_data": Remedy.ANOTHER_CARD,
    "do_not_try_again": Remedy.ANOTHER_CARD,
    "try_again_later": Remedy.WAIT,
}
"""The issuer's own advice, Stripe's `advice_code`."""

_ANOTHER_CARD = (
    *("card_not_supported", "currency_not_supported", "do_not_try_again", "fraudulent", "highest_risk_level"),
    *("incorrect_address", "incorrect_number", "incorrect_zip", "invalid_account", "invalid_expiry_month", "invalid_expiry_year"),
    *("invalid_number", "lost_card", "merchant_blacklist", "new_account_information_available", "no_action_taken"),
    *("not_permitted", "pickup_card", "restricted_card", "revocation_of_all_authorizations", "revocation_of_authorization"),
    *("security_violation", "service_not_allowed", "stolen_card", "stop_payment_order", "testmode_decline"),
    *("transaction_not_allowed", "live_mode_test_card", "test_mode_live_card"),
)
_REASONS = {
    "authentication_required": (FailureCode.AUTHENTICATION_REQUIRED, Remedy.AUTHENTICATE),
    "authentication_not_handled": (FailureCode.AUTHENTICATION_REQUIRED, Remedy.AUTHENTICATE),
    "payment_intent_authentication_failure": (FailureCode.AUTHENTICATION_FAILED, Remedy.AUTHENTICATE),
    "setup_intent_authentication_failure": (FailureCode.AUTHENTICATION_FAILED, Remedy.AUTHENTICATE),
    "expired_card": (FailureCode.EXPIRED_CARD, Remedy.ANOTHER_CARD),
    "incorrect_cvc": (FailureCode.INCORRECT_CVC, Remedy.ANOTHER_CARD),
    "invalid_cvc": (FailureCode.INCORRECT_CVC, Remedy.ANOTHER_CARD),
    "card_velocity_exceeded": (FailureCode.INSUFFICIENT_FUNDS, Remedy.WAIT),
    "insufficient_funds": (FailureCode.INSUFFICIENT_FUNDS, Remedy.WAIT),
    "withdrawal_count_limit_exceeded": (FailureCode.INSUFFICIENT_FUNDS, Remedy.WAIT),
    "issuer_not_available": (FailureCode.PROCESSING_ERROR, Remedy.WAIT),
    "processing_error": (FailureCode.PROCESSING_ERROR, Remedy.WAIT),
    "reenter_transaction": (FailureCode.PROCESSING_ERROR, Remedy.WAIT),
    "try_again_later": (FailureCode.PROCESSING_ERROR, Remedy.WAIT),
    **dict.fromkeys(_ANOTHER_CARD, (FailureCode.CARD_DECLINED, Remedy.ANOTHER_CARD)),
}
_OTHER = (FailureCode.CARD_DECLINED, Remedy.WAIT)


def refusal(error: Mapping[str, Any], reference: str | None = None) -> Refused:
    """The refusal that an error object of Stripe's describes (`last_payment_error`, `last_setup_error`, a 402's `error`)."""
    reasons = [text for name in ("decline_code", "code") if isinstance(text := error.get(name), str) and text]
    code, remedy = next((_REASONS[reason] for reason in reasons if reason in _REASONS), _OTHER)
    # The advice of an issuer that wants to see its customer is not about another attempt with the same card.
    if remedy is not Remedy.AUTHENTICATE:
        remedy = _ADVICE.get(str(error.get("advice_code")), remedy)
    return Refused(code, reference, remedy, reasons[0] if reasons else None)
