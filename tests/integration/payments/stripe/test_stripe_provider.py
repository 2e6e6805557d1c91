"""Stripe as the provider, against the stand-in: the contract of every provider, and what only a live one has."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import asyncpg
import pytest

from payments.adapters.stripe.account import NoStripeAccount
from payments.adapters.stripe.provider import StripeProvider
from payments.application.charges import (
    Challenge,
    ChargeOrder,
    NeedsCustomer,
    NoAnswer,
    Pending,
    RefundMade,
    RefundOrder,
    RefundRefused,
    RefundUnderway,
    Refused,
    Taken,
    UnknownCharge,
)
from payments.application.provider_ports import Provider
from payments.domain.shapes import FailureCode, Money, Remedy
from support.payments.provider_suite import ProviderSuite
from support.stripe.server import StripeServer
from support.stripe.world import StripeWorld, stripe_world

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ALWAYS_ASKS, ASKS_AT_SETUP = "4000002760003184", "4000002500003155"
ASKS_THEN_HAS_NO_FUNDS, ASKS_THEN_DECLINES = "4000008260003178", "4000008400001629"


either_kind_of_errors = pytest.mark.parametrize("world", ["errors name the intent", "bare errors"], indirect=True)
"""Stripe's documentation does not promise that an error object contains the payment intent."""


@pytest.fixture
async def world(server: StripeServer, pool: asyncpg.Pool, request: pytest.FixtureRequest) -> AsyncIterator[StripeWorld]:
    server.errors_name_the_intent = getattr(request, "param", None) != "bare errors"
    async with stripe_world(server, pool) as world:
        yield world


class TestStripe(ProviderSuite):
    @pytest.fixture
    def provider(self, world: StripeWorld) -> StripeProvider:
        self.world, self.merchant, self.customer = world, world.merchant, world.customer
        return world.provider

    async def token(self, provider: Provider, setup_id: UUID, number: str, month: int = 12, year: int = 2025) -> str:
        intent = await self.world.opened(setup_id)
        self.world.account.type_card(intent, number, month=month, year=year)
        return intent


@either_kind_of_errors
async def test_a_card_that_was_detached_at_stripe_is_not_charged(world: StripeWorld) -> None:
    order = await world.order()
    for each in world.account.kinds("payment_method"):
        each["customer"] = None
    refused = await world.provider.charge(order)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.remedy) == (FailureCode.CARD_DECLINED, Remedy.ANOTHER_CARD)
    assert await world.provider.charge(order) == await world.provider.status(order) == refused


@either_kind_of_errors
async def test_a_decline_keeps_its_reason_after_the_intent_was_cancelled(world: StripeWorld) -> None:
    order = await world.order("4000000000000341")
    refused = await world.provider.charge(order)
    [intent] = world.account.intents_of(order.charge_id)
    assert (intent["status"], intent["last_payment_error"]) == ("canceled", None)
    assert refused == Refused(FailureCode.CARD_DECLINED, intent["id"], Remedy.WAIT, "generic_decline")
    assert await world.provider.charge(order) == await world.provider.status(order) == refused
    assert await world.provider.cancel(order) == refused


async def test_a_card_set_up_with_the_bank_is_charged_without_the_customer(world: StripeWorld) -> None:
    assert isinstance(await world.provider.charge(await world.order(ASKS_AT_SETUP)), Taken)


@either_kind_of_errors
async def test_without_the_customer_a_bank_that_asks_declines(world: StripeWorld) -> None:
    order = await world.order(ALWAYS_ASKS)
    refused = await world.provider.charge(order)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.remedy) == (FailureCode.AUTHENTICATION_REQUIRED, Remedy.AUTHENTICATE)
    assert await world.provider.challenge(order) is None


async def waiting(world: StripeWorld, number: str = ALWAYS_ASKS) -> tuple[ChargeOrder, str]:
    """An on-session charge that waits for the customer, and its payment intent."""
    order = await world.order(number, on_session=True)
    assert await world.provider.charge(order) == NeedsCustomer()
    [intent] = world.account.intents_of(order.charge_id)
    return order, intent["id"]


async def test_with_the_customer_a_charge_waits_for_the_bank(world: StripeWorld) -> None:
    order, intent = await waiting(world)
    assert await world.provider.status(order) == await world.provider.charge(order) == NeedsCustomer()
    challenge = await world.provider.challenge(order)
    secret = world.account.objects[intent]["client_secret"]
    assert challenge == Challenge(secret, world.account.publishable_key)
    world.account.authenticate(intent, passed=True)
    assert await world.provider.status(order) == Taken(intent)
    assert await world.provider.challenge(order) is None


@pytest.mark.parametrize(
    ("number", "passed", "code"),
    [
        (ALWAYS_ASKS, False, FailureCode.AUTHENTICATION_FAILED),
        (ASKS_THEN_HAS_NO_FUNDS, True, FailureCode.INSUFFICIENT_FUNDS),
        (ASKS_THEN_DECLINES, True, FailureCode.CARD_DECLINED),
    ],
)
async def test_a_refused_charge_cannot_be_paid_with_its_secret_later(
    world: StripeWorld, number: str, passed: bool, code: FailureCode
) -> None:
    order, intent = await waiting(world, number)
    world.account.authenticate(intent, passed=passed)
    refused = await world.provider.status(order)
    assert isinstance(refused, Refused)
    assert refused.code is code
    assert world.account.objects[intent]["status"] == "canceled"


async def test_a_charge_that_the_customer_left_is_cancelled(world: StripeWorld) -> None:
    order, intent = await waiting(world)
    assert isinstance(await world.provider.cancel(order), Refused)
    assert world.account.objects[intent]["status"] == "canceled"
    assert world.account.captured(order.charge_id) == 0


@either_kind_of_errors
async def test_a_charge_is_not_cancelled_after_the_bank_has_confirmed(world: StripeWorld) -> None:
    order, intent = await waiting(world)
    world.account.authenticate(intent, passed=True)
    assert await world.provider.cancel(order) == Taken(intent)


async def test_an_intent_that_waits_although_no_customer_is_there_is_cancelled(world: StripeWorld) -> None:
    order, intent = await waiting(world)
    refused = await world.provider.status(replace(order, on_session=False))
    assert isinstance(refused, Refused)
    assert refused.code is FailureCode.AUTHENTICATION_REQUIRED
    assert world.account.objects[intent]["status"] == "canceled"


async def test_an_intent_that_is_being_processed_is_pending(world: StripeWorld) -> None:
    order, intent = await waiting(world)
    world.account.objects[intent].update(status="processing", next_action=None)
    assert await world.provider.status(order) == Pending()
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)


@pytest.mark.parametrize(
    ("amount", "requested"),
    [
        (Money(49, "USD"), True),
        (Money(2999, "XAG"), False),
        (Money(5123, "KWD"), False),
        (Money(1000, "IQD"), False),
        (Money(2999, "AED"), True),
    ],
    ids=["below the minimum", "no currency", "not divisible", "not supported", "refused by Stripe"],
)
async def test_an_amount_that_cannot_be_charged_is_refused_for_good(world: StripeWorld, amount: Money, requested: bool) -> None:
    order = await world.order(amount=amount)
    refused = await world.provider.charge(order)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.remedy) == (FailureCode.AMOUNT_NOT_CHARGEABLE, None)
    assert await world.provider.charge(order) == await world.provider.status(order) == refused
    assert world.server.count("create") == int(requested)
    assert world.account.intents_of(order.charge_id) == []


@pytest.mark.parametrize(
    ("amount", "at_stripe"), [(Money(5120, "KWD"), 5120), (Money(500, "ISK"), 50000), (Money(500000, "MGA"), 5000)]
)
async def test_the_amount_at_stripe_is_in_its_own_units(world: StripeWorld, amount: Money, at_stripe: int) -> None:
    order = await world.order(amount=amount)
    assert isinstance(await world.provider.charge(order), Taken)
    assert [each["amount"] for each in world.account.intents_of(order.charge_id)] == [at_stripe]
    await world.provider.refund(RefundOrder(order, uuid4(), amount))
    assert world.account.refunded(order.charge_id) == at_stripe


async def test_a_charge_is_refunded_in_parts(world: StripeWorld) -> None:
    order = await world.order()
    await world.provider.charge(order)
    parts = [RefundOrder(order, uuid4(), Money(minor, "USD")) for minor in (1000, 999, 1000)]
    outcomes = [await world.provider.refund(part) for part in parts]
    assert all(isinstance(each, RefundMade) for each in outcomes)
    world.account.remembered.clear()
    assert [await world.provider.refund(part) for part in parts] == outcomes
    assert isinstance(await world.provider.refund(RefundOrder(order, uuid4(), Money(1, "USD"))), RefundRefused)
    assert world.account.refunded(order.charge_id) == 2999


async def test_a_refund_is_found_among_many(world: StripeWorld) -> None:
    order = await world.order(amount=Money(20_000, "USD"))
    await world.provider.charge(order)
    first = RefundOrder(order, uuid4(), Money(1, "USD"))
    refunded = await world.provider.refund(first)
    [intent] = world.account.intents_of(order.charge_id)
    for _ in range(101):
        world.account.create_refund({"payment_intent": intent["id"], "amount": "1"})
    world.account.remembered.clear()
    assert await world.provider.refund(first) == refunded
    assert world.account.refunded(order.charge_id) == 102


async def test_a_refund_can_be_under_way_and_fail(world: StripeWorld) -> None:
    order = await world.order()
    await world.provider.charge(order)
    world.account.refund_status = "pending"
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    underway = await world.provider.refund(refund)
    assert isinstance(underway, RefundUnderway)
    world.account.objects[underway.reference].update(status="failed", failure_reason="expired_or_canceled_card")
    assert await world.provider.refund(refund) == RefundRefused("expired_or_canceled_card", underway.reference)


async def test_test_and_live_objects_never_meet(world: StripeWorld) -> None:
    in_test = await world.order()
    live = world.server.account("live")
    world.accounts.add(world.merchant, live)
    setup_id = uuid4()
    fields = await world.provider.open(world.merchant, world.customer, setup_id)
    assert fields.publishable_key == live.publishable_key
    intent = fields.client_secret.partition("_secret_")[0]
    live.type_card(intent, "5555555555554444")
    method = await world.provider.save(world.merchant, world.customer, setup_id, intent)
    in_live = world.order_with(method.id)
    assert isinstance(await world.provider.charge(in_live), Taken)
    assert isinstance(await world.provider.charge(in_test), Taken)
    assert (live.captured(in_live.charge_id), world.account.captured(in_test.charge_id)) == (1, 1)
    assert live.captured(in_test.charge_id) == world.account.captured(in_live.charge_id) == 0


async def test_an_answer_of_the_other_mode_is_not_believed(world: StripeWorld) -> None:
    order = await world.order()
    world.account.mode = "live"
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)
    assert await world.books.intent(world.merchant, order.charge_id) is None
    world.account.mode = "test"
    world.account.remembered.clear()
    taken = await world.provider.charge(order)
    assert isinstance(taken, Taken)
    world.account.objects[taken.reference]["livemode"] = True
    with pytest.raises(NoAnswer):
        await world.provider.status(order)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_key_leaves_charges_open_and_is_reported(world: StripeWorld, status: int) -> None:
    order, other = await world.order(), await world.order()
    assert isinstance(await world.provider.charge(order), Taken)
    world.account.key_status = status
    for call in (world.provider.charge, world.provider.status):
        with pytest.raises(NoAnswer):
            await call(order)
    with pytest.raises(NoAnswer):
        await world.provider.charge(other)
    assert set(world.accounts.rejections) == {(world.merchant, status)}
    world.account.key_status = 200
    assert isinstance(await world.provider.charge(other), Taken)


async def test_a_new_key_is_used_from_the_next_request_on(world: StripeWorld) -> None:
    order = await world.order()
    del world.server.accounts[world.account.key]
    world.account.key = "rk_test_rotated"
    world.server.accounts[world.account.key] = world.account
    with pytest.raises(NoAnswer):
        await world.provider.charge(order)
    world.accounts.add(world.merchant, world.account)
    assert isinstance(await world.provider.charge(order), Taken)


async def test_without_an_account_a_charge_stays_open(world: StripeWorld) -> None:
    order = await world.order()
    world.accounts.added.clear()
    with pytest.raises(NoStripeAccount):
        await world.provider.charge(order)
    assert await world.provider.status(order) == UnknownCharge()


async def test_no_secret_is_logged(
    world: StripeWorld, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.WARNING, logger="stripe")  # as the service's logging sets it
    await waiting(world)
    world.account.key_status = 401
    with pytest.raises(NoAnswer):
        await world.saved()
    text = caplog.text + "".join(capsys.readouterr())
    assert "request_rejected" in text
    assert world.account.key not in text
    assert "_secret_" not in text
