"""A page is answered while other clients of the same address send slowly, endlessly or nothing."""

from urllib.parse import urlsplit

import pytest

from support.flood import flooded
from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant


@pytest.mark.parametrize("senders", [1, 50, 500])
async def test_a_page_is_answered_while_others_send_slowly(merchant: Merchant, senders: int) -> None:
    await merchant.tell(story.profile(), story.started())
    async with merchant.signed_in() as browser, flooded(urlsplit(merchant.gateway.url).port or 0, senders):
        for _ in range(20):
            page = await browser.get("/", headers={"connection": "close"})
            assert (page.status_code, "pane-" in page.text) == (200, True)
            assert (await browser.get("/api/overview")).status_code == 200
