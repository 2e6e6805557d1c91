"""Paying one invoice with a card that is not stored, as the payer of an invoice link does."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from integration.payments.stack import MAY, PORTAL, Shop

from billing_contracts.envelope import Envelope
from billing_contracts.shapes import Period
from payments.adapters.setups import DECLINES_PER_HOUR_MAX
from payments.application.pay_now import PAYMENTS_PER_DAY_MAX

NO_CARD = (1, "failed", "no_payment_method")
APRIL = Period(start=datetime(2023, 4, 14, tzinfo=UTC), end=MAY.start)
GOOD, DECLINED_WHEN_TYPED = "4242424242424242", "4000000000000002"


async def open_setup(shop: Shop, invoice: UUID, session: str = "payer", customer: UUID | None = None) -> Response:
    body = {"invoice_id": str(invoice), "locale": "es-MX", "portal_origin": PORTAL}
    return await shop.portal(session, customer).post("/v1/one-time-payments/setups", json=body)


async def typed(shop: Shop, invoice: UUID, number: str = GOOD) -> tuple[str, str]:
    """Set-up and token of a card that was typed."""
    setup: str = (await open_setup(shop, invoice)).json()["setup_id"]
    answer = await shop.stack.type_card(setup, number)
    assert answer.status_code == 201, answer.text
    return setup, answer.json()["token"]


async def confirm(
    shop: Shop, invoice: UUID, setup: str, token: str, *, session: str = "payer", key: str | None = None, **changes: Any
) -> Response:
    body = {"invoice_id": str(invoice), "setup_id": setup, "token": token, "amount_minor": 2999, "currency": "USD", **changes}
    headers = {"idempotency-key": key} if key else {}
    return await shop.portal(session).post("/v1/one-time-payments", json=body, headers=headers)


async def pay(shop: Shop, invoice: UUID, number: str = GOOD) -> Response:
    return await confirm(shop, invoice, *await typed(shop, invoice, number))


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def stored_cards(shop: Shop) -> int:
    """Cards of this merchant that the provider could still charge."""
    sql = "SELECT count(*) FROM sandbox_method WHERE merchant_id = $1 AND customer_id IS NOT NULL"
    count: int = await shop.stack.pool.fetchval(sql, shop.merchant.id)
    return count


async def until_forgotten(shop: Shop, cards: int = 0) -> None:
    async def holds() -> bool:
        rows = await shop.stack.pool.fetchval("SELECT count(*) FROM one_time_method WHERE merchant_id = $1", shop.merchant.id)
        return not rows and await stored_cards(shop) == cards

    await shop.stack.until(holds)


async def issued(shop: Shop) -> UUID:
    invoice = await shop.issue()
    await shop.until_charges(invoice, NO_CARD)
    return invoice


async def data(shop: Shop, stream: str) -> list[dict[str, Any]]:
    rows = await shop.stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", stream)
    return [Envelope.model_validate_json(row["value"]).data for row in rows]


async def test_the_invoice_is_paid_and_the_card_is_neither_stored_nor_left_at_the_provider(shop: Shop) -> None:
    invoice = await issued(shop)
    answer = await pay(shop, invoice)
    assert (answer.status_code, answer.json()["payment_method"]["last4"]) == (201, "4242")
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))
    await until_forgotten(shop)
    assert await shop.methods() == []
    [confirmed] = await data(shop, f"wallet-{shop.ana}")
    assert [line["amount"]["amount_minor"] for line in confirmed["confirmation"]["charges"]] == [2999]
    paid = (await data(shop, f"payment-{invoice}"))[-1]
    assert (paid["confirmation_id"], paid["payment_method"]["last4"]) == (confirmed["confirmation"]["id"], "4242")


async def test_the_default_card_of_the_customer_stays(shop: Shop) -> None:
    await shop.add("tok_saves_then_declines")
    [before] = await shop.methods()
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "card_declined"))
    assert (await pay(shop, invoice)).status_code == 201
    await shop.until_charges(invoice, (1, "failed", "card_declined"), (2, "succeeded", None))
    assert await shop.methods() == [before]
    await until_forgotten(shop, cards=1)


async def test_a_card_that_is_declined_when_charged_is_forgotten_too(shop: Shop) -> None:
    invoice = await issued(shop)
    assert (await pay(shop, invoice, "4000000000000341")).status_code == 201
    await shop.until_charges(invoice, NO_CARD, (2, "failed", "card_declined"))
    await until_forgotten(shop)


async def test_a_card_that_is_declined_when_typed_changes_nothing_and_counts_for_the_invoice_only(shop: Shop) -> None:
    invoice = await issued(shop)
    setup, token = await typed(shop, invoice, DECLINED_WHEN_TYPED)
    for _ in range(DECLINES_PER_HOUR_MAX):
        assert problem(await confirm(shop, invoice, setup, token)) == (402, "card_declined")
    assert problem(await confirm(shop, invoice, setup, token)) == (429, "too_many_declines")
    assert await shop.charges(invoice) == [NO_CARD]
    assert (await shop.change_card(GOOD)).status_code == 200


async def test_what_was_not_shown_is_not_charged(shop: Shop) -> None:
    invoice = await issued(shop)
    setup, token = await typed(shop, invoice)
    for changes in ({"amount_minor": 2998}, {"amount_minor": 3000}, {"currency": "EUR"}):
        answer = await confirm(shop, invoice, setup, token, **changes)
        assert problem(answer) == (409, "amount_changed")
        assert answer.json()["amount"] == {"amount_minor": 2999, "currency": "USD"}
    assert await shop.charges(invoice) == [NO_CARD]
    assert (await confirm(shop, invoice, setup, token)).status_code == 201


async def test_a_set_up_pays_only_its_own_invoice_in_its_own_session_and_way(shop: Shop) -> None:
    first, second = await issued(shop), await issued(shop)
    setup, token = await typed(shop, first)
    assert problem(await confirm(shop, second, setup, token)) == (404, "not_found")
    assert problem(await confirm(shop, first, setup, token, session="other")) == (404, "not_found")
    assert problem(await confirm(shop, first, str(uuid4()), token)) == (404, "not_found")
    assert problem(await confirm(shop, first, setup, "sbx_tok_unknown")) == (422, "invalid_token")
    assert problem(await shop.confirm(setup, token, first, second, session="payer")) == (404, "not_found")
    card_change = (await shop.open_setup("payer"))["setup_id"]
    other_token = (await shop.stack.type_card(card_change)).json()["token"]
    assert problem(await confirm(shop, first, card_change, other_token)) == (404, "not_found")
    assert await shop.charges(first) == await shop.charges(second) == [NO_CARD]
    assert await shop.methods() == []


async def test_an_invoice_of_another_customer_or_merchant_is_unknown(shop: Shop) -> None:
    invoice = await issued(shop)
    assert problem(await open_setup(shop, invoice, customer=uuid4())) == (404, "not_found")
    assert problem(await open_setup(shop, uuid4())) == (404, "not_found")
    body = {"invoice_id": str(invoice)}
    assert (await shop.http.post("/v1/one-time-payments/setups", json=body)).status_code == 403


async def test_a_paid_or_voided_invoice_cannot_be_paid(shop: Shop) -> None:
    paid, void = await issued(shop), await issued(shop)
    setup, token = await typed(shop, void)
    assert (await pay(shop, paid)).status_code == 201
    await shop.until_charges(paid, NO_CARD, (2, "succeeded", None))
    await shop.void(void)
    assert problem(await open_setup(shop, paid)) == (409, "nothing_owed")
    assert problem(await confirm(shop, void, setup, token)) == (409, "nothing_owed")
    assert await shop.charges(void) == [NO_CARD]


async def test_many_payers_at_once_are_charged_once_and_every_card_is_forgotten(shop: Shop) -> None:
    invoice = await issued(shop)
    cards = [await typed(shop, invoice) for _ in range(4)]
    answers = await asyncio.gather(*(confirm(shop, invoice, *card) for card in cards))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"charge_running", "nothing_owed"}
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))
    # cards without a charge wait a few minutes for a repeated request
    await shop.stack.pool.execute("UPDATE one_time_method SET call_at = now() WHERE merchant_id = $1", shop.merchant.id)
    await until_forgotten(shop)


async def test_a_repeated_request_gets_the_same_answer_and_one_charge(shop: Shop) -> None:
    invoice = await issued(shop)
    card = await typed(shop, invoice)
    first, again = await confirm(shop, invoice, *card, key="k"), await confirm(shop, invoice, *card, key="k")
    assert (again.status_code, again.json()) == (201, first.json())
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))


async def test_an_invoice_is_paid_on_request_five_times_a_day_at_most(shop: Shop) -> None:
    invoice, expected = await issued(shop), [NO_CARD]
    for number in range(PAYMENTS_PER_DAY_MAX):
        assert (await pay(shop, invoice, "4000000000000341")).status_code == 201
        expected.append((number + 2, "failed", "card_declined"))
        await shop.until_charges(invoice, *expected)
    assert problem(await pay(shop, invoice)) == (429, "too_many_payments")


async def test_a_card_is_kept_while_its_charge_has_no_outcome(shop: Shop) -> None:
    invoice = await issued(shop)
    card = await typed(shop, invoice)
    await shop.stack.misbehave(shop.merchant.id, "late", 4)
    assert (await confirm(shop, invoice, *card)).status_code == 201
    await shop.until_charges(invoice, NO_CARD, (2, "unknown", None))
    assert await stored_cards(shop) == 1
    assert await shop.stack.pool.fetchval("SELECT count(*) FROM one_time_method WHERE merchant_id = $1", shop.merchant.id) == 1
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, NO_CARD, (2, "succeeded", None))
    await until_forgotten(shop)


async def test_a_provider_that_does_not_answer_takes_nothing(shop: Shop) -> None:
    invoice = await issued(shop)
    card = await typed(shop, invoice)
    await shop.stack.misbehave(shop.merchant.id, "hang", 5)
    assert problem(await confirm(shop, invoice, *card)) == (503, "service_unavailable")
    assert await shop.charges(invoice) == [NO_CARD]
    await shop.stack.misbehave(shop.merchant.id, "normal")
    assert (await confirm(shop, invoice, *card)).status_code == 201


async def test_a_period_that_had_begun_is_not_charged_to_the_card_on_file(shop: Shop) -> None:
    await shop.add("tok_saves_then_declines")
    owed = await shop.issue(APRIL)
    await shop.until_charges(owed, (1, "failed", "card_declined"))
    assert (await pay(shop, owed)).status_code == 201
    await shop.until_charges(owed, (1, "failed", "card_declined"), (2, "succeeded", None))
    await shop.add("tok_visa")
    begun = await shop.issue(MAY)
    await shop.until_charges(begun, (1, "failed", "processing_error"))
    assert (await data(shop, f"payment-{begun}"))[-1]["needs_confirmation"]
