"""Separate pages: an invoice, cancelling, entering, leaving, and errors."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from browser.controlled_exports import control_exports
from browser.gallery_portal import cardless
from browser.gallery_states import Opened, State, visit
from browser.live_stage import LiveStage

from chassis.http.problems import Problem
from portal_gateway.application.presentation.cancellation import COMMENT_LIMIT
from portal_gateway.application.view import View
from portal_gateway.domain.view import Money
from support.portal_page import scenes
from support.portal_page.fakes import TOKEN

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
INVOICE = f"/invoices/{scenes.invoice_id(14)}"


def void_invoice(stage: LiveStage) -> None:
    invoice = scenes.whole_invoice()
    credit = {**invoice["total"], "amount_minor": -invoice["total"]["amount_minor"]}
    voided = {
        "kind": "void",
        "date": "2023-05-28",
        "amount": credit,
        "payment_method": None,
        "reason": "subscription_cancelled",
    }
    stage.invoicing.invoice_is = {**invoice, "status": "void", "movements": [*invoice["movements"][:2], voided]}


def refunded_invoice(stage: LiveStage) -> None:
    """A charge succeeded after its invoice was voided."""
    void_invoice(stage)
    invoice = stage.invoicing.invoice_is
    paid = {**scenes.whole_invoice()["movements"][2], "date": "2023-05-28"}
    back = {**paid, "kind": "refund", "date": "2023-05-29", "amount": invoice["total"], "reason": "invoice_voided"}
    stage.invoicing.invoice_is = {**invoice, "status": "refunded", "movements": [*invoice["movements"], paid, back]}


def charged_back_invoice(stage: LiveStage) -> None:
    """The customer's bank returned the payment after a dispute."""
    invoice = scenes.whole_invoice()
    facts = {"kind": "refund", "detail": "chargeback", "reason": "dispute_lost", "amount": invoice["total"]}
    back = {**invoice["movements"][2], **facts, "date": "2023-07-29"}
    stage.invoicing.invoice_is = {**invoice, "movements": [*invoice["movements"], back]}


def credited_invoice(refund: str) -> Callable[[LiveStage], None]:
    """A part of a paid invoice was taken back; its refund has the status."""

    def prepare(stage: LiveStage) -> None:
        stage.invoicing.invoice_is = scenes.credited_invoice(refund=refund)

    return prepare


def owed_invoice(stage: LiveStage) -> None:
    invoice = scenes.whole_invoice()
    again = {**invoice["movements"][1], "date": "2023-05-17"}
    stage.invoicing.invoice_is = {**invoice, "status": "failed", "movements": [*invoice["movements"][:2], again]}


def downloading(stage: LiveStage) -> None:
    control_exports(stage).running = True


def at_once(stage: LiveStage) -> None:
    owed: Money = {"amount_minor": 2999, "currency": "USD"}
    now = (stage.views.shown.now + timedelta(milliseconds=1)).isoformat()
    stage.subscriptions.preview_is = {
        "mode": "immediately",
        "effective_at": now,
        "access_until": now,
        "open_amount": owed,
        "open_invoices": "void",
    }


def over() -> View:
    return scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14)))


def too_often(stage: LiveStage) -> None:
    stage.access.refuses = Problem(429, "too_many_requests", "Too many", headers={"retry-after": "540"})


def no_downloads_left(stage: LiveStage) -> None:
    stage.limits.refuses = Problem(429, "too_many_requests", "Too many", headers={"retry-after": "540"})


def unreachable(stage: LiveStage) -> None:
    stage.access.refuses = Problem(503, "service_unavailable", "Away", headers={"retry-after": "5"})


def forgetful(stage: LiveStage) -> None:
    """A browser that stores no cookie."""
    stage.access.ended.append(False)


def failing(stage: LiveStage) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("a defect")

    stage.invoicing.invoice = fail  # type: ignore[assignment,method-assign]


def away(stage: LiveStage) -> None:
    async def fail(*_: Any) -> None:
        raise Problem(503, "service_unavailable", "Away", headers={"retry-after": "5"})

    stage.invoicing.invoice = fail  # type: ignore[assignment,method-assign]


async def write_too_much(opened: Opened) -> None:
    """More text than the page lets a customer type."""
    longer = "(field, length) => { field.removeAttribute('maxlength'); field.value = 'a'.repeat(length); }"
    await opened.page.locator("#comment").evaluate(longer, COMMENT_LIMIT + 1)


async def submit_mistakes(opened: Opened) -> None:
    """Submit without scripts: the page answers with its errors."""
    await opened.go(CANCEL)
    await write_too_much(opened)
    await opened.page.evaluate("document.querySelector('#sheet form').submit()")
    await opened.see("#comment-error")


async def submit_of_another_session(opened: Opened) -> None:
    await opened.go(CANCEL)
    await opened.page.evaluate("""() => {
        const form = document.querySelector("#sheet form");
        form.elements.csrf.value = "csrf-of-someone";
        form.submit();
    }""")
    await opened.page.wait_for_url("**/cancel")
    await opened.see("[data-reload]")


async def paste_nonsense(opened: Opened) -> None:
    await opened.go("/")
    await opened.page.locator("#link").fill("https://portal.example/enter#nonsense")
    await opened.press("form .primary")
    await opened.page.wait_for_url("**/enter")
    await opened.see("#link")


LINK = f"/enter#{TOKEN}"

STATES = (
    State("invoice", steps=visit(INVOICE)),
    State("invoice-owed", scenes.owing, visit(INVOICE), owed_invoice),
    State("invoice-refunded", lambda: scenes.view(over().facts["subscriptions"][0]), visit(INVOICE), refunded_invoice),
    State("invoice-partly-refunded", steps=visit(INVOICE), prepare=credited_invoice("made")),
    State("invoice-refund-underway", steps=visit(INVOICE), prepare=credited_invoice("requested")),
    State("invoice-refund-failed", steps=visit(INVOICE), prepare=credited_invoice("failed")),
    State("invoice-charged-back", steps=visit(INVOICE), prepare=charged_back_invoice),
    State("invoice-void", lambda: scenes.view(over().facts["subscriptions"][0]), visit(INVOICE), void_invoice),
    State("cancel-page", steps=visit(CANCEL)),
    State("cancel-page-wrong", steps=submit_mistakes, refusals=(422,)),
    State("cancel-page-at-once", lambda: cardless("past_due"), visit(CANCEL), at_once),
    State("cancelled-page", lambda: scenes.view(scenes.ending()), visit(f"{CANCEL}?after=subscription-{scenes.PREMIUM}:13")),
    State("nothing-to-cancel", over, visit(CANCEL)),
    State("ended", steps=visit("/ended"), signed_in=False),
    State("ended-by-another", steps=visit("/ended")),
    State("link-revoked", steps=visit("/ended?link=revoked"), signed_in=False),
    State("neutral", steps=visit("/"), signed_in=False, refusals=(401,)),
    State("neutral-after-paste", steps=paste_nonsense, signed_in=False, refusals=(401,)),
    State("enter-waits", steps=visit(f"/enter?continue#{TOKEN}", see="[data-confirm]"), signed_in=False),
    State("enter-refused", steps=visit("/enter#nonsense", see="[data-refused]"), signed_in=False, refusals=(401,)),
    State(
        "enter-unreachable", steps=visit(LINK, see="[data-unreachable]"), prepare=unreachable, signed_in=False, refusals=(503,)
    ),
    State(
        "enter-without-cookies", steps=visit(LINK, see="[data-no-cookie]"), prepare=forgetful, signed_in=False, refusals=(401,)
    ),
    State("enter-too-often", steps=visit(LINK, see="[data-too-many]"), prepare=too_often, signed_in=False, refusals=(429,)),
    State("enter-without-script", steps=visit("/enter"), signed_in=False, script=False),
    State("download-too-often", steps=visit("/export.csv"), prepare=no_downloads_left, refusals=(429,)),
    State("download-while-another", steps=visit("/export.zip"), prepare=downloading, refusals=(429,)),
    State("not-found", steps=visit("/no/such/page"), refusals=(404,)),
    State("unavailable", steps=visit(INVOICE), prepare=away, refusals=(503,)),
    State("error", steps=visit(INVOICE), prepare=failing, refusals=(500,)),
    State("session-changed", steps=submit_of_another_session, refusals=(409,)),
)
