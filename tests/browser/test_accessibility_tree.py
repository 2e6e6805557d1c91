"""The whole accessibility tree: landmarks, headings, names and states in reading order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from browser.live_stage import MASTERCARD, LiveStage
from browser.test_keyboard import few
from playwright.async_api import Page, expect

from support.portal_page import scenes
from support.portal_page.page_objects import PortalPage, Visitor

TOO_LONG = "x" * 501
FOOT = """
- contentinfo:
  - paragraph:
    - link "soporte@techsolutions.example":
      - /url: mailto:soporte@techsolutions.example
    - link "Términos":
      - /url: https://techsolutions.example/terminos
    - link "Privacidad":
      - /url: https://techsolutions.example/privacidad
    - link "English":
      - /url: "?lang=en"
"""


@asynccontextmanager
async def owing(page: Page) -> AsyncIterator[tuple[LiveStage, PortalPage]]:
    async with LiveStage(few(scenes.owing())).open() as stage:
        yield stage, await Visitor(page, stage.link).enter()


async def test_the_overview_has_landmarks_panes_and_controls(page: Page) -> None:
    async with owing(page):
        body = page.locator("body")
        await expect(body).to_match_aria_snapshot("""
            - link "Ir al contenido"
            - complementary:
              - /children: deep-equal
              - heading "Portal del Cliente — TechSolutions Inc." [level=1]
              - paragraph: TechSolutions Inc.
              - paragraph: Ana García · a…@example.com
              - group: Salir
              - region "Resumen de la suscripción":
                - heading "Resumen de la suscripción" [level=2]
                - paragraph: Importe pendiente 29.99 USD Venció el 14 de mayo de 2023 Del 14 de mayo al 14 de junio de 2023
                - heading "Detalles del pedido" [level=3]
                - text: Premium Mensual
                - paragraph: Suscripción mensual renovable
            - main:
              - paragraph: No pudimos cobrar 29.99 USD.
              - paragraph: /Visa •••• 0341/
              - button "Actualizar tarjeta y pagar"
              - region "Detalles de la suscripción actual":
                - /children: deep-equal
                - heading "Detalles de la suscripción actual" [level=2]
                - text: Pendiente de pago Premium Mensual 29.99 USD al mes La renovación del 14 de mayo está pendiente de pago.
                - button "Cancelar suscripción"
              - region "Método de pago":
                - /children: deep-equal
                - heading "Método de pago" [level=2]
                - text: Visa •••• 0341 Vence 12/2025
                - button "Editar método de pago"
              - region "Historial de facturas":
                - heading "Historial de facturas" [level=2]
                - group: Descargar todo
                - combobox "Año"
                - combobox "Estado"
                - list:
                  - /children: equal
                  - listitem:
                    - /children: equal
                    - link "14 may 2023 Ver factura TS-000014 Premium Mensual 29.99 USD Pago fallido"
                    - link "Descargar PDF de TS-000014"
                  - listitem:
                    - /children: equal
                    - link "14 abr 2023 Ver factura TS-000013 Premium Mensual 29.99 USD Pagado"
                    - link "Descargar PDF de TS-000013"
                - paragraph:
                  - /children: equal
                  - link "Ver facturas anteriores"
            """)
        await expect(body).to_match_aria_snapshot(f"{FOOT}- status")


async def test_the_cancel_dialog_names_the_account_the_effect_and_the_invalid_field(page: Page) -> None:
    async with owing(page) as (_, portal):
        dialog = await portal.cancel()
        await dialog.fill("Otro motivo", TOO_LONG)
        await dialog.confirm()
        await expect(dialog.root).to_match_aria_snapshot("""
            - dialog "Cancelar tu suscripción a Premium Mensual":
              - /children: equal
              - heading "Cancelar tu suscripción a Premium Mensual" [level=1]
              - paragraph: Ana García · a…@example.com
              - paragraph: Mantendrás el acceso hasta el 14 de junio de 2023 y no te haremos más cobros.
              - term: Dejas de pagar
              - definition: 29.99 USD al mes
              - term: Acceso hasta
              - definition: 14 de junio de 2023
              - term: Próximo cobro
              - definition: Ninguno
              - text: ¿Por qué cancelas? (opcional)
              - combobox "¿Por qué cancelas? (opcional)":
                - option "Otro motivo" [selected]
              - text: Cuéntanos más (opcional)
              - textbox "Cuéntanos más (opcional)" [invalid]
              - paragraph: Hasta 500 caracteres
              - paragraph: /Usa como máximo 500 caracteres/
              - button "Volver"
              - button "Confirmar cancelación"
            """)


async def test_card_entry_names_the_amount_the_invalid_field_and_the_outcome(page: Page) -> None:
    async with owing(page) as (_, portal):
        dialog = await portal.pay_debt()
        await dialog.fill("4242 4242 4242 4241")
        await dialog.confirm()
        await expect(dialog.root).to_match_aria_snapshot("""
            - dialog "Editar método de pago":
              - /children: deep-equal
              - heading "Editar método de pago" [level=1]
              - paragraph: Ana García · a…@example.com
              - paragraph: "Tarjeta actual: Visa •••• 0341"
              - term: Premium Mensual
              - definition: 29.99 USD al mes
              - heading "Se pagará ahora" [level=2]
              - term: TS-000014 · 14 may 2023
              - definition: 29.99 USD
              - paragraph: /Este pago salda lo que debes .* Tu suscripción continúa y se renueva el 14 de junio\\./
              - iframe
            """)
        await expect(page.locator("iframe")).to_have_accessible_name("Datos de la tarjeta")
        await expect(dialog.frame.locator("body")).to_match_aria_snapshot("""
            - main:
              - /children: equal
              - paragraph: /Modo de prueba/
              - form "Datos de la tarjeta":
                - /children: equal
                - group:
                  - /children: equal
                  - text: Número de tarjeta
                  - textbox "Número de tarjeta" [invalid]
                  - paragraph: "Revisa el número: tiene algún error"
                  - text: Vencimiento
                  - textbox "Vencimiento"
                  - text: CVV
                  - textbox "CVV"
                - paragraph: /TechSolutions Inc\\. no los ve\\./
                - status
                - button "Volver"
                - button "Confirmar y pagar 29.99 USD"
            """)
        await dialog.fill(MASTERCARD)
        await dialog.confirm()
        await expect(portal.dialog).to_match_aria_snapshot("""
            - dialog "Método de pago actualizado":
              - /children: equal
              - heading "Método de pago actualizado" [level=1]
              - paragraph: Desde ahora usaremos Mastercard •••• 4444.
              - heading "Tus pagos" [level=2]
              - term: TS-000014 · 29.99 USD
              - definition: Pagado
              - paragraph: /Este pago saldó lo que debías .* Tu suscripción está activa y se renueva el 14 de junio\\./
              - link "Cerrar"
            """)


async def test_an_invoice_is_a_document_with_headings_a_table_and_a_list(page: Page) -> None:
    async with owing(page) as (stage, _):
        await page.goto(f"{stage.origin}/invoices/{scenes.invoice_id(14)}")
        body = page.locator("body")
        await expect(body).to_match_aria_snapshot("""
            - banner:
              - paragraph: TechSolutions Inc.
              - text: Ana García · a…@example.com
              - group: Salir
            - main "Factura TS-000014":
              - article:
                - heading "Factura TS-000014" [level=1]
                - button "Imprimir"
                - link "Descargar PDF"
                - heading "Emisor" [level=2]
                - heading "Facturado a" [level=2]
                - table:
                  - rowgroup:
                    - row:
                      - /children: deep-equal
                      - columnheader "Concepto"
                      - columnheader "Cantidad"
                      - columnheader "Precio"
                      - columnheader "Importe"
                  - rowgroup:
                    - row:
                      - /children: deep-equal
                      - cell "Premium Mensual Suscripción mensual renovable Del 14 de mayo al 14 de junio de 2023"
                      - cell "1"
                      - cell "29.99 USD"
                      - cell "29.99 USD"
                - heading "Movimientos" [level=2]
                - list:
                  - listitem:
                    - time: 14 may 2023
                    - text: Factura emitida 29.99 USD
            """)
        await expect(body).to_match_aria_snapshot(FOOT)
