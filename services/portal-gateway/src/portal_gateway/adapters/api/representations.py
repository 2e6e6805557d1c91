"""The API's JSON: facts with their sentences. Clients rely on it, so fields are only added."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from portal_gateway.application.presentation import common, details, invoices, payment_method, payment_offer, price, summary
from portal_gateway.application.presentation.bank_confirmation import row_of, waiting_card
from portal_gateway.application.presentation.cards_on_file import saved
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.view import Pending, View
from portal_gateway.domain.instants import rfc3339
from portal_gateway.domain.invoice_refunds import refund_status
from portal_gateway.domain.view import Debt, InvoiceRow, Money, PaymentMethod, SavedMethod, Subscription
from presentation.languages import Language


def overview(view: View, language: Language, next_cursor: str | None) -> dict[str, Any]:
    reader, customer, card = Reader.of(view, language), view.facts["customer"], view.facts["payment_method"]
    return {
        "company": _company(view),
        "customer": {"name": customer["name"], "email": customer["email"], "locale": customer["locale"]},
        "subscriptions": [_subscription(reader, view, it) for it in view.facts["subscriptions"]],
        "payment_method": _card(reader, card) if card else None,
        "payment_methods": cards(reader, view),
        "invoices": {"items": [invoice(reader, row, view.pending) for row in view.facts["invoices"]], "next_cursor": next_cursor},
        "pending": list(view.pending),
        "revision": view.revision,
        "as_of": rfc3339(view.as_of),
        "stale": view.stale,
        "stale_text": common.freshness(view, language, datetime.now(UTC)),
    }


def invoice(reader: Reader, row: InvoiceRow, pending: tuple[Pending, ...]) -> dict[str, Any]:
    status = invoices.status(row, pending)
    return {
        "id": row["id"],
        "number": row["number"],
        "issued_on": row["issued_on"],
        "plan_name": row["plan_name"],
        "total": _amount(reader, row["total"]),
        "status": status,
        "status_text": invoices.badge_of(reader, row, status).text,
        "refund_status": refund_status({**row, "status": status}),
        "period": row["period"],
        "pdf_url": f"/api/invoices/{row['id']}/pdf",
        "url": f"/invoices/{row['id']}",
    }


def _company(view: View) -> dict[str, Any]:
    company = common.company(view.merchant)
    return {
        "name": company.name,
        "logo_url": _media(company.logo),
        "colour": company.colour,
        "contact_email": company.contact_email,
        "terms_url": company.terms_url,
        "privacy_url": company.privacy_url,
    }


def _subscription(reader: Reader, view: View, it: Subscription) -> dict[str, Any]:
    plan, debt, cancellation = it["plan"], it["debt"], it["cancellation"]
    charged = price.of_subscription(reader, it)
    owed, offer = notice(reader, it, view), payment_offer.offer(reader, view, it)
    renews = it["status"] in ("active", "trialing") and cancellation is None
    return {
        "id": it["id"],
        "version": it["version"],
        "status": it["status"],
        "status_text": details.badge(reader, it, view).text,
        "plan": {
            "id": plan["id"],
            "name": plan["name"],
            "description": plan["description"],
            "image_url": _media(plan["image_media_id"]),
        },
        "quantity": it["quantity"],
        "price": _amount(reader, plan["price"]),
        "frequency_text": charged.text,
        "recurring": {
            "total": _amount(reader, charged.total),
            "tax": charged.tax and _amount(reader, charged.tax),
            "tax_rate": charged.rate,
            "tax_known": charged.tax_known,
        },
        "period_total": _amount(reader, summary.total(reader, it, view.facts["invoices"])),
        "interval": plan["interval"],
        "current_period": it["current_period"],
        "renews_on": reader.of_subscription(it).date(it["current_period"]["end"]).isoformat() if renews else None,
        "renewal_text": details.says(reader, it, view),
        "cancellation": cancellation and {field: cancellation[field] for field in ("mode", "effective_at", "feedback")},
        "debt": _debt(reader, debt, view) if debt else None,
        "debt_text": f"{owed.lead} {owed.rest}" if owed else None,
        "payment_text": offer.does if offer else None,
        "ended_at": it["ended_at"],
        "stale": it["stale"],
    }


def _debt(reader: Reader, debt: Debt, view: View) -> dict[str, Any]:
    row = row_of(view, debt["invoice_id"])
    facts: Mapping[str, Any] = row or {}
    card = waiting_card(row, view)
    until = {"invoice_id": debt["invoice_id"], "until": facts.get("authenticate_until")}
    return {
        "amount": _amount(reader, debt["amount"]),
        "reason": debt["reason"],
        "next_attempt_at": debt["next_attempt_at"],
        "invoice_id": debt["invoice_id"],
        "detail": facts.get("detail"),
        "remedy": facts.get("remedy"),
        "authentication": {**until, "payment_method_id": card["id"]} if card else None,
    }


def _amount(reader: Reader, amount: Money) -> dict[str, Any]:
    """An amount with its text."""
    return {**amount, "text": reader.money(amount)}


def cards(reader: Reader, view: View) -> list[dict[str, Any]]:
    """All cards on file, with their roles."""
    return [_card(reader, each) | {"role": each["role"]} for each in saved(view)]


def _card(reader: Reader, card: PaymentMethod | SavedMethod) -> dict[str, Any]:
    month, year = card["exp_month"], card["exp_year"]
    return {
        "id": card["id"],
        "brand": card["brand"],
        "last4": card["last4"],
        "exp_month": month,
        "exp_year": year,
        "state": payment_method.state(reader, month, year),
        "text": f"{reader.card(card)} · {payment_method.expiry(reader, month, year)}",
    }


def _media(sha256: str | None) -> str | None:
    return f"/media/{sha256}.webp" if sha256 else None
