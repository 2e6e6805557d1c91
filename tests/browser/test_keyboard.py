"""Every flow by keyboard: the focus is right, visible and never lost."""

import re
from dataclasses import replace

import pytest
from browser.keyboard import Keyboard
from browser.live_stage import DECLINED, LiveStage
from playwright.async_api import Browser, Page, expect

from portal_gateway.application.view import View
from portal_gateway.domain.view import CustomerView
from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, badge, problem, sheet

VISA = "4242424242424242"
NEWEST, OLDER = f"link invoice-{scenes.invoice_id(14)}", "link older"
CANCEL, EDIT, ADD, KEEP = "button cancel", "button edit-method", "button add-card", "button keep"
FOOT = [
    "link mailto:soporte@techsolutions.example",
    "link https://techsolutions.example/terminos",
    "link https://techsolutions.example/privacidad",
    "link en",
]
TOPS = """() => {
    const box = document.activeElement.getBoundingClientRect();
    const scrolled = document.querySelector("dialog[open]")?.scrollTop ?? scrollY;
    return [Math.round(box.top + scrolled), Math.round(box.bottom + scrolled)];
}"""


def few(view: View) -> View:
    """The view with two invoices: every row has the same tab stops."""
    facts: CustomerView = {**view.facts, "invoices": view.facts["invoices"][:2]}
    return replace(view, facts=facts)


async def enter(page: Page, stage: LiveStage) -> tuple[PortalPage, Keyboard]:
    return await stage.enter(page), Keyboard(page)


async def assert_reading_order(keyboard: Keyboard, last: str) -> None:
    """Assert that no stop lies wholly above the one before it."""
    above = 0
    stop = ""
    while stop != last:
        stop = await keyboard.next()
        top, bottom = await keyboard.page.evaluate(TOPS)
        assert bottom > above, stop
        above = top


async def test_tab_stops_follow_the_reading_order(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        _, keyboard = await enter(page, stage)
        assert await keyboard.all_stops() == [
            "link skip",
            "button log-out",
            "menu leave",
            CANCEL,
            EDIT,
            ADD,
            "menu download-all",
            "combobox filter-year",
            "combobox filter-status",
            NEWEST,
            f"link pdf-{scenes.invoice_id(14)}",
            f"link invoice-{scenes.invoice_id(13)}",
            f"link pdf-{scenes.invoice_id(13)}",
            OLDER,
            *FOOT,
        ]
        await keyboard.back(*reversed(FOOT), OLDER)


@pytest.mark.parametrize("media", [{"color_scheme": "light"}, {"color_scheme": "dark"}, {"forced_colors": "active"}], ids=str)
async def test_the_focus_is_visible_at_every_stop(page: Page, media: dict[str, str]) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        await page.emulate_media(**media)  # type: ignore[arg-type]
        _, keyboard = await enter(page, stage)
        await keyboard.reach(CANCEL)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading cancel")
        await keyboard.reach("button submit")
        await keyboard.press("Escape")
        await keyboard.wait_for(CANCEL)
        await keyboard.tab(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        await keyboard.reach("button confirm")
        await keyboard.press("Escape")
        await keyboard.wait_for(EDIT)
        await keyboard.reach(OLDER)
        for path, last in ((f"/invoices/{scenes.invoice_id(14)}", "link /"), ("/ended", "button submit")):
            await page.goto(stage.origin + path)
            await keyboard.reach(last)


async def test_on_a_small_screen_the_focus_only_moves_down(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 640})
    async with LiveStage(few(scenes.owing())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await assert_reading_order(keyboard, FOOT[-1])
        await portal.page.locator("#cancel").focus()
        await keyboard.press("Enter")
        await keyboard.wait_for("heading cancel")
        await assert_reading_order(keyboard, "button submit")
        await keyboard.press("Escape")
        await keyboard.wait_for(CANCEL)
        await keyboard.tab(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        await assert_reading_order(keyboard, "button confirm")


async def test_the_skip_link_leads_to_the_main_content(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await keyboard.tab("link skip")
        await keyboard.press("Enter")
        await keyboard.wait_for("main main")
        await keyboard.tab(CANCEL)


async def test_invoices_are_filtered_and_opened(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("combobox filter-year")
        await keyboard.press("ArrowDown", "ArrowDown")
        await expect(page).to_have_url(re.compile("year=2022"))
        await keyboard.wait_for("combobox filter-year")
        await expect(page.locator(":focus")).to_have_value("2022")
        await keyboard.reach("link clear")
        await keyboard.press("Enter")
        await expect(portal.invoices.get_by_role("listitem")).to_have_count(2)
        await keyboard.wait_for("heading invoices-title")
        await keyboard.reach(NEWEST)
        await keyboard.press("Enter")
        await expect(sheet(page, "invoice")).to_contain_text("TS-000014")
        await keyboard.reach(f"link /invoices/{scenes.invoice_id(14)}.pdf")
        async with page.expect_download() as pdf:
            await keyboard.press("Enter")
        assert (await pdf.value).suggested_filename == "TS-000014.pdf"
        await keyboard.reach("link /")
        await keyboard.press("Enter")
        await expect(portal.invoices).to_be_visible()


async def test_a_menu_opens_below_its_button_and_closes_when_the_focus_leaves(page: Page) -> None:
    async with LiveStage(few(scenes.view())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("menu download-all")
        await keyboard.press("Space")
        files = ["link /export.csv", "link /export.zip", "link /export.ndjson"]
        await keyboard.tab(*files)
        await keyboard.press("Escape")
        await keyboard.wait_for("menu download-all")
        await expect(portal.invoices.locator(".menu a").first).to_be_hidden()
        await keyboard.press("Enter")
        await keyboard.tab(files[0])
        async with page.expect_download() as history:
            await keyboard.press("Enter")
        assert (await history.value).suggested_filename == "facturas.csv"
        await keyboard.wait_for("menu download-all")
        await keyboard.press("Enter")
        await keyboard.tab(*files, "combobox filter-year")
        await expect(portal.invoices.locator(".menu a").first).to_be_hidden()


async def test_the_language_and_the_subscription_are_changed(page: Page) -> None:
    other = scenes.subscription("trialing", id=scenes.invoice_id(99), plan=scenes.plan(name="Archivo"))
    async with LiveStage(few(scenes.view(scenes.subscription(), other))).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(f"link choice-{scenes.invoice_id(99)}")
        await keyboard.press("Enter")
        await expect(badge(portal.subscription, "trialing")).to_be_visible()
        await keyboard.reach("link en")
        await keyboard.press("Enter")
        await expect(page.locator("html")).to_have_attribute("lang", "en-US")
        await keyboard.reach("link es")


async def test_a_subscription_is_cancelled_with_a_reason_and_then_kept(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(CANCEL)
        await keyboard.press("Space")
        await keyboard.wait_for("heading cancel")
        await keyboard.tab("radio feedback")
        await keyboard.press("Space")
        await keyboard.tab("textbox comment")
        await keyboard.type("Quizá vuelva")
        await keyboard.tab("button close", "button submit")
        await keyboard.press("Space")
        await keyboard.wait_for("heading cancelled")
        command = stage.subscriptions.commands[0]
        assert (command["feedback"], command["comment"]) == ("too_expensive", "Quizá vuelva")
        await keyboard.tab("button submit", "link close")
        await keyboard.press("Enter")
        await expect(badge(portal.subscription, "ending")).to_be_visible()
        await keyboard.wait_for("heading subscription-title")
        await keyboard.tab(KEEP)
        await keyboard.press("Enter")
        await expect(badge(portal.subscription, "active")).to_be_visible()
        await keyboard.wait_for("heading subscription-title")
        await keyboard.tab(CANCEL)


async def test_keeping_the_subscription_in_the_dialog_returns_to_the_page(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(CANCEL)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading cancel")
        await keyboard.reach("button submit")
        await keyboard.press("Enter")
        await keyboard.wait_for("heading cancelled")
        await keyboard.tab("button submit")
        await keyboard.press("Enter")
        await expect(portal.dialog).to_be_hidden()
        await keyboard.wait_for(CANCEL)


@pytest.mark.parametrize("leave", ["Escape", "button"])
@pytest.mark.parametrize(
    ("opener", "first", "stops"),
    [
        (CANCEL, "heading cancel", ["radio", "button", "button"]),
        (EDIT, "textbox number", ["textbox", "textbox", "button", "button"]),
    ],
    ids=["cancel", "card"],
)
async def test_a_dialog_traps_the_focus_and_returns_it(page: Page, opener: str, first: str, stops: list[str], leave: str) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(opener)
        for _ in range(2):
            await keyboard.press("Enter")
            await keyboard.wait_for(first)
            if leave == "button":
                await keyboard.reach("button close" if opener == CANCEL else "button back")
            await keyboard.press("Enter" if leave == "button" else "Escape")
            await expect(portal.dialog).to_be_hidden()
            await keyboard.wait_for(opener)
        await keyboard.press("Enter")
        await keyboard.wait_for(first)
        assert [stop.split()[0] for stop in await keyboard.all_stops()] == stops
        assert stage.subscriptions.commands == stage.live_payments.requests == []


async def test_a_dialog_reopened_immediately_keeps_its_content(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, _ = await enter(page, stage)
        await portal.cancel()
        await page.evaluate("document.getElementById('dialog').close(); document.getElementById('cancel').click()")
        await expect(sheet(portal.dialog, "cancel")).to_be_focused()


async def test_a_card_is_entered_corrected_declined_and_replaced(page: Page) -> None:
    async with LiveStage().open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        await keyboard.type(DECLINED)
        await keyboard.tab("textbox exp", "textbox cvc")
        await keyboard.type("123")
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox exp")
        await expect(portal.dialog.frame_locator("iframe").locator(":focus")).to_have_attribute("aria-invalid", "true")
        await keyboard.type("1230")
        await keyboard.tab("textbox cvc", "button back", "button confirm")
        await keyboard.press("Enter")
        await expect(problem(portal.dialog.frame_locator("iframe"), "card_declined")).to_be_visible()
        await keyboard.wait_for("textbox number")
        await keyboard.press("Control+A")
        await keyboard.type(VISA)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading card-saved")
        await keyboard.tab("link close")
        await keyboard.press("Enter")
        await expect(portal.dialog).to_be_hidden()
        await keyboard.wait_for(EDIT)


async def test_the_focus_stays_on_the_button_while_a_card_is_sent(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await page.route("**/api/payment-method", lambda route: None)
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        for text in (VISA, "1230", "123"):
            await keyboard.type(text)
            await keyboard.press("Tab")
        await keyboard.tab("button confirm")
        await keyboard.press("Enter")
        await expect(page.frame_locator("iframe").locator("#confirm")).to_be_disabled()
        await keyboard.wait_for("button confirm")
        await page.unroute_all()


async def test_retrying_the_card_frame_does_not_lose_the_focus(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await page.route("**/api/payment-method/setup", lambda route: route.abort())
        await keyboard.reach(EDIT)
        await keyboard.press("Enter")
        await keyboard.wait_for("button retry")
        await page.unroute_all()
        await page.route("**/api/payment-method/setup", lambda route: None)
        await keyboard.press("Enter")
        await keyboard.wait_for("heading card")
        await page.unroute_all()


async def test_a_debt_is_paid(page: Page) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        portal, keyboard = await enter(page, stage)
        await keyboard.reach("button pay")
        await keyboard.press("Enter")
        await keyboard.wait_for("textbox number")
        for text in (VISA, "1230", "123"):
            await keyboard.type(text)
            await keyboard.press("Tab")
        await keyboard.tab("button confirm")
        await keyboard.press("Space")
        await keyboard.wait_for("heading card-saved")
        await expect(badge(portal.dialog.locator("[data-charge] dd"), "paid")).to_be_visible()
        await keyboard.press("Escape")
        await expect(page.locator("[data-notice]")).to_have_count(0)
        await keyboard.wait_for("heading subscription-title")


async def test_logging_out_is_one_key_and_revoking_the_link_is_in_the_menu(page: Page) -> None:
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await keyboard.reach("button log-out")
        await keyboard.press("Enter")
        await expect(problem(page, "session_ended")).to_be_visible()
        assert stage.access.ended == [False]
    async with LiveStage().open() as stage:
        _, keyboard = await enter(page, stage)
        await keyboard.reach("menu leave")
        await keyboard.press("Enter")
        await keyboard.tab("button revoke_link=yes")
        await keyboard.press("Enter")
        await expect(problem(page, "link_revoked")).to_be_visible()
        assert stage.access.ended == [True]


async def test_a_link_is_pasted(page: Page, browser: Browser) -> None:
    async with LiveStage().open() as stage:
        keyboard = Keyboard(page)
        await page.goto(stage.origin)
        await keyboard.tab("textbox link")
        await keyboard.type(stage.link)
        await keyboard.press("Control+A", "Control+X", "Control+V")
        await keyboard.tab("button submit")
        await keyboard.press("Enter")
        await expect(page.locator("#invoices-title")).to_be_visible()


async def test_single_letters_trigger_nothing(page: Page) -> None:
    async with LiveStage(few(scenes.owing())).open() as stage:
        _, keyboard = await enter(page, stage)
        before = await page.locator("body").aria_snapshot()
        await keyboard.type("abcdefghijklmnñopqrstuvwxyzABCXYZ0123456789?/.,;")
        assert await page.locator("body").aria_snapshot() == before
        assert await keyboard.focus() == ""
        assert page.url == f"{stage.origin}/"
