"""On a shared computer nothing personal is left after logging out."""

from collections.abc import AsyncIterator

import pytest
from browser.tabs import another_tab, hide, isolate
from browser.two_customers import TwoCustomers, has_no_data_of_ana
from playwright.async_api import Browser, Page, Response, expect

from support.browsing import chrome, watched_page
from support.portal_gateway import story
from support.portal_page.page_objects import PortalPage, Visitor, log_out, problem

CANCEL = f"/subscriptions/{story.SUBSCRIPTION}/cancel"


@pytest.fixture(scope="module")
async def caching_browser() -> AsyncIterator[Browser]:
    """A browser with a back/forward cache. Playwright turns it off by default."""
    async with chrome(ignore_default_args=["--disable-back-forward-cache"]) as started:
        yield started


@pytest.fixture
async def page(caching_browser: Browser) -> AsyncIterator[Page]:
    async with watched_page(caching_browser, lambda message: "Content Security Policy" in message.text) as page:
        yield page


async def leave(page: Page, *, revoke_link: bool = False) -> Response:
    async with page.expect_response("**/logout") as leaving:
        await log_out(page, revoke_link=revoke_link)
    await expect(problem(page, "link_revoked" if revoke_link else "session_ended")).to_be_visible()
    return await leaving.value


async def shows_no_account(page: Page) -> bool:
    await expect(page.locator("[data-code=not_opened], [data-refused]")).to_be_visible()
    return await has_no_data_of_ana(page)


async def browse(page: Page, two_customers: TwoCustomers) -> str:
    """Ana opens the portal, the cancellation page and the portal again. Returns her link."""
    link = await two_customers.ana()
    await Visitor(page, link).enter()
    await page.goto(two_customers.gateway.url + CANCEL)
    await page.goto(f"{two_customers.gateway.url}/?year=2023")
    return link


async def test_back_after_logging_out_shows_nothing_personal(page: Page, two_customers: TwoCustomers) -> None:
    await browse(page, two_customers)
    await leave(page)
    assert await page.context.cookies() == []
    for _ in range(3):
        await page.go_back()
        assert await shows_no_account(page), page.url
        await page.reload()
        assert await shows_no_account(page), page.url
    for _ in range(2):
        await page.go_forward()
        assert await shows_no_account(page), page.url


async def test_a_reopened_tab_shows_nothing_personal(page: Page, two_customers: TwoCustomers) -> None:
    await browse(page, two_customers)
    address = page.url
    await leave(page)
    second = await another_tab(page)
    await page.close()
    await second.goto(address)
    assert await shows_no_account(second)


@pytest.mark.parametrize("revoke_link", [False, True])
async def test_logging_out_clears_the_browsers_storage(page: Page, two_customers: TwoCustomers, revoke_link: bool) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    await page.evaluate("localStorage.setItem('left', 'here')")
    headers = await (await leave(page, revoke_link=revoke_link)).all_headers()
    assert headers["clear-site-data"] == '"cache", "storage"'
    assert await page.evaluate("localStorage.getItem('left')") is None


async def test_after_logging_out_the_link_works_unless_it_was_revoked(page: Page, two_customers: TwoCustomers) -> None:
    link = await browse(page, two_customers)
    await leave(page)
    await Visitor(page, link).enter()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")
    await leave(page, revoke_link=True)
    await page.goto(link)
    assert await shows_no_account(page)


async def test_logging_out_clears_every_tab(page: Page, two_customers: TwoCustomers) -> None:
    await browse(page, two_customers)
    other, cancel = await another_tab(page), await another_tab(page)
    await other.goto(two_customers.gateway.url)
    await cancel.goto(two_customers.gateway.url + CANCEL)
    for tab in (other, cancel):
        await expect(tab.get_by_text("Ana García").first).to_be_visible()
        await hide(tab)
    await leave(page)
    for tab in (other, cancel):
        await tab.wait_for_url("**/ended")
        assert await has_no_data_of_ana(tab)


async def test_a_suspended_tab_is_cleared_when_it_is_shown(page: Page, two_customers: TwoCustomers) -> None:
    await browse(page, two_customers)
    other = await another_tab(page)
    await isolate(other, block_stream=False)
    await other.goto(two_customers.gateway.url)
    await hide(other)
    await leave(page)
    await expect(other.get_by_text("Ana García")).to_be_attached()
    await hide(other, False)
    await other.wait_for_url("**/ended")
    assert await has_no_data_of_ana(other)


async def test_back_from_another_site_shows_nothing_personal(page: Page, two_customers: TwoCustomers) -> None:
    await browse(page, two_customers)
    await page.route(
        "https://techsolutions.example/**", lambda route: route.fulfill(body="<h1>Terms</h1>", content_type="text/html")
    )
    await page.locator('.legal a[href="https://techsolutions.example/terms"]').click()
    await expect(page.get_by_role("heading", name="Terms")).to_be_visible()
    second = await another_tab(page)
    await second.goto(two_customers.gateway.url)
    await leave(second)
    await page.go_back()
    assert await shows_no_account(page)


async def test_a_page_from_the_back_forward_cache_is_emptied_and_reloaded(page: Page, two_customers: TwoCustomers) -> None:
    """Chromium does not cache pages with `no-store`; other browsers may. The event is the one that they send."""
    await browse(page, two_customers)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    await expect(page.locator("body")).to_be_hidden()
    await two_customers.gateway.pool.execute("UPDATE portal_session SET ended_at = now()")
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert await shows_no_account(page)


async def test_chromium_does_not_cache_pages(page: Page, two_customers: TwoCustomers) -> None:
    await page.add_init_script("addEventListener('pageshow', (event) => { window.kept = event.persisted; })")
    await browse(page, two_customers)
    await page.goto(f"{two_customers.gateway.url}/media/none.webp")
    await page.go_back()
    await expect(page.get_by_text("Ana García")).to_be_visible()
    assert await page.evaluate("window.kept") is False
