"""An invoice link: creating it in the portal, and the pages that its payer sees."""

from typing import Any

from browser.gallery_pages import INVOICE, away, owed_invoice
from browser.gallery_states import Opened, Prepare, State, visit
from browser.live_stage import LiveStage
from playwright.async_api import expect

from support.payments.card_page import CHARGE, authentication_of
from support.portal_page import scenes

HOME = "/shared-invoice"


def shared(status: str, **session: Any) -> Prepare:
    def prepare(stage: LiveStage) -> None:
        paid_at = scenes.instant(2023, 5, 20) if status == "paid" else None
        stage.invoicing.invoice_is = scenes.whole_invoice(status=status, paid_at=paid_at)
        stage.invoice_links.live = scenes.invoice_session(**session)

    return prepare


def waits(stage: LiveStage) -> None:
    """The payer's bank wants the payment confirmed."""
    shared("processing", paying="payment-1:3", charge_id=CHARGE)(stage)
    stage.invoicing.invoice_is |= {"authenticate_until": "2026-11-30T12:15:00Z", "charge_id": str(CHARGE)}
    stage.live_payments.cards.authentication = authentication_of()


def left(stage: LiveStage) -> None:
    shared("failed", paying="payment-1:3", charge_id=CHARGE)(stage)
    stage.invoicing.invoice_is |= {"detail": "authentication_abandoned", "charge_id": str(CHARGE)}


async def question(opened: Opened) -> None:
    await opened.go(f"{HOME}/confirmation")
    await expect(opened.page.frame_locator("iframe").locator("#bank-approve")).to_be_visible()
    await opened.see("[data-challenge]")


def unavailable(stage: LiveStage) -> None:
    shared("open")(stage)
    away(stage)


async def create_link(opened: Opened) -> None:
    await opened.go(f"{INVOICE}/link")
    await opened.press("#create-link")
    await opened.see("#invoice-link")


STATES = (
    State("shared-invoice", steps=visit(HOME, see="#pay"), prepare=shared("open"), signed_in=False),
    State("shared-invoice-paid", steps=visit(HOME), prepare=shared("paid"), signed_in=False),
    State("shared-invoice-processing", steps=visit(HOME), prepare=shared("processing"), signed_in=False),
    State("shared-invoice-failed", steps=visit(HOME), prepare=shared("failed", paying="payment-1:3"), signed_in=False),
    State("shared-invoice-waits", steps=visit(HOME, see="#confirm-at-bank"), prepare=waits, signed_in=False),
    State("shared-invoice-left", steps=visit(HOME, see="#pay"), prepare=left, signed_in=False),
    State("shared-confirmation", steps=question, prepare=waits, signed_in=False),
    State("shared-confirmation-no-script", steps=visit(f"{HOME}/confirmation"), prepare=waits, signed_in=False, script=False),
    State("shared-invoice-void", steps=visit(HOME), prepare=shared("void"), signed_in=False),
    State(
        "shared-payment",
        steps=visit(f"{HOME}/payment", see="[data-frame] iframe"),
        prepare=shared("open"),
        signed_in=False,
    ),
    State("shared-payment-no-script", steps=visit(f"{HOME}/payment"), prepare=shared("open"), signed_in=False, script=False),
    State("shared-invoice-unavailable", steps=visit(HOME), prepare=unavailable, signed_in=False, refusals=(503,)),
    State(
        "enter-invoice-refused", steps=visit("/enter?invoice#nonsense", see="[data-refused]"), signed_in=False, refusals=(401,)
    ),
    State("shared-invoice-closed", steps=visit(f"{HOME}/closed"), signed_in=False),
    State("shared-invoice-not-opened", steps=visit(HOME), signed_in=False, refusals=(401,)),
    State("share-invoice", scenes.owing, visit(f"{INVOICE}/link", see="#create-link"), owed_invoice),
    State("share-invoice-link", scenes.owing, create_link, owed_invoice),
)
