"""Private events that follow from their public ones, by public type: the inverse of the publication, where it has one.

A restored store takes these events over from the topic. An issued invoice is not here: its public event contains neither the
buyer nor all that is printed.
"""

from collections.abc import Mapping
from typing import cast

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import CreditNoteIssued, InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from chassis.eventsourcing.lost_events import Adopt
from invoicing.application.reactions import card
from invoicing.domain.credit import CreditLine
from invoicing.domain.invoice.events import Credited, CreditReason, Paid, PaymentFailed, Voided
from invoicing.domain.plan import Period
from invoicing.domain.totals import Totals


def _paid(data: InvoicePaid, _: Envelope, __: object) -> Paid:
    return Paid(data.charge_id, data.amount.amount_minor, card(data.payment_method), data.paid_at, data.agreed_at)


def _payment_failed(data: InvoicePaymentFailed, envelope: Envelope, _: object) -> PaymentFailed:
    return PaymentFailed(
        data.charge_id,
        data.attempt,
        data.amount.amount_minor,
        data.code,
        data.retryable,
        card(data.payment_method),
        envelope.time,
        data.followed,
        data.manual,
        data.needs_confirmation,
    )


def _voided(data: InvoiceVoided, envelope: Envelope, _: object) -> Voided:
    return Voided(data.reason, envelope.time)


def _credited(data: CreditNoteIssued, envelope: Envelope, __: object) -> Credited:
    series, _, ordinal = data.number.rpartition("-")
    lines = tuple(
        CreditLine(
            each.line_number,
            each.plan_name,
            each.description,
            Period(each.period.start, each.period.end),
            each.net.amount_minor,
            each.tax.amount_minor,
            each.total.amount_minor,
        )
        for each in data.lines
    )
    totals = Totals(data.net_total.amount_minor, data.tax_total.amount_minor, data.total.amount_minor)
    facts = data.number, series, int(ordinal), data.issued_on
    return Credited(data.credit_note_id, *facts, cast(CreditReason, data.reason), lines, totals, envelope.time)


ADOPTED: Mapping[str, Adopt] = {
    InvoicePaid.TYPE: _paid,
    InvoicePaymentFailed.TYPE: _payment_failed,
    InvoiceVoided.TYPE: _voided,
    CreditNoteIssued.TYPE: _credited,
}
