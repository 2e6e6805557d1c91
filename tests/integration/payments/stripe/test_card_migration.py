"""Cards on file that move to a merchant's Stripe account: by `POST /v1/payment-method-migrations`."""

from functools import partial
from typing import Any
from uuid import UUID, uuid4

from httpx import Response
from integration.payments.stack import Shop, opened
from integration.payments.stripe.accounts import charge_of, connected, provider_of, stripe_card

from support.stripe.server import StripeServer
from support.stripe.standin import Account

GOOD, OTHER = "4242424242424242", "5555555555554444"


def imported(account: Account, number: str = GOOD) -> str:
    """An import has created a customer and a card in the account."""
    customer: str = account.create_customer({})["id"]
    card: str = account.method(number, customer=customer)["id"]
    return card


async def migrate(shop: Shop, old: object, new: str, *, dry_run: bool = False) -> Response:
    return await shop.http.post("/v1/payment-method-migrations", json={"old": str(old), "new": new, "dry_run": dry_run})


def result(answer: Response) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body["status"] if answer.is_success else body["code"]


async def on_file(shop: Shop) -> list[tuple[str, str, bool, bool]]:
    """Provider, last four digits, default, backup."""
    columns = "provider, last4, is_default, is_backup"
    sql = f"SELECT {columns} FROM payment_method WHERE removed_at IS NULL ORDER BY is_default DESC, last4"
    rows = await shop.stack.pool.fetch(sql)
    return [(row["provider"], row["last4"], row["is_default"], row["is_backup"]) for row in rows]


async def tables(shop: Shop) -> list[Any]:
    """All that a migration may write."""
    names = ("payment_method", "stripe_method", "stripe_customer")
    rows = [await shop.stack.pool.fetch(f"SELECT * FROM {name} ORDER BY merchant_id, 2") for name in names]
    return [*rows, await shop.stack.pool.fetch("SELECT stream, version FROM events ORDER BY stream, version")]


async def test_a_card_moves_to_the_account_with_its_role_and_is_charged_there(shop: Shop, stripe: StripeServer) -> None:
    backup, default = UUID((await shop.add("tok_mastercard"))["id"]), UUID((await shop.add("tok_visa"))["id"])
    consent = {"text": "backup-1", "language": "es"}
    assert (await shop.http.put(f"/v1/payment-methods/{backup}/backup", json=consent)).status_code == 202
    account = await connected(shop, stripe)
    new, of_backup = imported(account), imported(account, OTHER)
    assert result(await migrate(shop, default, new)) == (200, "migrated")
    assert await on_file(shop) == [("stripe", "4242", True, False), ("sandbox", "4444", False, True)]
    assert result(await migrate(shop, backup, of_backup)) == (200, "migrated")
    assert await on_file(shop) == [("stripe", "4242", True, False), ("stripe", "4444", False, True)]
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))
    assert await provider_of(shop.stack, "attempt", "invoice_id", invoice) == "stripe"
    assert account.captured(await charge_of(shop, invoice)) == 1
    owner = account.objects[account.objects[new]["customer"]]
    assert owner["metadata"] == {"customer_id": str(shop.ana)}
    # A later card of the customer is saved with the imported customer.
    setups = len(account.kinds("customer"))
    await stripe_card(shop, account, "378282246310005")
    assert len(account.kinds("customer")) == setups


async def test_a_dry_run_checks_and_changes_nothing(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    new = imported(account)
    before, objects, requests = await tables(shop), len(account.objects), len(stripe.requests)
    answer = await migrate(shop, old, new, dry_run=True)
    assert result(answer) == (200, "possible")
    body = answer.json()
    assert (body["customer_id"], body["old"]["id"], body["new"]["last4"]) == (str(shop.ana), str(old), "4242")
    assert await tables(shop) == before
    assert len(account.objects) == objects
    assert {each.method for each in stripe.requests[requests:]} == {"GET"}
    assert (await migrate(shop, old, new)).json()["new"]["id"] == body["new"]["id"]


async def test_a_repetition_changes_nothing(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    new = imported(account)
    body, key = {"old": str(old), "new": new}, {"idempotency-key": "migration"}
    answers = [await shop.http.post("/v1/payment-method-migrations", json=body, headers=key) for _ in range(2)]
    assert [result(each) for each in answers] == [(200, "migrated")] * 2
    before, requests = await tables(shop), len(stripe.requests)
    for dry_run in (True, False):
        assert result(await migrate(shop, old, new, dry_run=dry_run)) == (200, "migrated_before")
    assert {each.method for each in stripe.requests[requests:]} == {"GET"}
    changed = await tables(shop)
    assert changed[1:] == before[1:]


async def test_the_sandbox_imports_its_test_tokens(shop: Shop) -> None:
    old = UUID((await shop.add("tok_mastercard"))["id"])
    assert result(await migrate(shop, old, "tok_visa", dry_run=True)) == (200, "possible")
    assert await on_file(shop) == [("sandbox", "4444", True, False)]
    assert result(await migrate(shop, old, "tok_visa")) == (200, "migrated")
    assert result(await migrate(shop, old, "tok_visa")) == (200, "migrated_before")
    assert await on_file(shop) == [("sandbox", "4242", True, False)]
    invoice = await shop.issue()
    await shop.until_charges(invoice, (1, "succeeded", None))


async def test_an_interrupted_migration_continues(shop: Shop, stripe: StripeServer) -> None:
    """Stripe's answer is lost after the customer was named, and the repetition finishes the line."""
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    new = imported(account)
    stripe.fault("lost", "name customer")
    assert result(await migrate(shop, old, new)) == (503, "service_unavailable")
    assert await on_file(shop) == [("sandbox", "4242", True, False)]
    assert result(await migrate(shop, old, new)) == (200, "migrated")
    assert await on_file(shop) == [("stripe", "4242", True, False)]


async def test_a_card_is_named_by_its_providers_id_and_may_be_unattached(shop: Shop, stripe: StripeServer) -> None:
    account = await connected(shop, stripe)
    await stripe_card(shop, account)
    [old], new = account.kinds("payment_method"), account.method(OTHER)
    assert result(await migrate(shop, old["id"], new["id"])) == (200, "migrated")
    assert await on_file(shop) == [("stripe", "4444", True, False)]
    assert new["customer"] is not None

    async def detached() -> bool:
        return old["customer"] is None

    await shop.stack.until(detached)


async def test_what_cannot_move_is_refused_and_nothing_changes(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    assert result(await migrate(shop, old, "pm_1")) == (422, "invalid_token")
    account, other_shop = await connected(shop, stripe), await opened(shop.stack, test_clock=False)
    new = imported(account)
    removed = UUID((await shop.add(account.method(OTHER)["id"]))["id"])
    assert (await shop.http.put(f"/v1/payment-methods/{old}/default")).status_code == 202
    assert (await shop.http.delete(f"/v1/payment-methods/{removed}")).status_code == 202
    events = "SELECT count(*) FROM events"
    before = await shop.stack.pool.fetchval(events)
    for dry_run in (True, False):
        attempt = partial(migrate, dry_run=dry_run)
        assert result(await attempt(shop, uuid4(), new)) == (404, "not_found")
        assert result(await attempt(shop, "pm_unknown", new)) == (404, "not_found")
        assert result(await attempt(other_shop, old, new)) == (404, "not_found")
        assert result(await attempt(shop, removed, new)) == (409, "payment_method_gone")
        for unknown in ("pm_unknown", "tok_visa", account.objects[new]["customer"]):
            assert result(await attempt(shop, old, unknown)) == (422, "invalid_token")
    assert (await shop.portal().post("/v1/payment-method-migrations", json={"old": "x", "new": "pm_1"})).status_code == 403
    assert await shop.stack.pool.fetchval(events) == before


async def test_a_card_of_another_customer_is_not_given_away(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    neighbour = Shop(shop.stack, shop.merchant, shop.http, ana=uuid4(), subscription=uuid4())
    foreign = imported(account)
    await shop.stack.pool.execute(
        "INSERT INTO stripe_customer (merchant_id, mode, customer_id, reference) VALUES ($1, 'test', $2, $3)",
        shop.merchant.id,
        neighbour.ana,
        account.objects[foreign]["customer"],
    )
    for dry_run in (True, False):
        assert result(await migrate(shop, old, foreign, dry_run=dry_run)) == (422, "invalid_token")
    assert await on_file(shop) == [("sandbox", "4242", True, False)]


async def test_an_agreed_charge_is_not_lost(shop: Shop, stripe: StripeServer) -> None:
    old = UUID((await shop.add("tok_visa"))["id"])
    account = await connected(shop, stripe)
    await shop.stack.pool.execute(
        "INSERT INTO agreed_charge (merchant_id, invoice_id, customer_id, method_id) VALUES ($1, gen_random_uuid(), $2, $3)",
        shop.merchant.id,
        shop.ana,
        old,
    )
    assert result(await migrate(shop, old, imported(account))) == (409, "charge_running")
    assert await on_file(shop) == [("sandbox", "4242", True, False)]
