"""`verify --provider`: the payment intents and refunds of an account at Stripe against the rows of payments."""

import base64
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from integration.payments.stack import KEY_ENCRYPTION_KEY, Shop
from integration.payments.stripe.accounts import charge_of, connected, stripe_card

from portalctl.local.errors import StackError
from support.databases import ServiceDatabase
from support.stripe.checks import Values
from support.stripe.server import FaultKind, StripeServer
from support.stripe.standin import Account
from verify.provider import stripe_lists
from verify.provider.books import Books, compare

KEYS = [base64.b64decode(KEY_ENCRYPTION_KEY)]
DECLINED = "4000000000000341"


async def compared(database: ServiceDatabase, stripe: StripeServer, keys: list[bytes] = KEYS) -> Books:
    return await compare(database.url, keys, 7, base_url=stripe.url, own=False, progress=lambda _: None)


async def in_business(shop: Shop, stripe: StripeServer) -> Account:
    """One payment, one that was refunded in part, and one that was declined."""
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    paid, credited = await shop.issue(), await shop.issue()
    for invoice in (paid, credited):
        await shop.until_charges(invoice, (1, "succeeded", None))
    await shop.credit(credited, 1000)
    await shop.until_refunds(credited, (1000, "credit_note", "made"))
    await stripe_card(shop, account, DECLINED)
    declined = await shop.issue()
    await shop.until_charges(declined, (1, "failed", "card_declined"))
    return account


async def test_the_same_books_agree_and_nothing_is_changed(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await in_business(shop, stripe)
    account.new("payment_intent", "pi_", status="succeeded", metadata={})  # of another program of the merchant
    requests, objects = len(stripe.requests), len(account.objects)
    books = await compared(database, stripe)
    assert (books.differences, books.accounts, books.seen) == ([], 1, {"payment_intents": 4, "refunds": 1})
    assert {each.method for each in stripe.requests[requests:]} == {"GET"}
    assert len(account.objects) == objects

    # when the list has several pages, then all are read
    monkeypatch.setattr(stripe_lists, "PAGE", 2)
    first = account.kinds("payment_intent")[0]
    first.update(status="canceled")
    books = await compared(database, stripe)
    assert books.seen == {"payment_intents": 4, "refunds": 1}
    assert len(books.differences) == 1
    assert f"succeeded in payments, and is canceled at Stripe ({first['id']})" in books.differences[0]

    # when a page was read before the charge was confirmed, and the row afterwards, then both are read again
    first.update(status="succeeded")
    page: Callable[..., Values] = account.page

    def earlier(path: str, kind: str, *more: Any) -> Values:
        answer = page(path, kind, *more)
        items = [each | ({"status": "processing"} if kind == "payment_intent" else {}) for each in answer["data"]]
        return answer | {"data": items}

    monkeypatch.setattr(account, "page", earlier)
    assert (await compared(database, stripe)).differences == []


async def test_money_that_only_stripe_has_is_a_difference(shop: Shop, stripe: StripeServer, database: ServiceDatabase) -> None:
    account = await in_business(shop, stripe)
    (refund,) = account.kinds("refund")
    paid = next(each for each in account.kinds("payment_intent") if each["status"] == "succeeded")
    unknown, again = str(uuid4()), paid["metadata"]["charge_id"]
    for charge in (unknown, again):
        account.new("payment_intent", "pi_", status="succeeded", metadata={"charge_id": charge})
    account.new("refund", "re_", payment_intent=paid["id"], status="succeeded", metadata={})
    account.new("refund", "re_", payment_intent=refund["payment_intent"], metadata=refund["metadata"], status="succeeded")
    books = await compared(database, stripe)
    for part in (
        f"for charge {unknown}, which payments does not have",
        f"charge {again} has",
        f"of charge {again} is succeeded at Stripe, and payments does not have it",
        f"beside {refund['id']}",
    ):
        assert [part in each for each in books.differences].count(True) == 1, books.differences
    assert len(books.differences) == 4


async def test_what_only_payments_has_is_a_difference(shop: Shop, stripe: StripeServer, database: ServiceDatabase) -> None:
    account = await in_business(shop, stripe)
    gone = [account.kinds("payment_intent")[0]["id"], account.kinds("refund")[0]["id"]]
    for id in gone:
        del account.objects[id]
    books = await compared(database, stripe)
    expected = [f"merchant {shop.merchant.id}: {id} is in payments, and unknown to Stripe" for id in gone]
    assert books.differences == expected


async def test_a_refund_that_the_bank_returned_is_a_difference_until_it_is_recorded(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase
) -> None:
    account = await in_business(shop, stripe)
    account.return_refund(account.kinds("refund")[0]["id"])
    assert len((await compared(database, stripe)).differences) == 1
    await shop.stack.pool.execute("UPDATE refund SET review_at = now()")
    charge = await shop.stack.pool.fetchval("SELECT invoice_id FROM refund")
    await shop.until_refunds(charge, (1000, "credit_note", "failed"))
    assert (await compared(database, stripe)).clean


async def test_a_fault_for_a_moment_is_no_difference(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_lists, "_FIRST_PAUSE_SECONDS", 0.01)
    await connected(shop, stripe)
    kinds: tuple[FaultKind, ...] = ("429", "409", "500 not done", "reset", "not JSON")
    for kind in kinds:
        fault = stripe.fault(kind, "list", 2)
        assert (await compared(database, stripe)).differences == []
        assert fault.happened == 2


async def test_an_account_that_cannot_be_read_is_a_difference(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stripe_lists, "_FIRST_PAUSE_SECONDS", 0.01)
    account = await connected(shop, stripe)
    account.key_status = 401
    name = f"the test account of merchant {shop.merchant.id} cannot be read"
    assert (await compared(database, stripe)).differences == [f"{name}: 401"]
    assert await shop.stack.pool.fetchval("SELECT state FROM stripe_account") == "connected"
    account.key_status = 200
    stripe.fault("500 not done", "list", 100)
    assert (await compared(database, stripe)).differences == [f"{name}: 500"]
    stripe.faults.clear()
    account.new("payment_intent", "pi_", metadata={})["livemode"] = True
    assert (await compared(database, stripe)).differences == [f"{name}: an answer for the other mode"]
    with pytest.raises(StackError, match="is not set"):
        await compared(database, stripe, [])
    with pytest.raises(StackError, match="does not open"):
        await compared(database, stripe, [bytes(32)])


async def test_charges_in_the_sandbox_are_not_compared_with_stripe(
    shop: Shop, stripe: StripeServer, database: ServiceDatabase
) -> None:
    await shop.add("tok_visa")
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    await connected(shop, stripe)
    assert await charge_of(shop, invoice)
    books = await compared(database, stripe)
    assert (books.differences, books.seen) == ([], {"payment_intents": 0, "refunds": 0})
