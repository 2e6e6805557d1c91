"""The notice about a debt: what can be done, three facts, and a button that pays."""

from typing import Any

import pytest

from portal_gateway.application.presentation.common import Fact, Reader
from portal_gateway.application.presentation.details import details
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import Notice, notice
from portal_gateway.application.presentation.payment_offer import offer
from portal_gateway.application.view import View
from support.portal_page import scenes

LAST_TRY: dict[str, Any] = {"next_attempt_at": None, "access_until": scenes.instant(2023, 5, 19)}
ANOTHER = {"id": "pm", "brand": "mastercard", "last4": "4444", "exp_month": 1, "exp_year": 2030, "version": 1}


def read(view: View, code: str) -> Notice:
    debt = notice(Reader.of(view, catalogues().language(code)), view.facts["subscriptions"][0], view)
    assert debt is not None
    return debt


def with_another_card(view: View) -> View:
    view.facts["payment_method"] = ANOTHER  # type: ignore[typeddict-item]
    return view


ROWS: dict[str, tuple[View, str, list[tuple[str, str]], str, list[tuple[str, str]]]] = {
    "funds": (
        scenes.owing(),
        "Revisa con tu banco el saldo o el límite de Visa •••• 0341 y reintenta, o usa otra tarjeta.",
        [("Motivo", "Fondos insuficientes"), ("Próximo intento", "22 de mayo"), ("Acceso hasta", "28 de mayo")],
        "Check the balance or limit of Visa •••• 0341 with your bank and retry, or use another card.",
        [("Reason", "Insufficient funds"), ("Next attempt", "May 22"), ("Access until", "May 28")],
    ),
    "declined, after the last try": (
        scenes.owing(reason="card_declined", **LAST_TRY),
        "Pídele a tu banco que autorice el cobro a Visa •••• 0341 y reintenta, o usa otra tarjeta. No volveremos a "
        "intentarlo hasta que actualices tu tarjeta.",
        [("Motivo", "Tarjeta rechazada"), ("Acceso", "Terminó el 19 de mayo")],
        "Ask your bank to approve the charge to Visa •••• 0341 and retry, or use another card. We won't try again until "
        "you update your card.",
        [("Reason", "Card declined"), ("Access", "Ended on May 19")],
    ),
    "another card since": (
        with_another_card(scenes.owing()),
        "Tu banco rechazó la tarjeta Visa •••• 0341 por fondos insuficientes.",
        [("Motivo", "Fondos insuficientes"), ("Próximo intento", "22 de mayo"), ("Acceso hasta", "28 de mayo")],
        "Your bank declined Visa •••• 0341 because of insufficient funds.",
        [("Reason", "Insufficient funds"), ("Next attempt", "May 22"), ("Access until", "May 28")],
    ),
    "an unknown reason": (
        scenes.owing(reason="a code of tomorrow"),
        "Hubo un error al procesar el pago.",
        [("Próximo intento", "22 de mayo"), ("Acceso hasta", "28 de mayo")],
        "There was an error processing the payment.",
        [("Next attempt", "May 22"), ("Access until", "May 28")],
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_a_debt_has_one_line_and_its_facts(row: str) -> None:
    view, spanish, hechos, english, facts = ROWS[row]
    for code, says, listed in (("es", spanish, hechos), ("en", english, facts)):
        debt = read(view, code)
        assert (debt.says, debt.facts) == (says, tuple(Fact(*each) for each in listed))


@pytest.mark.parametrize(("code", "retry"), [("es", "Reintentar con Visa •••• 0341"), ("en", "Retry with Visa •••• 0341")])
def test_the_refused_card_can_be_retried(code: str, retry: str) -> None:
    view = scenes.owing()
    payment_offer = offer(Reader.of(view, catalogues().language(code)), view, view.facts["subscriptions"][0])
    assert payment_offer is not None
    assert payment_offer.button == retry


def first_payment(**facts: Any) -> View:
    debt = scenes.debt(reason="no_payment_method", next_attempt_at=None)
    unpaid = scenes.invoice(14, "failed", payment_method=None)
    return scenes.view(scenes.subscription("incomplete", debt=debt), invoices=[unpaid], **facts)


@pytest.mark.parametrize(("code", "pay"), [("es", "Agregar tarjeta y pagar 29.99 USD"), ("en", "Add a card and pay 29.99 USD")])
def test_a_first_payment_has_one_button_which_names_the_amount(code: str, pay: str) -> None:
    view = first_payment(payment_method=None)
    assert read(view, code).pay == pay
    assert details(Reader.of(view, catalogues().language(code)), view.facts["subscriptions"][0], view).edit_method is None


def test_a_first_payment_without_a_debt_keeps_its_button() -> None:
    view = scenes.view(scenes.subscription("incomplete"))
    assert details(Reader.of(view, catalogues().language("es")), view.facts["subscriptions"][0], view).edit_method
