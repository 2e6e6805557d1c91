"""After a restore that lost the rows of payment intents, they are searched at Stripe, and no charge takes money twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from payments.application.charges import ChargeOrder, NoAnswer, RefundMade, RefundOrder, Refused, Taken, UnknownCharge
from payments.domain.shapes import Money
from portalctl.recovery.charges import prepare_charges
from support.databases import ServiceDatabase
from support.stripe.server import StripeServer
from support.stripe.world import StripeWorld, stripe_world

DECLINED = "4000000000000341"


@pytest.fixture
async def world(server: StripeServer, pool: asyncpg.Pool) -> AsyncIterator[StripeWorld]:
    """The tests of this file have the database for themselves, one after the other."""
    async with stripe_world(server, pool) as world:
        yield world
    await pool.execute("DELETE FROM stripe_recovery")


async def reconciled(pool: asyncpg.Pool, days_ago: float = 0) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    await pool.execute("INSERT INTO stripe_recovery (reconciled_at) VALUES ($1)", at)


async def lose(pool: asyncpg.Pool, world: StripeWorld, order: ChargeOrder) -> None:
    """The intent's row was written after the backup, and Stripe has forgotten the idempotency keys since."""
    sql = "DELETE FROM stripe_intent WHERE merchant_id = $1 AND charge_id = $2"
    assert await pool.execute(sql, order.merchant_id, order.charge_id) == "DELETE 1"
    world.account.remembered.clear()


async def test_a_repeated_charge_finds_the_money_that_was_taken(world: StripeWorld, pool: asyncpg.Pool) -> None:
    order = await world.order()
    taken = await world.provider.charge(order)
    await lose(pool, world, order)
    await reconciled(pool)
    assert await world.provider.status(order) == taken
    await lose(pool, world, order)
    assert await world.provider.charge(order) == taken
    assert len(world.account.intents_of(order.charge_id)) == 1
    assert world.account.captured(order.charge_id) == 1


async def test_a_charge_that_is_repeated_with_another_card_finds_it_too(world: StripeWorld, pool: asyncpg.Pool) -> None:
    order = await world.order()
    taken = await world.provider.charge(order)
    await lose(pool, world, order)
    await reconciled(pool)
    other = replace(order, method_id=(await world.saved("5555555555554444")).id)
    assert await world.provider.charge(other) == taken
    assert world.account.captured(order.charge_id) == 1


async def test_a_declined_charge_keeps_its_outcome(world: StripeWorld, pool: asyncpg.Pool) -> None:
    order = await world.order(DECLINED)
    assert isinstance(await world.provider.charge(order), Refused)
    await lose(pool, world, order)
    await reconciled(pool)
    assert isinstance(await world.provider.charge(order), Refused)
    assert len(world.account.intents_of(order.charge_id)) == 1


async def test_an_intent_that_was_never_confirmed_is_not_paid(world: StripeWorld, pool: asyncpg.Pool) -> None:
    """It is for the card of the time before the restore."""
    order = await world.order()
    world.server.fault("409", "confirm")
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)
    await lose(pool, world, order)
    await reconciled(pool)
    assert await world.provider.status(order) == UnknownCharge()
    assert isinstance(await world.provider.charge(order), Taken)
    old, new = world.account.intents_of(order.charge_id)
    assert (old["status"], new["status"]) == ("requires_confirmation", "succeeded")


async def test_the_money_of_a_voided_invoice_is_found(world: StripeWorld, pool: asyncpg.Pool) -> None:
    order = await world.order()
    taken = await world.provider.charge(order)
    await lose(pool, world, order)
    await reconciled(pool)
    assert await world.provider.cancel(order) == taken


@pytest.mark.parametrize("kind", ["hang", "lost", "500 not done", "429"])
async def test_nothing_is_charged_before_stripe_has_answered(world: StripeWorld, pool: asyncpg.Pool, kind: str) -> None:
    order = await world.order()
    taken = await world.provider.charge(order)
    await lose(pool, world, order)
    await reconciled(pool)
    world.connections._timeout_seconds, world.connections._apis = 0.3, {}
    world.server.fault(kind, "search")  # type: ignore[arg-type]
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)
    assert world.account.captured(order.charge_id) == 1
    world.connections._timeout_seconds, world.connections._apis = 10, {}
    assert await world.provider.charge(order) == taken


async def test_a_refund_finds_the_charge(world: StripeWorld, pool: asyncpg.Pool) -> None:
    """Also long after the reconciliation: what was paid has an intent."""
    order = await world.order()
    await world.provider.charge(order)
    await lose(pool, world, order)
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    assert isinstance(await world.provider.refund(refund), RefundMade)
    assert world.account.refunded(order.charge_id) == 1000


@pytest.mark.parametrize("days_ago", [None, 61])
async def test_without_a_recent_restore_nothing_is_searched(
    world: StripeWorld, pool: asyncpg.Pool, days_ago: float | None
) -> None:
    if days_ago:
        await reconciled(pool, days_ago)
    for number in ("4242424242424242", DECLINED):
        order = await world.order(number)
        assert await world.provider.status(order) == UnknownCharge()
        await world.provider.charge(order)
    assert world.server.count("search") == 0


@pytest.mark.parametrize("mode", ["test", "live"])
async def test_reconcile_stores_the_intents_of_recorded_outcomes_and_prepares_the_others(
    world: StripeWorld, pool: asyncpg.Pool, provider_tables: ServiceDatabase, mode: str
) -> None:
    merchant = uuid4()
    sql = """
        INSERT INTO projection (merchant_id, name, aggregate, sequence, doc)
        VALUES ($1, 'merchant', 'merchant-' || $1::uuid, 1, json_build_object('sandbox', $2::boolean))
        """
    await pool.execute(sql, merchant, mode == "test")
    attempts = [
        ("stripe", "succeeded", "pi_1", None),
        ("stripe", "failed", "pi_2", "card_declined"),
        ("stripe", "failed", None, "no_payment_method"),
        ("stripe", "succeeded", "nothing-due", None),
        ("stripe", "open", None, None),
        ("sandbox", "succeeded", "pi_3", None),
    ]
    sql = """
        INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency, started_at,
                             provider, status, reference, code)
        VALUES ($1, gen_random_uuid(), gen_random_uuid(), $1, 1, 2999, 'USD', now(), $2, $3, $4, $5)
        """
    await pool.executemany(sql, [(merchant, *attempt) for attempt in attempts])
    owner = await asyncpg.connect(provider_tables.owner_url)
    for _ in range(2):
        await prepare_charges(owner)
    await owner.close()
    sql = "SELECT reference, mode, code FROM stripe_intent WHERE merchant_id = $1 ORDER BY reference"
    stored = [tuple(row) for row in await pool.fetch(sql, merchant)]
    assert stored == [("pi_1", mode, None), ("pi_2", mode, "card_declined")]
    assert await pool.fetchval("SELECT calls FROM attempt WHERE merchant_id = $1 AND status = 'open'", merchant) == 1
    assert await world.books.may_be_lost(merchant, uuid4())


async def test_a_payment_that_was_blocked_is_searched_at_any_later_time(
    world: StripeWorld, pool: asyncpg.Pool, provider_tables: ServiceDatabase
) -> None:
    order, invoice = await world.order(), uuid4()
    taken = await world.provider.charge(order)
    await lose(pool, world, order)
    attempt = order.merchant_id, order.charge_id, invoice, order.customer_id
    sql = """
        INSERT INTO attempt (merchant_id, charge_id, invoice_id, customer_id, number, amount_minor, currency, status, started_at)
        VALUES ($1, $2, $3, $4, 1, 2999, 'USD', 'open', now())
        """
    await pool.execute(sql, *attempt)
    sql = """
        INSERT INTO blocked_streams (merchant_id, stream, kind, store_version, topic_version, released_at)
        VALUES ($1, 'payment-' || $2::uuid, 'topic ahead', 1, 3, now() - interval '1 year')
        """
    owner = await asyncpg.connect(provider_tables.owner_url)
    await owner.execute(sql, order.merchant_id, invoice)
    await owner.close()
    assert await world.provider.charge(order) == taken
    assert world.account.captured(order.charge_id) == 1
