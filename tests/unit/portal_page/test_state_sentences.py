"""Sentences for states: debts, cards, prices, cancellations, problems."""

from datetime import UTC, datetime
from typing import Any

import pytest

from portal_gateway.application.presentation.cancellation import facts, promise, reasons, result
from portal_gateway.application.presentation.common import Badge, Reader, account, company, initials, shown
from portal_gateway.application.presentation.details import Details, details
from portal_gateway.application.presentation.invoices import rows
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import Notice, notice
from portal_gateway.application.presentation.payment_method import method
from portal_gateway.application.presentation.problems import explain
from portal_gateway.application.presentation.summary import summary
from portal_gateway.application.view import Pending, View
from support.portal_page import scenes

SPANISH = catalogues().language("es")
TODAY = "2023-05-20T15:00:00.000001Z"
"""A moment after the page was rendered, by another clock."""
ALWAYS = ("Dejas de pagar", "Próximo cobro", "Importe pendiente", "You stop paying", "Next charge", "Amount due")


def reader(view: View) -> Reader:
    return Reader.of(view, SPANISH)


def details_of(view: View) -> Details:
    return details(reader(view), view.facts["subscriptions"][0], view)


def notice_of(view: View) -> Notice | None:
    return notice(reader(view), view.facts["subscriptions"][0], view)


def total_of(view: View) -> str:
    found = summary(reader(view), view.facts["subscriptions"][0], view)
    return f"{found.label}: {found.amount} {found.currency}"


def test_the_example_of_the_specification() -> None:
    view = scenes.view()
    found = summary(reader(view), view.facts["subscriptions"][0], view)
    assert (found.label, found.amount, found.currency) == ("Importe total", "29.99", "USD")
    assert (found.plan, found.description) == ("Premium Mensual", "Suscripción mensual renovable")
    assert found.period == "Del 14 de mayo al 14 de junio de 2023"
    active = details_of(view)
    assert (active.plan, active.price) == ("Premium Mensual", "29.99 USD al mes")
    assert active.says == "Tu suscripción se renueva el 14 de junio de 2023"
    assert (active.badge, active.cancel, active.keep) == (Badge("Activa", "good"), "Cancelar suscripción", None)
    card = method(reader(view), view)
    assert (card.label, card.expiry, card.badge) == ("Visa •••• 4242", "Vence 12/2025", None)
    assert card.button == "Editar método de pago"
    first = rows(reader(view), view.facts["invoices"], ())[0]
    assert (first.date, first.amount, first.badge.text, first.plan) == ("14 may 2023", "29.99 USD", "Pagado", "Premium Mensual")


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("card_declined", "Tu banco rechazó la tarjeta Visa •••• 0341."),
        ("expired_card", "La tarjeta Visa •••• 0341 está vencida."),
        ("incorrect_cvc", "El código de seguridad de la tarjeta Visa •••• 0341 no es correcto."),
        ("no_payment_method", "No tienes una tarjeta guardada."),
        ("processing_error", "Hubo un problema al procesar el cobro."),
        ("a code of tomorrow", "Hubo un problema al procesar el cobro."),
    ],
)
def test_every_failure_reason_has_a_sentence(reason: str, why: str) -> None:
    found = notice_of(scenes.owing(reason=reason))
    assert found is not None
    assert found.rest.startswith(why)


def test_a_debt_that_needs_a_new_card_says_so() -> None:
    found = notice_of(scenes.owing(next_attempt_at=None, access_until=scenes.instant(2023, 5, 19)))
    assert found is not None
    assert "No volveremos a intentarlo hasta que actualices tu tarjeta. Tu acceso terminó el 19 de mayo." in found.rest


def test_without_a_card_the_notice_asks_for_one() -> None:
    debt = scenes.debt(reason="no_payment_method", next_attempt_at=None)
    unpaid = scenes.invoice(14, "failed", payment_method=None)
    view = scenes.view(scenes.subscription("incomplete", debt=debt), payment_method=None, invoices=[unpaid])
    found = notice_of(view)
    assert found is not None
    assert found.lead == "Falta tu primer pago, de 29.99 USD."
    assert found.rest.startswith("No tienes una tarjeta guardada. Agrega una para pagarlo.")
    assert (found.pay, details_of(view).edit_method) == ("Agregar tarjeta y pagar 29.99 USD", None)


def pending(kind: str, aggregate: str = f"subscription-{scenes.PREMIUM}", **detail: Any) -> Pending:
    return {"kind": kind, "aggregate": aggregate, "version": 13, "accepted_at": "", "detail": detail}  # type: ignore[typeddict-item]


@pytest.mark.parametrize(
    "view",
    [
        scenes.owing(retrying=True, next_attempt_at=None),
        scenes.view(scenes.subscription("past_due", debt=scenes.debt()), invoices=[scenes.invoice(14, "processing")]),
        scenes.view(
            scenes.subscription("past_due", debt=scenes.debt()), pending=(pending("charge", invoice_id=scenes.invoice_id(14)),)
        ),
    ],
)
def test_a_running_charge_has_no_pay_button(view: View) -> None:
    found = notice_of(view)
    assert found is not None
    assert (found.lead, found.pay) == ("Estamos procesando tu pago de 29.99 USD.", None)


@pytest.mark.parametrize(
    ("month", "year", "expiry", "badge"),
    [
        (12, 2025, "Vence 12/2025", None),
        (7, 2023, "Vence 07/2023", None),
        (6, 2023, "Vence 06/2023", "Vence pronto"),
        (5, 2023, "Vence 05/2023", "Vence pronto"),
        (4, 2023, "Venció 04/2023", "Vencida"),
        (12, 2022, "Venció 12/2022", "Vencida"),
    ],
)
def test_a_card_is_valid_through_its_last_month(month: int, year: int, expiry: str, badge: str | None) -> None:
    view = scenes.view(payment_method={**scenes.facts()["payment_method"], "exp_month": month, "exp_year": year})  # type: ignore[dict-item]
    found = method(reader(view), view)
    assert (found.expiry, found.badge and found.badge.text) == (expiry, badge)


def test_the_last_month_ends_in_the_merchants_zone() -> None:
    card = {**scenes.facts()["payment_method"], "exp_month": 5, "exp_year": 2023}  # type: ignore[dict-item]
    still_may = datetime(2023, 6, 1, 5, tzinfo=UTC)
    view = scenes.view(payment_method=card, now=still_may)
    assert method(reader(view), view).expiry == "Vence 05/2023"


def test_a_quantity_multiplies_the_price_and_is_named() -> None:
    found = details_of(scenes.view(scenes.subscription(quantity=3)))
    assert (found.price, found.unit_price) == ("89.97 USD al mes", "3 × 29.99 USD")


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
    kept = facts(reader(view), at_once | {"open_invoices": "keep"}, scenes.subscription("past_due"))
    assert kept[-1].value == "29.99 USD (seguirá pendiente)"


@pytest.mark.parametrize(
    ("changes", "spanish", "english"),
    [
        (
            {"mode": "immediately", "effective_at": TODAY, "access_until": TODAY, "paid_until": scenes.instant(2023, 6, 14)},
            {"Termina": "Hoy mismo", "Ya pagado": "Hasta el 14 de junio de 2023; no se reembolsa"},
            {"Ends": "Immediately", "Already paid": "Until June 14, 2023; it is not refunded"},
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
                "Acceso hasta": "14 de junio de 2023, si se completa el pago en curso",
                "Importe pendiente": "29.99 USD (en proceso de cobro)",
            },
            {
                "Access until": "June 14, 2023, if the payment under way goes through",
                "Amount due": "29.99 USD, being charged",
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
        said = facts(by, preview(**changes), scenes.subscription())
        assert {fact.name: fact.value for fact in said if fact.name in expected or fact.name not in ALWAYS} == expected


@pytest.mark.parametrize(
    ("changes", "spanish", "english"),
    [
        (
            {},
            "Mantendrás el acceso hasta el 14 de junio de 2023 y no te haremos más cobros.",
            "You will keep your access until June 14, 2023 and will not be charged again.",
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


def test_there_are_eight_reasons_and_none_is_preselected() -> None:
    found = reasons(reader(scenes.view()))
    assert (len(found), found[0]) == (9, ("", "Prefiero no decirlo"))


def test_the_cancellation_result_has_a_reference_and_offers_to_withdraw() -> None:
    view = scenes.view(scenes.ending())
    found = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert found is not None
    assert found.says == "Premium Mensual termina el 14 de junio de 2023. Hasta entonces tienes acceso, y no se te cobrará más."
    assert found.reference == f"{scenes.PREMIUM[:8].upper()}-13"
    assert found.mind == "¿Cambiaste de opinión? Puedes mantenerla hasta el 14 de junio de 2023."


def test_the_result_is_shown_before_its_event_arrives_and_after_the_end() -> None:
    view = scenes.view(pending=(pending("cancellation"),))
    waiting = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert waiting is not None
    assert waiting.says.startswith("La cancelación de Premium Mensual está registrada y en camino.")
    view = scenes.view(scenes.subscription("canceled", version=13, ended_at=scenes.instant(2023, 5, 20)))
    over = result(reader(view), view.facts["subscriptions"][0], view, 13)
    assert over is not None
    assert over.says == "Premium Mensual terminó el 20 de mayo de 2023. No se te cobrará más."
    late = result(reader(view), view.facts["subscriptions"][0], view, None)
    assert late is not None
    assert (late.title, late.mind) == ("Esta suscripción ya terminó", None)


def test_the_account_is_shown_without_its_full_address() -> None:
    assert account(scenes.view()) == "Ana García · a…@example.com"
    erased = scenes.view(customer={"id": str(scenes.CUSTOMER), "name": None, "email": None, "locale": None, "country": None})
    assert account(erased) == ""


def test_a_merchants_links_are_web_addresses_only() -> None:
    found = company(scenes.merchant(branding={"terms_url": "javascript:alert(1)", "privacy_url": "https://a.example"}))
    assert (found.terms_url, found.privacy_url) == (None, "https://a.example")


@pytest.mark.parametrize(
    ("name", "letters"), [("TechSolutions Inc.", "TI"), ("ábaco", "Á"), ("4Geeks", "4"), ("— ·", "·"), ("", "·")]
)
def test_initials_replace_a_missing_picture(name: str, letters: str) -> None:
    assert initials(name) == letters


def test_another_customers_subscription_is_never_shown() -> None:
    assert shown([], scenes.CUSTOMER) is None
    assert shown([scenes.subscription()], scenes.CUSTOMER) == scenes.subscription()


@pytest.mark.parametrize(
    ("status", "code", "headers", "words"),
    [
        (503, "service_unavailable", {}, "nada cambió"),
        (429, "too_many_requests", {"Retry-After": "125"}, "3 minutos."),
        (429, "too_many_requests", {}, "1 minuto."),
        (409, "already_cancelled", {}, "tu suscripción cambió mientras tanto"),
        (409, "session_changed", {}, "se abrió el portal con otro enlace"),
        (404, "not_found", {}, "La dirección puede estar incompleta"),
        (500, "internal_error", {}, "revisa cómo quedó"),
    ],
)
def test_problems_state_what_happened_and_what_to_do(status: int, code: str, headers: dict[str, str], words: str) -> None:
    assert words in explain(SPANISH, status, code, headers)
