"""Every kind of request of the adapter, also validated by stripe-mock. Without its program (`make stripe-mock`) it is skipped."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest

from payments.adapters.stripe.account import API_VERSION
from payments.application.charges import NeedsCustomer, RefundMade, RefundOrder, Refused, Taken
from payments.domain.shapes import Money
from support.stripe.server import Request, StripeServer
from support.stripe.stripe_mock import program, stripe_mock
from support.stripe.world import StripeWorld, stripe_world

pytestmark = pytest.mark.skipif(not program().exists(), reason="`make stripe-mock` builds stripe-mock")


@pytest.fixture
async def world(server: StripeServer, pool: asyncpg.Pool) -> AsyncIterator[StripeWorld]:
    async with stripe_mock() as server.witness, stripe_world(server, pool) as world:
        yield world
    await pool.execute("DELETE FROM stripe_recovery")


async def test_stripes_own_validator_accepts_every_request(world: StripeWorld, pool: asyncpg.Pool) -> None:
    provider = world.provider
    order = await world.order()
    assert isinstance(await provider.charge(order), Taken)
    refund = RefundOrder(order, uuid4(), Money(1000, "USD"))
    assert isinstance(await provider.refund(refund), RefundMade)
    assert isinstance(await provider.refund(refund), RefundMade)  # looked up
    assert await provider.disputes(order) == []
    assert isinstance(await provider.charge(await world.order("4000000000000341")), Refused)
    await pool.execute("DELETE FROM stripe_intent WHERE charge_id = $1", order.charge_id)
    await pool.execute("INSERT INTO stripe_recovery (reconciled_at) VALUES (now())")
    assert isinstance(await provider.charge(order), Taken)  # found after a restore
    on_session = await world.order("4000002760003184", on_session=True)
    assert await provider.charge(on_session) == NeedsCustomer()
    assert isinstance(await provider.cancel(on_session), Refused)
    token = world.account.method("5555555555554444")["id"]
    for _ in range(2):
        method = await provider.attach(world.merchant, world.customer, token, datetime.now(UTC), "UTC")
    assert await provider.read(world.merchant, world.customer, method.id) is not None
    await provider.forget(world.merchant, world.customer, method.id)
    lines = {each.line.translate(str.maketrans("", "", "0123456789")) for each in world.server.requests}
    assert {"GET /v/payment_intents/search", "GET /v/disputes"} <= lines
    assert len(lines) >= 13


async def test_stripes_own_validator_refuses_a_wrong_request(world: StripeWorld) -> None:
    assert world.server.witness is not None
    headers = {"stripe-version": API_VERSION}
    path = "/v1/payment_intents/pi_1/cancel"
    assert await world.server.witness(Request("POST", path, headers, "cancellation_reason=abandoned")) is None
    for text, version in (
        ("cancellation_reason=void_invoice", API_VERSION),
        ("reason=abandoned", API_VERSION),
        ("", "2020-01-01"),
    ):
        assert await world.server.witness(Request("POST", path, {"stripe-version": version}, text))
