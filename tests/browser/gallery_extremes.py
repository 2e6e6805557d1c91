"""Extreme content: long names, large amounts, currencies without cents, other scripts, other brands."""

from typing import Any

from browser.gallery_cards import card_entry
from browser.gallery_dialogs import cancel
from browser.gallery_pages import INVOICE
from browser.gallery_states import State, visit
from browser.live_stage import LiveStage

from portal_gateway.application.view import View
from support.portal_page import scenes

COMPANY = "Norddeutsche Rechtsschutzversicherungsgesellschaften-Beteiligungsverwaltung GmbH & Co. KGaA"
PLAN = "Unternehmensdatensicherungsdienstleistung Premium mit Rindfleischetikettierungsüberwachung"
PERSON = "Friederike-Wilhelmine von Hohenzollern-Sigmaringen-Donaudampfschifffahrtsgesellschaft"
MAIL = "friederike.wilhelmine.von.hohenzollern@donaudampfschifffahrtselektrizitaetenhauptbetriebswerk.example"
DARK = {"colour": "#15120f", "terms_url": "https://nocturna.example/terminos", "contact_email": "hola@nocturna.example"}


def customer(name: str, email: str = "ana@example.com") -> dict[str, Any]:
    return {"id": str(scenes.CUSTOMER), "name": name, "email": email, "locale": "es-MX", "country": "MX"}


def priced(amount_minor: int, currency: str, status: str = "active") -> View:
    """A customer with this monthly price, who owes one payment if the status is a debt."""
    price = {"amount_minor": amount_minor, "currency": currency}
    owed = status in ("past_due", "unpaid")
    rows = [scenes.invoice(number, "failed" if owed and number == 14 else "paid", total=price) for number in range(14, 2, -1)]
    debt = scenes.debt(amount=price) if owed else None
    return scenes.view(scenes.subscription(status, plan=scenes.plan(price=price), debt=debt), invoices=rows)


def named(company: str, plan: str, person: str, email: str, **changes: Any) -> View:
    bought = scenes.plan(name=plan, description=f"{plan}, {plan}")
    subscriptions = scenes.subscription(plan=bought), scenes.subscription("unpaid", id=scenes.invoice_id(99), plan=bought)
    rows = [scenes.invoice(number, "uncollectible" if number == 14 else "paid", plan_name=plan) for number in range(14, 2, -1)]
    merchant = scenes.merchant(name=company)
    return scenes.view(*subscriptions, invoices=rows, merchant=merchant, customer=customer(person, email), **changes)


def long() -> View:
    return named(COMPANY, PLAN, PERSON, MAIL)


def scripts() -> View:
    return named("شركة الحلول التقنية 🚀", "الاشتراك الشهري المميز ✨", "ليلى الحسيني 👩🏽‍💻 田中さくら", "ana@example.com")


def long_invoice(stage: LiveStage) -> None:
    whole = scenes.whole_invoice()
    total = {"amount_minor": 123456789012, "currency": "COP"}
    line = {**whole["lines"][0], "plan_name": PLAN, "quantity": 1234, "unit_price": total, "total": total}
    seller = {"name": COMPANY, "address": f"{PLAN}straße 1234567890\n20095 Hamburg", "tax_id": "DE" + "123456789" * 3}
    stage.invoicing.invoice_is = {
        **whole,
        "seller": seller,
        "bill_to": {**seller, "name": PERSON, "email": MAIL},
        "lines": [line, line],
        "net_total": total,
        "tax_total": total,
        "total": total,
        "movements": [{**move, "amount": total} for move in whole["movements"]],
    }


def nocturna() -> View:
    merchant = scenes.merchant(name="Nocturna Sociedad Cinematográfica y Fonográfica del Pacífico Sur", branding=DARK)
    return scenes.view(scenes.subscription(plan=scenes.plan(name="Sala Nocturna")), merchant=merchant)


def yellow() -> View:
    return scenes.view(scenes.ending(), merchant=scenes.merchant(name="Girasol", branding={"colour": "#ffd400"}))


STATES = (
    State("long-names", long, pictured=False),
    State("long-names-cancel", long, cancel),
    State("long-names-invoice", long, visit(INVOICE), long_invoice),
    State("large-amounts", lambda: priced(123456789012, "COP", "past_due")),
    State("large-amounts-card", lambda: priced(123456789012, "COP", "past_due"), card_entry("#pay")),
    State("yen", lambda: priced(2999, "JPY")),
    State("dinars", lambda: priced(1234500, "KWD")),
    State("other-scripts", scripts, pictured=False),
    State("dark-brand", nocturna, pictured=False),
    State("dark-brand-card", nocturna, card_entry("#edit-method"), pictured=False),
    State("yellow-brand", yellow, pictured=False),
)
