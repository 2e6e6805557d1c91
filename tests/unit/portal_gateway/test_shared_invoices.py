"""What a session of an invoice link is shown: the invoice as printed, and nothing else of its customer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from portal_gateway.application.shared_invoices import limited, without_customer
from portal_gateway.application.view import Pending
from portal_gateway.domain.access import ABSOLUTE, IDLE, lifetime
from support.portal_page import scenes

INVOICE = scenes.invoice_id(14)
CHARGE = str(UUID(int=7))
WAITS: dict[str, Any] = {"status": "processing", "authenticate_until": "x"}
UNCONFIRMED: dict[str, Any] = {"status": "failed", "detail": "authentication_failed"}
OWN: dict[str, Any] = {"paying": f"payment-{INVOICE}:3", "charge_id": UUID(CHARGE)}
OTHER: dict[str, Any] = {**OWN, "charge_id": UUID(int=8)}


def test_an_invoice_link_works_for_thirty_days_and_not_longer() -> None:
    assert lifetime("invoice", None) == timedelta(days=30)
    assert lifetime("invoice", 60) == timedelta(minutes=1)
    for seconds in (0, -1, 30 * 86_400 + 1):
        with pytest.raises(ValueError, match="invoice link"):
            lifetime("invoice", seconds)


def test_its_session_ends_like_one_of_the_portal() -> None:
    session = scenes.invoice_session()
    assert session.ends_at == session.seen_at + IDLE
    assert session.latest_end == session.started_at + ABSOLUTE


def test_the_view_of_its_session_has_the_merchant_and_charges_of_the_invoice_only() -> None:
    whole = scenes.view()
    own = pending("charge", {"invoice_id": INVOICE})
    others = (
        pending("charge", {"invoice_id": "another"}),
        pending("cancellation", {}),
        pending("payment_method", {"last4": "4242"}),
    )
    view = limited(replace(whole, pending=(*others, own)), scenes.invoice_session())
    assert view.merchant == whole.merchant
    assert view.pending == (own,)
    facts: dict[str, Any] = {**view.facts}
    profile = facts.pop("customer")
    assert not any(facts.values())
    assert {name: value for name, value in profile.items() if name != "id"} == dict.fromkeys(set(profile) - {"id"})


def test_the_invoice_has_no_card_no_email_and_no_earlier_attempt() -> None:
    card = {"brand": "visa", "last4": "0341"}
    attempt = {"kind": "failed_attempt", "reason": "card_declined", "payment_method": card}
    buyer = {"name": "Ana", "address": "Calle 1", "email": "ana@example.com", "purchase_order": "PO-7", "tax_id": None}
    facts = {**scenes.whole_invoice(), "status": "failed", "movements": [attempt], "payment_method": card, "bill_to": buyer}
    shown = without_customer(facts, scenes.invoice_session())
    assert shown["bill_to"] == {"name": "Ana", "address": "Calle 1", "tax_id": None}
    assert (shown["status"], shown["payment_method"]) == ("open", None)
    assert "movements" not in shown
    assert "subscription_id" not in shown
    assert without_customer(facts, scenes.invoice_session(paying="payment-1:3"))["status"] == "failed"


@pytest.mark.parametrize(
    ("facts", "session", "shown"),
    [
        (
            {**WAITS, "charge_id": CHARGE},
            OWN,
            ("processing", {"authenticate_until": "x"}),
        ),
        ({**WAITS, "charge_id": CHARGE}, OTHER, ("processing", {})),
        ({**WAITS, "charge_id": CHARGE}, {}, ("processing", {})),
        (WAITS, {}, ("processing", {})),
        ({**UNCONFIRMED, "charge_id": CHARGE}, OWN, ("failed", {"detail": "authentication_failed"})),
        ({**UNCONFIRMED, "charge_id": CHARGE}, OTHER, ("open", {})),
        ({**UNCONFIRMED, "charge_id": CHARGE}, {}, ("open", {})),
        (UNCONFIRMED, OWN, ("failed", {})),
    ],
)
def test_only_the_session_that_pays_is_shown_what_its_bank_wants(
    facts: dict[str, Any], session: dict[str, Any], shown: tuple[str, dict[str, str]]
) -> None:
    it = without_customer({**scenes.whole_invoice(), **facts}, scenes.invoice_session(**session))
    assert (it["status"], {name: it[name] for name in ("detail", "authenticate_until") if name in it}) == shown
    assert not {"charge_id", "charged_method_id", "remedy"} & it.keys()


def pending(kind: Any, detail: dict[str, Any]) -> Pending:
    return {
        "kind": kind,
        "aggregate": f"payment-{INVOICE}",
        "version": 3,
        "accepted_at": "2023-05-20T12:00:00Z",
        "detail": detail,
    }
