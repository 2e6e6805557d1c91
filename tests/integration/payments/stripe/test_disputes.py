"""Disputes of a merchant with a Stripe account: from webhooks and lists to events and `GET /v1/disputes`."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID, uuid5

import pytest
from integration.payments.stack import Shop, opened
from integration.payments.stripe.accounts import charge_of, connected, delivered, stripe_card

from billing_contracts.envelope import Envelope
from billing_contracts.payments import PaymentDisputeClosed, PaymentDisputed
from chassis.event_store.postgres_store import PostgresEventStore
from chassis.eventsourcing.command_handler import CommandHandler
from chassis.eventsourcing.context import Context
from payments.adapters import rows
from payments.application.aggregates import PAYMENT
from payments.domain.payment.commands import RecordDispute
from payments.domain.payment.events import Dispute
from payments.domain.shapes import Money
from support.stripe.checks import Values
from support.stripe.disputes import decide, escalate, open_dispute
from support.stripe.server import StripeServer
from support.stripe.standin import Account

PAID, DISPUTED, CLOSED = ("PaymentStarted", "PaymentSucceeded"), "PaymentDisputed", "PaymentDisputeClosed"


async def paid(shop: Shop, account: Account) -> tuple[UUID, UUID]:
    """An invoice that is paid with a card of the account, and its charge."""
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    return invoice, await charge_of(shop, invoice)


def about(account: Account, dispute: Values) -> list[Values]:
    return [each for each in account.kinds("event") if each["data"]["object"]["id"] == dispute["id"]]


async def listed(shop: Shop, query: str = "") -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await shop.http.get(f"/v1/disputes{query}")).json()["items"]
    return items


async def until_events(shop: Shop, invoice: UUID, *names: str) -> None:
    await shop.stack.until_events(f"payment-{invoice}", *PAID, *names)


async def newest(shop: Shop, invoice: UUID) -> Envelope:
    sql = "SELECT value FROM events WHERE stream = $1 ORDER BY version DESC LIMIT 1"
    return Envelope.model_validate_json(await shop.stack.pool.fetchval(sql, f"payment-{invoice}"))


async def test_a_dispute_is_announced_and_listed_until_it_is_lost(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice, charge = await paid(shop, account)
    dispute = open_dispute(account, charge, reason="product_not_received")
    assert await delivered(shop, about(account, dispute)) == [200]
    await until_events(shop, invoice, DISPUTED)
    announced = await newest(shop, invoice)
    data = PaymentDisputed.model_validate(announced.data)
    assert (data.charge_id, data.amount.amount_minor, data.reason) == (charge, 2999, "product_not_received")
    assert (data.reference, data.inquiry, data.respond_by is not None) == (dispute["id"], False, True)
    assert announced.customerid == shop.ana
    [item] = await listed(shop)
    facts = item["id"], item["invoice_id"], item["charge_id"], item["customer_id"], item["status"], item["returned"]
    assert facts == (str(data.dispute_id), str(invoice), str(charge), str(shop.ana), "open", False)
    decide(account, dispute, "lost")
    assert await delivered(shop, about(account, dispute)[-1:]) == [200]
    await until_events(shop, invoice, DISPUTED, CLOSED)
    end = PaymentDisputeClosed.model_validate((await newest(shop, invoice)).data)
    assert (end.dispute_id, end.outcome, end.returned) == (data.dispute_id, "lost", True)
    [item] = await listed(shop)
    assert (item["status"], item["returned"], item["respond_by"] is not None) == ("lost", True, True)
    assert item["closed_at"] >= item["opened_at"]
    assert await shop.charges(invoice) == [(1, "succeeded", None)]
    assert account.captured(charge) == 1


@pytest.mark.parametrize("outcome", ["won", "prevented"])
async def test_money_that_the_merchant_keeps_is_not_returned(shop: Shop, stripe: StripeServer, outcome: str) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    _, charge = await paid(shop, account)
    dispute = open_dispute(account, charge, inquiry=outcome == "prevented")
    decide(account, dispute, outcome)
    await delivered(shop, about(account, dispute))
    await shop.stack.until(partial(has_status, shop, outcome))
    assert [each["returned"] for each in await listed(shop)] == [False]


async def has_status(shop: Shop, *statuses: str) -> bool:
    return [each["status"] for each in await listed(shop)] == list(statuses)


async def test_an_inquiry_that_becomes_a_dispute_is_announced_twice(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice, charge = await paid(shop, account)
    dispute = open_dispute(account, charge, inquiry=True)
    await delivered(shop, about(account, dispute))
    await until_events(shop, invoice, DISPUTED)
    assert [each["inquiry"] for each in await listed(shop)] == [True]
    escalate(account, dispute)
    await delivered(shop, about(account, dispute)[-1:])
    await until_events(shop, invoice, DISPUTED, DISPUTED)
    assert [(each["inquiry"], each["status"]) for each in await listed(shop)] == [(False, "open")]


async def test_disputes_are_found_when_all_webhooks_are_lost(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice, charge = await paid(shop, account)
    open_dispute(account, charge)
    await shop.stack.pool.execute("UPDATE stripe_account SET poll_at = now()")
    await until_events(shop, invoice, DISPUTED)


async def test_an_open_dispute_that_was_recovered_from_the_topic_is_read_until_it_is_closed(
    shop: Shop, stripe: StripeServer
) -> None:
    """All events of Stripe about it were taken in before the database was lost."""
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice, charge = await paid(shop, account)
    dispute = open_dispute(account, charge)
    decide(account, dispute, "lost")
    opened_before = Dispute(
        uuid5(charge, dispute["id"]), Money(2999, "USD"), "fraudulent", dispute["id"], inquiry=False, respond_by=None
    )
    command = RecordDispute(charge, opened_before, datetime.now(UTC))
    async with PostgresEventStore(shop.stack.pool) as store:
        handler = CommandHandler(store, replace(PAYMENT, rows=rows.of_payment))
        await handler.handle(Context.beginning(shop.merchant.id, "operator"), invoice, command)
    await until_events(shop, invoice, DISPUTED, CLOSED)


async def test_a_content_is_not_believed(shop: Shop, stripe: StripeServer) -> None:
    """The webhook reports a lost dispute; at Stripe there is none."""
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoice, charge = await paid(shop, account)
    [intent] = account.intents_of(charge)
    invented = account.new("event", "evt_", type="charge.dispute.closed")
    invented["data"] = {"object": {"object": "dispute", "id": "dp_x", "payment_intent": intent["id"], "status": "lost"}}
    assert await delivered(shop, [invented]) == [200]

    async def was_read() -> bool:
        return stripe.count("disputes") > 1  # one when the account was connected

    await shop.stack.until(was_read)
    await until_events(shop, invoice)
    assert await listed(shop) == []


async def test_webhooks_in_any_order_while_requests_fail_lead_to_the_same_books(shop: Shop, stripe: StripeServer) -> None:
    """Repeated and reordered, of two disputes about one charge and one about another, and of a charge that is unknown here."""
    account, chosen = await connected(shop, stripe), random.Random(16)
    await stripe_card(shop, account)
    for kind in ("lost", "500 not done", "reset", "429", "not JSON"):
        stripe.fault(kind, "disputes", 1)
    (first, first_charge), (second, second_charge) = await paid(shop, account), await paid(shop, account)
    partial_dispute = open_dispute(account, first_charge, amount=1000, reason="credit_not_processed")
    whole = open_dispute(account, second_charge)
    later = open_dispute(account, first_charge, amount=1999)
    decide(account, partial_dispute, "lost")
    decide(account, whole, "won")
    decide(account, later, "lost")
    foreign = account.new("payment_intent", "pi_", status="succeeded", latest_charge="ch_x", metadata={"charge_id": str(first)})
    open_dispute(account, first)
    events = [each for each in account.kinds("event") if each["type"].startswith("charge.dispute.")]
    assert foreign["id"] == events[-1]["data"]["object"]["payment_intent"]
    batch = chosen.choices(events, k=60) + events
    chosen.shuffle(batch)
    assert await delivered(shop, batch) == [200] * len(batch)

    async def all_closed() -> bool:
        return len(await listed(shop, "?status=lost")) == 2 and len(await listed(shop, "?status=won")) == 1

    await shop.stack.until(all_closed)
    assert len(await listed(shop)) == 3
    for invoice, disputes in ((first, 2), (second, 1)):
        names = await shop.stack.event_names(f"payment-{invoice}")
        assert sorted(names) == sorted([*PAID, *[DISPUTED, CLOSED] * disputes])
    assert sorted((each["amount"]["amount_minor"], each["returned"]) for each in await listed(shop)) == [
        (1000, True),
        (1999, True),
        (2999, False),
    ]
    assert [account.captured(charge) for charge in (first_charge, second_charge)] == [1, 1]
    assert account.refunded(first_charge) == account.refunded(second_charge) == 0


async def test_the_list_is_paged_filtered_and_the_merchants_own(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    invoices = [await paid(shop, account) for _ in range(3)]
    for invoice, charge in invoices:
        await delivered(shop, about(account, open_dispute(account, charge)))
        await until_events(shop, invoice, DISPUTED)
    whole = await listed(shop)
    assert [each["invoice_id"] for each in whole] == [str(invoice) for invoice, _ in reversed(invoices)]
    first = (await shop.http.get("/v1/disputes?limit=2")).json()
    rest = (await shop.http.get(f"/v1/disputes?limit=2&cursor={first['next_cursor']}")).json()
    assert first["items"] + rest["items"] == whole
    assert rest["next_cursor"] is None
    assert await listed(shop, f"?invoice_id={invoices[1][0]}") == [whole[1]]
    assert await listed(shop, f"?customer_id={shop.ana}&status=open") == whole
    assert await listed(shop, "?status=won") == await listed(shop, f"?customer_id={invoices[0][0]}") == []
    bad_queries = ("status=closed", "limit=0", "limit=101", "cursor=x", "invoice_id=1")
    answers = [(await shop.http.get(f"/v1/disputes?{query}")).status_code for query in bad_queries]
    assert answers == [422] * len(bad_queries)
    other = await opened(shop.stack, test_clock=False)
    assert (await other.http.get(f"/v1/disputes?cursor={first['next_cursor']}")).json()["items"] == []
    assert (await shop.portal().get("/v1/disputes")).status_code == 403


async def test_a_key_without_the_permission_is_not_connected(shop: Shop, stripe: StripeServer) -> None:
    account = stripe.account()
    account.lacks.add("disputes")
    body = {"publishable_key": account.publishable_key, "restricted_key": account.key}
    answer = await shop.http.put("/v1/payment-provider", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "key_refused")
    assert "disputes" in answer.json()["detail"]
