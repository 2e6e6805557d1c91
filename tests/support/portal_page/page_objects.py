"""Page objects: what a customer sees and does on any running portal, in any language.

Elements are found by role, id and `data-` attribute, never by a sentence: the tables in `tests/unit` assert the sentences.
"""

from dataclasses import dataclass
from typing import Final

from playwright.async_api import Dialog, FrameLocator, Locator, Page, expect
from playwright.async_api import Error as PlaywrightError

Root = Page | Locator | FrameLocator

MOST_CLICKS: Final = 3
_NOTE_CLICK: Final = (
    "(it) => { it.wasClicked = false; it.addEventListener('click', () => { it.wasClicked = true; }, { once: true }); }"
)
_WAS_CLICKED: Final = "(it) => it.wasClicked"


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

    @property
    def summary(self) -> Locator:
        return self.page.locator("#pane-summary")

    @property
    def subscription(self) -> Locator:
        return self.page.locator("#pane-subscription")

    @property
    def method(self) -> Locator:
        return self.page.locator("#pane-payment_method")

    @property
    def invoices(self) -> Locator:
        return self.page.locator("#pane-invoices")

    @property
    def dialog(self) -> Locator:
        return self.page.get_by_role("dialog")

    @property
    def live_region(self) -> Locator:
        """The live region with announcements for screen readers."""
        return self.page.locator("#said")

    @property
    def year(self) -> Locator:
        """The filter of the history by year."""
        return self.page.locator("#filter-year")

    @property
    def status(self) -> Locator:
        """The filter of the history by status."""
        return self.page.locator("#filter-status")

    @property
    def no_match(self) -> Locator:
        """The pane's sentence that no invoice matches the filter."""
        return self.invoices.locator("[data-empty=filtered]")

    def invoice(self, number: str) -> Locator:
        """The row of an invoice."""
        return self.invoices.get_by_role("listitem").filter(has_text=number)

    def file(self, kind: str) -> Locator:
        """The link to a file of the whole history: `csv`, `zip` or `ndjson`."""
        return self.invoices.locator(f'a[href="/export.{kind}"]')

    async def edit_card(self) -> "CardDialog":
        await self.page.locator("#edit-method").click()
        return await self.card_dialog()

    async def pay_debt(self) -> "CardDialog":
        await self.page.locator("#pay").click()
        return await self.card_dialog()

    async def card_dialog(self) -> "CardDialog":
        dialog = CardDialog(self.dialog, self.dialog.frame_locator("iframe"))
        await expect(dialog.number).to_be_enabled()
        return dialog

    async def cancel(self) -> "CancelDialog":
        await self.page.locator("#cancel").click()
        await expect(self.dialog.get_by_role("heading", level=1)).to_be_focused()
        return CancelDialog(self.dialog)

    async def keep(self) -> None:
        await self.page.locator("#keep").click()

    async def open_invoice(self, number: str) -> None:
        await self.invoice(number).locator(".view").click()
        await expect(sheet(self.page, "invoice")).to_contain_text(number)

    async def download(self, link: Locator) -> bytes:
        async with self.page.expect_download() as downloading:
            await link.click()
        return (await (await downloading.value).path()).read_bytes()

    async def download_history(self, kind: str) -> bytes:
        await self.page.locator("#download-all").click()
        return await self.download(self.file(kind))


@dataclass(frozen=True, slots=True)
class CardDialog:
    root: Locator
    frame: FrameLocator

    @property
    def number(self) -> Locator:
        return self.frame.locator("#number")

    @property
    def confirm_button(self) -> Locator:
        return self.frame.locator("#confirm")

    @property
    def back_button(self) -> Locator:
        return self.frame.locator("#back")

    @property
    def saved(self) -> Locator:
        """The sentence about the new card, after it was saved."""
        return self.root.locator("[data-new-card]")

    @property
    def retry(self) -> Locator:
        return self.root.locator("[data-retry]")

    def failure(self, code: str) -> Locator:
        """The sentence of the dialog for a failure, by its code in `card.js`."""
        return self.root.locator(f'[data-problem="{code}"]')

    async def fill(self, number: str, expiry: str = "12 / 30", code: str = "123") -> None:
        await self.number.fill(number)
        await self.frame.locator("#exp").fill(expiry)
        await self.frame.locator("#cvc").fill(code)

    async def confirm(self) -> None:
        await press(self.confirm_button)

    async def close(self) -> None:
        await self.root.locator("a[data-close]").click()


async def press(button: Locator, clicks: int = 1) -> None:
    """Click a button of the card frame once the frame is still: appearing sentences and scrolling move it.

    The frame is another process. A click that the browser delivers to a former position of the frame is repeated.
    """
    for _ in range(MOST_CLICKS):
        await wait_until_frame_is_still(button.page)
        await button.scroll_into_view_if_needed()
        await wait_until_frame_is_still(button.page)
        element = await button.element_handle()
        await element.evaluate(_NOTE_CLICK)
        await button.click(click_count=clicks)
        try:
            if await element.evaluate(_WAS_CLICKED):
                return
        except PlaywrightError:
            return  # the click was answered so quickly that the frame is gone
    raise AssertionError(f"{MOST_CLICKS} clicks did not reach {button}")


async def wait_until_frame_is_still(page: Page) -> None:
    """Wait until the card frame has not moved for ten animation frames. Its height follows its content a little later."""
    await page.wait_for_function("""() => new Promise((resolve) => {
        let seen = null, still = 0;
        const look = () => {
            const { top, height } = document.querySelector("iframe")?.getBoundingClientRect() ?? {};
            still = height && seen === `${top} ${height}` ? still + 1 : 0;
            seen = `${top} ${height}`;
            still < 9 ? requestAnimationFrame(look) : resolve(true);
        };
        look();
    })""")


@dataclass(frozen=True, slots=True)
class CancelDialog:
    root: Locator

    @property
    def comment(self) -> Locator:
        return self.root.locator("#comment")

    @property
    def confirm_button(self) -> Locator:
        return self.root.locator("button[type=submit]")

    def reason(self, code: str) -> Locator:
        """A reason to choose, by its code of the contracts' `Feedback`."""
        return self.root.locator(f'[name=feedback][value="{code}"]')

    def outcome(self, code: str) -> Locator:
        """The sheet after the confirmation: `scheduled`, `ended`, …"""
        return self.root.locator(f'[data-outcome="{code}"]')

    async def fill(self, reason: str | None = None, comment: str | None = None) -> None:
        """`reason` is a code as in `reason`; the comment needs one, `other` by default."""
        if reason or comment is not None:
            await self.reason(reason or "other").check()
        if comment is not None:
            await self.comment.fill(comment)

    async def confirm(self) -> None:
        await self.confirm_button.click()

    async def close(self) -> None:
        await self.root.locator("a[data-close]").click()


def sheet(root: Root, name: str) -> Locator:
    """The title of a dialog or of a page of its own: `cancel`, `cancelled`, `card`, `card-saved`, `invoice`, `pay`, …"""
    return root.locator(f'[data-sheet="{name}"]')


def problem(root: Root, code: str) -> Locator:
    """A shown problem, by its code."""
    return root.locator(f'[data-code="{code}"]')


def badge(root: Root, code: str) -> Locator:
    """A status: of a subscription, an invoice or a card, `ending` or `pending`."""
    return root.locator(f'[data-status="{code}"]')


def message(page: Page, code: str) -> Locator:
    """A message that the page shows once, above the panes."""
    return page.locator(f'[data-message="{code}"]')


def language_link(page: Page, code: str) -> Locator:
    """The link to another language."""
    return page.locator(f"a[hreflang={code}]").filter(visible=True)


def back_to_portal(page: Page) -> Locator:
    """The link at the foot of a page of its own."""
    return page.locator(".back:not(.up) a")


async def paste_link(page: Page, link: str) -> None:
    """Paste a link on the page that asks for one."""
    await page.locator("#link").fill(link)
    await page.locator('form[action="/enter"] button').click()


async def log_out(page: Page, *, revoke_link: bool = False) -> None:
    if revoke_link:
        await page.locator("#leave").click()
        await page.locator("button[name=revoke_link][value=yes]").click()
    else:
        await page.locator("#log-out").click()


def collect_alerts(page: Page) -> list[str]:
    """Dismiss alerts and return the list of their messages."""
    alerts: list[str] = []

    async def noted(dialog: Dialog) -> None:
        alerts.append(dialog.message)
        await dialog.dismiss()

    page.on("dialog", noted)
    return alerts
