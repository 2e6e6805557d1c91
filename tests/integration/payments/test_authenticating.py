"""Confirming a payment at the bank: the charge on session, the page for it, its outcome, and its end when it is left."""

import asyncio
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import Response
from integration.payments.bank import Bank
from integration.payments.stack import MAY, PORTAL, Shop, Stack

from billing_contracts.envelope import Envelope
from payments.application.pay_now import PAYMENTS_PER_DAY_MAX

UNCONFIRMED = (1, "failed", "authentication_required")
ONCE, ALWAYS = "tok_authenticate_once", "tok_authenticate_always"


async def owed(shop: Shop, token: str = ALWAYS) -> UUID:
    """Ana owes an invoice: her bank wants her to confirm the charge."""
    await shop.add(token)
    invoice = await shop.issue()
    await shop.until_charges(invoice, UNCONFIRMED)
    return invoice


async def begin(shop: Shop, invoice: UUID, *, key: str | None = None, customer: UUID | None = None, **changes: Any) -> Response:
    """As Ana, with what the portal shows her."""
    default = next(method for method in await shop.methods() if method["is_default"])
    body = {"payment_method_id": default["id"], "amount_minor": 2999, "currency": "USD", "portal_origin": PORTAL, **changes}
    path = f"/v1/customers/{customer or shop.ana}/invoices/{invoice}/authentication"
    headers = {"idempotency-key": key} if key else {}
    body = {name: value for name, value in body.items() if value is not None}
    return await shop.portal(customer=customer).post(path, json=body, headers=headers)


async def begun(shop: Shop, invoice: UUID, **changes: Any) -> dict[str, Any]:
    answer = await begin(shop, invoice, **changes)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def published(shop: Shop, invoice: UUID) -> list[tuple[str, dict[str, Any]]]:
    rows = await shop.stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", f"payment-{invoice}")
    envelopes = [Envelope.model_validate_json(row["value"]) for row in rows]
    return [(envelope.type.split(".")[2], envelope.data) for envelope in envelopes]


async def test_without_the_customer_the_attempt_fails_and_says_that_they_can_confirm_it(shop: Shop) -> None:
    invoice = await owed(shop)
    _, (_, failed), (name, required) = await published(shop, invoice)
    assert (failed["code"], failed["detail"]) == ("card_declined", "authentication_required")
    assert (failed["remedy"], failed["retryable"]) == ("authenticate", False)
    assert (name, required["charge_id"], required.get("until")) == (
        "PaymentAuthenticationRequired",
        failed["charge_id"],
        None,
    )


async def test_an_approved_charge_pays_the_invoice(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    body = await begun(shop, invoice)
    assert (body["attempt"], body["status"], body["payment_method"]["last4"]) == (2, "open", "3184")
    assert body["frame_url"].endswith(f"/cards/{body['setup_id']}/confirm/{body['id']}")
    await bank.secret(body)
    (item,) = [
        item for item in (await shop.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"] if item["attempt"] == 2
    ]
    assert (item["status"], item["code"]) == ("open", None)
    assert item["authenticate_until"]
    await bank.approve(body)
    await shop.until_charges(invoice, UNCONFIRMED, (2, "succeeded", None))
    names = [name for name, _ in await published(shop, invoice)]
    assert names[3:] == ["PaymentStarted", "PaymentAuthenticationRequired", "PaymentSucceeded"]


@pytest.mark.parametrize(
    ("token", "code"), [("tok_authenticate_then_insufficient_funds", "insufficient_funds"), (ALWAYS, "authentication_failed")]
)
async def test_an_answer_can_lead_to_a_failure(shop: Shop, bank: Bank, token: str, code: str) -> None:
    invoice = await owed(shop, token)
    body = await begun(shop, invoice)
    await (bank.reject(body) if token == ALWAYS else bank.approve(body))
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", code))
    assert (await published(shop, invoice))[-1][1]["manual"] is True


async def test_once_confirmed_later_renewals_pass_where_once_is_enough(shop: Shop, bank: Bank) -> None:
    await bank.approve(await begun(shop, await owed(shop, ONCE)))
    renewal = await shop.issue()
    await shop.until_charges(renewal, (1, "succeeded", None))


async def test_a_charge_that_the_customer_left_ends(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    first = await begun(shop, invoice)
    await bank.leave(first)
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", "authentication_abandoned"))
    assert (await bank.page(first)) is not None
    await bank.approve(await begun(shop, invoice))
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", "authentication_abandoned"), (3, "succeeded", None))


async def test_repeating_the_call_opens_the_page_again_for_the_same_charge(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    first = await begun(shop, invoice, key="k1")
    assert (await begun(shop, invoice, key="k1"))["setup_id"] == first["setup_id"]
    for _ in range(PAYMENTS_PER_DAY_MAX + 1):
        again = await begun(shop, invoice)
        assert again["id"] == first["id"]
        assert again["setup_id"] != first["setup_id"]
    await bank.approve(again)
    await shop.until_charges(invoice, UNCONFIRMED, (2, "succeeded", None))


async def test_concurrent_calls_begin_one_charge(shop: Shop) -> None:
    invoice = await owed(shop)
    answers = await asyncio.gather(*(begun(shop, invoice) for _ in range(5)))
    assert len({answer["id"] for answer in answers}) == 1


async def test_another_card_that_is_confirmed_meanwhile_pays_at_once(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    body = await begun(shop, invoice)
    await bank.secret(body)
    assert (await shop.change_card("4242424242424242", invoice)).status_code == 200
    await bank.pages.wake(shop.merchant.id, UUID(body["id"]))
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", "authentication_abandoned"), (3, "succeeded", None))


async def test_a_voided_invoice_does_not_wait_any_more(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    body = await begun(shop, invoice)
    await bank.secret(body)
    await shop.void(invoice)
    await bank.pages.wake(shop.merchant.id, UUID(body["id"]))
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", "authentication_abandoned"))


async def test_a_charge_without_the_customer_keeps_the_page_closed(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    assert (await shop.pay(invoice)).status_code == 201
    await shop.until_charges(invoice, UNCONFIRMED, (2, "failed", "authentication_required"))
    (charge,) = await shop.stack.pool.fetch("SELECT charge_id FROM attempt WHERE invoice_id = $1 AND number = 2", invoice)
    setup = (await shop.open_setup())["setup_id"]
    assert await bank.pages.open(UUID(setup), charge["charge_id"]) is None


async def test_the_page_is_bound_to_its_charge_and_customer(shop: Shop, bank: Bank) -> None:
    body = await begun(shop, await owed(shop))
    page = await bank.page(body)
    assert page
    assert (page.setup.customer_id, page.order.customer_id, page.order.on_session, page.ended) == (
        shop.ana,
        shop.ana,
        True,
        False,
    )
    assert await bank.pages.open(UUID(body["setup_id"]), uuid4()) is None
    assert await bank.pages.open(uuid4(), UUID(body["id"])) is None
    assert (await shop.stack.type_card(body["setup_id"])).status_code == 404, "no card is typed on this page"


async def test_refusals_change_nothing(shop: Shop, stack: Stack) -> None:
    invoice = await owed(shop)
    other = (await shop.add("tok_visa"))["id"]
    before = await published(shop, invoice)
    for changes, expected in (
        ({"amount_minor": 1}, (409, "amount_changed")),
        ({"currency": "MXN"}, (409, "amount_changed")),
        ({"charge_invoices": []}, (409, "amount_changed")),
        ({"payment_method_id": str(uuid4())}, (409, "payment_method_gone")),
        ({"payment_method_id": None}, (422, "invalid_request")),
        ({"amount_minor": None, "currency": None}, (422, "invalid_request")),
        ({"currency": None}, (422, "invalid_request")),
        ({"portal_origin": "https://elsewhere.example"}, (422, "portal_origin_refused")),
        ({"customer": uuid4()}, (404, "not_found")),
    ):
        assert problem(await begin(shop, invoice, **changes)) == expected, changes
    assert problem(await begin(shop, uuid4())) == (404, "not_found")
    assert await published(shop, invoice) == before
    first = await begun(shop, invoice, payment_method_id=other)
    assert first["payment_method"]["id"] == other


async def test_a_waiting_charge_is_not_joined_with_another_card(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    waiting = next(method["id"] for method in await shop.methods() if method["is_default"])
    body = await begun(shop, invoice)
    await bank.secret(body)
    other = (await shop.add("tok_visa"))["id"]
    assert problem(await begin(shop, invoice, payment_method_id=other)) == (409, "charge_running")
    assert problem(await shop.pay(invoice)) == (409, "charge_running")
    assert (await begun(shop, invoice, payment_method_id=waiting))["id"] == body["id"]


async def test_a_paid_invoice_has_nothing_to_confirm_and_a_day_has_five_charges(shop: Shop, bank: Bank) -> None:
    invoice = await owed(shop)
    for number in range(2, PAYMENTS_PER_DAY_MAX + 2):
        body = await begun(shop, invoice)
        assert body["attempt"] == number
        await bank.reject(body)
        await shop.stack.until(partial(ended, shop, body))
    assert problem(await begin(shop, invoice)) == (429, "too_many_payments")
    await shop.add("tok_visa")
    paid = await shop.issue(MAY)
    await shop.until_charges(paid, (1, "succeeded", None))
    assert problem(await begin(shop, paid)) == (409, "nothing_owed")


async def ended(shop: Shop, body: dict[str, Any]) -> bool:
    sql = "SELECT status = 'failed' FROM attempt WHERE charge_id = $1"
    return bool(await shop.stack.pool.fetchval(sql, UUID(body["id"])))
