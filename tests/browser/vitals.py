"""How quick the page is in a real browser, on a laptop and on a slow phone: `make vitals`, beside a running `make demo`.

Largest contentful paint, interaction to next paint, layout shift, requests and bytes, as a table in Markdown.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from browser.pages import PortalPage, press
from playwright.async_api import Browser, CDPSession, Page

from support.browsing import chrome

STATE: Final = Path(".portal/state.json")
VISITS: Final = 5
OBSERVE: Final = """() => {
    window.seen = { paint: 0, shift: 0, interaction: 0 };
    const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, durationThreshold: 16 });
    watch("largest-contentful-paint", (entry) => { seen.paint = entry.startTime; });
    watch("layout-shift", (entry) => { if (!entry.hadRecentInput) seen.shift += entry.value; });
    watch("event", (entry) => { if (entry.interactionId) seen.interaction = Math.max(seen.interaction, entry.duration); });
}"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Device:
    name: str
    viewport: Mapping[str, int]
    slower: int
    """How many times slower the processor is made."""
    network: Mapping[str, float] | None
    """As the browser is told: bytes per second and milliseconds."""


DEVICES: Final = (
    Device("laptop, local network", {"width": 1280, "height": 860}, 1, None),
    Device(
        "phone, processor 4 × slower, 1.6 Mbit/s, 150 ms away",
        {"width": 390, "height": 844},
        4,
        {"latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8},
    ),
)


async def main() -> int:
    if not STATE.exists():
        print(f"{STATE} is not there: run `make demo` first", file=sys.stderr)  # noqa: T201
        return 2
    link = json.loads(STATE.read_text())["portal_url"]
    print("| | largest contentful paint, first and later | interaction to next paint | layout shift | requests | kB |")  # noqa: T201
    print("| --- | --- | --- | --- | --- | --- |")  # noqa: T201
    async with chrome() as browser:
        for device in DEVICES:
            visits = [await visit(browser, link, device) for _ in range(VISITS)]
            middle = {name: median(each[name] for each in visits) for name in visits[0]}
            first, later = f"{middle['first paint']:.0f}", f"{middle['later paint']:.0f}"
            print(  # noqa: T201
                f"| {device.name} | {first} ms, {later} ms | {middle['interaction']:.0f} ms | {middle['shift']:.3f}"
                f" | {middle['requests']:.0f} | {middle['bytes'] / 1000:.0f} |"
            )
    return 0


async def visit(browser: Browser, link: str, device: Device) -> dict[str, float]:
    """A customer comes in with an empty cache, comes back, and uses the page."""
    context = await browser.new_context(locale="es-MX", viewport=device.viewport)  # type: ignore[arg-type]
    page = await context.new_page()
    await page.add_init_script(f"({OBSERVE})()")
    wire = await slow(page, device)
    loaded = await listen(wire)
    await page.goto(link)
    await page.wait_for_url(lambda url: "/enter" not in url)
    await page.wait_for_load_state("networkidle" if device.network is None else "load")
    await page.wait_for_timeout(1000)
    first = await seen(page)
    figures = {"first paint": first["paint"], "requests": len(loaded), "bytes": sum(loaded.values())}
    await page.reload()
    await page.wait_for_timeout(1000)
    figures["later paint"] = (await seen(page))["paint"]
    await use(page)
    last = await seen(page)
    await context.close()
    return figures | {"interaction": last["interaction"], "shift": max(first["shift"], last["shift"])}


async def use(page: Page) -> None:
    """Opens what can be opened, and changes the filter."""
    portal = PortalPage(page)
    dialog = await portal.cancel()
    await dialog.root.get_by_role("button", name="Volver").click()
    card = await portal.edit_card()
    await card.number.press_sequentially("4242")
    await press(card.frame.get_by_role("button", name="Volver"))
    await portal.invoices.get_by_text("Descargar todo").click()
    await page.keyboard.press("Escape")
    await page.locator("#filter-year").select_option(index=1)
    await page.wait_for_timeout(1000)


async def slow(page: Page, device: Device) -> CDPSession:
    wire = await page.context.new_cdp_session(page)
    await wire.send("Network.enable")
    if device.slower > 1:
        await wire.send("Emulation.setCPUThrottlingRate", {"rate": device.slower})
    if device.network:
        await wire.send("Network.emulateNetworkConditions", {"offline": False, **device.network})
    return wire


async def listen(wire: CDPSession) -> dict[str, float]:
    """Bytes on the wire by request, as they come."""
    loaded: dict[str, float] = {}

    def finished(event: Mapping[str, Any]) -> None:
        loaded[event["requestId"]] = event["encodedDataLength"]

    wire.on("Network.loadingFinished", finished)
    return loaded


async def seen(page: Page) -> dict[str, float]:
    found: dict[str, float] = await page.evaluate("seen")
    return found


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
