"""A real browser for tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from support import chromium

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--site-per-process",  # the default of Chromium, not of its headless shell, which would run the card frame with its page
]

_DISABLED_BY_PLAYWRIGHT = (
    "AvoidCorsURLLoaderRestartOnRedirect",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsFirstBalancedModeAutoEnable",
    "HttpsUpgrades",
    "MediaRouter",
    "NetworkTimeServiceQuerying",
    "OptimizationHints",
    "PaintHolding",
    "PreconnectToSearch",
    "ThirdPartyStoragePartitioning",
)
"""Repeated, because Chromium uses only the last --disable-features."""

_UNUSED = ("AimEnabled", "SpareRendererForSitePerProcess", "WebUIOmniboxAimPopup", "WebUIOmniboxPopup")
"""With these, each browser profile starts three processes more: a spare one, and two for the menu of the address bar."""

_WITHOUT_BLUR = """
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("::backdrop { backdrop-filter: none !important; }");
    document.adoptedStyleSheets.push(sheet);
"""


@asynccontextmanager
async def chrome(*, light: bool = False, **launched: Any) -> AsyncIterator[Browser]:
    """A browser for several contexts: Chromium, or its headless shell where that is installed (`light`)."""
    path = await (chromium.light_executable() if light else chromium.executable())
    assert path is not None, "the browser tests need Chromium or Chrome"
    arguments = [*QUIET, f"--disable-features={','.join((*_DISABLED_BY_PLAYWRIGHT, *_UNUSED))}"]
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=arguments, **launched)
        yield started
        await started.close()


@asynccontextmanager
async def watched_page(browser: Browser, is_wrong: Callable[[ConsoleMessage], bool], **options: Any) -> AsyncIterator[Page]:
    """A page in a new profile with these `options`. Fails when a script raises an error or a console message `is_wrong`."""
    context = await browser.new_context(locale="es-MX", viewport={"width": 1280, "height": 860}, **options)
    await without_blur(context)
    page, broken = await context.new_page(), list[str]()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.on("console", lambda message: broken.append(message.text) if is_wrong(message) else None)
    page.set_default_timeout(15_000)
    yield page
    await context.close()
    assert broken == []


async def without_blur(context: BrowserContext) -> None:
    """Remove the blur behind dialogs: without a graphics card, it takes more processor time than the rest of the page."""
    await context.add_init_script(_WITHOUT_BLUR)
