"""Several tabs of one browser. Headless Chromium shows all of them at once: which is looked at, they are told as browsers do."""

from playwright.async_api import Page

OF_DIEGO = "Diego Ruiz · d…@example.com"

_DEAF = "window.BroadcastChannel = class { addEventListener() {} postMessage() {} };"
_VISIBILITY = """(hidden) => {
    for (const [name, value] of Object.entries({ hidden, visibilityState: hidden ? "hidden" : "visible" }))
        Object.defineProperty(document, name, { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def another_tab(page: Page) -> Page:
    """Of the same browser: it has the same cookies."""
    opened = await page.context.new_page()
    opened.set_default_timeout(15_000)
    return opened


async def hide(page: Page, hidden: bool = True) -> None:
    await page.evaluate(_VISIBILITY, hidden)


async def in_the_background(page: Page) -> None:
    """From its next page on, it is opened behind another tab."""
    await page.add_init_script(f"({_VISIBILITY})(true)")


async def deaf(page: Page, *, also_to_its_stream: bool = True) -> None:
    """From its next page on, the tab hears nothing of what happens in others: as one that the browser has put to sleep."""
    await page.add_init_script(_DEAF)
    if also_to_its_stream:
        await page.route("**/api/stream?*", lambda route: route.abort())
