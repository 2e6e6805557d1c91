"""The payer of an invoice link confirms the payment at their bank: the invoice's page, the sheet, and the JSON API."""

import re
from typing import Any
from uuid import UUID

import pytest

from chassis.http.problems import not_found
from support.portal_page import scenes
from support.portal_page.fakes import Stage

CHARGE = UUID(int=7)
UNTIL = "2026-11-30T12:15:00Z"
HOME, SHEET, API = "/shared-invoice", "/shared-invoice/confirmation", "/api/shared-invoice/authentication"
OWN: dict[str, Any] = {"paying": "payment-1:3", "charge_id": CHARGE}
OTHER: dict[str, Any] = {**OWN, "charge_id": UUID(int=8)}


def stage_of(status: str = "processing", session: dict[str, Any] = OWN, **facts: Any) -> Stage:
    """The invoice of the link; by default a payment of its session waits for the payer's bank."""
    stage = Stage()
    facts = facts or {"authenticate_until": UNTIL}
    stage.invoicing.invoice_is = scenes.whole_invoice(status=status, paid_at=None, charge_id=str(CHARGE), **facts)
    stage.invoice_links.live = scenes.invoice_session(**session)
    return stage


SAYS = {
    "es": "Tu banco espera que confirmes el pago. Si no confirmas en 15 minutos, el pago termina y no se cobra nada.",
    "en": "Your bank is waiting for you to confirm the payment. If you don't confirm within 15 minutes, the payment is canceled "
    "and nothing is charged.",
}


@pytest.mark.parametrize(("language", "label"), [("es", "Confirmar con tu banco"), ("en", "Confirm with your bank")])
async def test_the_invoice_says_what_the_bank_wants_and_leads_there(language: str, label: str) -> None:
    async with stage_of().browser() as browser:
        browser.headers["accept-language"] = language
        page, sheet = (await browser.get(HOME)).text, (await browser.get(SHEET)).text
        state = (await browser.get("/api/shared-invoice")).json()
    assert SAYS[language] in page.replace("&#39;", "'")
    assert f'id="confirm-at-bank" href="{SHEET}">{label}</a>' in page
    assert 'id="pay"' not in page
    assert 'data-sheet="shared-confirmation"' in sheet
    assert f'data-begin="{API}"' in sheet
    assert (state["status"], state["authenticate_until"], state["payable"]) == ("processing", UNTIL, False)


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("es", "Activa JavaScript para confirmar con tu banco, o contacta a TechSolutions Inc. para pagar de otra forma."),
        ("en", "Turn on JavaScript to confirm with your bank, or contact TechSolutions Inc. to pay another way."),
    ],
)
async def test_without_scripts_the_sheet_says_how_to_pay(language: str, says: str) -> None:
    async with stage_of().browser() as browser:
        browser.headers["accept-language"] = language
        sheet = (await browser.get(SHEET)).text
    assert f'<p class="notice warn without-script">{says}</p>' in re.sub("</?bdi>", "", sheet)


@pytest.mark.parametrize(
    ("session", "facts"),
    [(OTHER, {"authenticate_until": UNTIL}), ({}, {"authenticate_until": UNTIL}), (OWN, {"detail": "authentication_failed"})],
)
async def test_without_an_own_payment_that_waits_there_is_nothing_to_confirm(
    session: dict[str, Any], facts: dict[str, str]
) -> None:
    async with stage_of("processing", session, **facts).browser() as browser:
        page, sheet = await browser.get(HOME), await browser.get(SHEET)
        state = (await browser.get("/api/shared-invoice")).json()
    assert 'id="confirm-at-bank"' not in page.text
    assert (sheet.status_code, sheet.headers["location"]) == (303, HOME)
    assert state["authenticate_until"] is None


@pytest.mark.parametrize(
    ("detail", "says"),
    [
        ("authentication_failed", "El pago falló. No se cobró nada. Tu banco no pudo confirmar que eras tú."),
        ("authentication_abandoned", "El pago falló. No se cobró nada. No se completó la confirmación con tu banco."),
        ("amount_not_chargeable", "El pago falló. No se cobró nada.</p>"),
    ],
)
async def test_a_confirmation_that_failed_is_named_and_another_card_can_pay(detail: str, says: str) -> None:
    async with stage_of("failed", detail=detail).browser() as browser:
        page = (await browser.get(HOME)).text
    assert says in page
    assert 'id="pay"' in page


async def test_the_api_opens_the_page_for_the_sessions_own_charge() -> None:
    stage = stage_of()
    async with stage.browser() as browser:
        token = {"x-csrf-token": scenes.invoice_session().csrf}
        answer, without = await browser.post(API, headers=token), await browser.post(API)
        stage.payments.refuses = not_found()
        unknown = await browser.post(API, headers=token)
        stage.invoice_links.live = scenes.invoice_session()
        nothing = await browser.post(API, headers=token)
    assert answer.status_code == 201
    assert answer.json()["frame_url"].endswith(f"/confirm/{CHARGE}")
    assert [response.status_code for response in (without, unknown, nothing)] == [403, 404, 404]
    assert [charge for charge, _ in stage.payments.confirmations] == [CHARGE, CHARGE]
    assert stage.payments.confirmations[0][1].locale.startswith("es")
