"""Sentences for states: debts, cards, prices, cancellations, problems."""

from typing import Any

import pytest

from portal_gateway.application.presentation.cancellation import facts, promise, result
from portal_gateway.application.presentation.common import Reader, account, company, initials, shown
from portal_gateway.application.presentation.details import Details, details
from portal_gateway.application.presentation.invoices import rows
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import Notice, notice
from portal_gateway.application.presentation.summary import summary
from portal_gateway.application.view import Pending, View
from support.portal_page import scenes

SPANISH = catalogues().language("es")
TODAY = "2023-05-20T15:00:00.000001Z"
"""A moment after the page was rendered, by another clock."""
ALWAYS = ("Dejas de pagar", "Próximo cobro", "Importe pendiente", "You'll stop paying", "Next charge", "Amount due")


def reader(view: View) -> Reader:
    return Reader.of(view, SPANISH)


def details_of(view: View) -> Details:
    return details(reader(view), view.facts["subscriptions"][0], view)


def notice_of(view: View) -> Notice | None:
    return notice(reader(view), view.facts["subscriptions"][0], view)


def total_of(view: View) -> str:
    total = summary(reader(view), view.facts["subscriptions"][0], view)
    return f"{total.label}: {total.amount} {total.currency}"


def test_the_example_of_the_specification() -> None:
    view = scenes.view()
    plan_summary = summary(reader(view), view.facts["subscriptions"][0], view)
    assert (plan_summary.label, plan_summary.amount, plan_summary.currency) == ("Importe total", "29.99", "USD")
    assert (plan_summary.plan, plan_summary.description) == ("Premium Mensual", "Suscripción mensual renovable")
    assert plan_summary.period == "14 de mayo – 13 de junio de 2023"
    active = details_of(view)
    assert (active.plan, active.price) == ("Premium Mensual", "29.99 USD al mes")
    first = rows(reader(view), view.facts["invoices"], ())[0]
    assert (first.date, first.amount, first.plan) == ("14 may 2023", "29.99 USD", "Premium Mensual")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("card_declined", "Tu banco rechazó la tarjeta Visa •••• 0341."),
        ("expired_card", "La tarjeta Visa •••• 0341 está vencida."),
        ("incorrect_cvc", "El CVV de la tarjeta Visa •••• 0341 no es correcto."),
        ("no_payment_method", "No tienes una tarjeta guardada."),
        ("processing_error", "Hubo un error al procesar el pago."),
        ("a code of tomorrow", "Hubo un error al procesar el pago."),
    ],
)
def test_every_failure_reason_has_a_sentence(reason: str, why: str) -> None:
    debt = notice_of(scenes.owing(reason=reason))
    assert debt is not None
    assert debt.rest.startswith(why)


def pending(kind: str, aggregate: str = f"subscription-{scenes.PREMIUM}", **detail: Any) -> Pending:
    return {"kind": kind, "aggregate": aggregate, "version": 13, "accepted_at": "", "detail": detail}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "view",
    [
        scenes.owing(retrying=True, next_attempt_at=None),
        scenes.view(scenes.subscription("past_due", debt=scenes.debt()), invoices=[scenes.invoice(14, "processing")]),
    ],
)
def test_a_running_charge_has_no_pay_button(view: View) -> None:
    debt = notice_of(view)
    assert debt is not None
    assert (debt.code, debt.pay) == ("processing", None)


def test_a_quantity_multiplies_the_price_and_is_named() -> None:
    pane = details_of(scenes.view(scenes.subscription(quantity=3)))
    assert (pane.price, pane.unit_price) == ("89.97 USD al mes", "3 × 29.99 USD")


def test_an_added_tax_is_in_the_total_before_the_first_invoice() -> None:
    taxed = scenes.plan(tax={"name": "IVA", "rate_basis_points": 1600, "inclusive": False})
    assert total_of(scenes.view(scenes.subscription(plan=taxed), invoices=[])) == "Importe total: 34.79 USD"


def test_the_total_of_a_voided_period_is_zero() -> None:
    view = scenes.view(scenes.subscription("paused"), invoices=[scenes.invoice(14, "void")])
    assert total_of(view) == "Importe total: 0.00 USD"


def test_the_cancellation_form_shows_what_ends_and_the_debt() -> None:
    view = scenes.view()
    later = facts(reader(view), preview(), scenes.subscription())
    assert [(fact.name, fact.value) for fact in later] == [
        ("Dejas de pagar", "29.99 USD al mes"),
        ("Acceso hasta", "14 de junio de 2023"),
        ("Próximo cobro", "Ninguno"),
    ]
    owed = {"amount_minor": 2999, "currency": "USD"}
    at_once = preview(mode="immediately", effective_at=TODAY, access_until=TODAY, open_amount=owed, open_invoices="void")
    now = facts(reader(view), at_once, scenes.subscription("past_due"))
    assert [(fact.name, fact.value) for fact in now] == [
        ("Dejas de pagar", "29.99 USD al mes"),
        ("Termina", "Hoy mismo"),
        ("Próximo cobro", "Ninguno"),
        ("Importe pendiente", "29.99 USD (se anula, no tendrás que pagarlo)"),
    ]
    with_debt = facts(reader(view), at_once | {"open_invoices": "keep"}, scenes.subscription("past_due"))
    assert with_debt[-1].value == "29.99 USD (seguirá pendiente)"


@pytest.mark.parametrize(
    ("changes", "spanish", "english"),
    [
        (
            {"mode": "immediately", "effective_at": TODAY, "access_until": TODAY, "paid_until": scenes.instant(2023, 6, 14)},
            {"Termina": "Hoy mismo", "Ya pagado": "Hasta el 14 de junio de 2023; no se reembolsa"},
            {"Ends": "Immediately", "Already paid": "Until June 14, 2023; not refunded"},
        ),
        (
            {"mode": "immediately", "effective_at": TODAY, "access_until": scenes.instant(2023, 5, 15)},
            {"Termina": "Hoy mismo", "Acceso": "Terminó el 15 de mayo de 2023"},
            {"Ends": "Immediately", "Access": "Ended on May 15, 2023"},
        ),
        (
            {"effective_at": scenes.instant(2023, 5, 19), "access_until": scenes.instant(2023, 5, 19)},
            {"Acceso": "Terminó el 19 de mayo de 2023"},
            {"Access": "Ended on May 19, 2023"},
        ),
        (
            {"open_amount": {"amount_minor": 2999, "currency": "USD"}},
            {
                "Acceso hasta": "14 de junio de 2023, si se completa el pago en proceso",
                "Importe pendiente": "29.99 USD (pago en proceso)",
            },
            {
                "Access until": "June 14, 2023, if the payment being processed goes through",
                "Amount due": "29.99 USD – payment processing",
            },
        ),
    ],
    ids=["what was paid for is given up", "access ended before", "an end that is not processed yet", "while a charge runs"],
)
def test_the_cancellation_form_is_correct_in_every_state(
    changes: dict[str, Any], spanish: dict[str, str], english: dict[str, str]
) -> None:
    view = scenes.view()
    for code, expected in (("es", spanish), ("en", english)):
        by = Reader.of(view, catalogues().language(code))
        lines = facts(by, preview(**changes), scenes.subscription())
        assert {fact.name: fact.value for fact in lines if fact.name in expected or fact.name not in ALWAYS} == expected


@pytest.mark.parametrize(
    ("changes", "spanish", "english"),
    [
        (
            {},
            "Mantendrás el acceso hasta el 14 de junio de 2023 y no te haremos más cobros.",
            "You'll keep your access until June 14, 2023 and won't be charged again.",
        ),
        ({"open_amount": {"amount_minor": 2999, "currency": "USD"}}, None, None),
        ({"effective_at": scenes.instant(2023, 5, 19), "access_until": scenes.instant(2023, 5, 19)}, None, None),
        ({"mode": "immediately", "effective_at": TODAY, "access_until": TODAY}, None, None),
    ],
    ids=["scheduled", "while a charge runs", "access has ended", "immediately"],
)
def test_the_cancellation_form_begins_with_what_stays(changes: dict[str, Any], spanish: str | None, english: str | None) -> None:
    for code, expected in (("es", spanish), ("en", english)):
        by = Reader.of(scenes.view(), catalogues().language(code))
        assert promise(by, preview(**changes), scenes.subscription()) == expected


def preview(**changes: Any) -> Any:
    end = scenes.instant(2023, 6, 14)
    usual = {"mode": "at_period_end", "effective_at": end, "access_until": end, "open_amount": None, "open_invoices": None}
    return {**usual, **changes}


def test_the_cancellation_result_has_a_reference_and_offers_to_withdraw() -> None:
    view = scenes.view(scenes.ending())
    outcome = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert outcome is not None
    assert outcome.code == "scheduled"
    assert outcome.says == (
        "Tu suscripción a Premium Mensual termina el 14 de junio de 2023. Tendrás acceso hasta ese día y no te haremos "
        "más cobros."
    )
    assert outcome.reference == f"{scenes.PREMIUM[:8].upper()}-13"
    assert outcome.mind == "¿Cambiaste de opinión? Tienes hasta el 14 de junio de 2023 para mantenerla."


def test_the_result_is_shown_before_its_event_arrives_and_after_the_end() -> None:
    view = scenes.view(pending=(pending("cancellation"),))
    waiting = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert waiting is not None
    assert waiting.code == "cancellation_pending"
    assert waiting.says.startswith("Registramos la cancelación de Premium Mensual y la estamos procesando.")
    view = scenes.view(scenes.subscription("canceled", version=13, ended_at=scenes.instant(2023, 5, 20)))
    over = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert over is not None
    assert over.code == "ended"
    assert over.says == "Tu suscripción a Premium Mensual terminó el 20 de mayo de 2023. No te haremos más cobros."
    late = result(reader(view), view.facts["subscriptions"][0], view, None)
    assert late is not None
    assert (late.code, late.title, late.mind) == ("already_ended", "Esta suscripción ya terminó", None)


def test_the_account_is_shown_without_its_full_address() -> None:
    assert account(scenes.view()) == "Ana García · a…@example.com"
    erased = scenes.view(customer={"id": str(scenes.CUSTOMER), "name": None, "email": None, "locale": None, "country": None})
    assert account(erased) == ""


def test_a_merchants_links_are_web_addresses_only() -> None:
    links = company(scenes.merchant(branding={"terms_url": "javascript:alert(1)", "privacy_url": "https://a.example"}))
    assert (links.terms_url, links.privacy_url) == (None, "https://a.example")


@pytest.mark.parametrize(
    ("name", "letters"), [("TechSolutions Inc.", "TI"), ("ábaco", "Á"), ("4Geeks", "4"), ("— ·", "·"), ("", "·")]
)
def test_initials_replace_a_missing_picture(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_another_customers_subscription_is_never_shown() -> None:
    assert shown([], scenes.CUSTOMER) is None
    assert shown([scenes.subscription()], scenes.CUSTOMER) == scenes.subscription()
