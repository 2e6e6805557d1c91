"""Cards and charges of a merchant with a Stripe account: where they go, and what webhooks, lists and refused keys do."""

import random
from functools import partial
from uuid import UUID

from httpx import ASGITransport, AsyncClient
from integration.payments.stack import CARDS, Shop, Stack
from integration.payments.stripe.accounts import charge_of, connect, connected, delivered, provider_of, stripe_card

from support.stripe.server import StripeServer

GOOD, DECLINED = "4242424242424242", "4000000000000341"


async def ask_in_an_hour(stack: Stack) -> None:
    """Only a webhook or a list of events makes a charge due earlier."""
    await stack.pool.execute("UPDATE attempt SET call_at = now() + interval '1 hour' WHERE status IN ('open', 'unknown')")


async def test_new_cards_go_to_the_account_and_old_ones_stay_where_they_are(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    of_the_sandbox = await shop.issue()
    await shop.until_charges(of_the_sandbox, (1, "succeeded", None))
    new = await stripe_card(shop, account)
    of_the_account = await shop.issue()
    await shop.until_charges(of_the_account, (1, "succeeded", None))
    methods = [await provider_of(shop.stack, "payment_method", "id", id) for id in (old, new)]
    attempts = [await provider_of(shop.stack, "attempt", "invoice_id", id) for id in (of_the_sandbox, of_the_account)]
    assert (methods, attempts) == (["sandbox", "stripe"], ["sandbox", "stripe"])
    charge = await shop.stack.pool.fetchval("SELECT charge_id FROM attempt WHERE invoice_id = $1", of_the_account)
    assert account.captured(charge) == 1
    assert len((await shop.stack.ledger(shop.merchant.id))["charges"]) == 1
    refused = await shop.http.post(f"/v1/customers/{shop.ana}/payment-methods", json={"token": "tok_visa"})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_token")


async def test_a_set_up_stays_with_the_provider_that_its_page_showed(shop: Shop, stripe: StripeServer) -> None:
    setup = (await shop.open_setup())["setup_id"]
    typed = {"number": GOOD, "exp": "12/40", "cvc": "123"}
    async with AsyncClient(transport=ASGITransport(shop.stack.card_page), base_url=CARDS) as browser:
        assert (await browser.get(f"/cards/{setup}")).status_code == 200
        answer = await browser.post(f"/cards/{setup}/token", json=typed, headers={"sec-fetch-site": "same-origin"})
    token = answer.json()["token"]
    await connected(shop, stripe)
    assert (await shop.confirm(setup, token)).status_code == 200
    assert [method["last4"] for method in await shop.methods()] == ["4242"]


async def test_an_account_that_is_needed_is_not_disconnected(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)

    async def disconnect() -> tuple[int, str]:
        answer = await shop.http.delete("/v1/payment-provider")
        return answer.status_code, answer.json()["code"] if answer.content else ""

    assert await disconnect() == (409, "methods_in_use")
    await shop.end()
    stripe.fault("hang", "create", 1000)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    assert await disconnect() == (409, "charges_running")
    stripe.faults.clear()
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert await disconnect() == (204, "")
    later = await shop.issue()
    await shop.until_charges(later, (1, "failed", "processing_error"))


async def test_an_account_with_an_open_refund_is_not_disconnected(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    credited, voided = await shop.issue(), await shop.issue()
    for invoice in (credited, voided):
        await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.end()
    account.refund_status = "pending"

    async def disconnect() -> int:
        return (await shop.http.delete("/v1/payment-provider")).status_code

    async def under_way(refunds: int) -> bool:
        return len(account.kinds("refund")) == refunds

    await shop.credit(credited, 1000)
    await shop.stack.until(partial(under_way, 1))
    assert await disconnect() == 409
    account.kinds("refund")[0].update(status="failed", failure_reason="expired_or_canceled_card")
    await shop.until_refunds(credited, (1000, "credit_note", "failed"))
    await shop.void(voided)
    assert await disconnect() == 409
    await shop.stack.until(partial(under_way, 2))
    assert await disconnect() == 409
    account.kinds("refund")[1].update(status="succeeded")
    await shop.until_charges(voided, (1, "refunded", None))
    assert await disconnect() == 204


async def test_a_refused_key_stops_charges_until_a_key_is_connected(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    account.key_status = 401
    invoice = await shop.issue()

    async def refused() -> bool:
        return bool((await shop.http.get("/v1/payment-provider")).json()["state"] == "refused")

    await shop.stack.until(refused)
    requests = len(stripe.requests)
    await shop.stack.pool.execute("UPDATE attempt SET call_at = now()")

    async def asked_again() -> bool:
        return bool(await shop.stack.pool.fetchval("SELECT calls > 2 FROM attempt WHERE invoice_id = $1", invoice))

    await shop.stack.until(asked_again)
    assert len(stripe.requests) == requests
    assert await shop.charges(invoice) == [(1, "open", None)]
    failures, degraded = await shop.stack.health.failures(), await shop.stack.health.degraded()
    assert (failures, list(degraded)) == ({}, ["provider_accounts"])
    account.key_status = 200
    await connect(shop, account)
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert account.captured(await charge_of(shop, invoice)) == 1


async def test_a_webhook_ends_a_charge_with_a_lost_answer_at_once(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    stripe.fault("lost", "confirm")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    await ask_in_an_hour(shop.stack)
    paid = [each for each in account.kinds("event") if each["type"] == "payment_intent.succeeded"]
    assert await delivered(shop, paid * 5) == [200] * 5
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert account.captured(await charge_of(shop, invoice)) == 1


async def test_a_refund_that_the_bank_returns_has_failed_and_is_not_made_again(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.credit(invoice, 1000)
    await shop.until_refunds(invoice, (1000, "credit_note", "made"))
    (refund,) = account.kinds("refund")
    assert await delivered(shop, [account.event("refund.updated", refund)]) == [200]
    await shop.stack.until(partial(nothing_to_review, shop))
    assert await shop.refunds(invoice) == [(1000, "credit_note", "made")]
    returned = account.return_refund(refund["id"])
    stripe.fault("hang", "read refund")
    assert await delivered(shop, [returned] * 3) == [200] * 3
    await shop.until_refunds(invoice, (1000, "credit_note", "failed"))
    names = await shop.stack.event_names(f"payment-{invoice}")
    assert names[-3:] == ["PaymentRefundRequested", "PaymentRefunded", "PaymentRefundFailed"]
    await shop.stack.until(partial(nothing_to_review, shop))
    assert len(account.kinds("refund")) == 1
    assert await shop.charges(invoice) == [(1, "succeeded", None)]


async def test_a_voided_invoice_is_owed_its_money_after_the_bank_returned_the_refund(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.void(invoice)
    await shop.until_charges(invoice, (1, "refunded", None))
    (refund,) = account.kinds("refund")
    account.return_refund(refund["id"])
    await shop.stack.pool.execute("UPDATE stripe_account SET poll_at = now()")
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert await shop.refunds(invoice) == [(2999, "invoice_voided", "failed")]
    assert len(account.kinds("refund")) == 1


async def nothing_to_review(shop: Shop) -> bool:
    sql = "SELECT NOT EXISTS (SELECT FROM refund WHERE status = 'made' AND review_at IS NOT NULL)"
    return bool(await shop.stack.pool.fetchval(sql))


async def test_a_body_is_not_believed(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    stripe.fault("hang", "create", 1000)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "unknown", None))
    charge = await charge_of(shop, invoice)
    intent = account.new("payment_intent", "pi_", status="succeeded", metadata={"charge_id": str(charge)})
    assert await delivered(shop, [account.event("payment_intent.succeeded", intent)]) == [200]
    stripe.faults.clear()
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert account.captured(charge) == 1


async def test_all_charges_end_when_all_webhooks_are_lost(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    stripe.fault("lost", "confirm", 3)
    invoices = [await shop.issue() for _ in range(3)]
    for invoice in invoices:
        await shop.until_charges(invoice, (1, "unknown", None))
    await ask_in_an_hour(shop.stack)
    await shop.stack.pool.execute("UPDATE stripe_account SET poll_at = now()")
    for invoice in invoices:
        await shop.until_charges(invoice, (1, "succeeded", None))
    taken_in = await shop.stack.pool.fetchval("SELECT count(*) FROM stripe_event")
    assert taken_in >= 3
    assert await delivered(shop, account.kinds("event")) == [200] * len(account.kinds("event"))


async def test_a_thousand_webhooks_in_any_order_lead_to_the_same_books(shop: Shop, stripe: StripeServer) -> None:
    """Repeated, reordered, of voided invoices, of unknown charges and of ended ones; while answers are lost and failing."""
    account, chosen = await connected(shop, stripe), random.Random(16)
    await stripe_card(shop, account)
    for kind in ("lost", "500 done", "reset", "429"):
        stripe.fault(kind, "confirm", 1)
    invoices = [await shop.issue() for _ in range(6)]
    await shop.void(invoices[-1])
    unknown = account.new("payment_intent", "pi_", status="succeeded", metadata={"charge_id": str(invoices[0])})
    account.event("payment_intent.succeeded", unknown)
    account.event("customer.created", account.kinds("customer")[0])
    sent = 0
    while sent < 1000:
        events = account.kinds("event")
        batch = chosen.choices(events, k=50)
        assert await delivered(shop, batch) == [200] * len(batch)
        sent += len(batch)
    for invoice in invoices[:-1]:
        await shop.until_charges(invoice, (1, "succeeded", None))
    charges = [await charge_of(shop, invoice) for invoice in invoices]
    assert [account.captured(charge) for charge in charges[:-1]] == [1] * 5

    async def voided_has_ended() -> bool:
        [(_, status, _)] = await shop.charges(invoices[-1])
        balance = account.captured(charges[-1]) * 2999 - account.refunded(charges[-1])
        return status in ("failed", "refunded") and balance == 0

    await shop.stack.until(voided_has_ended)
