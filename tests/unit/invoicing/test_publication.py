import json
from dataclasses import replace
from datetime import date

import pytest

from billing_contracts.invoicing import InvoiceIssued, InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from invoicing.application.aggregates import CODEC
from invoicing.application.publication import announce
from invoicing.domain.invoice.events import Event, Issued
from support.invoicing.examples import FAILED, ISSUED, PAID, RULES, TAXED, VOIDED, id_of


def heard(*past: Event) -> object:
    state = RULES.fold(past)
    assert state is not None
    announcement = announce(past[-1], state)
    assert announcement.customer_id == id_of("ana")
    assert announcement.time == past[-1].at
    return announcement.data


def test_the_public_event_carries_everything_printed_except_the_buyer() -> None:
    message = heard(TAXED)
    assert isinstance(message, InvoiceIssued)
    assert (message.number, message.issued_on, message.total.decimal()) == ("TS-000014", date(2023, 5, 14), "29.99")
    assert (message.net_total.decimal(), message.tax_total.decimal()) == ("25.85", "4.14")
    assert message.tax is not None
    assert message.seller.tax_id == "TSO010203AB4"
    assert sum(line.total.amount_minor for line in message.lines) == message.total.amount_minor
    assert "bill_to" not in message.model_dump_json()
    assert "Ana" not in message.model_dump_json()


def test_an_outcome_names_its_subscription_and_period() -> None:
    paid, failed = heard(ISSUED, PAID), heard(ISSUED, FAILED)
    assert isinstance(paid, InvoicePaid)
    assert isinstance(failed, InvoicePaymentFailed)
    assert (paid.subscription_id, paid.period.start, paid.paid_at) == (id_of("subscription"), ISSUED.period.start, PAID.at)
    assert (failed.code, failed.retryable, failed.attempt) == ("insufficient_funds", True, 1)
    assert failed.payment_method is not None
    assert failed.payment_method.last4 == "4242"


def test_a_voided_event_has_its_reason() -> None:
    message = heard(ISSUED, VOIDED)
    assert isinstance(message, InvoiceVoided)
    assert message.reason == "subscription_cancelled"


@pytest.mark.parametrize("event", [ISSUED, TAXED, PAID, replace(PAID, card=None), FAILED, VOIDED])
def test_every_event_survives_being_stored(event: Event) -> None:
    assert CODEC.decode(*CODEC.encode(event)) == event


def test_a_stored_event_names_the_buyer_by_hash_alone() -> None:
    _, _, body = CODEC.encode(ISSUED)
    assert isinstance(CODEC.decode("issued", 1, body), Issued)
    assert "ab" * 32 in body
    assert "Ana" not in body


def test_an_invoice_stored_without_zone_and_decimals_stays_the_same() -> None:
    name, version, body = CODEC.encode(TAXED)
    before = json.loads(body)
    del before["period_zone"], before["letterhead"]["decimals"]
    read = CODEC.decode(name, version, json.dumps(before))
    assert read == TAXED
    assert read.zone_of_period == TAXED.letterhead.time_zone
    message = heard(read)
    assert isinstance(message, InvoiceIssued)
    assert message.period_time_zone is None


def test_a_new_invoice_has_the_zone_of_its_period() -> None:
    assert heard(replace(ISSUED, period_zone="Europe/Madrid")).period_time_zone == "Europe/Madrid"  # type: ignore[attr-defined]
