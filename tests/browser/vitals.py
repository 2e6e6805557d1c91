"""Performance of the page in a real browser, on a laptop and a slow phone: `make vitals`, beside a running `make demo`.

Prints largest contentful paint, interaction to next paint, layout shift, requests and bytes as a Markdown table, then every
console message on the pages of the demo's customers. Exit status 1 when there is one.
"""

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import time
from typing import Any, Final

from playwright.async_api import Browser, BrowserContext, CDPSession, ConsoleMessage, Page, WebError, expect

from support.browsing import chrome
from support.portal_page.page_objects import PortalPage, Visitor, back_to_portal, press

STATE: Final = Path(".portal/state.json")
VISITS: Final = 5
HEAD: Final = (
    "| | from the link to its largest paint | largest contentful paint, first and later | interaction to next paint"
    " | layout shift | requests | kB, without images |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)
CODE: Final = ("Document", "Stylesheet", "Script", "Font")
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
    """Factor by which the processor is slowed down."""
    network: Mapping[str, float] | None
    """Chromium's network conditions: bytes per second and milliseconds."""


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
    expect.set_options(timeout=20_000)
    state, messages = json.loads(STATE.read_text()), list[str]()
    print("\n".join(HEAD))  # noqa: T201
    async with chrome() as browser:
        for device in DEVICES:
            visits = [await visit(browser, state["portal_url"], device, messages) for _ in range(VISITS)]
            middle = {name: median(each[name] for each in visits) for name in visits[0]}
            first, later = f"{middle['first paint']:.0f}", f"{middle['later paint']:.0f}"
            print(  # noqa: T201
                f"| {device.name} | {middle['arrival']:.0f} ms | {first} ms, {later} ms | {middle['interaction']:.0f} ms"
                f" | {middle['shift']:.3f} | {middle['requests']:.0f}"
                f" | {middle['bytes'] / 1000:.0f}, {middle['code'] / 1000:.0f} |"
            )
        for customer in state["customers"].values():
            await look(browser, customer["portal_url"], messages)
    print("\n".join(messages) if messages else f"\nThe console logged nothing, on {len(state['customers'])} customers' pages.")  # noqa: T201
    return 1 if messages else 0


async def look(browser: Browser, link: str, messages: list[str]) -> None:
    """Enter, open an invoice and open each dialog."""
    context = await browser.new_context(locale="es-MX")
    listen_to_console(context, messages)
    page = await context.new_page()
    portal = await Visitor(page, link).enter()
    await portal.invoices.locator(".view").first.click()
    await back_to_portal(page).click()
    for opener in ("#cancel", "#edit-method", "#pay"):
        if await page.locator(opener).is_visible():
            await page.locator(opener).click()
            await portal.dialog.get_by_role("heading", level=1).wait_for()
            await page.wait_for_timeout(1000)
            await page.keyboard.press("Escape")
    await context.close()


def listen_to_console(context: BrowserContext, messages: list[str]) -> None:
    def hear(message: ConsoleMessage) -> None:
        messages.append(f"{message.type}: {message.text}")

    def mourn(error: WebError) -> None:
        messages.append(str(error.error))

    context.on("console", hear)
    context.on("weberror", mourn)


async def visit(browser: Browser, link: str, device: Device, messages: list[str]) -> dict[str, float]:
    """Enter with an empty cache, reload and use the page."""
    context = await browser.new_context(locale="es-MX", viewport=device.viewport)  # type: ignore[arg-type]
    listen_to_console(context, messages)
    page = await context.new_page()
    await page.add_init_script(f"({OBSERVE})()")
    wire = await slow(page, device)
    loaded = await listen(wire)
    started = time() * 1000
    await page.goto(link)
    await page.wait_for_url(lambda url: "/enter" not in url)
    await page.wait_for_load_state("networkidle" if device.network is None else "load")
    await page.wait_for_timeout(1000)
    first = await seen(page)
    figures = {
        "arrival": await page.evaluate("performance.timeOrigin") + first["paint"] - started,
        "first paint": first["paint"],
        "requests": len(loaded),
        "bytes": sum(size for size, _ in loaded.values()),
        "code": sum(size for size, kind in loaded.values() if kind in CODE),
    }
    await page.reload()
    await page.wait_for_timeout(1000)
    figures["later paint"] = (await seen(page))["paint"]
    await use(page)
    last = await seen(page)
    await context.close()
    return figures | {"interaction": last["interaction"], "shift": max(first["shift"], last["shift"])}


async def use(page: Page) -> None:
    """Open the dialogs and the menu, and change the filter."""
    portal = PortalPage(page)
    dialog = await portal.cancel()
    await dialog.root.locator("button[data-close]").click()
    card = await portal.edit_card()
    await card.number.press_sequentially("4242")
    await press(card.back_button)
    await portal.page.locator("#download-all").click()
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


async def listen(wire: CDPSession) -> dict[str, tuple[float, str]]:
    """Transferred bytes and resource type by request, filled while they arrive."""
    kinds: dict[str, str] = {}
    loaded: dict[str, tuple[float, str]] = {}

    def answered(event: Mapping[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def finished(event: Mapping[str, Any]) -> None:
        loaded[event["requestId"]] = event["encodedDataLength"], kinds.get(event["requestId"], "")

    wire.on("Network.responseReceived", answered)
    wire.on("Network.loadingFinished", finished)
    return loaded


async def seen(page: Page) -> dict[str, float]:
    measures: dict[str, float] = await page.evaluate("seen")
    return measures


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
