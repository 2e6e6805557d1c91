"""The rows that always agree with the streams: written with their events, whoever asked. Pure."""

from typing import assert_never

from chassis.eventsourcing.aggregate import Outcome
from chassis.eventsourcing.event_store import Statement
from payments.domain.payment.events import (
    AttemptFailed,
    AttemptStarted,
    AttemptSucceeded,
    Charge,
    Event,
    OutcomeUnknown,
    Refunded,
)
from payments.domain.payment.payment import Payment
from payments.domain.wallet import events as wallet_events
from payments.domain.wallet.wallet import Wallet


def wallet_rows(outcome: Outcome[wallet_events.Event, Wallet]) -> list[Statement]:
    return [statement for event in outcome.events for statement in wallet_change(event, outcome)]


def wallet_change(event: wallet_events.Event, outcome: Outcome[wallet_events.Event, Wallet]) -> list[Statement]:
    merchant_id, customer_id = outcome.stream.merchant_id, outcome.state.customer_id
    match event:
        case wallet_events.DefaultChanged(method=method):
            others = "UPDATE payment_method SET is_default = false WHERE merchant_id = $1 AND customer_id = $2 AND is_default"
            this = """
                INSERT INTO payment_method (merchant_id, id, customer_id, brand, last4, exp_month, exp_year, is_default, added_at)
                VALUES ($1, $2, $3, $4, $5, $6, $7, true, $8)
                ON CONFLICT (merchant_id, id) DO UPDATE SET is_default = true
                """
            agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND customer_id = $2"
            facts = (method.id, customer_id, method.brand.value, method.last4, method.exp_month, method.exp_year, event.at)
            return [
                Statement(others, (merchant_id, customer_id)),
                Statement(this, (merchant_id, *facts)),
                Statement(agreed, (merchant_id, customer_id)),
            ]
        case wallet_events.PaymentConfirmed():
            return []
        case wallet_events.MethodRemoved(method_id=method_id):
            sql = "UPDATE payment_method SET is_default = false, removed_at = $3 WHERE merchant_id = $1 AND id = $2"
            agreed = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND method_id = $2"
            return [Statement(sql, (merchant_id, method_id, event.at)), Statement(agreed, (merchant_id, method_id))]
        case _:
            assert_never(event)


def payment_rows(outcome: Outcome[Event, Payment]) -> list[Statement]:
    return [statement for event in outcome.events for statement in payment_change(event, outcome)]


def payment_change(event: Event, outcome: Outcome[Event, Payment]) -> list[Statement]:
    merchant_id, invoice_id, charge = outcome.stream.merchant_id, outcome.stream.id, event.charge
    match event:
        case AttemptStarted():
            return [attempt_row(outcome, charge, "open", event), forget_agreement(outcome)]
        case AttemptSucceeded(reference=reference):
            ended = """
                UPDATE attempt SET status = 'succeeded', reference = $3, ended_at = $4
                WHERE merchant_id = $1 AND charge_id = $2
                """
            paid = "UPDATE collection SET paid_charge = $3 WHERE merchant_id = $1 AND invoice_id = $2"
            return [
                Statement(ended, (merchant_id, charge.id, reference, event.at)),
                Statement(paid, (merchant_id, invoice_id, charge.id)),
                forget_agreement(outcome),
            ]
        case AttemptFailed():
            return [attempt_row(outcome, charge, "failed", event)]
        case OutcomeUnknown():
            sql = "UPDATE attempt SET status = 'unknown' WHERE merchant_id = $1 AND charge_id = $2"
            return [Statement(sql, (merchant_id, charge.id))]
        case Refunded():
            sql = "UPDATE collection SET refunded_at = $3 WHERE merchant_id = $1 AND invoice_id = $2"
            return [Statement(sql, (merchant_id, invoice_id, event.at))]
        case _:
            assert_never(event)


def attempt_row(
    outcome: Outcome[Event, Payment], charge: Charge, status: str, event: AttemptStarted | AttemptFailed
) -> Statement:
    """The charge's row, begun or ended: without a card an attempt begins and ends at once."""
    sql = """
        INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency,
                             method_id, brand, last4, started_at, status, code, reference, ended_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (merchant_id, charge_id) DO UPDATE
        SET status = excluded.status, code = excluded.code, reference = excluded.reference, ended_at = excluded.ended_at
        """
    bill, method = outcome.state.bill, charge.method
    card = (method.id, method.brand.value, method.last4) if method else (None, None, None)
    end = (event.code.value, event.reference, event.at) if isinstance(event, AttemptFailed) else (None, None, None)
    facts = (charge.id, bill.invoice_id, bill.customer_id, charge.number, bill.amount.amount_minor, bill.amount.currency)
    return Statement(sql, (outcome.stream.merchant_id, *facts, *card, event.at, status, *end))


def forget_agreement(outcome: Outcome[Event, Payment]) -> Statement:
    sql = "DELETE FROM agreed_charge WHERE merchant_id = $1 AND invoice_id = $2"
    return Statement(sql, (outcome.stream.merchant_id, outcome.stream.id))
