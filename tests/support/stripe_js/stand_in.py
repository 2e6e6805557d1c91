"""Stripe's origin in a browser under test: its script, its card fields and its bank's windows.

The requests never leave the browser, so that the card page runs with the addresses and the policies of production.
"""

from pathlib import Path
from typing import Final

from playwright.async_api import BrowserContext, Frame, FrameLocator, Page, Route

from payments.adapters.card_page.policies import STRIPE_JS

SITE: Final = Path(__file__).parent / "site"
ORIGIN: Final = "https://js.stripe.com"
NUMBER_OF_NO_TEST: Final = "4000056655665556"
"""A valid number that appears nowhere in our code: where it is found, it was typed."""
_FILES: Final = {"/fields": "fields.html", "/challenge": "challenge.html"}


async def serve_stripe(context: BrowserContext) -> None:
    """Answer the requests of the context's pages to Stripe."""

    async def answer(route: Route) -> None:
        url = route.request.url.partition("#")[0]
        name = "stripe.js" if url == STRIPE_JS else _FILES.get(url.removeprefix(ORIGIN))
        if name is None:
            await route.abort()
            return
        kind = "text/javascript" if name.endswith(".js") else "text/html"
        await route.fulfill(body=(SITE / name).read_text(), content_type=f"{kind}; charset=utf-8")

    await context.route("https://*.stripe.com/**", answer)


def fields(frame: FrameLocator) -> FrameLocator:
    """Stripe's card fields in the card page."""
    return frame.frame_locator("#fields iframe")


def bank(frame: FrameLocator) -> FrameLocator:
    """The bank's window in a page of our origin."""
    return frame.frame_locator('iframe[title="/challenge"]')


def frames_of_ours(page: Page) -> list[Frame]:
    """The portal and the card page, without Stripe's frames."""
    return [frame for frame in page.frames if not frame.url.startswith(ORIGIN)]
