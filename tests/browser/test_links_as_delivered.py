"""Links as mail programs deliver them open the portal. The page's script and the server find the same token."""

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import pytest
from browser.seed import sampled
from browser.two_customers import TwoCustomers
from playwright.async_api import Page, expect

from support.portal_gateway.delivered_links import CASES
from support.portal_page.page_objects import PortalPage, paste_link

SCRIPT = files("portal_gateway.adapters.page").joinpath("static", "token.js").read_text()


async def test_the_script_finds_what_the_server_finds(page: Page) -> None:
    await page.goto("about:blank")
    readings: list[dict[str, Any]] = await page.evaluate(
        """async ([script, texts]) => {
            const { tokenIn, waits } = await import(URL.createObjectURL(new Blob([script], { type: "text/javascript" })));
            return texts.map((text) => ({ token: tokenIn(text), waits: waits(text) }));
        }""",
        [SCRIPT, [case["text"] for case in CASES]],
    )
    for case, each in zip(CASES, readings, strict=True):
        assert each["token"] == case["token"], case["name"]
        assert case["token"] is None or each["waits"] == case["waits"], case["name"]


ADDRESSES: dict[str, Callable[[str], str]] = {
    "# encoded": lambda link: link.replace("#", "%23"),
    "# encoded twice": lambda link: link.replace("#", "%2523"),
    "more after the token": lambda link: f"{link}?utm_source=mail&fbclid=IwAR0",
    "more before the token": lambda link: link.replace("#", "?utm_source=mail#"),
    "in the query": lambda link: link.replace("#", "?"),
    "a full stop after it": lambda link: f"{link}.",
    "a bracket after an encoded #": lambda link: f"{link.replace('#', '%23')})",
    "a zero-width space inside": lambda link: f"{link[:-20]}\u200b{link[-20:]}",
    "a line break inside": lambda link: f"{link.replace('#', '%23')[:-20]}%0A{link[-20:]}",
    "a slash before #": lambda link: link.replace("#", "/#"),
    "the address inside another": lambda link: f"{link.partition('/enter')[0]}/?url={quote(link, safe='')}&data=1",
}


@pytest.mark.parametrize("name", sampled("address", ADDRESSES, 4))
async def test_the_page_repairs_the_address(page: Page, two_customers: TwoCustomers, name: str) -> None:
    await page.goto(ADDRESSES[name](await two_customers.ana()))
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
    history = await page.evaluate("() => JSON.stringify(navigation.entries().map((entry) => entry.url))")
    assert json.loads(history) == [f"{two_customers.gateway.url}/"]


async def test_a_repaired_link_for_one_use_still_waits_for_its_click(page: Page, two_customers: TwoCustomers) -> None:
    link = await two_customers.ana(kind="session")
    await page.goto(link.replace("?", "%3F").replace("#", "%23"))
    for _ in range(2):
        await expect(page.locator("#continue")).to_be_visible()
        assert page.url == link
        await page.reload()
    assert await two_customers.open_sessions() == 0
    await page.locator("#continue").click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


@pytest.mark.parametrize("kind", ["portal", "session"])
async def test_a_whole_mail_can_be_pasted(page: Page, two_customers: TwoCustomers, kind: str) -> None:
    link = await two_customers.ana(kind=kind)
    await page.goto(f"{two_customers.gateway.url}/enter")
    await paste_link(page, f"Abre tu portal: <{link[:-20]}\u200b{link[-20:]}>. Gracias")
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
