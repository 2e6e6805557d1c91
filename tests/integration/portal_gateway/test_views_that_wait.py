"""While everything is read from the beginning, a view is composed once, at the end; what is shown already follows at once."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from portal_gateway.adapters.consumers import GROUP
from portal_gateway.adapters.storage.view_backfill import ViewBackfill
from support.databases import fresh_database
from support.portal_gateway import story
from support.portal_gateway.gateway import Gateway, Merchant, gateway_on


@pytest.fixture
async def gateway(postgres_url: str) -> AsyncIterator[Gateway]:
    """One that nothing else reads on: where its group stands is for these tests to say."""
    async with fresh_database(postgres_url, "portal_gateway") as database, gateway_on(database) as gateway:
        yield gateway


@pytest.fixture
def waiting(gateway: Gateway) -> ViewBackfill:
    return ViewBackfill(gateway.pool, GROUP)


async def stands(gateway: Gateway, next: int) -> None:
    """The group has read so many of the 1 000 records that were there when it began."""
    await gateway.pool.execute(
        """
        INSERT INTO offsets (consumer_group, topic, partition, cluster_id, topic_id, next, target)
        VALUES ($1, 'billing.subscriptions', 0, 'here', 'this', $2, 1000)
        ON CONFLICT (consumer_group, topic, partition) DO UPDATE SET next = excluded.next
        """,
        GROUP,
        next,
    )


async def shown(merchant: Merchant) -> dict[str, Any] | None:
    text = await merchant.gateway.pool.fetchval("SELECT doc::text FROM customer_view WHERE merchant_id = $1", merchant.id)
    view: dict[str, Any] | None = text and json.loads(text)
    return view


async def test_views_wait_until_the_beginning_has_been_read(gateway: Gateway, merchant: Merchant, waiting: ViewBackfill) -> None:
    await stands(gateway, 10)
    await merchant.tell(story.profile(), story.started())
    assert (await shown(merchant), await waiting.compose()) == (None, 0)
    assert await waiting.none() == "still composing what was read"
    await stands(gateway, 1000)
    assert (await waiting.compose(), await waiting.compose()) == (1, 0)
    view = await shown(merchant)
    assert view
    assert view["customer"]["name"] == "Ana García"
    assert len(view["subscriptions"]) == 1
    assert await waiting.none() is None


async def test_a_group_that_has_not_begun_has_not_read_the_beginning(
    gateway: Gateway, merchant: Merchant, waiting: ViewBackfill
) -> None:
    assert await waiting.compose() == 0
    await stands(gateway, 10)
    async with gateway.pool.acquire() as connection:
        await waiting.changed(connection, {(merchant.id, story.ANA)})
    assert (await shown(merchant), await waiting.none()) == (None, "still composing what was read")


async def test_what_is_shown_already_does_not_wait(gateway: Gateway, merchant: Merchant, waiting: ViewBackfill) -> None:
    await merchant.tell(story.profile())
    await stands(gateway, 10)
    await merchant.tell(story.started())
    view = await shown(merchant)
    assert view
    assert len(view["subscriptions"]) == 1
    assert await waiting.none() is None


async def test_a_subscription_without_its_beginning_keeps_no_view_waiting(
    gateway: Gateway, merchant: Merchant, waiting: ViewBackfill
) -> None:
    other = await gateway.merchant()
    await stands(gateway, 10)
    await merchant.tell(story.profile(), story.cancellation_scheduled(6))
    await other.tell(story.profile(), story.started())
    await stands(gateway, 1000)
    assert await waiting.compose() == 2
    assert await waiting.none() is None
    views = [await shown(merchant), await shown(other)]
    assert [len(view["subscriptions"]) for view in views if view] == [0, 1]
