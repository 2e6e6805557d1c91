"""The payer of an invoice link confirms the charge of a card that is not stored at their bank."""

from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from integration.payments.bank import Bank
from integration.payments.stack import PORTAL, Shop
from integration.payments.test_one_time_payments import NO_CARD, issued, pay, problem, stored_cards, until_forgotten

ASKS = "4000002760003184"
"""The bank wants each charge confirmed."""


async def authenticate(shop: Shop, charge: str, session: str = "payer", customer: UUID | None = None, **changes: Any) -> Response:
    body = {"locale": "en-US", "portal_origin": PORTAL, **changes}
    return await shop.portal(session, customer).post(f"/v1/one-time-payments/{charge}/authentication", json=body)


async def waiting(shop: Shop, bank: Bank) -> tuple[UUID, dict[str, Any]]:
    """An invoice, and the payer's charge that waits for their bank, with the page for it."""
    invoice = await issued(shop)
    answer = await pay(shop, invoice, ASKS)
    assert answer.status_code == 201, answer.text
    page = await authenticate(shop, answer.json()["id"])
    assert page.status_code == 201, page.text
    begun = {**answer.json(), **page.json()}
    await bank.secret(begun)
    return invoice, begun


async def test_an_approved_charge_pays_the_invoice_and_the_card_is_forgotten(shop: Shop, bank: Bank) -> None:
    invoice, begun = await waiting(shop, bank)
    assert begun["frame_url"].endswith(f"/cards/{begun['setup_id']}/confirm/{begun['id']}")
    page = await bank.page(begun)
    assert page
    assert (page.setup.locale, page.setup.session, page.order.on_session, page.ended) == ("en-US", "payer", True, False)
    assert await stored_cards(shop) == 1, "the card is kept while the charge waits"
    await bank.approve(begun)
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))
    await until_forgotten(shop)
    assert await shop.methods() == []


@pytest.mark.parametrize(("answer", "code"), [("reject", "authentication_failed"), ("leave", "authentication_abandoned")])
async def test_a_charge_that_is_rejected_or_left_takes_nothing_and_another_card_pays(
    shop: Shop, bank: Bank, answer: str, code: str
) -> None:
    invoice, begun = await waiting(shop, bank)
    await getattr(bank, answer)(begun)
    await shop.until_charges(invoice, NO_CARD, (2, "failed", code))
    await until_forgotten(shop)
    assert (await pay(shop, invoice)).status_code == 201
    await shop.until_charges(invoice, NO_CARD, (2, "failed", code), (3, "succeeded", None))


async def test_only_the_session_that_pays_opens_the_page_and_as_often_as_needed(shop: Shop, bank: Bank) -> None:
    invoice, begun = await waiting(shop, bank)
    again = await authenticate(shop, begun["id"])
    assert (again.status_code, again.json()["setup_id"] != begun["setup_id"]) == (201, True)
    for other in (
        await authenticate(shop, begun["id"], session="another payer"),
        await authenticate(shop, begun["id"], customer=uuid4()),
        await authenticate(shop, str(uuid4())),
    ):
        assert problem(other) == (404, "not_found")
    elsewhere = await authenticate(shop, begun["id"], portal_origin="https://elsewhere.example")
    assert problem(elsewhere) == (422, "portal_origin_refused")
    path = f"/v1/one-time-payments/{begun['id']}/authentication"
    assert problem(await shop.http.post(path, json={})) == (403, "forbidden")
    await bank.approve({**begun, **again.json()})
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))


async def test_while_the_payers_bank_asks_the_customer_cannot_answer_and_nothing_else_is_charged(shop: Shop, bank: Bank) -> None:
    await shop.add("tok_saves_then_declines")
    declined = (1, "failed", "card_declined")
    invoice = await shop.issue()
    await shop.until_charges(invoice, declined)
    begun = (await pay(shop, invoice, ASKS)).json()
    page = (await authenticate(shop, begun["id"])).json()
    await bank.secret({**begun, **page})
    [card] = await shop.methods()
    body = {"payment_method_id": card["id"], "amount_minor": 2999, "currency": "USD", "portal_origin": PORTAL}
    path = f"/v1/customers/{shop.ana}/invoices/{invoice}/authentication"
    assert problem(await shop.portal("customer").post(path, json=body)) == (409, "charge_running")
    assert problem(await shop.pay(invoice)) == (409, "charge_running")
    await bank.approve({**begun, **page})
    await shop.until_charges(invoice, declined, (2, "succeeded", None))
    assert [method["id"] for method in await shop.methods()] == [card["id"]]
