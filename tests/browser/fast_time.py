"""Time in a page without waiting for it: a test moves the page's timers, and ends its requests and animations."""

import asyncio
from typing import Final

from playwright.async_api import Frame, Locator, Page

_STEP_MS: Final = 2_000
_WAIT_SECONDS: Final = 20
_TIMEOUTS: Final = """window.timeouts = [];
AbortSignal.timeout = (ms) => {
    const controller = new AbortController();
    timeouts.push(controller);
    return controller.signal;
};"""


async def control_time(page: Page) -> None:
    """From the next page on, requests time out only by `time_out`, and `forward_until` moves the timers, which also run."""
    await page.clock.install()
    await page.add_init_script(_TIMEOUTS)


async def forward_until(page: Page, visible: Locator) -> None:
    """Move the timers of the page and its frames forward until this element is visible."""
    async with asyncio.timeout(_WAIT_SECONDS):
        while not await visible.is_visible():
            await page.clock.fast_forward(_STEP_MS)
            await asyncio.sleep(0.05)


async def time_out(window: Page | Frame) -> None:
    """Let the current requests of this window take longer than their limit."""
    await window.evaluate("timeouts.forEach((each) => each.abort(new DOMException('', 'TimeoutError')))")


async def finish_animations(page: Page) -> None:
    """Show at once what style sheets show later."""
    await page.evaluate("""() => document.getAnimations()
        .filter((each) => each.effect.getComputedTiming().endTime !== Infinity).forEach((each) => each.finish())""")
