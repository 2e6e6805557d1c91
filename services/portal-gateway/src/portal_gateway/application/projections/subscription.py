"""The document of a subscription."""

from billing_contracts import subscriptions
from billing_contracts.envelope import Envelope
from chassis.projections.projection import Document
from portal_gateway.application.projections.document import Step, fold_from
from portal_gateway.domain.instants import rfc3339


def fold(document: Document | None, envelope: Envelope) -> Document | None:
    """id, status, plan, quantity, started_at, current_period, cancellation, debt, ended_at; once known time_zone, access_until"""
    return fold_from(subscriptions.SubscriptionStarted, _STEPS, document, envelope)


def _started(_: Document, data: Document, envelope: Envelope) -> Document:
    return {
        "id": envelope.subject.removeprefix("subscription-"),
        "status": data["status"],
        "plan": _complete_plan(data),
        "quantity": data.get("quantity", 1),
        "started_at": data["started_at"],
        "current_period": data["period"],
        "cancellation": None,
        "debt": None,
        "ended_at": None,
        **_optional(data, "time_zone"),
    }


def _complete_plan(data: Document) -> Document:
    """The event's plan, with the fields that the event omits when they are not set."""
    return {"image_media_id": None, "tax": None, **data["plan"]}


def _optional(data: Document, field: str) -> Document:
    """The field if the event has it: documents of older events, which lack it, do not change."""
    return {field: data[field]} if data.get(field) else {}


def _renewal_due(document: Document, data: Document, _: Envelope) -> Document:
    renewed = {
        "status": data["status"],
        "plan": _complete_plan(data),
        "quantity": data.get("quantity", 1),
        "current_period": data["period"],
    }
    return document | renewed | _optional(data, "time_zone")


def _paid(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"status": data["status"], "debt": None}


def _past_due(document: Document, data: Document, _: Envelope) -> Document:
    debt = {field: data[field] for field in ("amount", "reason", "access_until", "invoice_id")}
    debt |= {"next_attempt_at": data.get("next_attempt_at"), "retrying": False}
    return document | {"status": data["status"], "debt": debt}


def _retry_due(document: Document, data: Document, _: Envelope) -> Document:
    return _with_debt(document, data, next_attempt_at=None, retrying=True)


def _unpaid(document: Document, data: Document, _: Envelope) -> Document:
    return _with_debt(document, data, next_attempt_at=None, retrying=False)


def _with_debt(document: Document, data: Document, **changes: object) -> Document:
    return document | {"status": data["status"], "debt": document["debt"] and document["debt"] | changes}


def _cancellation_scheduled(document: Document, data: Document, envelope: Envelope) -> Document:
    cancellation = {
        "mode": data["mode"],
        "effective_at": data["effective_at"],
        "feedback": data.get("feedback"),
        "requested_at": rfc3339(envelope.time),
    }
    return document | {"status": data["status"], "cancellation": cancellation}


def _cancellation_withdrawn(document: Document, data: Document, _: Envelope) -> Document:
    return document | {"status": data["status"], "cancellation": None}


def _cancelled(document: Document, data: Document, _: Envelope) -> Document:
    remaining_debt = document["debt"] if data.get("open_invoices", "void") == "keep" else None
    ended = document | {"debt": remaining_debt, "ended_at": data["effective_at"]} | _optional(data, "access_until")
    return _with_debt(ended, data, next_attempt_at=None, retrying=False)


_STEPS: dict[str, Step] = {
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
TYPES = frozenset(_STEPS)
