"""The bytes of a first and of a second visit, as Chromium receives them."""

from typing import Any

from browser.gallery_states import dress
from browser.live_stage import LiveStage
from playwright.async_api import Page

from support.portal_page import scenes
from support.portal_page.page_objects import Visitor

LOADED = ("Document", "Stylesheet", "Script", "Font")
FIRST_BYTES_MAX = 90_000
LATER_BYTES_MAX = 15_000


async def test_fonts_are_part_of_a_light_first_visit_and_nothing_is_loaded_twice(page: Page) -> None:
    stage = LiveStage(scenes.owing())
    dress(stage)
    devtools = await page.context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    sizes: dict[str, float] = {}

    def answered(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def received(event: dict[str, Any]) -> None:
        sizes[event["requestId"]] = event["encodedDataLength"]

    def visit() -> tuple[float, set[str]]:
        """Bytes on the wire with headers; a file from the cache has none."""
        counted = {id: size for id, size in sizes.items() if size and kinds.get(id) in LOADED}
        sizes.clear()
        return sum(counted.values()), {kinds[id] for id in counted}

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", received)
    await devtools.send("Network.enable")
    async with stage.open():
        await Visitor(page, stage.link).enter()
        await page.evaluate("document.fonts.ready.then(() => null)")
        await page.wait_for_load_state()
        first, kinds_of_first = visit()
        await page.goto(stage.origin)
        await page.evaluate("document.fonts.ready.then(() => null)")
        later, kinds_of_later = visit()
    assert kinds_of_first == set(LOADED)
    assert first <= FIRST_BYTES_MAX
    assert kinds_of_later == {"Document"}
    assert later <= LATER_BYTES_MAX
