"""Page objects: what a customer sees and does on any running portal."""

from dataclasses import dataclass

from playwright.async_api import Dialog, FrameLocator, Locator, Page, expect


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser's page and the customer's link."""

    page: Page
    link: str

    async def enter(self) -> "PortalPage":
        """Open the link."""
        await self.page.goto(self.link)
        await self.page.wait_for_url(lambda url: not url.split("?")[0].endswith("/enter"))
        return PortalPage(self.page)


@dataclass(frozen=True, slots=True)
class PortalPage:
    page: Page

    def pane(self, title: str) -> Locator:
        return self.page.get_by_role("region", name=title, exact=True)

    @property
    def summary(self) -> Locator:
        return self.pane("Resumen de la suscripción")

    @property
    def subscription(self) -> Locator:
        return self.pane("Detalles de la suscripción actual")

    @property
    def method(self) -> Locator:
        return self.pane("Método de pago")

    @property
    def invoices(self) -> Locator:
        return self.pane("Historial de facturas")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def live_region(self) -> Locator:
        """The live region with announcements for screen readers."""
        return self.page.locator("#said")

    async def edit_card(self) -> "CardDialog":
        await self.method.get_by_role("button", name="método de pago").click()
        return await self.card_dialog()

    async def pay_debt(self) -> "CardDialog":
        await self.page.get_by_role("button", name="Actualizar tarjeta y pagar").click()
        return await self.card_dialog()

    async def card_dialog(self) -> "CardDialog":
        dialog = CardDialog(self.dialog, self.dialog.frame_locator("iframe"))
        await expect(dialog.number).to_be_enabled()
        return dialog

    async def cancel(self) -> "CancelDialog":
        await self.subscription.get_by_role("button", name="Cancelar").click()
        await expect(self.dialog.get_by_role("heading", level=1)).to_be_focused()
        return CancelDialog(self.dialog)

    async def keep(self) -> None:
        await self.subscription.get_by_role("button", name="Mantener mi suscripción").click()

    async def open_invoice(self, number: str) -> None:
        await self.invoices.get_by_role("link", name=f"Ver factura {number}").click()
        await expect(self.page.get_by_role("heading", name=f"Factura {number}", level=1)).to_be_visible()

    async def download(self, link: Locator) -> bytes:
        async with self.page.expect_download() as downloading:
            await link.click()
        return (await (await downloading.value).path()).read_bytes()

    async def download_history(self, name: str) -> bytes:
        await self.invoices.get_by_text("Descargar todo").click()
        return await self.download(self.invoices.get_by_role("link", name=name))


@dataclass(frozen=True, slots=True)
class CardDialog:
    root: Locator
    frame: FrameLocator

    @property
    def number(self) -> Locator:
        return self.frame.get_by_label("Número de tarjeta")

    async def fill(self, number: str, expiry: str = "12 / 30", code: str = "123") -> None:
        await self.number.fill(number)
        await self.frame.get_by_label("Vencimiento").fill(expiry)
        await self.frame.get_by_label("CVV").fill(code)

    async def confirm(self) -> None:
        await press(self.frame.get_by_role("button", name="Confirmar"))

    async def close(self) -> None:
        await self.root.get_by_role("link", name="Cerrar").click()


async def press(button: Locator) -> None:
    """Click a button of the card frame once the frame is still: appearing sentences move it."""
    await wait_until_frame_is_still(button.page)
    await button.click()


async def wait_until_frame_is_still(page: Page) -> None:
    """Wait until the card frame has not moved for ten animation frames. Its height follows its content a little later."""
    await page.wait_for_function("""() => new Promise((resolve) => {
        let seen = null, still = 0;
        const look = () => {
            const { top, height } = document.querySelector("iframe").getBoundingClientRect();
            still = seen === `${top} ${height}` ? still + 1 : 0;
            seen = `${top} ${height}`;
            still < 9 ? requestAnimationFrame(look) : resolve(true);
        };
        look();
    })""")


@dataclass(frozen=True, slots=True)
class CancelDialog:
    root: Locator

    async def fill(self, reason: str | None = None, comment: str | None = None) -> None:
        if reason:
            await self.root.get_by_label("¿Por qué cancelas?").select_option(reason)
        if comment is not None:
            await self.root.get_by_label("Cuéntanos más").fill(comment)

    async def confirm(self) -> None:
        await self.root.get_by_role("button", name="Confirmar cancelación").click()

    async def close(self) -> None:
        await self.root.get_by_role("link", name="Cerrar").click()


def collect_alerts(page: Page) -> list[str]:
    """Dismiss alerts and return the list of their messages."""
    alerts: list[str] = []

    async def noted(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", noted)
    return alerts
