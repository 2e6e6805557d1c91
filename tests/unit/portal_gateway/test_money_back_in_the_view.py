"""Refunds, credit notes and chargebacks, folded into documents and composed to the view."""

from typing import Any

from billing_contracts import invoicing, payments
from billing_contracts.envelope import EventData
from billing_contracts.money import Money
from portal_gateway.domain.invoice_refunds import refund_status
from portal_gateway.domain.view import InvoiceStatus
from support.portal_gateway import story
from support.portal_gateway.story import ANA, Published, charge, invoice_id

STARTED, SUCCEEDED = payments.PaymentStarted, payments.PaymentSucceeded
REFERENCE: dict[str, Any] = {"reference": "sandbox_1"}
VOIDED = invoicing.InvoiceVoided(subscription_id=story.SUBSCRIPTION, reason="merchant")


def status(published: Published) -> InvoiceStatus:
    return published.view()["invoices"][0]["status"]


def credit_note(minor: int) -> invoicing.CreditNoteIssued:
    back = Money(amount_minor=-minor, currency="USD")
    return invoicing.CreditNoteIssued.model_validate(
        {
            "credit_note_id": ANA,
            "number": "TS-NC-000001",
            "issued_on": "2023-05-20",
            "invoice_number": "TS-000005",
            "invoice_issued_on": "2023-05-14",
            "subscription_id": story.SUBSCRIPTION,
            "charge_id": ANA,
            "reason": "goodwill",
            "lines": (),
            "net_total": back,
            "tax_total": Money(amount_minor=0, currency="USD"),
            "total": back,
        }
    )


def repaid(minor: int) -> EventData:
    facts: dict[str, Any] = {"refund_id": ANA, "detail": "credit_note", "amount": Money(amount_minor=minor, currency="USD")}
    return charge(payments.PaymentRefunded, 5, reason="invoice_voided", **facts, **REFERENCE)


def test_a_credit_note_is_refunded_in_part_then_whole() -> None:
    about = f"invoice-{invoice_id(5)}"
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE), story.paid(5))
    assert "credited" not in published.view()["invoices"][0]
    seen = []
    for event, subject in (
        (credit_note(1000), about),
        (repaid(1000), None),
        (credit_note(1999), about),
        (repaid(1999), None),
    ):
        published.publish(event, subject=subject) if subject else published.publish(event)
        row = published.view()["invoices"][0]
        seen.append((row["status"], refund_status(row), row["credited"]["amount_minor"], row["refunded"]["amount_minor"]))
    assert seen == [
        ("paid", "refund_underway", 1000, 0),
        ("paid", "partly_refunded", 1000, 1000),
        ("paid", "refund_underway", 2999, 1000),
        ("refunded", None, 2999, 2999),
    ]


def test_a_refund_that_failed_is_not_on_its_way() -> None:
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE), story.paid(5))
    published.publish(credit_note(1000), subject=f"invoice-{invoice_id(5)}")
    amount = Money(amount_minor=1000, currency="USD")
    outcome: dict[str, Any] = {"refund_id": ANA, "reason": "credit_note", "amount": amount}
    published.publish(charge(payments.PaymentRefundRequested, 5, **outcome))
    assert refund_status(published.view()["invoices"][0]) == "refund_underway"
    published.publish(charge(payments.PaymentRefundFailed, 5, code="expired_or_canceled_card", **outcome))
    assert refund_status(published.view()["invoices"][0]) == "refund_failed"
    assert status(published) == "paid"


def test_a_refund_that_the_bank_returned_has_failed() -> None:
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE), story.paid(5))
    published.publish(credit_note(2999), subject=f"invoice-{invoice_id(5)}").publish(repaid(2999))
    assert status(published) == "refunded"
    amount = Money(amount_minor=2999, currency="USD")
    outcome: dict[str, Any] = {"refund_id": ANA, "reason": "credit_note", "amount": amount, "made_before": True}
    published.publish(charge(payments.PaymentRefundFailed, 5, code="lost_or_stolen_card", **outcome))
    row = published.view()["invoices"][0]
    assert (row["status"], refund_status(row)) == ("paid", "refund_failed")
    assert (row["refunded"]["amount_minor"], row["refund_failed"]["amount_minor"]) == (0, 2999)


def test_a_voided_invoice_with_a_returned_refund_is_void() -> None:
    published = Published().publish(story.issued(5)).publish(VOIDED, subject=f"invoice-{invoice_id(5)}")
    published.publish(
        charge(SUCCEEDED, 5, **REFERENCE), charge(payments.PaymentRefunded, 5, reason="invoice_voided", **REFERENCE)
    )
    assert status(published) == "refunded"
    outcome: dict[str, Any] = {"refund_id": ANA, "reason": "invoice_voided", "code": "unknown", "made_before": True}
    published.publish(charge(payments.PaymentRefundFailed, 5, amount=Money(amount_minor=2999, currency="USD"), **outcome))
    assert status(published) == "void"


def decided(returned: bool, minor: int = 2999) -> EventData:
    facts: dict[str, Any] = {
        "dispute_id": ANA,
        "reason": "fraudulent",
        "outcome": "lost" if returned else "won",
        "returned": returned,
    }
    return charge(payments.PaymentDisputeClosed, 5, amount=Money(amount_minor=minor, currency="USD"), **facts, **REFERENCE)


def test_money_that_the_bank_returned_is_shown_on_a_paid_invoice() -> None:
    published = Published().publish(story.issued(5), charge(STARTED, 5), charge(SUCCEEDED, 5, **REFERENCE), story.paid(5))
    disputed = charge(payments.PaymentDisputed, 5, dispute_id=ANA, reason="fraudulent", **REFERENCE)
    before = published.view()["invoices"][0]
    for event in (disputed, decided(False)):
        assert published.publish(event).view()["invoices"][0] == before
    row = published.publish(decided(True, 1000), decided(True, 1999)).view()["invoices"][0]
    assert row["charged_back"] == {"amount_minor": 2999, "currency": "USD"}
    assert (row["status"], refund_status(row)) == ("paid", "charged_back")
    published.publish(credit_note(1000), subject=f"invoice-{invoice_id(5)}")
    assert refund_status(published.publish(repaid(1000)).view()["invoices"][0]) == "charged_back"
