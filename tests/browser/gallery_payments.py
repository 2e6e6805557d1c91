"""Paying a debt with the card on file: the effect, the charges and the outcome."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from browser.gallery_states import Opened, State, visit
from browser.live_stage import LiveStage
from playwright.async_api import expect

from payments.domain.confirmation import Period
from payments.domain.dues import Due
from payments.domain.shapes import Money
from portal_gateway.application.view import View
from portal_gateway.domain.view import InvoiceStatus
from support.payments.card_page import authentication_of
from support.portal_page import scenes

CARD: dict[str, Any] = {"id": str(uuid5(scenes.OURS, "card")), "brand": "visa", "last4": "4242", "version": 1}
VISA = {**CARD, "exp_month": 12, "exp_year": 2025}
EXPIRED = {**CARD, "exp_month": 4, "exp_year": 2023}
JULY = datetime(2023, 7, 20, 15, tzinfo=UTC)
MAY_14 = datetime(2023, 5, 14, 18, tzinfo=UTC)


def owing(status: str = "past_due", card: dict[str, Any] = VISA, **changes: Any) -> View:
    view = scenes.owing(status, **changes)
    view.facts["payment_method"] = card  # type: ignore[typeddict-item]
    return view


def over() -> View:
    """The retries and the period have ended."""
    unpaid = owing("unpaid", next_attempt_at=None, access_until=scenes.instant(2023, 5, 15))
    return scenes.view(*unpaid.facts["subscriptions"], invoices=unpaid.facts["invoices"], payment_method=VISA, now=JULY)


def bank_asks(detail: str = "authentication_required") -> View:
    """The bank of the card on file wants the customer to confirm the renewal."""
    return of_bank("failed", remedy="authenticate", detail=detail)


def bank_waits() -> View:
    return of_bank("processing", authenticate_until="2026-11-30T12:15:00Z")


def of_bank(status: InvoiceStatus, **row: Any) -> View:
    view = owing(reason="card_declined", next_attempt_at=None)
    view.facts["invoices"][0] = scenes.invoice(14, status, **row)
    return view


def bank_wants(periods: int = 0) -> Any:
    def prepare(stage: LiveStage) -> None:
        facing(periods, reason="authentication_required")(stage)
        stage.invoicing.invoice_is |= {"remedy": "authenticate", "detail": "authentication_required"}
        stage.invoicing.invoice_is["movements"][1]["payment_method"] = {"brand": "visa", "last4": "4242"}

    return prepare


def waiting_at_bank(stage: LiveStage) -> None:
    bank_wants()(stage)
    stage.live_payments.cards.authentication = authentication_of()


async def question(opened: Opened) -> None:
    await opened.go("/")
    await opened.press("#pay-now")
    await expect(opened.page.frame_locator("dialog iframe").locator("#bank-approve")).to_be_visible()
    await opened.see("dialog [data-challenge]")


PAYMENT = f"/invoices/{scenes.invoice_id(14)}/payment"


def begun(count: int, days: int) -> tuple[Due, ...]:
    """`count` periods of `days` days that have begun since 14 May."""
    starts = [MAY_14 + timedelta(days=days * n) for n in range(1, count + 1)]
    return tuple(
        Due(UUID(int=n), None, Money(2999, "USD"), UUID(scenes.PREMIUM), Period(start, start + timedelta(days=days)))
        for n, start in enumerate(starts)
    )


def facing(
    count: int = 0, days: int = 31, becomes: InvoiceStatus = "paid", more: bool = False, reason: str = "card_declined"
) -> Any:
    def prepare(stage: LiveStage) -> None:
        living = stage.live_payments
        living.begun, living.becomes, living.more = begun(count, days), becomes, more
        movements = [{**movement, "reason": reason} for movement in scenes.whole_invoice()["movements"][:2]]
        stage.invoicing.invoice_is = scenes.whole_invoice(status="failed", movements=movements)

    return prepare


DIALOG = visit("/", "#pay-now", see="dialog[open] #does")


async def paid(opened: Opened) -> None:
    await DIALOG(opened)
    await opened.press("dialog button.primary")
    await opened.see("dialog #payment-outcome")


STATES = (
    State("owed-and-over", over, prepare=facing()),
    State("pay", owing, DIALOG, facing()),
    State("pay-begun", owing, DIALOG, facing(2)),
    State("pay-many-begun", owing, DIALOG, facing(100, 1, more=True)),
    State("pay-over", over, DIALOG, facing()),
    State(
        "pay-unusable", lambda: owing(card=EXPIRED), visit(f"/invoices/{scenes.invoice_id(14)}/payment", see="#does"), facing()
    ),
    State("paid", owing, paid, facing()),
    State("pay-failed", owing, paid, facing(becomes="failed")),
    State("pay-running", owing, paid, facing(becomes="processing")),
    State("bank-asks", bank_asks, visit("/", see="[data-notice=confirm_with_bank]"), bank_wants()),
    State("bank-refused", lambda: bank_asks(detail="authentication_failed"), visit("/", see="#pay-now"), bank_wants()),
    State("bank-left", lambda: bank_asks(detail="authentication_abandoned"), visit("/", see="#pay-now"), bank_wants()),
    State("bank-waits", bank_waits, visit("/", see="[data-notice=waiting_for_bank]"), bank_wants()),
    State(
        "bank-invoice",
        bank_asks,
        visit(f"/invoices/{scenes.invoice_id(14)}", see="[data-notice=confirm_with_bank]"),
        bank_wants(),
    ),
    State("bank-sheet", bank_asks, DIALOG, bank_wants(2)),
    State("bank-without-script", bank_asks, visit(PAYMENT, see="#does"), bank_wants(), script=False),
    State("bank-question", bank_asks, question, waiting_at_bank),
    State("pay-without-script", owing, visit(f"/invoices/{scenes.invoice_id(14)}/payment", see="#does"), facing(2), script=False),
)
