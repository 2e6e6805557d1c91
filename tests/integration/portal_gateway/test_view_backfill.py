"""During the initial read, new views are composed once at its end; existing views are updated at once."""

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
    """A gateway of its own: these tests set the offsets of its group."""
    async with fresh_database(postgres_url, "portal_gateway") as database, gateway_on(database) as gateway:
        yield gateway


@pytest.fixture
def backfill(gateway: Gateway) -> ViewBackfill:
    return ViewBackfill(gateway.pool, GROUP)


async def stands(gateway: Gateway, next: int) -> None:
    """Set the group's offset: `next` of the 1 000 records that existed at its first start."""
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


async def test_views_are_composed_after_the_initial_read(gateway: Gateway, merchant: Merchant, backfill: ViewBackfill) -> None:
    await stands(gateway, 10)
    await merchant.tell(story.profile(), story.started())
    assert (await shown(merchant), await backfill.compose()) == (None, 0)
    assert await backfill.check() == "views wait to be composed"
    await stands(gateway, 1000)
    assert (await backfill.compose(), await backfill.compose()) == (1, 0)
    view = await shown(merchant)
    assert view
    assert view["customer"]["name"] == "Ana García"
    assert len(view["subscriptions"]) == 1
    assert await backfill.check() is None


async def test_a_group_without_offsets_has_not_completed_the_initial_read(
    gateway: Gateway, merchant: Merchant, backfill: ViewBackfill
) -> None:
    assert await backfill.compose() == 0
    await stands(gateway, 10)
    async with gateway.pool.acquire() as connection:
        await backfill.changed(connection, {(merchant.id, story.ANA)})
    assert (await shown(merchant), await backfill.check()) == (None, "views wait to be composed")


async def test_an_existing_view_is_composed_during_the_initial_read(
    gateway: Gateway, merchant: Merchant, backfill: ViewBackfill
) -> None:
    await merchant.tell(story.profile())
    await stands(gateway, 10)
    await merchant.tell(story.started())
    view = await shown(merchant)
    assert view
    assert len(view["subscriptions"]) == 1
    assert await backfill.check() is None


async def test_a_subscription_without_its_first_event_does_not_block_a_view(
    gateway: Gateway, merchant: Merchant, backfill: ViewBackfill
) -> None:
    other = await gateway.merchant()
    await stands(gateway, 10)
    await merchant.tell(story.profile(), story.cancellation_scheduled(6))
    await other.tell(story.profile(), story.started())
    await stands(gateway, 1000)
    assert await backfill.compose() == 2
    assert await backfill.check() is None
    views = [await shown(merchant), await shown(other)]
    assert [len(view["subscriptions"]) for view in views if view] == [0, 1]
