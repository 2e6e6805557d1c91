"""Views for the page's tests: the specification's example in every state."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from portal_gateway.application.view import View
from portal_gateway.domain.access import InvoiceSession, Session
from portal_gateway.domain.view import (
    CustomerView,
    Debt,
    DetachedCard,
    InvoiceRow,
    InvoiceStatus,
    Plan,
    Role,
    SavedMethod,
    Subscription,
)

OURS = UUID("0b1ff5a0-0000-4000-8000-000000000000")
MERCHANT, CUSTOMER, LINK = (uuid5(OURS, name) for name in ("merchant", "customer", "link"))
PREMIUM = str(uuid5(OURS, "premium"))
NOW = datetime(2023, 5, 20, 15, tzinfo=UTC)
"""The clock of the specification's example."""


def instant(year: int, month: int, day: int) -> str:
    """Noon in Mexico City."""
    return f"{year}-{month:02}-{day:02}T18:00:00Z"


def merchant(**changes: Any) -> dict[str, Any]:
    return {
        "id": str(MERCHANT),
        "name": "TechSolutions Inc.",
        "legal": {
            "name": "TechSolutions Inc. S.A. de C.V.",
            "address": "Av. Reforma 222\n06600 Ciudad de México",
            "tax_id": "TSI200101AB1",
        },
        "locale": "es-419",
        "time_zone": "America/Mexico_City",
        "branding": {
            "logo_media_id": None,
            "colour": "#1f57c3",
            "terms_url": "https://techsolutions.example/terminos",
            "privacy_url": "https://techsolutions.example/privacidad",
            "contact_email": "soporte@techsolutions.example",
        },
        **changes,
    }


def plan(**changes: Any) -> Plan:
    facts: dict[str, Any] = {
        "id": str(uuid5(OURS, "plan")),
        "name": "Premium Mensual",
        "description": "Suscripción mensual renovable",
        "image_media_id": None,
        "price": {"amount_minor": 2999, "currency": "USD"},
        "interval": {"unit": "month", "count": 1},
        "tax": None,
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def subscription(status: str = "active", **changes: Any) -> Subscription:
    facts: dict[str, Any] = {
        "id": PREMIUM,
        "version": 12,
        "status": status,
        "plan": plan(),
        "quantity": 1,
        "started_at": instant(2022, 4, 14),
        "current_period": {"start": instant(2023, 5, 14), "end": instant(2023, 6, 14)},
        "cancellation": None,
        "debt": None,
        "ended_at": None,
        "stale": False,
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def ending() -> Subscription:
    return subscription(
        version=13,
        cancellation={
            "mode": "at_period_end",
            "effective_at": instant(2023, 6, 14),
            "feedback": "unused",
            "requested_at": instant(2023, 5, 20),
        },
    )


def debt(**changes: Any) -> Debt:
    facts: dict[str, Any] = {
        "amount": {"amount_minor": 2999, "currency": "USD"},
        "reason": "insufficient_funds",
        "next_attempt_at": instant(2023, 5, 22),
        "retrying": False,
        "access_until": instant(2023, 5, 28),
        "invoice_id": invoice_id(14),
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def invoice_id(number: int) -> str:
    return str(uuid5(OURS, f"invoice {number}"))


def invoice(number: int, status: InvoiceStatus = "paid", **changes: Any) -> InvoiceRow:
    """Number 14 is of May 2023, number 13 of April, and so on."""
    month = 2023 * 12 + 4 - (14 - number)
    start, end = (instant(m // 12, m % 12 + 1, 14) for m in (month, month + 1))
    facts: dict[str, Any] = {
        "id": invoice_id(number),
        "number": f"TS-{number:06}",
        "version": 2,
        "issued_on": start[:10],
        "plan_name": "Premium Mensual",
        "subscription_id": PREMIUM,
        "total": {"amount_minor": 2999, "currency": "USD"},
        "status": status,
        "period": {"start": start, "end": end},
        "paid_at": start if status == "paid" else None,
        "payment_method": {"brand": "visa", "last4": "4242"},
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def facts(*subscriptions: Subscription, **changes: Any) -> CustomerView:
    rows = [invoice(number) for number in range(14, 2, -1)]
    defaults: dict[str, Any] = {
        "customer": {"id": str(CUSTOMER), "name": "Ana García", "email": "ana@example.com", "locale": "es-MX", "country": "MX"},
        "subscriptions": list(subscriptions) or [subscription()],
        "payment_method": {"id": "pm", "brand": "visa", "last4": "4242", "exp_month": 12, "exp_year": 2025, "version": 1},
        "invoices": rows,
        "invoice_count": 14,
        "invoice_years": [2023, 2022],
    }
    return {**defaults, **changes}  # type: ignore[typeddict-item]


def view(*subscriptions: Subscription, **changes: Any) -> View:
    """`changes` sets fields of the view or of its facts, by name."""
    names = ("merchant", "now", "revision", "pending", "as_of", "stale", "merchant_behind")
    own = {name: changes.pop(name) for name in names if name in changes}
    default = View(merchant(), NOW, 7, facts(*subscriptions, **changes), (), datetime.now(UTC), False)
    return replace(default, **own)


def owing(status: str = "past_due", **changes: Any) -> View:
    """A subscription with a failed renewal."""
    unpaid = invoice(14, "failed", payment_method={"brand": "visa", "last4": "0341"})
    rows = [unpaid, *(invoice(number) for number in range(13, 2, -1))]
    card = {"id": "pm", "brand": "visa", "last4": "0341", "exp_month": 12, "exp_year": 2025, "version": 1}
    return view(subscription(status, debt=debt(**changes)), invoices=rows, payment_method=card)


def session(**changes: Any) -> Session:
    began = datetime.now(UTC)
    return replace(
        Session(uuid5(OURS, "session"), MERCHANT, CUSTOMER, LINK, began, began - timedelta(minutes=1), "csrf-of-ana"), **changes
    )


def invoice_session(**changes: Any) -> InvoiceSession:
    """A session of a link to the invoice of `whole_invoice`."""
    now = datetime.now(UTC)
    session = InvoiceSession(uuid5(OURS, "invoice session"), MERCHANT, CUSTOMER, UUID(invoice_id(14)), LINK, now, now, "c" * 43)
    return replace(session, **changes)


def whole_invoice(**changes: Any) -> dict[str, Any]:
    """The invoice as the invoicing service represents it."""
    money = {"amount_minor": 2999, "currency": "USD"}
    row = invoice(14)
    return {
        **row,
        "seller": merchant()["legal"],
        "bill_to": {
            "name": "Ana García",
            "address": "Calle 5 #12\nMérida, Yucatán",
            "tax_id": "GAAA900101XX1",
            "email": "ana@example.com",
        },
        "lines": [
            {
                "plan_name": "Premium Mensual",
                "description": "Suscripción mensual renovable",
                "period": row["period"],
                "quantity": 1,
                "unit_price": money,
                "net": {"amount_minor": 2585, "currency": "USD"},
                "tax": {"amount_minor": 414, "currency": "USD"},
                "total": money,
            }
        ],
        "tax": {"name": "IVA", "rate_basis_points": 1600, "inclusive": True},
        "net_total": {"amount_minor": 2585, "currency": "USD"},
        "tax_total": {"amount_minor": 414, "currency": "USD"},
        "movements": [
            {"kind": "invoice", "date": "2023-05-14", "amount": money, "payment_method": None},
            {
                "kind": "failed_attempt",
                "date": "2023-05-14",
                "amount": {"amount_minor": 0, "currency": "USD"},
                "payment_method": {"brand": "visa", "last4": "0341"},
                "reason": "insufficient_funds",
            },
            {
                "kind": "payment",
                "date": "2023-05-15",
                "amount": {"amount_minor": -2999, "currency": "USD"},
                "payment_method": {"brand": "visa", "last4": "4242"},
            },
        ],
        **changes,
    }


CREDIT_NOTE_ID = str(uuid5(OURS, "TS-NC-000001"))


def credited_invoice(minor: int = 1000, refund: str = "made", **changes: Any) -> dict[str, Any]:
    """A paid invoice with a credit note, the refund of which is `requested`, `made` or `failed`."""
    whole, card = whole_invoice(), {"brand": "visa", "last4": "4242"}
    taken, back = ({"amount_minor": amount, "currency": "USD"} for amount in (-minor, minor))
    note = {
        "id": CREDIT_NOTE_ID,
        "number": "TS-NC-000001",
        "issued_on": "2023-05-16",
        "total": taken,
        "refund": {"status": refund, "at": None, "reference": None, "payment_method": card},
    }
    credited = {
        "kind": "void",
        "detail": "credit_note",
        "date": "2023-05-16",
        "amount": taken,
        "payment_method": None,
        "reason": "customer_request",
        "reference": "TS-NC-000001",
        "credit_note_id": CREDIT_NOTE_ID,
    }
    outcome = (
        {"status": "succeeded", "amount": back}
        if refund == "made"
        else {"status": "failed", "amount": {**back, "amount_minor": 0}}
    )
    refunded = {
        "kind": "refund",
        "date": "2023-05-17",
        "payment_method": card,
        "reason": "credit_note",
        "credit_note_id": CREDIT_NOTE_ID,
        **outcome,
    }
    return {
        **whole,
        "movements": [*whole["movements"], credited, *([] if refund == "requested" else [refunded])],
        "credit_notes": [note],
        "credited": back,
        "refunded": back if refund == "made" else {**back, "amount_minor": 0},
        **changes,
    }


def method_id(name: str) -> str:
    return str(uuid5(OURS, f"card {name}"))


def saved(last4: str = "4242", role: Role | None = None, **changes: Any) -> SavedMethod:
    """A card on file, with an id after its last digits."""
    facts: dict[str, Any] = {
        "id": method_id(last4),
        "brand": "visa",
        "last4": last4,
        "exp_month": 12,
        "exp_year": 2030,
        "role": role,
    }
    return {**facts, **changes}  # type: ignore[typeddict-item]


def with_cards(*methods: SavedMethod, **changes: Any) -> View:
    """The customer has these cards, the default first."""
    default = {name: methods[0][name] for name in ("id", "brand", "last4", "exp_month", "exp_year")} if methods else None
    return view(payment_method=default and {**default, "version": 1}, payment_methods=list(methods), **changes)


def detached(last4: str = "1117", *, was_default: bool = False, at: str = "2023-05-16T12:00:00+00:00") -> DetachedCard:
    """A card that its provider does not have any more."""
    return {"brand": "mastercard", "last4": last4, "at": at, "was_default": was_default}


TWO_CARDS = (saved("4242", "default"), saved("1117", "backup", brand="mastercard"))
TEN_CARDS = (*TWO_CARDS, *(saved(f"{number:04}", exp_year=2028) for number in range(1, 9)))
EXPIRED_BACKUP = (saved("4242", "default"), saved("1117", "backup", brand="mastercard", exp_month=1, exp_year=2023))
