"""Rows that are written in the transaction of a stream's events, and so always agree with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

from billing_contracts.invoicing import InvoiceIssued
from chassis.decoding import Received
from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.event_store import Statement
from chassis.eventsourcing.stream import Stream
from payments.application.card_setup import VALIDITY_MINUTES, SetUp
from payments.application.reactions import aggregate_id, customer_of
from payments.domain.confirmation import Consent, Period
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    AuthenticationNeeded,
    Charge,
    DisputeClosed,
    DisputeOpened,
    Event,
    OutcomeUnknown,
    Refunded,
    RefundFailed,
    RefundRequested,
)
from payments.domain.payment.payment import Payment
from payments.domain.payment.refunds import refund_of
from payments.domain.shapes import SANDBOX, Method, Money
from payments.domain.wallet import events as wallet_events
from payments.domain.wallet.wallet import Wallet


def of_wallet(outcome: Outcome[wallet_events.Event, Wallet]) -> list[Statement]:
    return [statement for event in outcome.events for statement in _wallet_change(event, outcome)]


def _wallet_change(event: wallet_events.Event, outcome: Outcome[wallet_events.Event, Wallet]) -> list[Statement]:
    merchant_id, customer_id = outcome.stream.merchant_id, outcome.state.customer_id
    match event:
        case wallet_events.DefaultChanged(method=method):
            others = "UPDATE payment_method SET is_default = false WHERE merchant_id = $1 AND customer_id = $2 AND is_default"
            this = "UPDATE payment_method SET is_default = true, is_backup = false WHERE merchant_id = $1 AND id = $2"
            agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND customer_id = $2"
            return [
                _on_file(merchant_id, customer_id, method, event.at),
                Statement(others, (merchant_id, customer_id)),
                Statement(this, (merchant_id, method.id)),
                Statement(agreed, (merchant_id, customer_id)),
            ]
        case wallet_events.MethodAdded(method=method):
            return [_on_file(merchant_id, customer_id, method, event.at)]
        case wallet_events.PaymentConfirmed() | wallet_events.OneTimePaymentConfirmed():
            return []
        case wallet_events.BackupChosen(method=chosen):
            before = "UPDATE payment_method SET is_backup = false WHERE merchant_id = $1 AND customer_id = $2 AND is_backup"
            now = "UPDATE payment_method SET is_backup = true WHERE merchant_id = $1 AND id = $2"
            role = [Statement(now, (merchant_id, chosen.id))] if chosen else []
            return [Statement(before, (merchant_id, customer_id)), *role]
        case wallet_events.MethodRefreshed(method=method):
            sql = """
                UPDATE payment_method SET brand = $3, last4 = $4, exp_month = $5, exp_year = $6, fingerprint = $7
                WHERE merchant_id = $1 AND id = $2
                """
            return [Statement(sql, (merchant_id, method.id, *_face(method)))]
        case wallet_events.MethodRemoved(method_id=method_id):
            sql = """
                UPDATE payment_method SET is_default = false, is_backup = false, removed_at = $3, forget_call_at = now()
                WHERE merchant_id = $1 AND id = $2
                """
            agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND method_id = $2"
            return [Statement(sql, (merchant_id, method_id, event.at)), Statement(agreed, (merchant_id, method_id))]
        case _:
            assert_never(event)


def _on_file(merchant_id: UUID, customer_id: UUID, method: Method, at: datetime) -> Statement:
    """The card's row with its details. A new card has no role yet.

    An event that was taken over from its topic has no fingerprint: the card is read at its provider.
    """
    sql = """
        INSERT INTO payment_method (merchant_id, id, customer_id, brand, last4, exp_month, exp_year, fingerprint, provider,
                                    added_at, is_default, read_call_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, false, CASE WHEN $8::text IS NULL AND $9 <> $11 THEN now() END)
        ON CONFLICT (merchant_id, id) DO UPDATE
        SET brand = excluded.brand, last4 = excluded.last4, exp_month = excluded.exp_month, exp_year = excluded.exp_year,
            fingerprint = excluded.fingerprint, removed_at = NULL, forgotten_at = NULL, read_call_at = excluded.read_call_at
        """
    return Statement(sql, (merchant_id, method.id, customer_id, *_face(method), method.provider, at, SANDBOX))


def _face(method: Method) -> tuple[str, str, int, int, str | None]:
    return method.brand.value, method.last4, method.exp_month, method.exp_year, method.fingerprint


def of_payment(outcome: Outcome[Event, Payment]) -> list[Statement]:
    return [statement for event in outcome.events for statement in _payment_change(event, outcome)]


def _payment_change(event: Event, outcome: Outcome[Event, Payment]) -> list[Statement]:
    merchant_id, invoice_id, charge = outcome.stream.merchant_id, outcome.stream.id, event.charge
    match event:
        case AttemptStarted():
            return [_attempt(outcome, charge, "open", event), _forget_agreement(outcome)]
        case AttemptSucceeded(reference=reference):
            ended = """
                UPDATE attempt SET status = 'succeeded', reference = $3, ended_at = $4
                WHERE merchant_id = $1 AND charge_id = $2
                """
            paid = "UPDATE collection SET paid_charge = $3 WHERE merchant_id = $1 AND invoice_id = $2"
            return [
                Statement(ended, (merchant_id, charge.id, reference, event.at)),
                Statement(paid, (merchant_id, invoice_id, charge.id)),
                _forget_agreement(outcome),
            ]
        case AttemptFailed():
            return [_attempt(outcome, charge, "failed", event)]
        case OutcomeUnknown():
            sql = "UPDATE attempt SET status = 'unknown' WHERE merchant_id = $1 AND charge_id = $2"
            return [Statement(sql, (merchant_id, charge.id))]
        case AuthenticationNeeded(until=None):
            return []
        case AuthenticationNeeded(until=until):
            sql = "UPDATE attempt SET status = 'open', authenticate_until = $3 WHERE merchant_id = $1 AND charge_id = $2"
            return [Statement(sql, (merchant_id, charge.id, until))]
        case RefundRequested():
            return [_refund_requested(outcome, event)]
        case Refunded(reference=reference):
            refund = refund_of(event, outcome.state.bill.amount)
            all_of_it = outcome.state.refunds.repaid_minor == outcome.state.bill.amount.amount_minor
            sql = "UPDATE collection SET refunded_at = $3 WHERE merchant_id = $1 AND invoice_id = $2"
            whole = [Statement(sql, (merchant_id, invoice_id, event.at))] if all_of_it else []
            return [_refund_ended(merchant_id, refund.id, "made", reference, None, event.at), *whole]
        case RefundFailed(refund=refund, code=code, reference=reference):
            sql = "UPDATE collection SET refunded_at = NULL WHERE merchant_id = $1 AND invoice_id = $2"
            owed = [Statement(sql, (merchant_id, invoice_id))] if event.made_before else []
            return [_refund_ended(merchant_id, refund.id, "failed", reference, code, event.at), *owed]
        case DisputeOpened():
            return [_dispute_opened(outcome, event), _dispute_is_read(merchant_id, charge.id)]
        case DisputeClosed(dispute=dispute, outcome=decided, returned=returned):
            sql = """
                UPDATE dispute SET status = $3, returned = $4, closed_at = $5, amount_minor = $6
                WHERE merchant_id = $1 AND dispute_id = $2
                """
            end = decided.value, returned, event.at, dispute.amount.amount_minor
            return [Statement(sql, (merchant_id, dispute.id, *end))]
        case _:
            assert_never(event)


def outcomes_due(merchant_id: UUID, charge_id: UUID) -> list[Statement]:
    charge = "UPDATE attempt SET call_at = now() WHERE merchant_id = $1 AND charge_id = $2 AND status IN ('open', 'unknown')"
    refunds = "UPDATE refund SET call_at = now() WHERE merchant_id = $1 AND charge_id = $2 AND status = 'requested'"
    return [Statement(sql, (merchant_id, charge_id)) for sql in (charge, refunds)]


def made_refunds_due(merchant_id: UUID, charge_id: UUID) -> Statement:
    """One without an outcome is reviewed once it was made: its outcome may be older than the report of its failure."""
    sql = "UPDATE refund SET review_at = now() WHERE merchant_id = $1 AND charge_id = $2 AND status <> 'failed'"
    return Statement(sql, (merchant_id, charge_id))


def disputes_due(merchant_id: UUID, charge_id: UUID) -> Statement:
    sql = """
        UPDATE attempt SET disputes_call_at = now(), disputes_calls = 0 WHERE merchant_id = $1 AND charge_id = $2
        """
    return Statement(sql, (merchant_id, charge_id))


def method_reported(merchant_id: UUID, method_id: UUID) -> Statement:
    sql = "UPDATE payment_method SET read_call_at = now() WHERE merchant_id = $1 AND id = $2 AND removed_at IS NULL"
    return Statement(sql, (merchant_id, method_id))


def _attempt(outcome: Outcome[Event, Payment], charge: Charge, status: str, event: AttemptStarted | AttemptFailed) -> Statement:
    """The charge's row, open or ended. An attempt without a card starts and ends at once."""
    sql = """
        INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency,
                             method_id, brand, last4, provider, on_session, started_at, status, code, reference, ended_at, backup)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
        ON CONFLICT (merchant_id, charge_id) DO UPDATE
        SET status = excluded.status, code = excluded.code, reference = excluded.reference, ended_at = excluded.ended_at
        """
    bill, method = outcome.state.bill, charge.method
    card = (method.id, method.brand.value, method.last4, method.provider) if method else (None, None, None, SANDBOX)
    end = (event.code.value, event.reference, event.at) if isinstance(event, AttemptFailed) else (None, None, None)
    facts = (charge.id, bill.invoice_id, bill.customer_id, charge.number, bill.amount.amount_minor, bill.amount.currency)
    return Statement(sql, (outcome.stream.merchant_id, *facts, *card, charge.on_session, event.at, status, *end, charge.backup))


def _refund_requested(outcome: Outcome[Event, Payment], event: RefundRequested) -> Statement:
    sql = """
        INSERT INTO refund (merchant_id, refund_id, invoice_id, customer_id, charge_id, amount_minor, currency, reason,
                            requested_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        """
    bill, refund = outcome.state.bill, event.refund
    ids = (outcome.stream.merchant_id, refund.id, bill.invoice_id, bill.customer_id, event.charge.id)
    return Statement(sql, (*ids, refund.amount.amount_minor, refund.amount.currency, refund.reason.value, event.at))


def _dispute_opened(outcome: Outcome[Event, Payment], event: DisputeOpened) -> Statement:
    """The row of a new dispute, or of an inquiry that has become one."""
    sql = """
        INSERT INTO dispute (merchant_id, dispute_id, invoice_id, customer_id, charge_id, reference, amount_minor, currency,
                             reason, inquiry, respond_by, opened_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (merchant_id, dispute_id) DO UPDATE
        SET amount_minor = excluded.amount_minor, reason = excluded.reason, inquiry = excluded.inquiry,
            respond_by = excluded.respond_by
        """
    bill, dispute = outcome.state.bill, event.dispute
    ids = (outcome.stream.merchant_id, dispute.id, bill.invoice_id, bill.customer_id, event.charge.id)
    facts = (dispute.reference, dispute.amount.amount_minor, dispute.amount.currency, dispute.reason, dispute.inquiry)
    return Statement(sql, (*ids, *facts, dispute.respond_by, event.at))


def _dispute_is_read(merchant_id: UUID, charge_id: UUID) -> Statement:
    """An open dispute that was recovered from its public event is read as well."""
    sql = """
        UPDATE attempt SET disputes_call_at = coalesce(disputes_call_at, now()) WHERE merchant_id = $1 AND charge_id = $2
        """
    return Statement(sql, (merchant_id, charge_id))


def _refund_ended(
    merchant_id: UUID, refund_id: UUID, status: str, reference: str | None, code: str | None, at: datetime
) -> Statement:
    sql = """
        UPDATE refund SET status = $3, reference = $4, code = $5, ended_at = $6 WHERE merchant_id = $1 AND refund_id = $2
        """
    return Statement(sql, (merchant_id, refund_id, status, reference, code, at))


def _forget_agreement(outcome: Outcome[Event, Payment]) -> Statement:
    sql = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND invoice_id = $2"
    return Statement(sql, (outcome.stream.merchant_id, outcome.stream.id))


def setup_used(merchant_id: UUID, setup_id: UUID) -> Statement:
    return Statement("UPDATE setup SET used_at = now() WHERE merchant_id = $1 AND id = $2", (merchant_id, setup_id))


def charge_agreed(payment: Stream, customer_id: UUID, method: Method, consent: Consent | None) -> Statement:
    """Must follow the wallet's rows, which delete the agreements for the previous card."""
    sql = """
        INSERT INTO agreed_charge (merchant_id, invoice_id, customer_id, method_id, confirmation_id, confirmed_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """
    confirmation = (consent.id, consent.at) if consent else (None, None)
    return Statement(sql, (payment.merchant_id, payment.id, customer_id, method.id, *confirmation))


def payment_requested(payment: Stream, customer_id: UUID, charge_id: UUID) -> Statement:
    sql = "INSERT INTO asked_payment (merchant_id, invoice_id, customer_id, charge_id) VALUES ($1, $2, $3, $4)"
    return Statement(sql, (payment.merchant_id, payment.id, customer_id, charge_id))


def authentication_opened(setup: SetUp, charge_id: UUID) -> Statement:
    sql = """
        INSERT INTO setup (merchant_id, id, customer_id, session, locale, colour, due, charge_id, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, '[]', $7, now() + make_interval(mins => $8))
        """
    looks = setup.session, setup.locale, setup.colour
    return Statement(sql, (setup.merchant_id, setup.id, setup.customer_id, *looks, charge_id, VALIDITY_MINUTES))


def card_declined(merchant_id: UUID, customer_id: UUID, code: str, invoice_id: UUID | None = None) -> Statement:
    sql = "INSERT INTO card_refusal (merchant_id, customer_id, code, invoice_id) VALUES ($1, $2, $3, $4)"
    return Statement(sql, (merchant_id, customer_id, code, invoice_id))


def one_time_method_charged(merchant_id: UUID, method_id: UUID) -> Statement:
    """The provider forgets the method as soon as the charge has ended."""
    sql = "UPDATE one_time_method SET call_at = now() WHERE merchant_id = $1 AND method_id = $2"
    return Statement(sql, (merchant_id, method_id))


def collection_opened(received: Received[InvoiceIssued], amount: Money, period: Period) -> Statement:
    envelope, issued = received.envelope, received.data
    sql = """
        INSERT INTO collection (merchant_id, invoice_id, customer_id, subscription_id, number, amount_minor, currency, issued_at,
                                period_start, period_end)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
        """
    ids = (envelope.merchantid, aggregate_id(envelope), customer_of(envelope), issued.subscription_id)
    return Statement(sql, (*ids, issued.number, amount.amount_minor, amount.currency, envelope.time, period.start, period.end))


def collection_closed(merchant_id: UUID, invoice_id: UUID, state: str) -> Sequence[Statement]:
    closed = "UPDATE collection SET state = $3, refund_call_at = now() WHERE merchant_id = $1 AND invoice_id = $2"
    agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND invoice_id = $2"
    return [Statement(closed, (merchant_id, invoice_id, state)), Statement(agreed, (merchant_id, invoice_id))]
