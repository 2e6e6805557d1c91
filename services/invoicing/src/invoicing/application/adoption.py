"""Private events that follow from their public ones, by public type: the inverse of the publication, where it has one.

A restored store takes these events over from the topic. An issued invoice is not here: its public event contains neither the
buyer nor all that is printed.
"""

from collections.abc import Mapping

from billing_contracts.envelope import Envelope
from billing_contracts.invoicing import InvoicePaid, InvoicePaymentFailed, InvoiceVoided
from chassis.eventsourcing.lost_events import Adopt
from invoicing.application.reactions import card
from invoicing.domain.invoice.events import Paid, PaymentFailed, Voided


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


ADOPTED: Mapping[str, Adopt] = {
    InvoicePaid.TYPE: _paid,
    InvoicePaymentFailed.TYPE: _payment_failed,
    InvoiceVoided.TYPE: _voided,
}
