"""Two links in one browser: no tab shows, or acts for, the other customer."""

import asyncio
import re
from datetime import UTC, datetime, timedelta

import pytest
from browser.tabs import OF_DIEGO, another_tab, hide, isolate
from browser.two_customers import TwoCustomers, has_no_data_of_ana
from playwright.async_api import Page, Route, expect

from billing_contracts import payments
from support.portal_gateway import story
from support.portal_gateway.story import MASTERCARD
from support.portal_page.page_objects import PortalPage, Visitor, back_to_portal, log_out, message, paste_link, problem


async def test_the_second_link_ends_the_first_session_and_clears_its_tab(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    second = await another_tab(page)
    diegos = await Visitor(second, await two_customers.diego()).enter()
    await page.wait_for_url("**/ended")
    await expect(problem(page, "opened_again").filter(has_text="Diego Ruiz")).to_be_visible()
    assert await has_no_data_of_ana(page)
    await expect(diegos.subscription).to_contain_text("Básico Mensual")
    await expect(second.get_by_text(OF_DIEGO)).to_be_visible()
    assert await two_customers.open_sessions() == 1


async def test_a_hidden_tab_is_cleared_too(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    await hide(page)
    await Visitor(await another_tab(page), await two_customers.diego()).enter()
    await page.wait_for_url("**/ended")
    assert await has_no_data_of_ana(page)


async def test_a_tab_that_learns_it_only_from_its_stream_is_cleared(page: Page, two_customers: TwoCustomers) -> None:
    await isolate(page, block_stream=False)
    await Visitor(page, await two_customers.ana()).enter()
    await Visitor(await another_tab(page), await two_customers.diego()).enter()
    await two_customers.company.tell(payments.PaymentMethodUpdated(payment_method=MASTERCARD))
    await page.wait_for_url("**/ended")
    assert await has_no_data_of_ana(page)


async def test_a_tab_shown_again_does_not_show_the_other_customers_panes(page: Page, two_customers: TwoCustomers) -> None:
    await isolate(page, block_stream=False)
    await Visitor(page, await two_customers.ana()).enter()
    await hide(page)
    await Visitor(await another_tab(page), await two_customers.diego()).enter()
    await expect(page.get_by_text("Ana García")).to_be_attached()
    await hide(page, False)
    await page.wait_for_url("**/ended")
    assert await has_no_data_of_ana(page)


async def test_a_link_that_follows_a_refused_one_opens_although_the_scripts_are_late(
    page: Page, two_customers: TwoCustomers
) -> None:
    changed = asyncio.Event()

    async def deliver_late(route: Route) -> None:
        await changed.wait()
        await route.continue_()

    # Given the page of a refused link, which has not received its scripts
    link = await two_customers.ana()
    await page.goto(f"{two_customers.gateway.url}/enter")
    await expect(page.locator("#link")).to_be_visible()
    await page.route("**/static/*.js", deliver_late)
    await paste_link(page, f"{link[:-43]}{'A' * 43}")
    await expect(page.get_by_role("alert")).to_be_visible()
    # When the right link is opened in the same tab, which changes only the fragment
    await page.evaluate("link => { location.href = link }", link)
    changed.set()
    # Then it opens the portal
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


async def test_opening_the_same_link_again_is_another_session(page: Page, two_customers: TwoCustomers) -> None:
    link = await two_customers.ana()
    await Visitor(page, link).enter()
    await Visitor(await another_tab(page), link).enter()
    await page.wait_for_url("**/ended")
    await expect(problem(page, "opened_again").filter(has_text="Ana García")).to_be_visible()
    await back_to_portal(page).click()
    await expect(PortalPage(page).method).to_contain_text("Visa •••• 4242")


async def test_an_invalid_link_ends_no_session(page: Page, two_customers: TwoCustomers) -> None:
    portal = await Visitor(page, await two_customers.ana()).enter()
    second = await another_tab(page)
    await second.goto(f"{await two_customers.diego()}x")
    await expect(second.locator("[data-refused]")).to_be_visible()
    await page.reload()
    await expect(portal.method).to_contain_text("Visa •••• 4242")


async def test_another_link_in_the_address_bar_opens_its_account(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    await page.goto(await two_customers.diego())
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()
    assert await has_no_data_of_ana(page)
    await page.go_back()
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()
    assert await has_no_data_of_ana(page)


async def test_another_pasted_link_opens_its_account(page: Page, two_customers: TwoCustomers) -> None:
    await Visitor(page, await two_customers.ana()).enter()
    await page.goto(f"{two_customers.gateway.url}/enter")
    await paste_link(page, await two_customers.diego())
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()
    assert await two_customers.open_sessions() == 1


async def test_a_link_added_to_the_open_entry_page_is_used_without_a_reload(page: Page, two_customers: TwoCustomers) -> None:
    await page.goto(f"{await two_customers.ana()}x")
    await expect(page.locator("[data-refused]")).to_be_visible()
    await page.goto(await two_customers.diego())
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()


async def test_the_later_of_two_links_wins(page: Page, two_customers: TwoCustomers) -> None:
    """The second link arrives while the first is being checked."""
    second = (await two_customers.diego()).partition("#")[2]

    async def slow(route: object) -> None:
        await page.evaluate("(token) => { location.hash = token; }", second)
        await route.continue_()  # type: ignore[attr-defined]

    await page.route("**/api/session", slow, times=1)
    await page.goto(await two_customers.ana())
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()
    assert await two_customers.open_sessions() == 1


# Requests of Ana's tab, which does not know yet that the browser has Diego's session.


async def open_isolated(page: Page, two_customers: TwoCustomers) -> PortalPage:
    """Open Ana's page without messages from other tabs. `diego_enters` opens Diego's link in another tab."""
    await isolate(page)
    return await Visitor(page, await two_customers.ana()).enter()


async def diego_enters(page: Page, two_customers: TwoCustomers) -> None:
    second = await another_tab(page)
    await Visitor(second, await two_customers.diego()).enter()
    await second.close()


async def expect_notice_and_no_command(page: Page, two_customers: TwoCustomers) -> None:
    """Assert that the notice is shown and that no command was sent."""
    notice = message(page, "session_changed").filter(has_text="Diego Ruiz")
    await expect(notice).to_be_visible()
    await expect_only_diego(page, two_customers)
    await expect(page).to_have_url(f"{two_customers.gateway.url}/")
    await page.reload()
    await expect(notice).to_be_hidden()


async def expect_only_diego(page: Page, two_customers: TwoCustomers) -> None:
    await expect(PortalPage(page).subscription).to_contain_text("Básico Mensual")
    assert await has_no_data_of_ana(page)
    assert two_customers.commands_sent() == []
    assert await two_customers.open_sessions() == 1


async def test_a_cancellation_in_the_other_customers_tab_is_refused(page: Page, two_customers: TwoCustomers) -> None:
    portal = await open_isolated(page, two_customers)
    dialog = await portal.cancel()
    await dialog.fill("too_expensive", "Hasta pronto")
    await diego_enters(page, two_customers)
    await dialog.confirm()
    await expect_notice_and_no_command(page, two_customers)


async def test_a_cancellation_on_its_own_page_is_refused(page: Page, two_customers: TwoCustomers) -> None:
    await open_isolated(page, two_customers)
    await page.goto(f"{two_customers.gateway.url}/subscriptions/{story.SUBSCRIPTION}/cancel")
    await diego_enters(page, two_customers)
    await page.locator("#sheet button[type=submit]").click()
    await expect_notice_and_no_command(page, two_customers)


async def test_a_withdrawal_in_the_other_customers_tab_is_refused(page: Page, two_customers: TwoCustomers) -> None:
    later = datetime.now(UTC) + timedelta(days=20)
    await two_customers.company.tell(story.cancellation_scheduled(6).model_copy(update={"effective_at": later}))
    portal = await open_isolated(page, two_customers)
    await diego_enters(page, two_customers)
    await portal.keep()
    await expect_notice_and_no_command(page, two_customers)


@pytest.mark.parametrize("button", ["#cancel", "#edit-method"])
async def test_no_dialog_opens_in_the_other_customers_tab(page: Page, two_customers: TwoCustomers, button: str) -> None:
    await open_isolated(page, two_customers)
    await diego_enters(page, two_customers)
    await page.locator(button).click()
    await expect_notice_and_no_command(page, two_customers)


async def test_no_card_is_saved_in_the_other_customers_tab(page: Page, two_customers: TwoCustomers) -> None:
    setup: dict[str, object] = {"setup_id": "one", "frame_url": "http://localhost:4242/cards/one", "due": [], "total": None}
    two_customers.gateway.owners.say("POST", f"/v1/customers/{story.ANA}/setups", 201, setup)
    await page.route("http://localhost:4242/**", lambda route: route.fulfill(body=CARD_PAGE, content_type="text/html"))
    portal = await open_isolated(page, two_customers)
    await portal.page.locator("#edit-method").click()
    confirm = portal.dialog.frame_locator("iframe").get_by_role("button", name="Save")
    await expect(confirm).to_be_visible()
    two_customers.gateway.owners.requests.clear()
    await diego_enters(page, two_customers)
    await confirm.click()
    await expect_notice_and_no_command(page, two_customers)


CARD_PAGE = """<button onclick="tell('submitting'); tell('token', CARD)">Save</button><script>
const CARD = { token: "tok", brand: "visa", last4: "4242", exp: "12/2030" };
function tell(type, more) { parent.postMessage({ v: 1, setup_id: "one", type, ...more }, "*"); }
tell("ready"); tell("height", { height: 200 });
</script>"""
"""A card page that accepts any card."""


async def test_no_session_is_extended_in_the_other_customers_tab(page: Page, two_customers: TwoCustomers) -> None:
    await page.clock.install()
    await open_isolated(page, two_customers)
    await two_customers.gateway.pool.execute("UPDATE portal_session SET seen_at = now() - interval '26 min'")
    await page.clock.fast_forward("26:00")
    await expect(page.locator("#session-ending p[data-extend]")).to_be_visible()
    await diego_enters(page, two_customers)
    await page.locator("#extend").click()
    await expect_notice_and_no_command(page, two_customers)


async def test_logging_out_in_the_other_customers_tab_is_refused(page: Page, two_customers: TwoCustomers) -> None:
    """Logging out is a plain form. Its answer explains what happened and names the open account."""
    await open_isolated(page, two_customers)
    await diego_enters(page, two_customers)
    async with page.expect_response(re.compile("/logout$")) as answering:
        await log_out(page, revoke_link=True)
    assert (await answering.value).status == 409
    await expect(problem(page, "session_changed")).to_be_visible()
    await expect(page.get_by_text(OF_DIEGO)).to_be_visible()
    await page.locator("main a[data-close]").click()
    await expect_only_diego(page, two_customers)
