"""`portalctl events tail` and `portalctl streams show` beside a running system."""

import asyncio
import json
import os
import subprocess
import sys
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from portalctl.events.streams import ShownStream, show
from portalctl.events.tail import EVENT_TOPICS, Filter, Line, tail, types_named
from portalctl.settings import Settings
from support.system_stack import JANUARY, Shop, Stack, eventually
from verify.sources import Sources, sources_of


def sources(stack: Stack) -> Sources:
    return sources_of(stack.state, stack.folder / "none", Settings())


async def tailed(stack: Stack, criteria: Filter, limit: int = 1000) -> list[Line]:
    since = JANUARY  # long before the test
    return [line async for line in tail(sources(stack).kafka, EVENT_TOPICS, criteria, since, limit=limit, follow=False)]


def names(lines: list[Line]) -> list[str]:
    return [line.envelope.type.split(".")[2] for line in lines if line.envelope]


async def test_events_are_filtered_and_in_the_order_of_their_recording(stack: Stack, a_shop: Shop) -> None:
    one, other = await a_shop.customer(), await a_shop.customer()
    merchant, customer = UUID(a_shop.id), UUID(one.id)
    lines = await eventually(
        lambda: tailed(stack, Filter(customer=customer)), lambda lines: "SubscriptionRenewed" in names(lines)
    )
    assert {line.envelope.customerid for line in lines if line.envelope} == {customer}
    assert [line.recorded for line in lines] == sorted(line.recorded for line in lines)
    assert "CustomerProfile" in names(lines)
    of_merchant = await tailed(stack, Filter(merchant=merchant))
    assert {line.envelope.customerid for line in of_merchant if line.envelope} >= {customer, UUID(other.id), None}
    paid = await tailed(stack, Filter(customer=customer, types=types_named("PaymentSucceeded")))
    assert names(paid) == ["PaymentSucceeded"]
    assert paid[0].envelope is not None
    caused = await tailed(stack, Filter(correlation=paid[0].envelope.correlationid))
    assert {"SubscriptionStarted", "InvoiceIssued", "PaymentSucceeded", "SubscriptionRenewed"} <= set(names(caused))
    newest = await tailed(stack, Filter(merchant=merchant), limit=2)
    assert [line.place for line in newest] == [line.place for line in (await tailed(stack, Filter(merchant=merchant)))[-2:]]


async def test_the_command_follows_new_events_as_json(stack: Stack, a_shop: Shop) -> None:
    words = ["events", "tail", "--merchant", a_shop.id, "--type", "SubscriptionStarted", "--follow", "--json"]
    command = [sys.executable, "-m", "portalctl", "--folder", str(stack.folder), *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, env=dict(os.environ))
    try:
        customer = await a_shop.customer(card=None)
        assert process.stdout is not None
        async with asyncio.timeout(60):
            event: dict[str, Any] = json.loads(await process.stdout.readline())
        assert (event["subject"], event["customerid"]) == (f"subscription-{customer.subscription}", customer.id)
    finally:
        process.terminate()
        await process.wait()


async def shown(stack: Stack, aggregate: str, *keys: bytes) -> ShownStream:
    [stream] = await show(sources(stack), aggregate, None, keys)
    return stream


async def test_a_stream_is_shown_with_versions_causes_and_fields(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    stream = await shown(stack, f"subscription-{customer.subscription}")
    assert [event.version for event in stream.events] == list(range(1, len(stream.events) + 1))
    assert (str(stream.merchant_id), str(stream.customer_id), stream.erased_at) == (a_shop.id, customer.id, None)
    assert stream.events[0].fields["customer_id"] == customer.id
    assert all(event.correlation_id for event in stream.events)
    assert stream.events[-1].causation_id
    lines = list(stream.lines())
    assert len(lines) == 1 + 3 * len(stream.events)


async def test_the_buyer_is_shown_only_with_the_key_and_not_after_the_erasure(stack: Stack, a_shop: Shop) -> None:
    customer = await a_shop.customer()
    [invoice] = await eventually(customer.invoices, bool)
    aggregate = f"invoice-{invoice['id']}"
    assert "encrypted" in (await shown(stack, aggregate)).buyer
    assert "not with this" in (await shown(stack, aggregate, bytes(32))).buyer
    with_own_key = json.loads((await asyncio.to_thread(stack.portalctl, "streams", "show", aggregate, "--json")).stdout)
    assert with_own_key["buyer"]["name"] == "Lucía Prueba"
    await a_shop.backend.call("subscriptions", "DELETE", f"/v1/customers/{customer.id}")
    connection = await asyncpg.connect(stack.state["postgres"]["invoicing"])
    try:
        await connection.execute("DELETE FROM customer_keys WHERE customer_id = $1", UUID(customer.id))
    finally:
        await connection.close()
    after = await shown(stack, aggregate)
    assert (after.buyer, after.erased_at is not None) == ("erased", True)


@pytest.mark.parametrize("words", [("streams", "show", "invoice-0190a000-0000-7000-8000-000000000000")])
async def test_a_stream_that_does_not_exist_is_one_sentence(stack: Stack, words: tuple[str, ...]) -> None:
    ended = await asyncio.to_thread(stack.portalctl, *words)
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (1, "", 1)
    assert "invoicing has no stream invoice-0190a000" in ended.stderr
