"""The synchronous standby is away: commits wait for it. Customers can still read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant


@asynccontextmanager
async def standby_away(postgres_url: str) -> AsyncIterator[None]:
    """The server waits for a standby that does not exist."""
    admin = await asyncpg.connect(postgres_url)
    try:
        await admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'absent'")
        await admin.execute("SELECT pg_reload_conf()")
        yield
    finally:
        await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()


@pytest.mark.parametrize("path", ["/api/overview", "/", "/api/invoices"])
async def test_a_page_is_served_while_the_standby_is_away(merchant: Merchant, postgres_url: str, path: str) -> None:
    await merchant.tell(story.profile())
    pool = merchant.gateway.pool
    async with merchant.signed_in() as browser:
        seen = "SELECT seen_at > now() - interval '1 min' FROM portal_session WHERE merchant_id = $1"
        await pool.execute("UPDATE portal_session SET seen_at = now() - interval '5 min' WHERE merchant_id = $1", merchant.id)
        async with standby_away(postgres_url):
            assert (await browser.get(path)).status_code == 200
        assert await pool.fetchval(seen, merchant.id)
