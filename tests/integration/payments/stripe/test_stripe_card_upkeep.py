"""Cards on file that change at Stripe: replaced by their network, detached, deleted with their customer, or lost by a restore."""

import json
from uuid import UUID, uuid5

from integration.payments.stack import NOW, Shop
from integration.payments.stripe.accounts import charge_of, connected, delivered, stripe_card

from billing_contracts.envelope import Envelope
from billing_contracts.payments import PaymentMethodUpdated
from billing_contracts.shapes import Card
from chassis.eventsourcing.event_store import Message
from portalctl.recovery.adoption import adopt
from portalctl.recovery.classification import TopicEvent
from support.service import record_of
from support.stripe.server import StripeServer


async def until_cards(shop: Shop, *expected: tuple[str, bool]) -> None:
    """Last four digits of each card, and whether it is the default."""

    async def cards() -> list[tuple[str, bool]]:
        return [(each["last4"], each["is_default"]) for each in await shop.methods()]

    async def holds() -> bool:
        return await cards() == list(expected)

    try:
        await shop.stack.until(holds)
    except TimeoutError:
        assert await cards() == list(expected)


async def test_a_card_that_its_network_replaced_is_shown_with_its_new_details(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    card = await stripe_card(shop, account)
    [at_stripe] = account.kinds("payment_method")
    renewed = account.renew(at_stripe["id"], "5555555555554444", year=2037)
    assert await delivered(shop, [renewed] * 3) == [200] * 3
    await until_cards(shop, ("4444", True))
    [method] = await shop.methods()
    assert (UUID(method["id"]), method["exp_year"]) == (card, 2037)
    stream = f"wallet-{shop.ana}"
    await shop.stack.until_events(stream, "PaymentMethodUpdated", "PaymentMethodRefreshed")
    assert await delivered(shop, [account.event("payment_method.updated", at_stripe)]) == [200]
    await shop.stack.until(lambda: all_cards_are_read(shop))
    await shop.stack.until_events(stream, "PaymentMethodUpdated", "PaymentMethodRefreshed")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))


async def test_the_details_in_a_webhook_are_not_believed(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    [at_stripe] = account.kinds("payment_method")
    event = account.event("payment_method.detached", at_stripe | {"customer": None})
    assert await delivered(shop, [event]) == [200]
    await shop.stack.until(lambda: all_cards_are_read(shop))
    await until_cards(shop, ("4242", True))


async def test_a_detached_card_is_removed_and_the_next_one_pays(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account, "5555555555554444")
    default = await stripe_card(shop, account)
    at_stripe = next(each for each in account.kinds("payment_method") if each["card"]["last4"] == "4242")
    account.detach(at_stripe["id"], {})
    assert await delivered(shop, [each for each in account.kinds("event") if each["type"] == "payment_method.detached"]) == [200]
    await until_cards(shop, ("4444", True))
    names = ["PaymentMethodUpdated", "PaymentMethodUpdated", "PaymentMethodRemoved", "PaymentMethodUpdated"]
    await shop.stack.until_events(f"wallet-{shop.ana}", *names)
    values = await shop.stack.pool.fetch("SELECT value FROM events WHERE stream = $1 ORDER BY version", f"wallet-{shop.ana}")
    data = json.loads(values[2]["value"])["data"]
    assert (data["payment_method_id"], data["reason"]) == (str(default), "detached")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))


async def test_a_deleted_customers_only_card_is_removed_though_it_is_needed(shop: Shop, stripe: StripeServer) -> None:
    """All webhooks are lost: the list of events reports it."""
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    [customer] = account.kinds("customer")
    account.delete_customer(customer["id"])
    await shop.stack.pool.execute("UPDATE stripe_account SET poll_at = now()")
    await until_cards(shop)
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "failed", "no_payment_method"))
    token = {"token": account.method("5555555555554444")["id"]}
    path = f"/v1/customers/{shop.ana}/payment-methods"
    # The first request notices that the customer is gone, the second one creates another.
    assert [(await shop.http.post(path, json=token)).status_code for _ in range(2)] == [503, 201]
    await until_cards(shop, ("4444", True))


async def test_a_card_is_read_later_while_stripe_does_not_answer(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    [at_stripe] = account.kinds("payment_method")
    fault = stripe.fault("hang", "read card")
    assert await delivered(shop, [account.renew(at_stripe["id"], "5555555555554444")]) == [200]

    async def requested() -> bool:
        return fault.happened == 1

    await shop.stack.until(requested)
    assert [each["last4"] for each in await shop.methods()] == ["4242"]
    await shop.stack.until(lambda: leased(shop))
    await shop.stack.pool.execute("UPDATE payment_method SET read_call_at = now()")
    await until_cards(shop, ("4444", True))


async def test_a_card_of_a_disconnected_account_stays_and_is_not_read_again(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    await shop.end()
    assert (await shop.http.delete("/v1/payment-provider")).status_code == 204
    await shop.stack.pool.execute("UPDATE payment_method SET read_call_at = now()")
    await shop.stack.until(lambda: all_cards_are_read(shop))
    await until_cards(shop, ("4242", True))


async def leased(shop: Shop) -> bool:
    return bool(await shop.stack.pool.fetchval("SELECT read_call_at > now() FROM payment_method WHERE removed_at IS NULL"))


async def all_cards_are_read(shop: Shop) -> bool:
    return bool(await shop.stack.pool.fetchval("SELECT bool_and(read_call_at IS NULL) FROM payment_method"))


async def test_a_card_that_a_restore_took_over_is_charged_by_its_provider(shop: Shop, stripe: StripeServer) -> None:
    """The backup is older than the card: its event comes from the topic, and no row has Stripe's ids."""
    account, merchant_id = await connected(shop, stripe), shop.merchant.id
    customer = account.create_customer({"metadata": {"customer_id": str(shop.ana)}})
    at_stripe = account.method("4242424242424242", customer=customer["id"])
    face = Card(id=uuid5(merchant_id, at_stripe["id"]), brand="visa", last4="4242", exp_month=12, exp_year=2031)
    event = PaymentMethodUpdated(payment_method=face, provider="stripe")
    value = record_of(event, merchant_id, f"wallet-{shop.ana}", NOW, shop.ana, 1).value
    assert value is not None
    envelope = Envelope.model_validate_json(value)
    lost = TopicEvent(envelope, Message("billing.payments", b"key", envelope.value()), "billing.payments/0@1")
    async with shop.stack.pool.acquire() as connection, connection.transaction():
        assert await adopt(connection, [lost]) == 1
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert account.captured(await charge_of(shop, invoice)) == 1
    await shop.stack.until(lambda: all_cards_are_read(shop))
    row = await shop.stack.pool.fetchrow("SELECT id, provider, fingerprint FROM payment_method")
    assert row is not None
    assert tuple(row) == (face.id, "stripe", at_stripe["card"]["fingerprint"])
