"""Pages of their own: an invoice, cancelling, the ways in and out, and what is said when something is not to be had."""

from typing import Any

from browser.exporting import slowly
from browser.gallery_opening import Opened, State, at
from browser.gallery_portal import cardless
from browser.staged import LivingStage

from chassis.http.problems import Problem
from portal_gateway.application.answers import View
from portal_gateway.application.presentation.cancellation import COMMENT_LIMIT
from portal_gateway.domain.view import Money
from support.portal_page import scenes
from support.portal_page.fakes import TOKEN

CANCEL = f"/subscriptions/{scenes.PREMIUM}/cancel"
INVOICE = f"/invoices/{scenes.invoice_id(14)}"


def void_invoice(stage: LivingStage) -> None:
    invoice = scenes.whole_invoice()
    given = {**invoice["total"], "amount_minor": -invoice["total"]["amount_minor"]}
    voided = {
        "kind": "void",
        "date": "2023-05-28",
        "amount": given,
        "payment_method": None,
        "reason": "subscription_cancelled",
    }
    stage.invoicing.invoice_is = {**invoice, "status": "void", "movements": [*invoice["movements"][:2], voided]}


def refunded_invoice(stage: LivingStage) -> None:
    """A charge that hung came through after the invoice was void."""
    void_invoice(stage)
    invoice = stage.invoicing.invoice_is
    paid = {**scenes.whole_invoice()["movements"][2], "date": "2023-05-28"}
    back = {**paid, "kind": "refund", "date": "2023-05-29", "amount": invoice["total"], "reason": "invoice_voided"}
    stage.invoicing.invoice_is = {**invoice, "status": "refunded", "movements": [*invoice["movements"], paid, back]}


def owed_invoice(stage: LivingStage) -> None:
    invoice = scenes.whole_invoice()
    again = {**invoice["movements"][1], "date": "2023-05-17"}
    stage.invoicing.invoice_is = {**invoice, "status": "failed", "movements": [*invoice["movements"][:2], again]}


def downloading(stage: LivingStage) -> None:
    slowly(stage).running = True


def at_once(stage: LivingStage) -> None:
    owed: Money = {"amount_minor": 2999, "currency": "USD"}
    now = stage.views.shown.now.isoformat()
    stage.subscriptions.preview_is = {
        "mode": "immediately",
        "effective_at": now,
        "access_until": now,
        "open_amount": owed,
        "open_invoices": "void",
    }


def over() -> View:
    return scenes.view(scenes.subscription("canceled", ended_at=scenes.instant(2023, 5, 14)))


def too_often(stage: LivingStage) -> None:
    stage.access.refuses = Problem(429, "too_many_requests", "Too many", headers={"retry-after": "540"})


def unreachable(stage: LivingStage) -> None:
    stage.access.refuses = Problem(503, "service_unavailable", "Away", headers={"retry-after": "5"})


def forgetful(stage: LivingStage) -> None:
    """As with a browser that keeps no cookie."""
    stage.access.ended.append(False)


def failing(stage: LivingStage) -> None:
    async def fail(*_: Any) -> None:
        raise RuntimeError("a defect")

    stage.invoicing.invoice = fail  # type: ignore[assignment,method-assign]


def away(stage: LivingStage) -> None:
    async def fail(*_: Any) -> None:
        raise Problem(503, "service_unavailable", "Away", headers={"retry-after": "5"})

    stage.invoicing.invoice = fail  # type: ignore[assignment,method-assign]


async def write_too_much(opened: Opened) -> None:
    """What the page itself would not let anyone type."""
    longer = "(field, length) => { field.removeAttribute('maxlength'); field.value = 'a'.repeat(length); }"
    await opened.page.locator("#comment").evaluate(longer, COMMENT_LIMIT + 1)


async def submit_mistakes(opened: Opened) -> None:
    """As without a script: the page answers with its errors."""
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
    State("invoice", bring=at(INVOICE)),
    State("invoice-owed", scenes.owing, at(INVOICE), owed_invoice),
    State("invoice-refunded", lambda: scenes.view(over().facts["subscriptions"][0]), at(INVOICE), refunded_invoice),
    State("invoice-void", lambda: scenes.view(over().facts["subscriptions"][0]), at(INVOICE), void_invoice),
    State("cancel-page", bring=at(CANCEL)),
    State("cancel-page-wrong", bring=submit_mistakes, refusals=(422,)),
    State("cancel-page-at-once", lambda: cardless("past_due"), at(CANCEL), at_once),
    State("cancelled-page", lambda: scenes.view(scenes.ending()), at(f"{CANCEL}?after=subscription-{scenes.PREMIUM}:13")),
    State("nothing-to-cancel", over, at(CANCEL)),
    State("ended", bring=at("/ended"), signed_in=False),
    State("ended-by-another", bring=at("/ended")),
    State("link-revoked", bring=at("/ended?link=revoked"), signed_in=False),
    State("neutral", bring=at("/"), signed_in=False, refusals=(401,)),
    State("neutral-after-paste", bring=paste_nonsense, signed_in=False, refusals=(401,)),
    State("enter-waits", bring=at(f"/enter?continue#{TOKEN}", see="[data-confirm]"), signed_in=False),
    State("enter-refused", bring=at("/enter#nonsense", see="[data-refused]"), signed_in=False, refusals=(401,)),
    State("enter-unreachable", bring=at(LINK, see="[data-unreachable]"), prepare=unreachable, signed_in=False, refusals=(503,)),
    State("enter-without-cookies", bring=at(LINK, see="[data-no-cookie]"), prepare=forgetful, signed_in=False, refusals=(401,)),
    State("enter-too-often", bring=at(LINK, see="[data-too-many]"), prepare=too_often, signed_in=False, refusals=(429,)),
    State("enter-without-script", bring=at("/enter"), signed_in=False, script=False),
    State("download-too-often", bring=at("/export.csv"), prepare=too_often, refusals=(429,)),
    State("download-while-another", bring=at("/export.zip"), prepare=downloading, refusals=(429,)),
    State("not-found", bring=at("/no/such/page"), refusals=(404,)),
    State("unavailable", bring=at(INVOICE), prepare=away, refusals=(503,)),
    State("error", bring=at(INVOICE), prepare=failing, refusals=(500,)),
    State("session-changed", bring=submit_of_another_session, refusals=(409,)),
)
