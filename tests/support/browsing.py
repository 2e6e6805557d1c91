"""A real browser for tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from support import chromium

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@asynccontextmanager
async def chrome(**launched: Any) -> AsyncIterator[Browser]:
    path = await chromium.executable()
    assert path is not None, "the browser tests need Chromium or Chrome"
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=QUIET, **launched)
        yield started
        await started.close()


@asynccontextmanager
async def watched_page(browser: Browser, is_wrong: Callable[[ConsoleMessage], bool]) -> AsyncIterator[Page]:
    """A page in a new browser profile. Fails when a script raises an error or a console message `is_wrong`."""
    context = await browser.new_context(locale="es-MX", viewport={"width": 1280, "height": 860})
    page, broken = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda message: broken.append(message.text) if is_wrong(message) else None)
    page.set_default_timeout(15_000)
    yield page
    await context.close()
    assert broken == []
