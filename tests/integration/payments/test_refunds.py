"""Refunds on a real database: requested before the provider is called, made once, together at most what was taken."""

import asyncio
from uuid import UUID

from integration.payments.stack import Shop

from billing_contracts.envelope import Envelope
from billing_contracts.payments import PaymentRefunded, PaymentRefundFailed

STARTED, PAID, REQUESTED, REFUNDED = "PaymentStarted", "PaymentSucceeded", "PaymentRefundRequested", "PaymentRefunded"


async def paid_invoice(shop: Shop, card: str = "tok_visa") -> UUID:
    await shop.add(card)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    return invoice


async def last_event(shop: Shop, invoice: UUID) -> Envelope:
    sql = "SELECT value FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1"
    return Envelope.model_validate_json(await shop.stack.pool.fetchval(sql, f"payment-{invoice}"))


async def given_back(shop: Shop) -> list[int]:
    return [refund["amount_minor"] for refund in (await shop.stack.ledger(shop.merchant.id))["refunds"]]


async def test_a_credit_note_is_refunded_and_the_rest_stays_paid(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    note = await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    assert await shop.charges(invoice) == [(1, "succeeded", None)]
    await shop.stack.until_events(f"payment-{invoice}", STARTED, PAID, REQUESTED, REFUNDED)
    refunded = PaymentRefunded.model_validate((await last_event(shop, invoice)).data)
    assert (refunded.refund_id, refunded.amount.amount_minor, refunded.detail) == (note, 1000, "credit_note")
    assert await given_back(shop) == [1000]


async def test_a_repeated_credit_note_event_is_refunded_once(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    note = await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    await shop.credit(invoice, 1000, note, 3)
    assert await shop.refunds(invoice) == [(1000, "credit_note", "made")]
    assert await given_back(shop) == [1000]


async def test_two_partial_refunds_that_make_the_whole_show_as_refunded(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    await shop.credit(invoice, 1000)
    await shop.credit(invoice, 1999, sequence=3)
    await shop.until_charges(invoice, (1, "refunded", None))
    assert sorted(await given_back(shop)) == [1000, 1999]


async def test_credit_notes_of_more_than_the_payment_give_back_no_more(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    await shop.credit(invoice, 2000)
    await shop.credit(invoice, 2000, sequence=3)
    await shop.until_refunds(invoice, (2000, "credit_note", "made"))
    assert await given_back(shop) == [2000]


async def test_voiding_after_a_partial_refund_gives_back_the_rest(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    await shop.credit(invoice, 1000)
    await shop.void(invoice)
    await shop.until_charges(invoice, (1, "refunded", None))
    assert sorted(await given_back(shop)) == [1000, 1999]


async def test_the_request_is_committed_before_the_provider_is_called_and_found_again_after_a_crash(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    await shop.stack.misbehave(shop.merchant.id, "hang", 0)
    await shop.credit(invoice, 1000)
    assert await shop.stack.event_names(f"payment-{invoice}") == [STARTED, PAID, REQUESTED]
    assert await given_back(shop) == []
    await shop.stack.misbehave(shop.merchant.id, "normal")
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    assert await given_back(shop) == [1000]


async def test_a_refund_with_a_lost_answer_is_made_once(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    await shop.stack.misbehave(shop.merchant.id, "lose")
    await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    assert await given_back(shop) == [1000]


async def test_several_workers_make_one_refund(shop: Shop) -> None:
    invoice = await paid_invoice(shop)
    queue = shop.stack.service.workers["refunds"]
    await shop.credit(invoice, 1000)
    stop = asyncio.Event()
    others = [asyncio.ensure_future(queue(stop)) for _ in range(4)]
    try:
        await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    finally:
        stop.set()
        await asyncio.gather(*others)
    assert await given_back(shop) == [1000]
    assert (await shop.stack.event_names(f"payment-{invoice}")).count(REFUNDED) == 1


async def test_a_refund_under_way_is_made_later(shop: Shop) -> None:
    invoice = await paid_invoice(shop, "tok_refunds_later")
    await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    assert await given_back(shop) == [1000]


async def test_a_refused_refund_has_failed_for_good(shop: Shop) -> None:
    invoice = await paid_invoice(shop, "tok_refuses_refunds")
    note = await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "failed"))
    failed = PaymentRefundFailed.model_validate((await last_event(shop, invoice)).data)
    assert (failed.refund_id, failed.amount.amount_minor, failed.code) == (note, 1000, "expired_or_canceled_card")
    assert await given_back(shop) == []


async def test_a_refund_that_the_previous_release_booked_is_not_made_again(shop: Shop) -> None:
    """Its insert names neither refund nor amount."""
    invoice = await paid_invoice(shop)
    (charge,) = (await shop.http.get(f"/v1/charges?invoice_id={invoice}")).json()["items"]
    sql = "INSERT INTO sandbox_refund (merchant_id, charge_id, reference) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
    for _ in range(2):
        await shop.stack.pool.execute(sql, shop.merchant.id, UUID(charge["id"]), "sbx_re_old")
    await shop.void(invoice)
    await shop.until_charges(invoice, (1, "refunded", None))
    assert await given_back(shop) == [2999]
