"""A real browser for whatever portal a test visits."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page

from support.browsing import chrome, watched_page


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chrome() as started:
        yield started


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Fails when a page breaks its own content policy or a script of it fails."""
    async with watched_page(browser, lambda message: "Content Security Policy" in message.text) as page:
        yield page
