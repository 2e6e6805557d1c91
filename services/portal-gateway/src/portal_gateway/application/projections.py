"""Public events folded into one document per aggregate. Pure; no document is fed by two topics.

A document holds what the page needs and no more. Events come in order and whole: the consumer has checked both. There is no
document without the event that begins it: when that one was discarded, the events after it have nothing to change.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from billing_contracts import customers, invoicing, payments, subscriptions
from billing_contracts.envelope import Envelope, EventData

Doc = dict[str, Any]
Step = Callable[[Doc, Doc, Envelope], Doc]
"""(document so far, the event's data, its envelope) -> document"""


def subscription(doc: Doc | None, envelope: Envelope) -> Doc | None:
    """id, status, plan, quantity, started_at, current_period, cancellation, debt, ended_at; once known time_zone, access_until"""
    return _begun(_SUBSCRIPTION, subscriptions.SubscriptionStarted, doc, envelope)


def wallet(doc: Doc | None, envelope: Envelope) -> Doc:
    """payment_method: the default card, or null"""
    return _WALLET[envelope.type](doc or {}, envelope.data, envelope)


def payment(doc: Doc | None, envelope: Envelope) -> Doc:
    """attempt, state (started, succeeded, failed, unknown, refunded)"""
    data = envelope.data
    return {"attempt": data["attempt"], "state": _PAYMENT_STATES[envelope.type]}


def invoice(doc: Doc | None, envelope: Envelope) -> Doc | None:
    """id, number, issued_on, plan_name, subscription_id, period, total, state (open, paid, void, uncollectible), failed_attempt,
    paid_at, payment_method"""
    return _begun(_INVOICE, invoicing.InvoiceIssued, doc, envelope)


def customer(doc: Doc | None, envelope: Envelope) -> Doc:
    """name, email, locale, country: nothing else of the profile is needed here"""
    return {field: envelope.data.get(field) for field in ("name", "email", "locale", "country")}


def _begun(steps: Mapping[str, Step], begins: type[EventData], doc: Doc | None, envelope: Envelope) -> Doc | None:
    if doc is None and envelope.type != begins.TYPE:
        return None
    return steps[envelope.type](doc or {}, envelope.data, envelope)


def _plan(data: Doc) -> Doc:
    """Whole, also where the event left out what was not set."""
    return {"image_media_id": None, "tax": None, **data["plan"]}


def _started(_: Doc, data: Doc, envelope: Envelope) -> Doc:
    return {
        "id": envelope.subject.removeprefix("subscription-"),
        "status": data["status"],
        "plan": _plan(data),
        "quantity": data.get("quantity", 1),
        "started_at": data["started_at"],
        "current_period": data["period"],
        "cancellation": None,
        "debt": None,
        "ended_at": None,
        **_optional(data, "time_zone"),
    }


def _optional(data: Doc, field: str) -> Doc:
    """The field, when the event has it: documents folded before there was one stay as they are."""
    return {field: data[field]} if data.get(field) else {}


def _renewal_due(doc: Doc, data: Doc, _: Envelope) -> Doc:
    now = {
        "status": data["status"],
        "plan": _plan(data),
        "quantity": data.get("quantity", 1),
        "current_period": data["period"],
    }
    return doc | now | _optional(data, "time_zone")


def _paid(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return doc | {"status": data["status"], "debt": None}


def _past_due(doc: Doc, data: Doc, _: Envelope) -> Doc:
    debt = {field: data[field] for field in ("amount", "reason", "access_until", "invoice_id")}
    debt |= {"next_attempt_at": data.get("next_attempt_at"), "retrying": False}
    return doc | {"status": data["status"], "debt": debt}


def _retry_due(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return _with_debt(doc, data, next_attempt_at=None, retrying=True)


def _unpaid(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return _with_debt(doc, data, next_attempt_at=None, retrying=False)


def _with_debt(doc: Doc, data: Doc, **changed: object) -> Doc:
    return doc | {
        "status": data["status"],
        "debt": doc["debt"] and doc["debt"] | changed,
    }


def _cancellation_scheduled(doc: Doc, data: Doc, envelope: Envelope) -> Doc:
    cancellation = {
        "mode": data["mode"],
        "effective_at": data["effective_at"],
        "feedback": data.get("feedback"),
        "requested_at": rfc3339(envelope.time),
    }
    return doc | {"status": data["status"], "cancellation": cancellation}


def _cancellation_withdrawn(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return doc | {"status": data["status"], "cancellation": None}


def _cancelled(doc: Doc, data: Doc, _: Envelope) -> Doc:
    owed = doc["debt"] if data.get("open_invoices", "void") == "keep" else None
    return _with_debt(
        doc | {"debt": owed, "ended_at": data["effective_at"]} | _optional(data, "access_until"),
        data,
        next_attempt_at=None,
        retrying=False,
    )


_SUBSCRIPTION: dict[str, Step] = {
    subscriptions.SubscriptionStarted.TYPE: _started,
    subscriptions.SubscriptionRenewalDue.TYPE: _renewal_due,
    subscriptions.SubscriptionRenewed.TYPE: _paid,
    subscriptions.SubscriptionRecovered.TYPE: _paid,
    subscriptions.SubscriptionPastDue.TYPE: _past_due,
    subscriptions.SubscriptionRetryDue.TYPE: _retry_due,
    subscriptions.SubscriptionUnpaid.TYPE: _unpaid,
    subscriptions.SubscriptionCancellationScheduled.TYPE: _cancellation_scheduled,
    subscriptions.SubscriptionCancellationWithdrawn.TYPE: _cancellation_withdrawn,
    subscriptions.SubscriptionCancelled.TYPE: _cancelled,
}


def _card_updated(_: Doc, data: Doc, __: Envelope) -> Doc:
    return {"payment_method": data["payment_method"]}


def _payment_confirmed(doc: Doc, _: Doc, __: Envelope) -> Doc:
    return doc  # the charge that it begins tells what comes of it


def _card_removed(doc: Doc, data: Doc, _: Envelope) -> Doc:
    card = doc.get("payment_method")
    return {"payment_method": None if card and card["id"] == data["payment_method_id"] else card}


_WALLET: dict[str, Step] = {
    payments.PaymentMethodUpdated.TYPE: _card_updated,
    payments.PaymentMethodRemoved.TYPE: _card_removed,
    payments.PaymentConfirmed.TYPE: _payment_confirmed,
}

_PAYMENT_STATES = {
    payments.PaymentStarted.TYPE: "started",
    payments.PaymentSucceeded.TYPE: "succeeded",
    payments.PaymentFailed.TYPE: "failed",
    payments.PaymentOutcomeUnknown.TYPE: "unknown",
    payments.PaymentRefunded.TYPE: "refunded",
}


def _issued(_: Doc, data: Doc, envelope: Envelope) -> Doc:
    return {
        "id": envelope.subject.removeprefix("invoice-"),
        "plan_name": data["plan"]["name"],
        **{field: data[field] for field in ("number", "issued_on", "subscription_id", "period", "total")},
        "state": "open",
        "failed_attempt": 0,
        "paid_at": None,
        "payment_method": None,
    }


def _invoice_paid(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return doc | {
        "state": "paid",
        "paid_at": data["paid_at"],
        "payment_method": _face(data),
    }


def _invoice_failed(doc: Doc, data: Doc, _: Envelope) -> Doc:
    return doc | {"failed_attempt": data["attempt"], "payment_method": _face(data)}


def _invoice_voided(doc: Doc, _: Doc, __: Envelope) -> Doc:
    return doc | {"state": "void"}


def _invoice_uncollectible(doc: Doc, _: Doc, __: Envelope) -> Doc:
    return doc | {"state": "uncollectible"}


def _face(data: Doc) -> Doc | None:
    card = data.get("payment_method")
    return card and {"brand": card["brand"], "last4": card["last4"]}


_INVOICE: dict[str, Step] = {
    invoicing.InvoiceIssued.TYPE: _issued,
    invoicing.InvoicePaid.TYPE: _invoice_paid,
    invoicing.InvoicePaymentFailed.TYPE: _invoice_failed,
    invoicing.InvoiceVoided.TYPE: _invoice_voided,
    invoicing.InvoiceMarkedUncollectible.TYPE: _invoice_uncollectible,
}


def rfc3339(instant: datetime) -> str:
    """An aware UTC datetime as the events write it: `2023-05-14T09:30:00Z`."""
    return instant.isoformat().replace("+00:00", "Z")


FOLDS: dict[str, tuple[frozenset[str], Callable[[Doc | None, Envelope], Doc | None]]] = {
    "subscription": (frozenset(_SUBSCRIPTION), subscription),
    "wallet": (frozenset(_WALLET), wallet),
    "payment": (frozenset(_PAYMENT_STATES), payment),
    "invoice": (frozenset(_INVOICE), invoice),
    "customer": (frozenset({customers.CustomerProfile.TYPE}), customer),
}
"""Projection's name -> the types of event it folds, and how."""
