"""Both languages in a real browser, with singular and plural."""

from collections.abc import AsyncIterator

import pytest
from browser.live_stage import LiveStage
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
async def stage() -> AsyncIterator[LiveStage]:
    async with LiveStage().open() as stage:
        yield stage


@pytest.mark.parametrize("language", COMMENTS)
async def test_the_character_counter_uses_singular_and_plural(page: Page, stage: LiveStage, language: str) -> None:
    await Visitor(page, stage.link).enter()
    await page.goto(f"{stage.origin}/?lang={language}")
    await page.locator("#cancel").click()
    label, said = COMMENTS[language]
    for length, left in said.items():
        await page.get_by_label(label).fill("x" * length)
        await expect(page.locator("#comment-limit")).to_have_text(left)


@pytest.mark.parametrize("language", WAITS)
async def test_the_card_page_shows_the_minutes_to_wait(page: Page, stage: LiveStage, language: str) -> None:
    await Visitor(page, stage.link).enter()
    for seconds, said in WAITS[language].items():
        stage.live_payments.cards.seconds_blocked = 0
        await page.goto(f"{stage.origin}/payment-method?lang={language}")
        card = page.frame_locator("iframe")
        number, expiry, code, confirm = FIELDS[language]
        for label, text in ((number, VISA_NUMBER), (expiry, "12 / 30"), (code, "123")):
            await card.get_by_label(label).fill(text)
        stage.live_payments.cards.seconds_blocked = seconds
        await press(card.get_by_role("button", name=confirm))
        await expect(card.get_by_role("alert")).to_contain_text(said)


async def test_the_language_chosen_in_the_footer_is_kept(page: Page, stage: LiveStage) -> None:
    await Visitor(page, stage.link).enter()
    await page.get_by_role("link", name="English").filter(visible=True).click()
    await expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    await page.goto(stage.origin)
    await expect(page.locator("html")).to_have_attribute("lang", "en-US")
    await page.get_by_role("link", name="Español").filter(visible=True).click()
    await expect(page.get_by_role("heading", name="Historial de facturas")).to_be_visible()


async def test_a_link_that_waits_for_a_click_still_waits_in_the_other_language(page: Page, stage: LiveStage) -> None:
    await page.goto(stage.link.replace("/enter#", "/enter?continue#"))
    await page.get_by_role("link", name="English").click()
    await page.get_by_role("button", name="Continue").click()
    await expect(page.get_by_role("heading", name="Invoice history")).to_be_visible()
    assert TOKEN.secret not in await page.evaluate("JSON.stringify(navigation.entries().map((entry) => entry.url))")
