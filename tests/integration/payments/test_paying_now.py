"""Paying an open invoice with the card on file, by its customer and by the merchant, within the daily limit."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from integration.payments.stack import MAY, Shop

from billing_contracts.envelope import Envelope
from billing_contracts.shapes import Period
from payments.application.pay_now import PAYMENTS_PER_DAY_MAX
from support.service import OPERATOR

VISA = "4242424242424242"
DECLINED = (1, "failed", "card_declined")
APRIL = Period(start=datetime(2023, 4, 14, tzinfo=UTC), end=MAY.start)
JUNE = Period(start=MAY.end, end=datetime(2023, 7, 14, tzinfo=UTC))


async def owed(shop: Shop, period: Period = MAY) -> UUID:
    """Ana owes an invoice: her card was declined."""
    if not await shop.methods():
        await shop.add("tok_saves_then_declines")
    invoice = await shop.issue(period)
    await shop.until_charges(invoice, DECLINED)
    return invoice


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def as_ana(shop: Shop, invoice: UUID, customer: UUID | None = None, **fields: Any) -> Response:
    body = {"invoice_id": str(invoice), **fields}
    return await shop.portal(customer=customer).post("/v1/charges", json=body)


async def shown(shop: Shop, **changes: Any) -> dict[str, Any]:
    """What the portal showed her."""
    default = next(method for method in await shop.methods() if method["is_default"])
    return {"payment_method_id": default["id"], "amount_minor": 2999, "currency": "USD", **changes}


async def data(shop: Shop, stream: str) -> list[dict[str, Any]]:
    rows = await shop.stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", stream)
    return [Envelope.model_validate_json(row["value"]).data for row in rows]


async def test_a_card_that_the_merchant_attached_pays_on_the_merchants_request(shop: Shop) -> None:
    invoice = await owed(shop)
    card = await shop.add("tok_visa")
    assert await shop.charges(invoice) == [DECLINED]
    answer = await shop.pay(invoice)
    body = answer.json()
    assert answer.status_code == 201
    assert (body["payment_method"]["id"], body["status"], body["attempt"]) == (card["id"], "open", 2)
    assert body["total"] == {"amount_minor": 2999, "currency": "USD"}
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))
    assert (await shop.stack.event_names(f"wallet-{shop.ana}"))[-1] == "PaymentConfirmed"
    confirmed = (await data(shop, f"wallet-{shop.ana}"))[-1]["confirmation"]
    charged = (await data(shop, f"payment-{invoice}"))[-1]
    assert (charged["confirmation_id"], charged["agreed_at"]) == (confirmed["id"], confirmed["at"])
    assert [line["amount"]["amount_minor"] for line in confirmed["charges"]] == [2999]


async def test_a_missing_card_is_reported_before_anything_is_charged(shop: Shop) -> None:
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "no_payment_method"))
    assert problem(await shop.pay(invoice)) == (409, "payment_method_gone")
    await shop.add("tok_visa")
    assert (await shop.pay(invoice)).status_code == 201
    await shop.until_charges(invoice, (1, "failed", "no_payment_method"), (2, "succeeded", None))


async def test_a_customer_pays_with_the_card_and_the_amount_that_were_shown(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.add("tok_visa")
    assert (await as_ana(shop, invoice, **await shown(shop))).status_code == 201
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))
    assert problem(await as_ana(shop, invoice, **await shown(shop))) == (409, "nothing_owed")


async def test_a_customer_must_name_card_and_amount(shop: Shop) -> None:
    invoice = await owed(shop)
    whole = await shown(shop)
    for missing in ("payment_method_id", "amount_minor", "currency"):
        answer = await as_ana(shop, invoice, **{name: value for name, value in whole.items() if name != missing})
        assert problem(answer) == (422, "invalid_request")
    assert await shop.charges(invoice) == [DECLINED]


async def test_another_amount_is_answered_with_the_one_that_is_due_and_nothing_is_done(shop: Shop) -> None:
    invoice = await owed(shop)
    for changes in ({"amount_minor": 2998}, {"amount_minor": 3000}, {"currency": "EUR"}, {"charge_invoices": [str(uuid4())]}):
        answer = await as_ana(shop, invoice, **await shown(shop, **changes))
        assert problem(answer) == (409, "amount_changed")
        assert answer.json()["amount"] == {"amount_minor": 2999, "currency": "USD"}
        assert [due["invoice_id"] for due in answer.json()["due"]] == [str(invoice)]
    assert await shop.charges(invoice) == [DECLINED]
    assert "PaymentConfirmed" not in await shop.stack.event_names(f"wallet-{shop.ana}")


async def test_while_a_charge_runs_no_other_begins(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "late", 4)
    assert (await shop.pay(invoice)).status_code == 201
    assert (await shop.http.get(f"/v1/charges/preview?invoice_id={invoice}")).json()["running"]
    assert problem(await shop.pay(invoice)) == (409, "charge_running")
    await shop.until_charges(invoice, DECLINED, (2, "unknown", None))
    assert problem(await as_ana(shop, invoice, **await shown(shop))) == (409, "charge_running")
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))


async def test_many_at_once_are_one_charge(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.add("tok_visa")
    answers = await asyncio.gather(*(shop.pay(invoice) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {problem(answer)[1] for answer in answers if answer.is_error} <= {"charge_running", "nothing_owed"}
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))


async def test_the_same_request_gets_the_same_answer(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.add("tok_visa")
    answers = await asyncio.gather(*(shop.pay(invoice, key="click") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [201] * 5
    assert len({answer.text for answer in answers}) == 1
    assert problem(await shop.pay(invoice, key="click", amount_minor=1, currency="USD")) == (422, "idempotency_key_reused")
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))
    refused = [await shop.pay(invoice, key="late") for _ in range(2)]
    assert {(answer.text, *problem(answer)) for answer in refused} == {(refused[0].text, 409, "nothing_owed")}


async def test_an_invoice_is_paid_so_five_times_a_day_at_most(shop: Shop) -> None:
    invoice, other = await owed(shop), await owed(shop)
    ended = [DECLINED]
    for number in range(2, PAYMENTS_PER_DAY_MAX + 2):
        assert (await shop.pay(invoice)).status_code == 201
        ended.append((number, "failed", "card_declined"))
        await shop.until_charges(invoice, *ended)
    answer = await shop.pay(invoice)
    assert problem(answer) == (429, "too_many_payments")
    assert 86_000 < int(answer.headers["retry-after"]) <= 86_400
    assert await shop.charges(invoice) == ended
    assert (await shop.pay(other)).status_code == 201
    await shop.stack.pool.execute("UPDATE asked_payment SET at = at - interval '1 day' WHERE merchant_id = $1", shop.merchant.id)
    assert (await shop.pay(invoice)).status_code == 201


async def test_the_failure_of_a_requested_payment_is_marked_manual(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.pay(invoice)
    await shop.until_charges(invoice, DECLINED, (2, "failed", "card_declined"))
    failures = [published for published in await data(shop, f"payment-{invoice}") if "manual" in published]
    assert [(failure["attempt"], failure["manual"]) for failure in failures] == [(1, False), (2, True)]


async def test_a_retry_that_falls_due_meanwhile_is_not_another_charge(shop: Shop) -> None:
    invoice = await owed(shop)
    await shop.stack.misbehave(shop.merchant.id, "late", 3)
    await shop.pay(invoice)
    await shop.until_charges(invoice, DECLINED, (2, "unknown", None))
    await shop.retry(invoice)
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, DECLINED, (2, "failed", "card_declined"))


async def test_a_void_or_foreign_invoice_cannot_be_paid(shop: Shop) -> None:
    invoice = await owed(shop)
    stranger = uuid4()
    assert problem(await as_ana(shop, invoice, stranger, **await shown(shop))) == (404, "not_found")
    assert problem(await shop.pay(uuid4())) == (404, "not_found")
    foreign = await shop.http.get(f"/v1/charges/preview?invoice_id={uuid4()}")
    assert problem(foreign) == (404, "not_found")
    assert (await shop.portal(customer=stranger).get(f"/v1/charges/preview?invoice_id={invoice}")).status_code == 404
    gone = await as_ana(shop, invoice, **await shown(shop, payment_method_id=str(uuid4())))
    assert problem(gone) == (409, "payment_method_gone")
    async with shop.stack.client(OPERATOR) as operator:
        assert (await operator.post("/v1/charges", json={"invoice_id": str(invoice)})).status_code == 403
    await shop.void(invoice)
    assert problem(await shop.pay(invoice)) == (409, "nothing_owed")
    assert await shop.charges(invoice) == [DECLINED]


async def test_an_invalid_payment_request_is_refused(shop: Shop) -> None:
    invoice = await owed(shop)
    for fields in (
        {"amount_minor": 2999},
        {"currency": "USD"},
        {"amount_minor": -1, "currency": "USD"},
        {"amount_minor": 29.99, "currency": "USD"},
        {"amount_minor": 2999, "currency": "usd"},
        {"payment_method_id": "default"},
        {"more": 1},
    ):
        assert (await shop.pay(invoice, **fields)).status_code == 422
    assert (await shop.http.post("/v1/charges", json={})).status_code == 422
    assert await shop.charges(invoice) == [DECLINED]


async def test_a_period_that_had_begun_and_was_not_listed_is_not_charged(shop: Shop) -> None:
    """Subscriptions is not available here, so the list has the open invoice alone."""
    april = await owed(shop, APRIL)
    assert (await shop.change_card(VISA, april)).status_code == 200
    await shop.until_charges(april, DECLINED, (2, "succeeded", None))
    may = await shop.issue(MAY)
    await shop.until_charges(may, (1, "failed", "processing_error"))
    assert await shop.stack.event_names(f"payment-{may}") == ["PaymentFailed"]
    [published] = await data(shop, f"payment-{may}")
    assert (published["needs_confirmation"], published["retryable"], published["reference"]) == (True, False, None)
    assert [charge["code"] for charge in (await shop.stack.ledger(shop.merchant.id))["charges"]] == ["card_declined", None]
    assert (await shop.pay(may)).status_code == 201
    await shop.until_charges(may, (1, "failed", "processing_error"), (2, "succeeded", None))


async def test_a_period_that_begins_after_the_confirmation_is_an_ordinary_renewal(shop: Shop) -> None:
    may = await owed(shop)
    assert (await shop.change_card(VISA, may)).status_code == 200
    await shop.until_charges(may, DECLINED, (2, "succeeded", None))
    june = await shop.issue(JUNE)
    await shop.until_charges(june, (1, "succeeded", None))
    assert [published["confirmation_id"] for published in await data(shop, f"payment-{june}")] == [None, None]


async def test_a_set_up_names_the_sum_that_it_confirms(shop: Shop) -> None:
    invoice = await owed(shop)
    setup = (await shop.open_setup())["setup_id"]
    token = (await shop.stack.type_card(setup)).json()["token"]
    path = f"/v1/customers/{shop.ana}/default-payment-method"
    body = {"setup_id": setup, "token": token, "charge_invoices": [str(invoice)]}
    for total in (2998, 3000):
        totals = [{"amount_minor": total, "currency": "USD"}]
        assert problem(await shop.portal().put(path, json=body | {"totals": totals})) == (409, "due_changed")
    assert await shop.charges(invoice) == [DECLINED]
    totals = [{"amount_minor": 2999, "currency": "USD"}]
    assert (await shop.portal().put(path, json=body | {"totals": totals})).status_code == 200
    await shop.until_charges(invoice, DECLINED, (2, "succeeded", None))
