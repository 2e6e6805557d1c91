"""A payment that the customer's bank wants confirmed: the notice, the buttons, the sheet, the result, and the JSON API."""

import json
import re
from dataclasses import replace
from html import unescape
from typing import Any
from uuid import UUID

import pytest

from chassis.http.problems import Problem
from portal_gateway.application.presentation.card_change import outcome
from portal_gateway.application.presentation.common import Reader
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.presentation.notice import notice
from portal_gateway.application.presentation.other_debts import other_debts
from portal_gateway.application.presentation.payment_offer import offer
from portal_gateway.application.view import View
from portal_gateway.domain.view import InvoiceStatus
from support.portal_page import scenes
from support.portal_page.fakes import Stage

UNPAID = scenes.invoice_id(14)
PAY = f"/invoices/{UNPAID}/payment"
API = f"/api/invoices/{UNPAID}/authentication"
CARD_ID = "0b1ff5a0-0000-4000-8000-00000000cafe"
FACE = {"brand": "visa", "last4": "3184"}
CARD = {"id": CARD_ID, **FACE, "exp_month": 12, "exp_year": 2025, "version": 1}
OTHER = {**CARD, "brand": "mastercard", "last4": "4444"}
UNTIL = "2026-11-30T12:15:00Z"
REQUIRED: dict[str, Any] = {"remedy": "authenticate", "detail": "authentication_required"}
REFUSED: dict[str, Any] = {**REQUIRED, "detail": "authentication_failed"}
LEFT: dict[str, Any] = {**REQUIRED, "detail": "authentication_abandoned"}
WAITING: dict[str, Any] = {"authenticate_until": UNTIL}
NEXT: dict[str, Any] = {"next_attempt_at": None, "reason": "card_declined"}


def unconfirmed(
    status: InvoiceStatus = "failed", card: dict[str, Any] | None = CARD, debt: dict[str, Any] = NEXT, **row: Any
) -> View:
    """A renewal that the bank wants confirmed."""
    rows = [scenes.invoice(14, status, payment_method=FACE, **row), scenes.invoice(13)]
    return scenes.view(scenes.subscription("past_due", debt=scenes.debt(**debt)), invoices=rows, payment_method=card)


def invoice(status: str = "failed", **fields: Any) -> dict[str, Any]:
    movements = [{**scenes.whole_invoice()["movements"][1], "payment_method": FACE, "reason": fields.get("detail", "x")}]
    return scenes.whole_invoice(status=status, movements=movements, **fields)


def stage_of(view: View, **facts: Any) -> Stage:
    stage = Stage(view)
    amount = {"amount_minor": 2999, "currency": "USD"}
    stage.payments.due = [{"invoice_id": UNPAID, "number": "TS-000014", "amount": amount, "effect": "continues"}]  # type: ignore[typeddict-item]
    stage.invoicing.invoice_is = invoice(**facts)
    return stage


ASKS_ES, ASKS_EN = (
    "Tu banco pide que confirmes este pago de 29.99 USD.",
    "Your bank asks you to confirm this payment of 29.99 USD.",
)
NO_RETRY_ES, NO_RETRY_EN = "No volveremos a intentarlo automáticamente.", "We won't try again automatically."
ROWS: dict[str, tuple[View, str, tuple[str, str], tuple[str, str]]] = {
    "the bank asks": (
        unconfirmed(**REQUIRED),
        "confirm_with_bank",
        (ASKS_ES, f"Confírmalo con tu banco para pagar con Visa •••• 3184, o usa otra tarjeta. {NO_RETRY_ES}"),
        (ASKS_EN, f"Confirm it with your bank to pay with Visa •••• 3184, or use another card. {NO_RETRY_EN}"),
    ),
    "the bank did not confirm": (
        unconfirmed(**REFUSED),
        "confirm_with_bank",
        (
            ASKS_ES,
            "Tu banco no pudo confirmar que eras tú, así que no se cobró nada. Inténtalo de nuevo o usa otra tarjeta. "
            f"{NO_RETRY_ES}",
        ),
        (
            ASKS_EN,
            "Your bank couldn't confirm it was you, so nothing was charged. Try again or use another card. " + NO_RETRY_EN,
        ),
    ),
    "it was left": (
        unconfirmed(**LEFT),
        "confirm_with_bank",
        (
            ASKS_ES,
            "No se completó la confirmación con tu banco, así que no se cobró nada. Empiézala de nuevo o usa otra tarjeta. "
            f"{NO_RETRY_ES}",
        ),
        (
            ASKS_EN,
            "The confirmation with your bank wasn't completed, so nothing was charged. Start it again or use another card. "
            + NO_RETRY_EN,
        ),
    ),
    "it waits": (
        unconfirmed("processing", **WAITING),
        "waiting_for_bank",
        (
            "Tu banco espera que confirmes el pago de 29.99 USD.",
            "Si cerraste la ventana de tu banco, ábrela de nuevo. Si no confirmas en 15 minutos, el pago termina y no se "
            "cobra nada.",
        ),
        (
            "Your bank is waiting for you to confirm the payment of 29.99 USD.",
            "If you closed your bank's window, open it again. If you don't confirm within 15 minutes, the payment is canceled "
            "and nothing is charged.",
        ),
    ),
    "another card since": (
        unconfirmed(card=OTHER, **REQUIRED),
        "failed",
        ("No pudimos cobrar 29.99 USD.", f"Tu banco pide que confirmes el pago con la tarjeta Visa •••• 3184. {NO_RETRY_ES}"),
        ("We couldn't charge 29.99 USD.", f"Your bank asks you to confirm the payment with Visa •••• 3184. {NO_RETRY_EN}"),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_the_notice_says_what_the_bank_wants(row: str) -> None:
    view, code, spanish, english = ROWS[row]
    for language, words in (("es", spanish), ("en", english)):
        shown = notice(Reader.of(view, catalogues().language(language)), view.facts["subscriptions"][0], view)
        assert shown
        assert (shown.code, shown.lead, shown.says or shown.rest) == (code, *words)


@pytest.mark.parametrize(
    ("view", "button", "confirms"),
    [
        (unconfirmed(**REQUIRED), "Confirmar con tu banco", True),
        (unconfirmed(**REFUSED), "Confirmar con tu banco", True),
        (unconfirmed("processing", **WAITING), "Confirmar con tu banco", True),
        (unconfirmed(card=OTHER, **REQUIRED), "Pagar ahora con Mastercard •••• 4444", False),
        (unconfirmed(remedy="wait"), "Reintentar con Visa •••• 3184", False),
        (unconfirmed(remedy="another_card"), None, False),
        (unconfirmed(card=None, **REQUIRED), None, False),
    ],
)
def test_the_button_confirms_only_with_the_card_of_the_failed_charge(view: View, button: str | None, confirms: bool) -> None:
    offered = offer(Reader.of(view, catalogues().language("es")), view, view.facts["subscriptions"][0])
    assert offered
    assert (offered.button, offered.confirms) == (button, confirms)


def test_a_running_charge_that_the_customer_cannot_advance_offers_nothing() -> None:
    view = unconfirmed("processing")
    assert offer(Reader.of(view, catalogues().language("es")), view, view.facts["subscriptions"][0]) is None


def test_the_debt_of_another_subscription_can_be_confirmed_while_it_waits() -> None:
    view = unconfirmed("processing", **WAITING)
    (other,) = other_debts(Reader.of(view, catalogues().language("es")), view, None)
    assert other.offer
    assert other.offer.confirms


BACKUP, DEFAULT = scenes.saved("3184", "backup"), scenes.saved("4444", "default", brand="mastercard")
SOMEONES = str(UUID(int=9))
"""A card that is not on file: that of the payer of an invoice link."""


def with_backup(view: View, **row: Any) -> View:
    """The customer has two cards; the one of the failed charge is not the default."""
    cards = scenes.with_cards(DEFAULT, BACKUP).facts
    facts: Any = {
        **view.facts,
        "payment_method": cards["payment_method"],
        "payment_methods": cards["payment_methods"],
        "invoices": [{**view.facts["invoices"][0], **row}, *view.facts["invoices"][1:]],
    }
    return replace(view, facts=facts)


OF_BACKUP: dict[str, Any] = {"charged_method_id": BACKUP["id"]}


@pytest.mark.parametrize(
    "view",
    [
        with_backup(unconfirmed(**REQUIRED), **OF_BACKUP),
        with_backup(unconfirmed(**REQUIRED)),  # composed by an earlier version: the card has the same network and digits
        with_backup(unconfirmed(**REQUIRED), charged_method_id=SOMEONES),  # the same card, entered again
        with_backup(unconfirmed("processing", **WAITING), **OF_BACKUP),
    ],
)
async def test_a_card_that_is_not_the_default_is_confirmed_with_its_own_bank(view: View) -> None:
    row = view.facts["invoices"][0]
    fields = {name: row[name] for name in ("remedy", "detail", "authenticate_until", "charged_method_id") if name in row}
    stage = stage_of(view, status=row["status"], **fields)
    stage.payments.running = "authenticate_until" in row
    async with stage.browser() as browser:
        assert 'id="pay-now"' in (await browser.get("/")).text
        page, result = unescape((await browser.get(PAY)).text), (await browser.get(f"{PAY}?after=payment-{UNPAID}:3")).text
    assert 'id="confirm-at-bank"' in result
    assert 'data-sheet="confirm-at-bank"' in page
    assert "Visa •••• 3184" in page
    shown = json.loads(re.search(r'data-shown="({.*?})"', page)[1])  # type: ignore[index]
    assert shown["payment_method_id"] == BACKUP["id"]


def test_the_notice_names_a_card_that_is_not_the_default() -> None:
    view = with_backup(unconfirmed(**REQUIRED), **OF_BACKUP)
    shown = notice(Reader.of(view, catalogues().language("es")), view.facts["subscriptions"][0], view)
    assert shown
    assert (shown.code, shown.lead) == ("confirm_with_bank", ASKS_ES)
    assert shown.says == f"Confírmalo con tu banco para pagar con Visa •••• 3184, o usa otra tarjeta. {NO_RETRY_ES}"


async def test_a_charge_that_waits_for_the_payer_of_an_invoice_link_offers_the_customer_nothing() -> None:
    payers = {**WAITING, "charged_method_id": SOMEONES}
    stage = stage_of(with_backup(unconfirmed("processing"), **payers), status="processing", **payers)
    stage.payments.running = True
    async with stage.browser() as browser:
        page, sheet = (await browser.get("/")).text, (await browser.get(PAY)).text
        debt = (await browser.get("/api/overview")).json()["subscriptions"][0]["debt"]
    assert 'data-notice="processing"' in page
    assert 'id="pay-now"' not in page
    assert ('data-sheet="paid"' in sheet, 'id="confirm-at-bank"' in sheet) == (True, False)
    assert debt["authentication"] is None


async def test_the_pane_has_one_primary_button_and_another_card_beside_it() -> None:
    async with Stage(unconfirmed(**REQUIRED)).browser() as browser:
        page = (await browser.get("/")).text
    pane = page[page.index('id="pane-notice"') : page.index('id="pane-subscription"')]
    buttons = re.findall(r'<button class="button ?(\w*)" id="([\w-]+)"', pane)
    assert buttons == [("primary", "pay-now"), ("", "pay")]
    assert f'action="{PAY}"' in pane


async def test_the_sheet_carries_what_its_script_sends_and_says_what_to_do_without_it() -> None:
    async with stage_of(unconfirmed(**REQUIRED), **REQUIRED).browser() as browser:
        page = unescape((await browser.get(PAY)).text)
    assert 'data-sheet="confirm-at-bank"' in page
    assert f'data-begin="{API}"' in page
    assert " data-begins" in page
    shown = json.loads(re.search(r'data-shown="({.*?})"', page)[1])  # type: ignore[index]
    assert shown == {
        "payment_method_id": CARD_ID,
        "amount_minor": 2999,
        "currency": "USD",
        "charge_invoices": [UNPAID],
        "effect": "continues",
    }
    without = re.search(r'<p class="notice warn without-script">(.*?)</p>', page)
    assert without
    assert "JavaScript" in without[1]
    assert "TechSolutions Inc." in without[1]


async def test_more_than_the_notice_showed_waits_for_a_click() -> None:
    stage = stage_of(unconfirmed(**REQUIRED), **REQUIRED)
    period = {"start": scenes.instant(2023, 6, 14), "end": scenes.instant(2023, 7, 14)}
    begun = {"invoice_id": str(UUID(int=6)), "number": None, "subscription_id": scenes.PREMIUM, "period": period}
    stage.payments.due.append({**begun, "amount": {"amount_minor": 2999, "currency": "USD"}})  # type: ignore[typeddict-item]
    async with stage.browser() as browser:
        page = (await browser.get(PAY)).text
    assert " data-begins" not in page
    assert "59.98 USD" in page


@pytest.mark.parametrize(("facts", "sheet"), [(WAITING, "confirm-at-bank"), ({}, "paid")])
async def test_a_running_charge_opens_the_sheet_again_only_while_it_waits(facts: dict[str, Any], sheet: str) -> None:
    stage = stage_of(unconfirmed("processing", **facts), status="processing", **facts)
    stage.payments.running = True
    async with stage.browser() as browser:
        assert f'data-sheet="{sheet}"' in (await browser.get(PAY)).text
        result = (await browser.get(f"{PAY}?after=payment-{UNPAID}:3")).text
    assert 'data-sheet="paid"' in result
    assert ('id="confirm-at-bank"' in result) is bool(facts)


@pytest.mark.parametrize(
    ("status", "fields", "says", "confirm"),
    [
        ("processing", WAITING, "Tu banco espera que confirmes el pago.", "Confirmar con tu banco"),
        ("failed", REQUIRED, "El pago falló. No se cobró nada. Tu banco pide que confirmes el pago.", "Confirmar con tu banco"),
        ("failed", {"remedy": "wait", "detail": "amount_not_chargeable"}, None, None),
    ],
)
def test_the_result_leads_to_the_bank(status: str, fields: dict[str, str], says: str | None, confirm: str | None) -> None:
    view = unconfirmed(status, **fields)  # type: ignore[arg-type]
    shown = outcome(Reader.of(view, catalogues().language("es")), view, invoice(status, **fields))
    assert shown.confirm == confirm
    assert says is None or " ".join(shown.says) == says


async def test_the_api_begins_an_authentication_once_for_each_key() -> None:
    stage = stage_of(unconfirmed(**REQUIRED), **REQUIRED)
    body = {"payment_method_id": CARD_ID, "amount_minor": 2999, "currency": "USD", "charge_invoices": [UNPAID]}
    async with stage.browser() as browser:
        headers = {"x-csrf-token": stage.access.session_of_ana.csrf, "idempotency-key": "k"}
        answer = await browser.post(API, json=body, headers=headers)
        refused = await browser.post(API, json=body)
    assert answer.status_code == 202
    assert answer.json()["frame_url"].endswith(f"/cards/{answer.json()['setup_id']}/confirm/{answer.json()['id']}")
    ((id, request, key),) = stage.payments.requests
    assert (str(id), request.amount["amount_minor"], key) == (UNPAID, 2999, "k")
    assert refused.status_code == 403


async def test_the_api_passes_on_a_changed_amount_with_its_sentences() -> None:
    stage = stage_of(unconfirmed(**REQUIRED), **REQUIRED)
    more = {"due": stage.payments.due, "total": {"amount_minor": 3999, "currency": "USD"}}
    stage.payments.refuses = Problem(409, "amount_changed", "x", more=more)
    body = {"payment_method_id": CARD_ID, "amount_minor": 2999, "currency": "USD"}
    async with stage.browser() as browser:
        answer = await browser.post(API, json=body, headers={"x-csrf-token": stage.access.session_of_ana.csrf})
    assert (answer.status_code, answer.json()["code"]) == (409, "amount_changed")
    assert answer.json()["lines"]


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (unconfirmed(**REQUIRED), ("authenticate", "authentication_required", None)),
        (
            unconfirmed("processing", **WAITING),
            (None, None, {"invoice_id": UNPAID, "until": UNTIL, "payment_method_id": CARD_ID}),
        ),
        (scenes.owing(), (None, None, None)),
    ],
)
async def test_the_api_names_remedy_and_the_waiting_charge(view: View, expected: tuple[Any, ...]) -> None:
    async with Stage(view).browser() as browser:
        debt = (await browser.get("/api/overview")).json()["subscriptions"][0]["debt"]
    assert (debt["remedy"], debt["detail"], debt["authentication"]) == expected
