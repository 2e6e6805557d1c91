"""A real browser for whatever portal a test visits."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, async_playwright

from support import chromium

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = await chromium.executable()
    assert found is not None, "the browser tests need Chromium or Chrome"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=QUIET)
        yield started
        await started.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """A fresh browser profile; fails when a page breaks its own content policy or a script of it fails."""
    context = await browser.new_context(locale="es-MX", viewport={"width": 1280, "height": 860})
    page, broken = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda message: broken.append(message.text) if "Content Security Policy" in message.text else None)
    page.set_default_timeout(15_000)
    yield page
    await context.close()
    assert broken == []
