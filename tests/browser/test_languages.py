"""Both languages in a real browser: every text of a page is in one of them, and counts are right for one and for many."""

from collections.abc import AsyncIterator

import pytest
from browser.staged import LivingStage
from playwright.async_api import Page, expect

from support.payments.card_page import VISA_NUMBER
from support.portal_page.fakes import TOKEN
from support.portal_page.page_objects import Visitor, press

COMMENTS = {
    "es": ("Cuéntanos más", {499: "Te queda 1 carácter", 498: "Te quedan 2 caracteres", 0: "Te quedan 500 caracteres"}),
    "en": ("Tell us more", {499: "1 character left", 498: "2 characters left", 0: "500 characters left"}),
}
WAITS = {
    "es": {40: "Podrás probar otra vez en 1 minuto.", 1000: "Podrás probar otra vez en 17 minutos."},
    "en": {40: "You can try again in 1 minute.", 1000: "You can try again in 17 minutes."},
}
FIELDS = {
    "es": ("Número de tarjeta", "Vencimiento", "CVV", "Confirmar"),
    "en": ("Card number", "Expiry date", "CVV", "Confirm"),
}


@pytest.fixture
async def stage() -> AsyncIterator[LivingStage]:
    async with LivingStage().open() as stage:
        yield stage


@pytest.mark.parametrize("language", COMMENTS)
async def test_the_counter_of_characters_counts_in_words(page: Page, stage: LivingStage, language: str) -> None:
    await Visitor(page, stage.link).arrive()
    await page.goto(f"{stage.origin}/?lang={language}")
    await page.locator("#cancel").click()
    label, said = COMMENTS[language]
    for length, left in said.items():
        await page.get_by_label(label).fill("x" * length)
        await expect(page.locator("#comment-limit")).to_have_text(left)


@pytest.mark.parametrize("language", WAITS)
async def test_the_card_page_says_how_many_minutes_to_wait(page: Page, stage: LivingStage, language: str) -> None:
    await Visitor(page, stage.link).arrive()
    for seconds, said in WAITS[language].items():
        stage.living.cards.seconds_blocked = 0
        await page.goto(f"{stage.origin}/payment-method?lang={language}")
        card = page.frame_locator("iframe")
        number, expiry, code, confirm = FIELDS[language]
        for label, text in ((number, VISA_NUMBER), (expiry, "12 / 30"), (code, "123")):
            await card.get_by_label(label).fill(text)
        stage.living.cards.seconds_blocked = seconds
        await press(card.get_by_role("button", name=confirm))
        await expect(card.get_by_role("alert")).to_contain_text(said)


async def test_the_footer_changes_the_language_and_it_stays(page: Page, stage: LivingStage) -> None:
    await Visitor(page, stage.link).arrive()
    await page.get_by_role("link", name="English").filter(visible=True).click()
    await expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    await page.goto(stage.origin)
    await expect(page.locator("html")).to_have_attribute("lang", "en-US")
    await page.get_by_role("link", name="Español").filter(visible=True).click()
    await expect(page.get_by_role("heading", name="Historial de facturas")).to_be_visible()


async def test_a_link_that_waits_for_a_click_waits_in_the_other_language_too(page: Page, stage: LivingStage) -> None:
    await page.goto(stage.link.replace("/enter#", "/enter?continue#"))
    await page.get_by_role("link", name="English").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    assert TOKEN.secret not in await page.evaluate("JSON.stringify(navigation.entries().map((entry) => entry.url))")
