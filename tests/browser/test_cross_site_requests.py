"""A page of another site can do nothing with the browser of a customer who is logged in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser.live_stage import free_socket, served
from browser.tabs import another_tab
from browser.two_customers import TwoCustomers
from fastapi import FastAPI
from playwright.async_api import Page, expect
from starlette.responses import HTMLResponse
from starlette.routing import Route

from support.portal_page.page_objects import PortalPage, Visitor


@asynccontextmanager
async def elsewhere(page: Page, html: str) -> AsyncIterator[Page]:
    """A tab with a page of another site: `localhost` and `127.0.0.1` are different sites."""
    other = FastAPI()
    other.router.routes.append(Route("/", lambda _: HTMLResponse(html)))
    with free_socket() as sock:
        async with served(other, sock):
            tab = await another_tab(page)
            await tab.goto(f"http://localhost:{sock.getsockname()[1]}/")
            yield tab
            await tab.close()


async def test_a_page_of_another_site_changes_nothing(page: Page, two_customers: TwoCustomers) -> None:
    """By a form, by a form with a null origin (as in a sandboxed frame) and by a script."""
    await Visitor(page, await two_customers.ana()).enter()
    ours = two_customers.gateway.url
    form = f'<form method="post" action="{ours}/logout" target="_top"><button>Win</button></form>'
    framed = f"<iframe sandbox='allow-forms allow-top-navigation' srcdoc='{form}'></iframe>"
    for html, from_nowhere in ((form, False), (framed, True)):
        async with elsewhere(page, html) as tab:
            expected = "null" if from_nowhere else tab.url.rstrip("/")
            async with tab.expect_response(f"{ours}/logout") as answering:
                await tab.frames[-1].get_by_role("button").click()
            answer = await answering.value
            headers = await answer.request.all_headers()
            assert (answer.status, headers["origin"], headers["sec-fetch-site"]) == (403, expected, "cross-site")
    async with elsewhere(page, "") as tab:
        for path in ("/logout", "/api/session", "/enter"):
            options = {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "link=x"}
            await tab.evaluate("([url, options]) => fetch(url, options).catch(() => null)", [ours + path, options])
    assert await two_customers.open_sessions() == 1
    await page.reload()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


async def test_a_page_of_another_site_cannot_frame_the_portal(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    async with elsewhere(page, f'<iframe src="{two_customers.gateway.url}/"></iframe>') as tab:
        await expect(tab.locator("iframe")).to_be_visible()
        assert "Portal" not in await tab.frames[-1].content()
