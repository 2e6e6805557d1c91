import asyncio
from uuid import UUID, uuid4

from integration.payments.stack import NOW, Shop, Stack

from billing_contracts.envelope import Envelope
from billing_contracts.payments import PaymentFailed, PaymentMethodUpdated, PaymentRefunded, PaymentSucceeded

DECLINED, NO_CARD = "card_declined", "no_payment_method"
STARTED, PAID, FAILED, UNKNOWN = "PaymentStarted", "PaymentSucceeded", "PaymentFailed", "PaymentOutcomeUnknown"


async def envelopes(stack: Stack, stream: str) -> list[Envelope]:
    rows = await stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", stream)
    return [Envelope.model_validate_json(row["value"]) for row in rows]


async def taken(shop: Shop, invoice: UUID) -> int:
    """How often the provider took money for the invoice and kept it."""
    charges = {charge["id"] for charge in (await shop.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"]}
    books = await shop.stack.ledger(shop.merchant.id)
    given_back = {refund["charge_id"] for refund in books["refunds"]}
    took = {charge["charge_id"] for charge in books["charges"] if charge["code"] is None}
    return len((took & charges) - given_back)


async def test_an_issued_invoice_is_paid_with_the_card_on_file(shop: Shop) -> None:
    card = await shop.add("tok_visa")
    assert (card["brand"], card["last4"], card["exp_month"], card["exp_year"]) == ("visa", "4242", 12, 2025)
    invoice = await shop.issue()
    await shop.stack.until_events(f"payment-{invoice}", STARTED, PAID)
    await shop.until_charges(invoice, (1, "succeeded", None))
    paid = (await envelopes(shop.stack, f"payment-{invoice}"))[1]
    data = PaymentSucceeded.model_validate(paid.data)
    assert paid.customerid == shop.ana
    assert (data.invoice_id, data.subscription_id, data.amount.amount_minor) == (invoice, shop.subscription, 2999)
    assert data.payment_method is not None
    assert data.payment_method.last4 == "4242"
    assert abs((paid.time - NOW).total_seconds()) < 600, "it happened by the merchant's clock"
    assert await taken(shop, invoice) == 1


async def test_a_repeated_invoice_event_charges_once(shop: Shop) -> None:
    await shop.add("tok_visa")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.retry(invoice)
    await asyncio.sleep(0.5)
    assert await shop.charges(invoice) == [(1, "succeeded", None)]


async def test_without_a_card_it_has_failed_at_once(shop: Shop) -> None:
    invoice = await shop.issue()
    assert await shop.charges(invoice) == [(1, "failed", NO_CARD)]
    failed = PaymentFailed.model_validate((await envelopes(shop.stack, f"payment-{invoice}"))[0].data)
    assert (failed.code, failed.retryable, failed.payment_method) == (NO_CARD, False, None)


async def test_a_declined_charge_is_tried_again_when_a_retry_is_due(shop: Shop) -> None:
    await shop.add("tok_saves_then_declines")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", DECLINED))
    await shop.add("tok_mastercard")
    assert len(await shop.charges(invoice)) == 1, "nothing is charged without being listed or due"
    await shop.retry(invoice)
    await shop.until_charges(invoice, (1, "failed", DECLINED), (2, "succeeded", None))


async def test_an_expired_card_fails_and_only_another_one_can_help(shop: Shop) -> None:
    await shop.add("tok_expired")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "expired_card"))
    failed = PaymentFailed.model_validate((await envelopes(shop.stack, f"payment-{invoice}"))[1].data)
    assert not failed.retryable


async def test_a_charge_stays_unknown_until_the_provider_answers(shop: Shop) -> None:
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "hang")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    await shop.retry(invoice)
    assert len(await shop.charges(invoice)) == 1, "what is unknown keeps the next attempt waiting"
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert await shop.stack.event_names(f"payment-{invoice}") == [STARTED, UNKNOWN, PAID]
    assert await taken(shop, invoice) == 1


async def test_an_answer_that_is_lost_or_late_is_found_and_charged_once(shop: Shop) -> None:
    await shop.add("tok_visa")
    for mode, seconds in (("lose", 0), ("late", 2)):
        await shop.stack.misbehave(shop.merchant.id, mode, seconds)
        invoice = await shop.issue()
        await shop.stack.until_events(f"payment-{invoice}", STARTED, UNKNOWN, PAID)
        assert await taken(shop, invoice) == 1


async def test_an_invoice_voided_while_its_charge_hangs_is_not_charged(shop: Shop) -> None:
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "hang")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    await shop.void(invoice)
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_charges(invoice, (1, "failed", "processing_error"))
    await shop.retry(invoice)
    assert len(await shop.charges(invoice)) == 1
    assert await taken(shop, invoice) == 0


async def test_a_charge_for_an_invoice_voided_meanwhile_is_refunded(shop: Shop) -> None:
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "late", 4)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    await shop.void(invoice)
    await shop.stack.until_events(f"payment-{invoice}", STARTED, UNKNOWN, PAID, "PaymentRefundRequested", "PaymentRefunded")
    refunded = PaymentRefunded.model_validate((await envelopes(shop.stack, f"payment-{invoice}"))[-1].data)
    assert (refunded.reason, refunded.detail, refunded.amount.amount_minor) == ("invoice_voided", None, 2999)
    assert await shop.charges(invoice) == [(1, "refunded", None)]
    assert await taken(shop, invoice) == 0


async def test_a_paid_invoice_that_is_voided_is_given_back_once(shop: Shop) -> None:
    await shop.add("tok_visa")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.void(invoice)
    await shop.until_charges(invoice, (1, "refunded", None))
    assert len((await shop.stack.ledger(shop.merchant.id))["refunds"]) == 1


async def test_many_invoices_at_once_are_charged_once_each(shop: Shop) -> None:
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "lose")
    invoices = [await shop.issue() for _ in range(20)]
    for invoice in invoices:
        await shop.until_charges(invoice, (1, "succeeded", None))
    books = await shop.stack.ledger(shop.merchant.id)
    assert len(books["charges"]) == 20


async def test_a_worker_that_died_in_the_middle_leaves_its_work_to_others(shop: Shop) -> None:
    await shop.add("tok_visa")
    await shop.stack.misbehave(shop.merchant.id, "lose")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    died = "UPDATE attempt SET status = 'open', call_at = now(), calls = 1 WHERE invoice_id = $1"
    await shop.stack.pool.execute(died, invoice)
    await asyncio.sleep(0.5)
    assert await shop.stack.event_names(f"payment-{invoice}") == [STARTED, UNKNOWN, PAID], "asking again changes nothing"
    assert await taken(shop, invoice) == 1


async def test_the_default_is_announced_and_listed(shop: Shop) -> None:
    first, second = await shop.add("tok_visa"), await shop.add("tok_amex")
    updated = [PaymentMethodUpdated.model_validate(e.data) for e in await envelopes(shop.stack, f"wallet-{shop.ana}")]
    assert [(str(u.payment_method.id), u.replaces) for u in updated] == [(first["id"], None), (second["id"], UUID(first["id"]))]
    assert [(m["last4"], m["is_default"]) for m in await shop.methods()] == [("0005", True), ("4242", False)]


async def test_the_last_card_stays_while_a_subscription_needs_it(shop: Shop) -> None:
    first, second = await shop.add("tok_visa"), await shop.add("tok_amex")
    assert (await shop.http.delete(f"/v1/payment-methods/{second['id']}")).status_code == 202
    assert [m["last4"] for m in await shop.methods()] == ["4242"]
    assert (await shop.http.get(f"/v1/payment-methods/{second['id']}")).status_code == 404
    refused = await shop.http.delete(f"/v1/payment-methods/{first['id']}")
    assert (refused.status_code, refused.json()["code"]) == (409, "last_payment_method")
    await shop.end()
    assert (await shop.http.delete(f"/v1/payment-methods/{first['id']}")).status_code == 202
    assert await shop.stack.event_names(f"wallet-{shop.ana}") == [
        *["PaymentMethodUpdated"] * 2,
        "PaymentMethodRemoved",
        "PaymentMethodUpdated",
        "PaymentMethodRemoved",
    ]


async def test_a_repeated_request_adds_one_card(shop: Shop) -> None:
    path, headers = f"/v1/customers/{shop.ana}/payment-methods", {"idempotency-key": "one"}
    answers = await asyncio.gather(*(shop.http.post(path, json={"token": "tok_visa"}, headers=headers) for _ in range(5)))
    assert {answer.text for answer in answers} == {answers[0].text}
    assert len(await shop.methods()) == 1
    other = await shop.http.post(path, json={"token": "tok_amex"}, headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


async def test_foreign_and_unknown_ids_get_the_same_404(shop: Shop) -> None:
    stranger, ids = shop.portal(customer=uuid4()), (shop.ana, uuid4())
    for method, path, body in (
        ("POST", "/v1/customers/{}/setups", {}),
        ("PUT", "/v1/customers/{}/default-payment-method", {"setup_id": str(uuid4()), "token": "tok"}),
    ):
        for id in ids:
            answer = await stranger.request(method, path.format(id), json=body)
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_portal_may_not_do_what_no_customer_does_there(shop: Shop) -> None:
    card, own = await shop.add("tok_visa"), f"/v1/customers/{shop.ana}/payment-methods"
    for method, path in (("GET", own), ("POST", own), ("GET", f"/v1/payment-methods/{card['id']}"), ("GET", "/v1/charges")):
        answer = await shop.portal().request(method, path, json={"token": "tok_visa"})
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), path
    assert [method["id"] for method in await shop.methods()] == [card["id"]]


async def test_bad_requests_change_nothing(shop: Shop) -> None:
    path = f"/v1/customers/{shop.ana}/payment-methods"
    for body, status in (
        ({"token": "tok_unknown"}, 422),
        ({"token": 7}, 422),
        ({"token": "tok_visa", "more": 1}, 422),
        ({}, 422),
        ({"token": "x" * 101}, 422),
    ):
        assert (await shop.http.post(path, json=body)).status_code == status
    assert (await shop.http.post(path, content=b"{", headers={"content-type": "application/json"})).status_code == 400
    assert (await shop.http.get("/v1/charges?invoice_id=none")).status_code == 422
    assert await shop.methods() == []


async def test_only_the_operator_makes_the_sandbox_misbehave(shop: Shop) -> None:
    body = {"merchant_id": str(shop.merchant.id), "mode": "hang"}
    assert (await shop.http.post("/sandbox/behaviour", json=body)).status_code == 403
    assert (await shop.http.get(f"/sandbox/ledger?merchant_id={shop.merchant.id}")).status_code == 403
