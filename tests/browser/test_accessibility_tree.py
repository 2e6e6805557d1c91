"""The whole accessibility tree: landmarks, headings, states, and that each element has a name, in reading order.

`/\\S/` stands for a name in the page's language.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser.live_stage import MASTERCARD, LiveStage
from browser.test_keyboard import few
from playwright.async_api import Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage

TOO_LONG = "x" * 501
FOOT = """
- contentinfo:
  - paragraph:
    - link "soporte@techsolutions.example":
      - /url: mailto:soporte@techsolutions.example
    - link /\\S/:
      - /url: https://techsolutions.example/terminos
    - link /\\S/:
      - /url: https://techsolutions.example/privacidad
  - paragraph:
    - text: Español
    - link "English":
      - /url: "?lang=en"
"""


@asynccontextmanager
async def owing(page: Page) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(few(scenes.owing())).open() as stage:
        yield stage, await stage.enter(page)


async def test_the_overview_has_landmarks_panes_and_controls(page: Page) -> None:
    async with owing(page):
        body = page.locator("body")
        await expect(body).to_match_aria_snapshot("""
            - link /\\S/
            - complementary:
              - /children: deep-equal
              - heading /TechSolutions Inc\\.$/ [level=1]
              - paragraph: TechSolutions Inc.
              - paragraph: Ana García · a…@example.com
              - button /\\S/
              - group: /\\S/
              - region /\\S/:
                - heading /\\S/ [level=2]
                - paragraph: /29\\.99 USD .* 14 .*2023 .*14 .* 13 .* 2023/
                - heading /\\S/ [level=3]
                - text: Premium Mensual
                - paragraph: Suscripción mensual renovable
            - main:
              - paragraph: /29\\.99 USD/
              - paragraph: /Visa •••• 0341/
              - button /\\S/
              - region /\\S/:
                - /children: deep-equal
                - heading /\\S/ [level=2]
                - text: /\\S Premium Mensual 29\\.99 USD .* 14 /
                - button /\\S/
              - region /\\S/:
                - /children: deep-equal
                - heading /\\S/ [level=2]
                - text: /Visa •••• 0341 .*12\\/2025/
                - button /\\S/
                - button /\\S/
              - region /\\S/:
                - heading /\\S/ [level=2]
                - group: /\\S/
                - combobox /\\S/
                - combobox /\\S/
                - list:
                  - /children: equal
                  - listitem:
                    - /children: equal
                    - link /2023 .* TS-000014 Premium Mensual 29\\.99 USD \\S/
                    - link /\\S .*TS-000014$/
                  - listitem:
                    - /children: equal
                    - link /2023 .* TS-000013 Premium Mensual 29\\.99 USD \\S/
                    - link /\\S .*TS-000013$/
                - paragraph:
                  - /children: equal
                  - link /\\S/
            """)
        await expect(body).to_match_aria_snapshot(f"{FOOT}- status")


async def test_the_cancel_dialog_names_the_account_the_effect_and_the_invalid_field(page: Page) -> None:
    async with owing(page) as (_, portal):
        dialog = await portal.cancel()
        await dialog.fill("other", TOO_LONG)
        await dialog.confirm()
        await expect(dialog.root).to_match_aria_snapshot("""
            - dialog /Premium Mensual/:
              - /children: equal
              - heading /Premium Mensual/ [level=1]
              - paragraph: Ana García · a…@example.com
              - paragraph: /14 .* 2023/
              - term: /\\S/
              - definition: /29\\.99 USD/
              - term: /\\S/
              - definition: /14 .* 2023/
              - term: /\\S/
              - definition: /\\S/
              - radiogroup /\\S/:
                - text: /\\S/
                - radio /\\S/
                - radio /\\S/
                - radio /\\S/
                - radio /\\S/
                - radio /\\S/ [checked]
                - radio /\\S/
              - text: /\\S/
              - textbox /\\S/ [invalid]
              - paragraph: /500/
              - paragraph: /500.*501/
              - button /\\S/
              - button /\\S/
            """)


async def test_card_entry_names_the_amount_the_invalid_field_and_the_outcome(page: Page) -> None:
    async with owing(page) as (_, portal):
        dialog = await portal.pay_debt()
        await dialog.fill("4242 4242 4242 4241")
        await dialog.confirm()
        await expect(dialog.root).to_match_aria_snapshot("""
            - dialog /\\S/:
              - /children: deep-equal
              - heading /\\S/ [level=1]
              - paragraph: /Visa •••• 0341/
              - term: Premium Mensual
              - definition: /29\\.99 USD/
              - heading /\\S/ [level=2]
              - term: /TS-000014 · .*2023/
              - definition: 29.99 USD
              - paragraph: /14 .*13 .*14 /
              - iframe
            """)
        await expect(page.locator("iframe")).to_have_accessible_name(re.compile(r"\S"))
        await expect(dialog.frame.locator("body")).to_match_aria_snapshot("""
            - main:
              - /children: equal
              - paragraph:
                - /children: equal
                - text: /\\S/
                - button /4242/
              - form /\\S/:
                - /children: equal
                - group:
                  - /children: equal
                  - text: /\\S/
                  - textbox /\\S/ [invalid]
                  - paragraph: /\\S/
                  - text: /\\S/
                  - textbox /\\S/
                  - text: /\\S/
                  - textbox /\\S/
                - status
                - button /\\S/
                - button /29\\.99 USD/
                - paragraph: /TechSolutions Inc\\./
            """)
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(portal.dialog).to_match_aria_snapshot("""
            - dialog /\\S/:
              - /children: equal
              - heading /\\S/ [level=1]
              - paragraph: /Mastercard •••• 4444/
              - heading /\\S/ [level=2]
              - term: TS-000014 · 29.99 USD
              - definition: /\\S/
              - paragraph: /14 .*13 .*14 /
              - link /\\S/
            """)


async def test_an_invoice_is_a_document_with_headings_a_table_and_a_list(page: Page) -> None:
    async with owing(page) as (stage, _):
        await page.goto(f"{stage.origin}/invoices/{scenes.invoice_id(14)}")
        body = page.locator("body")
        await expect(body).to_match_aria_snapshot("""
            - banner:
              - paragraph: TechSolutions Inc.
              - text: Ana García · a…@example.com
              - button /\\S/
              - group: /\\S/
            - main /TS-000014/:
              - link /\\S/
              - navigation /\\S/:
                - link /TS-000013/
              - article:
                - heading /TS-000014/ [level=1]
                - button /\\S/
                - link /\\S/
                - heading /\\S/ [level=2]
                - heading /\\S/ [level=2]
                - table:
                  - rowgroup:
                    - row:
                      - /children: deep-equal
                      - columnheader /\\S/
                      - columnheader /\\S/
                      - columnheader /\\S/
                      - columnheader /\\S/
                  - rowgroup:
                    - row:
                      - /children: deep-equal
                      - cell /^Premium Mensual Suscripción mensual renovable .*14 .* 13 .* 2023$/
                      - cell "1"
                      - cell "29.99 USD"
                      - cell "29.99 USD"
                - heading /\\S/ [level=2]
                - list:
                  - listitem:
                    - time: /14 .*2023/
                    - text: /\\S 29\\.99 USD/
            """)
        await expect(body).to_match_aria_snapshot(FOOT)
