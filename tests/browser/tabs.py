"""Several tabs of one browser. Headless Chromium treats all as visible, so the tests set each tab's visibility."""

from playwright.async_api import Page

OF_DIEGO = "Diego Ruiz · d…@example.com"

_NO_MESSAGES = "window.BroadcastChannel = class { addEventListener() {} postMessage() {} };"
_VISIBILITY = """(hidden) => {
    for (const [name, value] of Object.entries({ hidden, visibilityState: hidden ? "hidden" : "visible" }))
        Object.defineProperty(document, name, { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


async def another_tab(page: Page) -> Page:
    """A tab of the same browser, with the same cookies."""
    opened = await page.context.new_page()
    opened.set_default_timeout(15_000)
    return opened


async def hide(page: Page, hidden: bool = True) -> None:
    await page.evaluate(_VISIBILITY, hidden)


async def hide_from_next_page(page: Page) -> None:
    """Hide the tab from its next page on."""
    await page.add_init_script(f"({_VISIBILITY})(true)")


async def isolate(page: Page, *, block_stream: bool = True) -> None:
    """From its next page on, the tab receives no messages of other tabs, like one that the browser has suspended."""
    await page.add_init_script(_NO_MESSAGES)
    if block_stream:
        await page.route("**/api/stream?*", lambda route: route.abort())
