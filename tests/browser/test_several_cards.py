"""Several cards, in a browser: adding, the default, the backup, removing; with the keyboard, on a phone, without scripts."""

from typing import Any

from browser.gallery_cards import type_card
from browser.gallery_states import Opened
from browser.gallery_wallet import changed
from browser.live_stage import MASTERCARD, LiveStage
from browser.test_without_scripts import scriptless
from playwright.async_api import Browser, Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, sheet
from support.portal_page.scenes import TWO_CARDS, method_id, with_cards

VISA, BACKUP, ADDED = method_id("4242"), method_id("1117"), method_id("4444")


def stage_with_two() -> LiveStage:
    return LiveStage(with_cards(*TWO_CARDS))


def roles(stage: LiveStage) -> dict[str, Any]:
    return {it["last4"]: it["role"] for it in stage.views.shown.facts["payment_methods"]}


async def choose(portal: PortalPage, action: str, card: str) -> None:
    """Open the card's menu and the dialog of an action."""
    await portal.page.locator(f"#options-{card}").click()
    await portal.page.locator(f"#{action}-{card}").click()
    await expect(sheet(portal.dialog, "card-action")).to_be_focused()


async def confirm(portal: PortalPage) -> None:
    """Confirm, close the result, and wait until the dialog is closed."""
    await portal.dialog.locator("button[type=submit]").click()
    await expect(sheet(portal.dialog, "card-changed")).to_be_focused()
    await portal.dialog.locator("[data-close]").click()
    await expect(portal.dialog).to_be_hidden()


async def test_a_card_is_added_beside_the_only_one(page: Page) -> None:
    async with LiveStage(with_cards(scenes.saved("4242", "default"))).open() as stage:
        portal = await stage.enter(page)
        await expect(portal.method.get_by_role("list")).to_have_count(0)
        await page.locator("#add-card").click()
        await expect(portal.dialog.frame_locator("iframe").locator("#number")).to_be_enabled()
        await type_card(Opened(page, stage), MASTERCARD)
        await expect(sheet(portal.dialog, "card-saved")).to_be_focused()
        await portal.dialog.locator("[data-close]").click()
        await expect(page.locator(f"#options-{ADDED}")).to_be_visible()
        assert roles(stage) == {"4242": "default", "4444": None}


async def test_the_changes_open_above_the_page_and_close_again(page: Page) -> None:
    async with stage_with_two().open() as stage:
        changed(stage)
        portal = await stage.enter(page)
        await page.locator("#card-changes").click()
        await expect(sheet(portal.dialog, "card-changes")).to_be_focused()
        await expect(portal.dialog.locator("li")).to_have_count(5)
        await page.keyboard.press("Escape")
        await expect(page.locator("#card-changes")).to_be_focused()


async def test_the_default_and_the_backup_change_places(page: Page) -> None:
    async with stage_with_two().open() as stage:
        portal = await stage.enter(page)
        await choose(portal, "default", BACKUP)
        await confirm(portal)
        await expect(portal.method.get_by_role("listitem").first).to_contain_text("1117")
        assert roles(stage) == {"1117": "default", "4242": None}
        await choose(portal, "backup", VISA)
        await expect(portal.dialog.locator("[data-consent]")).to_be_visible()
        await confirm(portal)
        await expect(portal.method.locator("[data-status=backup]")).to_be_visible()
        assert roles(stage) == {"1117": "default", "4242": "backup"}


async def test_the_last_but_one_card_is_removed_on_a_phone(page: Page) -> None:
    await page.set_viewport_size({"width": 320, "height": 700})
    async with stage_with_two().open() as stage:
        portal = await stage.enter(page)
        await choose(portal, "remove", VISA)
        await expect(portal.dialog).to_contain_text("1117")
        await confirm(portal)
        await expect(page.locator("#add-card")).to_be_visible()
        await expect(portal.method.get_by_role("list")).to_have_count(0)
        assert roles(stage) == {"1117": "default"}


async def test_the_menu_and_the_dialog_work_with_the_keyboard(page: Page) -> None:
    async with stage_with_two().open() as stage:
        portal = await stage.enter(page)
        summary = page.locator(f"#options-{BACKUP}")
        await summary.focus()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.locator(f"#default-{BACKUP}")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(summary).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(sheet(portal.dialog, "card-action")).to_be_focused()
        await page.keyboard.press("Escape")
        await expect(portal.dialog).to_be_hidden()
        await expect(summary).to_be_focused()
        assert roles(stage) == {"4242": "default", "1117": "backup"}


async def test_a_card_is_removed_without_scripts(browser: Browser) -> None:
    async with scriptless(browser, with_cards(*TWO_CARDS)) as (stage, page, _):
        await page.locator(f"#options-{BACKUP}").click()
        await page.locator(f"#remove-{BACKUP}").click()
        await page.locator("main button[type=submit]").click()
        await expect(sheet(page, "card-changed")).to_be_visible()
        await page.locator("main .button.primary").click()
        await expect(page.locator("#pane-payment_method")).to_be_visible()
        assert roles(stage) == {"4242": "default"}
