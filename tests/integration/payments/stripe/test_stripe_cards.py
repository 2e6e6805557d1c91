"""Cards at Stripe, against the stand-in: set-ups, customers and payment methods."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from payments.application.charges import NoAnswer, Refused, SetupRefused, Taken, UnknownToken
from payments.domain.shapes import FailureCode, Remedy
from support.stripe.server import StripeServer
from support.stripe.world import StripeWorld, stripe_world

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ASKS_AT_SETUP = "4000002500003155"


@pytest.fixture
async def world(server: StripeServer, pool: asyncpg.Pool) -> AsyncIterator[StripeWorld]:
    async with stripe_world(server, pool) as world:
        yield world


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("4000000000000002", FailureCode.CARD_DECLINED),
        ("4000000000009995", FailureCode.INSUFFICIENT_FUNDS),
        ("4000000000000069", FailureCode.EXPIRED_CARD),
        ("4000000000000127", FailureCode.INCORRECT_CVC),
    ],
)
async def test_a_card_that_stripe_declines_is_not_saved(world: StripeWorld, number: str, code: FailureCode) -> None:
    with pytest.raises(SetupRefused) as refused:
        await world.saved(number)
    assert refused.value.code is code


async def test_a_card_without_the_banks_confirmation_is_not_saved(world: StripeWorld) -> None:
    with pytest.raises(SetupRefused) as refused:
        await world.saved(ASKS_AT_SETUP, authenticates=False)
    assert refused.value.code is FailureCode.AUTHENTICATION_FAILED


async def test_another_card_can_be_typed_after_a_decline(world: StripeWorld) -> None:
    setup_id = uuid4()
    intent = await world.opened(setup_id)
    world.account.type_card(intent, "4000000000000002")
    with pytest.raises(SetupRefused):
        await world.provider.save(world.merchant, world.customer, setup_id, intent)
    assert await world.opened(setup_id) == intent
    world.account.type_card(intent, "5555555555554444")
    assert (await world.provider.save(world.merchant, world.customer, setup_id, intent)).last4 == "4444"


async def test_a_set_up_without_a_card_saves_none(world: StripeWorld) -> None:
    setup_id = uuid4()
    intent = await world.opened(setup_id)
    with pytest.raises(UnknownToken):
        await world.provider.save(world.merchant, world.customer, setup_id, intent)


async def test_a_set_up_intent_of_another_set_up_is_not_accepted(world: StripeWorld) -> None:
    setup_id, other = uuid4(), uuid4()
    mine, foreign = await world.opened(setup_id), await world.opened(other)
    world.account.type_card(foreign, "4242424242424242")
    with pytest.raises(UnknownToken):
        await world.provider.save(world.merchant, world.customer, setup_id, foreign)
    world.account.objects[mine]["metadata"]["setup_id"] = str(other)
    world.account.type_card(mine, "4242424242424242")
    with pytest.raises(UnknownToken):
        await world.provider.save(world.merchant, world.customer, setup_id, mine)


async def test_a_set_up_is_opened_only_for_its_customer(world: StripeWorld) -> None:
    setup_id = uuid4()
    await world.opened(setup_id)
    with pytest.raises(LookupError):
        await world.provider.open(world.merchant, uuid4(), setup_id)


async def test_a_customer_has_one_object_at_stripe(world: StripeWorld) -> None:
    await asyncio.gather(*(world.opened(uuid4()) for _ in range(5)))
    await world.opened(uuid4())
    assert len(world.account.kinds("customer")) == 1
    [customer] = world.account.kinds("customer")
    assert (customer["name"], customer["email"], customer["metadata"]) == (None, None, {"customer_id": str(world.customer)})


async def test_a_customer_who_was_deleted_at_stripe_is_created_again(world: StripeWorld) -> None:
    order = await world.order()
    [customer] = world.account.kinds("customer")
    del world.account.objects[customer["id"]]
    with pytest.raises(NoAnswer):
        await world.opened(uuid4())
    assert isinstance(await world.provider.charge(await world.order()), Taken)
    refused = await world.provider.charge(order)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.remedy) == (FailureCode.CARD_DECLINED, Remedy.ANOTHER_CARD)


async def test_a_payment_method_of_the_merchants_back_end_is_attached(world: StripeWorld) -> None:
    token = world.account.method("5555555555554444")
    method = await world.provider.attach(world.merchant, world.customer, token["id"], NOW, "UTC")
    assert method.last4 == "4444"
    assert await world.provider.attach(world.merchant, world.customer, token["id"], NOW, "UTC") == method
    assert isinstance(await world.provider.charge(world.order_with(method.id)), Taken)


async def test_a_payment_method_of_another_customer_is_not_attached(world: StripeWorld) -> None:
    await world.saved()
    [customer] = world.account.kinds("customer")
    foreign = world.account.method("4242424242424242", customer="cus_of_someone_else")
    declined = world.account.method("4000000000000002")
    for token in (foreign["id"], declined["id"], "pm_unknown", "tok_visa", "pm_x/../../customers", customer["id"]):
        with pytest.raises(UnknownToken):
            await world.provider.attach(world.merchant, world.customer, token, NOW, "UTC")


async def test_a_forgotten_card_is_detached(world: StripeWorld) -> None:
    method = await world.saved()
    [at_stripe] = world.account.kinds("payment_method")
    await world.provider.forget(world.merchant, world.customer, method.id)
    assert at_stripe["customer"] is None


async def test_a_card_is_read_as_stripe_has_it_now(world: StripeWorld) -> None:
    method = await world.saved()
    [at_stripe] = world.account.kinds("payment_method")

    async def read(customer: UUID = world.customer) -> tuple[str, int, str | None] | None:
        it = await world.provider.read(world.merchant, customer, method.id)
        return (it.last4, it.exp_year, it.fingerprint) if it else None

    assert await read() == ("4242", 2031, method.fingerprint)
    assert await read(uuid4()) is None
    world.account.renew(at_stripe["id"], "5555555555554444", year=2035)
    assert await read() == ("4444", 2035, at_stripe["card"]["fingerprint"])
    at_stripe["customer"] = None
    assert await read() is None
    del world.account.objects[at_stripe["id"]]
    assert await read() is None


@pytest.mark.parametrize("lost", [["stripe_method"], ["stripe_method", "stripe_customer"]])
async def test_a_card_with_lost_rows_is_found_at_stripe_and_charged(
    world: StripeWorld, pool: asyncpg.Pool, lost: list[str]
) -> None:
    method, other = await world.saved(), await world.saved("5555555555554444")
    world.account.create_customer({"metadata": {"customer_id": str(uuid4())}})
    for table in lost:
        await pool.execute(f"DELETE FROM {table} WHERE merchant_id = $1", world.merchant)
    assert isinstance(await world.provider.charge(world.order_with(method.id)), Taken)
    assert await world.provider.read(world.merchant, world.customer, other.id) == other
    assert await world.provider.read(world.merchant, world.customer, uuid4()) is None
    requests = len(world.server.requests)
    assert await world.provider.read(world.merchant, world.customer, other.id) == other
    assert len(world.server.requests) == requests + 1
    await world.saved()
    assert len(world.account.kinds("customer")) == 2


async def test_a_lost_card_of_another_customer_is_not_found(world: StripeWorld, pool: asyncpg.Pool) -> None:
    method = await world.saved()
    await pool.execute("DELETE FROM stripe_method WHERE merchant_id = $1", world.merchant)
    foreign = replace(world.order_with(method.id), customer_id=uuid4())
    assert isinstance(await world.provider.charge(foreign), Refused)
    assert await world.provider.read(world.merchant, world.customer, method.id) == method
