"""After any fault between this service and Stripe, both have the same books, and no charge has taken money twice."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest

from payments.adapters.stripe.books import StoredIntent
from payments.adapters.stripe.provider import StripeProvider
from payments.application.charges import (
    Busy,
    ChargeOrder,
    NoAnswer,
    RefundMade,
    RefundOrder,
    Refused,
    Taken,
    UnknownCharge,
)
from payments.domain.shapes import Money
from support.databases import ServiceDatabase
from support.stripe.server import KINDS, FaultKind, StripeServer
from support.stripe.world import StripeWorld, stripe_world

T = TypeVar("T")

PATIENCE_SECONDS = 0.3
"""Of the provider's client. Requests that hang are given up after this time; a busy machine only causes more repetitions."""
REPETITIONS_MAX = 40


@pytest.fixture
async def world(server: StripeServer, pool: asyncpg.Pool) -> AsyncIterator[StripeWorld]:
    async with stripe_world(server, pool, patience_seconds=PATIENCE_SECONDS) as world:
        yield world


async def repeated(call: Callable[[], Awaitable[T]]) -> T:
    """The outcome, as a worker gets it: a call without an answer is repeated."""
    for _ in range(REPETITIONS_MAX):
        try:
            return await call()
        except NoAnswer:
            continue
    raise AssertionError("no outcome")


async def collected(provider: StripeProvider, order: ChargeOrder) -> Taken | Refused:
    """The outcome as the collector gets it: the status first, then the charge."""

    async def step() -> Taken | Refused:
        status = await provider.status(order)
        outcome = await provider.charge(order) if isinstance(status, UnknownCharge) else status
        if isinstance(outcome, Taken | Refused):
            return outcome
        raise NoAnswer

    return await repeated(step)


async def assert_same_books(world: StripeWorld, order: ChargeOrder) -> None:
    """What Stripe took is what this service knows, and only the stored intent was ever confirmed."""
    status = await repeated(lambda: world.provider.status(order))
    stored = await world.books.intent(world.merchant, order.charge_id)
    captured = {each["id"]: world.account.captures.get(each["id"], 0) for each in world.account.intents_of(order.charge_id)}
    assert sum(captured.values()) == int(isinstance(status, Taken)), (status, captured)
    for intent, times in captured.items():
        if not isinstance(stored, StoredIntent) or intent != stored.reference:
            assert times == 0
            assert world.account.objects[intent]["status"] == "requires_confirmation"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", ["customer", "set-up"])
async def test_a_card_is_saved_after_a_fault(world: StripeWorld, kind: FaultKind, operation: str) -> None:
    fault = world.server.fault(kind, operation)
    setup_id = uuid4()
    intent = await repeated(lambda: world.opened(setup_id))
    assert fault.happened == 1
    world.account.type_card(intent, "4242424242424242")
    method = await repeated(lambda: world.provider.save(world.merchant, world.customer, setup_id, intent))
    order = world.order_with(method.id)
    assert isinstance(await collected(world.provider, order), Taken)
    await assert_same_books(world, order)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", ["create", "confirm", "read"])
async def test_a_charge_takes_money_once_in_spite_of_a_fault(world: StripeWorld, kind: FaultKind, operation: str) -> None:
    order = await repeated(world.order)
    fault = world.server.fault(kind, operation)
    assert isinstance(await collected(world.provider, order), Taken)
    await repeated(lambda: world.provider.status(order))
    assert fault.happened == 1
    await assert_same_books(world, order)
    assert world.account.captured(order.charge_id) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("operation", ["confirm", "cancel"])
async def test_a_declined_charge_ends_refused_in_spite_of_a_fault(world: StripeWorld, kind: FaultKind, operation: str) -> None:
    order = await repeated(lambda: world.order("4000000000000341"))
    world.server.fault(kind, operation)
    refused = await collected(world.provider, order)
    assert isinstance(refused, Refused)
    assert await repeated(lambda: world.provider.status(order)) == refused
    await assert_same_books(world, order)
    assert world.account.captured(order.charge_id) == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cancelled_charge_takes_nothing_in_spite_of_a_fault(world: StripeWorld, kind: FaultKind) -> None:
    order = await repeated(lambda: world.order("4000002760003184", on_session=True))
    await repeated(lambda: world.provider.charge(order))
    fault = world.server.fault(kind, "cancel")
    assert isinstance(await repeated(lambda: world.provider.cancel(order)), Refused)
    assert fault.happened == 1
    await assert_same_books(world, order)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_partial_refund_is_made_once_in_spite_of_a_fault(world: StripeWorld, kind: FaultKind) -> None:
    order = await repeated(world.order)
    await collected(world.provider, order)
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    fault = world.server.fault(kind, "refund")
    refunded = await repeated(lambda: world.provider.refund(refund))
    assert isinstance(refunded, RefundMade)
    assert fault.happened == 1
    assert await repeated(lambda: world.provider.refund(refund)) == refunded
    assert world.account.refunded(order.charge_id) == 1000


@pytest.mark.parametrize("kind", ["429", "409"])
async def test_a_request_that_stripe_postpones_has_done_nothing(world: StripeWorld, kind: FaultKind) -> None:
    order = await repeated(world.order)
    world.server.fault(kind, "create")
    with pytest.raises(Busy):
        await world.provider.charge(order)
    assert world.account.intents_of(order.charge_id) == []


async def test_the_requests_of_one_account_are_spread(server: StripeServer, pool: asyncpg.Pool) -> None:
    async with stripe_world(server, pool) as world:
        world.connections._requests_per_second = 0.1
        orders = [await world.order() for _ in range(5)]
        outcomes = await asyncio.gather(*map(world.provider.charge, orders), return_exceptions=True)
        assert any(isinstance(each, Busy) for each in outcomes)
        assert sum(world.account.captures.values()) == sum(isinstance(each, Taken) for each in outcomes)


@pytest.mark.parametrize("kind", ["lost", "500 done", "reset"])
async def test_a_charge_takes_money_once_after_stripe_has_forgotten_the_keys(world: StripeWorld, kind: FaultKind) -> None:
    order = await repeated(world.order)
    world.server.fault(kind, "create")
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)
    world.account.remembered.clear()
    assert isinstance(await collected(world.provider, order), Taken)
    assert len(world.account.intents_of(order.charge_id)) == 2
    await assert_same_books(world, order)


@pytest.mark.parametrize("kind", ["lost", "500 done", "reset"])
async def test_a_refund_is_made_once_after_stripe_has_forgotten_the_keys(world: StripeWorld, kind: FaultKind) -> None:
    order = await repeated(world.order)
    await collected(world.provider, order)
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    world.server.fault(kind, "refund")
    with pytest.raises(NoAnswer):
        await world.provider.refund(refund)
    world.account.remembered.clear()
    assert isinstance(await repeated(lambda: world.provider.refund(refund)), RefundMade)
    assert world.account.refunded(order.charge_id) == 1000


async def test_an_error_that_stripe_remembers_is_not_met_again(world: StripeWorld) -> None:
    order = await repeated(world.order)
    world.server.fault("500 not done", "create", times=2)
    for _ in range(2):
        with pytest.raises(NoAnswer):
            await world.provider.charge(order)
    assert isinstance(await world.provider.charge(order), Taken)


@pytest.mark.parametrize("operation", ["create", "confirm"])
@pytest.mark.parametrize("kind", [None, "lost", "500 done", "409", "slow"])
async def test_five_workers_take_money_once(world: StripeWorld, operation: str, kind: FaultKind | None) -> None:
    order = await repeated(world.order)
    if kind:
        world.server.fault(kind, operation, times=2)
    outcomes = await asyncio.gather(*(collected(world.provider, order) for _ in range(5)))
    assert len(set(outcomes)) == 1
    assert world.account.captured(order.charge_id) == 1
    await assert_same_books(world, order)


async def test_five_workers_take_money_once_without_idempotency_keys(world: StripeWorld) -> None:
    order = await repeated(world.order)
    world.account.remembers = False
    outcomes = await asyncio.gather(*(collected(world.provider, order) for _ in range(5)))
    assert len(set(outcomes)) == 1
    assert len(world.account.intents_of(order.charge_id)) > 1
    assert world.account.captured(order.charge_id) == 1
    await assert_same_books(world, order)


async def test_five_workers_refund_once(world: StripeWorld) -> None:
    order = await repeated(world.order)
    await collected(world.provider, order)
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    outcomes = await asyncio.gather(*(repeated(lambda: world.provider.refund(refund)) for _ in range(5)))
    assert len(set(outcomes)) == 1
    assert world.account.refunded(order.charge_id) == 1000


async def test_a_charge_and_its_cancellation_at_once_agree(world: StripeWorld) -> None:
    for _ in range(10):
        order = await repeated(world.order)
        charging = repeated(lambda order=order: world.provider.charge(order))  # type: ignore[misc]
        cancelling = repeated(lambda order=order: world.provider.cancel(order))  # type: ignore[misc]
        charged, _ = await asyncio.gather(charging, cancelling)
        assert await repeated(lambda order=order: world.provider.status(order)) == charged  # type: ignore[misc]
        await assert_same_books(world, order)


_WORKER = """
import asyncio, sys
from datetime import UTC, datetime
from uuid import UUID
from pydantic import SecretStr
from chassis.postgres.pool import create_pool
from payments.adapters.stripe.account import StripeAccount
from payments.adapters.stripe.books import StripeBooks
from payments.adapters.stripe.connections import StripeConnections
from payments.adapters.stripe.provider import StripeProvider
from payments.application.charges import ChargeOrder
from payments.domain.shapes import Money

url, dsn, key, publishable, *ids = sys.argv[1:]
merchant, customer, charge, method = map(UUID, ids)

class Accounts:
    async def for_merchant(self, merchant_id, mode=None):
        return StripeAccount(merchant, "test", publishable, SecretStr(key))

async def main():
    async with create_pool(dsn, name="killed", min_size=1, max_size=2) as pool:
        books = StripeBooks(pool)
        provider = StripeProvider(StripeConnections(Accounts(), books, base_url=url), books)
        await provider.charge(ChargeOrder(merchant, customer, charge, method, Money(2999, "USD"), datetime.now(UTC), "UTC"))

asyncio.run(main())
"""


@pytest.mark.parametrize(("kind", "operation"), [("lost", "create"), ("hang", "confirm"), ("lost", "confirm")])
async def test_a_killed_process_leaves_a_charge_that_another_one_ends(
    server: StripeServer, pool: asyncpg.Pool, provider_tables: ServiceDatabase, kind: FaultKind, operation: str
) -> None:
    async with stripe_world(server, pool) as world:
        order = await world.order()
        server.fault(kind, operation)
        ids = (order.merchant_id, order.customer_id, order.charge_id, order.method_id)
        arguments = (server.url, provider_tables.url, world.account.key, world.account.publishable_key, *map(str, ids))
        worker = await asyncio.create_subprocess_exec(sys.executable, "-c", _WORKER, *arguments)
        async with asyncio.timeout(60):
            while not server.hanging:
                assert worker.returncode is None, "the worker ended before the fault"
                await asyncio.sleep(0.02)
        os.kill(worker.pid, signal.SIGKILL)
        await worker.wait()
        assert isinstance(await collected(world.provider, order), Taken)
        assert world.account.captured(order.charge_id) == 1
        await assert_same_books(world, order)


async def test_a_worker_that_stops_before_it_stores_the_intent_leaves_one_that_is_never_paid(world: StripeWorld) -> None:
    order = await repeated(world.order)

    async def stop(merchant_id: UUID, charge_id: UUID, mode: str, reference: str) -> StoredIntent:
        raise asyncio.CancelledError

    world.books.store_intent, stored = stop, world.books.store_intent  # type: ignore[method-assign]
    with pytest.raises(asyncio.CancelledError):
        await repeated(lambda: world.provider.charge(order))
    world.books.store_intent = stored  # type: ignore[method-assign]
    world.account.remembered.clear()
    assert isinstance(await collected(world.provider, order), Taken)
    assert len(world.account.intents_of(order.charge_id)) == 2
    await assert_same_books(world, order)
