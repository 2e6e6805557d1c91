"""The overview: every status of a subscription, an invoice and a card, and the notices."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from browser.controlled_exports import control_exports, long_history
from browser.gallery_states import State, visit
from browser.live_stage import LiveStage

from portal_gateway.application.customer_view import Source
from portal_gateway.application.view import Pending, PendingKind, View
from portal_gateway.domain.access import ABSOLUTE
from portal_gateway.domain.view import InvoiceRow, InvoiceStatus, PaymentMethod
from support.portal_page import scenes
from support.portal_page.fakes import Access, Views

NEW_CARD: dict[str, Any] = {"brand": "mastercard", "last4": "4444", "exp_month": 12, "exp_year": 2030}
FIRST: dict[str, Any] = {"invoice_count": 1, "invoice_years": [2023]}
NOTHING_YET: dict[str, Any] = {"invoices": [], "invoice_count": 0, "invoice_years": []}


def card(**changes: Any) -> PaymentMethod:
    return {"id": "pm", "version": 1, **NEW_CARD, **changes}  # type: ignore[typeddict-item]


def incomplete() -> View:
    return scenes.view(scenes.subscription("incomplete", debt=scenes.debt()), invoices=[scenes.invoice(14, "failed")], **FIRST)


def cardless(status: str) -> View:
    debt = scenes.debt(reason="no_payment_method", next_attempt_at=None)
    unpaid = scenes.invoice(14, "failed", payment_method=None)
    return scenes.view(scenes.subscription(status, debt=debt), payment_method=None, invoices=[unpaid], **FIRST)


def two(second: str) -> View:
    plan = scenes.plan(name="Almacenamiento 2 TB", price={"amount_minor": 999, "currency": "USD"})
    id, owed = scenes.invoice_id(99), scenes.invoice_id(15)
    other = scenes.subscription(second, id=id, plan=plan, debt=scenes.debt(amount=plan["price"], invoice_id=owed))
    stored = {"plan_name": plan["name"], "subscription_id": id, "total": plan["price"]}
    unpaid = {**scenes.invoice(14, "failed"), **stored, "id": owed, "number": "TS-000015"}
    return scenes.view(scenes.subscription(), other, invoices=[unpaid, *map(scenes.invoice, (14, 13, 12))])


def taxed() -> View:
    """Quantity 3, a currency with four decimals, and an exclusive tax."""
    tax: Any = {"name": "IVA", "rate_basis_points": 1900, "inclusive": False}
    plan = scenes.plan(price={"amount_minor": 12_345, "currency": "CLF"}, tax=tax)
    rows = [scenes.invoice(14, total={"amount_minor": 44_072, "currency": "CLF"})]
    return scenes.view(scenes.subscription(plan=plan, quantity=3), invoices=rows, **FIRST)


def ended() -> View:
    period = {"start": scenes.instant(2023, 4, 14), "end": scenes.instant(2023, 5, 14)}
    subscription = scenes.subscription("canceled", current_period=period, ended_at=period["end"])
    return scenes.view(subscription, invoices=[scenes.invoice(number) for number in (13, 12, 11, 10)])


def being_charged() -> View:
    view = scenes.owing(retrying=True, next_attempt_at=None)
    view.facts["invoices"][0]["status"] = "processing"
    return view


def every_invoice_status() -> View:
    rows = [scenes.invoice(14 - place, status) for place, status in enumerate(get_args(InvoiceStatus))]
    return scenes.view(invoices=rows, invoice_count=len(rows))


def first_arrival() -> View:
    view = scenes.view(payment_method=None, **NOTHING_YET)
    view.facts["subscriptions"].clear()
    return view


def accepted(kind: PendingKind, **detail: Any) -> tuple[Pending]:
    aggregate = f"subscription-{scenes.PREMIUM}"
    return ({"kind": kind, "aggregate": aggregate, "version": 13, "accepted_at": "", "detail": detail},)


def late() -> View:
    return scenes.view(stale=True, as_of=datetime.now(UTC) - timedelta(minutes=12, seconds=20))


class LongHistory(Views):
    """The invoices of many years, as the gateway stores them."""

    async def invoices(self, merchant: Any, customer: Any, year: int | None, before: Any, limit: int) -> list[Any]:
        rows = [row for row in MANY if before is None or (row["issued_on"], row["number"]) < before]
        rows = [row for row in rows if year is None or row["issued_on"].startswith(str(year))][:limit]
        columns = {"state": "paid", "failed_attempt": 0}
        return [(Source(f"invoice-{row['id']}", row["version"], {**row, **columns}), None) for row in rows]


MANY: list[InvoiceRow] = [scenes.invoice(number) for number in range(14, -20, -1)]
for serial, row in enumerate(MANY):
    row["number"] = f"TS-{len(MANY) - serial:06}"


def many() -> View:
    return scenes.view(invoices=MANY[:12], invoice_count=len(MANY), invoice_years=[2023, 2022, 2021, 2020])


def keep_many(stage: LiveStage) -> None:
    stage.views = LongHistory(stage.views.shown, stage.access)


download = visit("/", "#download-all", "[data-download]", see="#downloading:has-text('120')")


def on_its_way(stage: LiveStage) -> None:
    control_exports(stage).done = 120


def about_to_end(stage: LiveStage) -> None:
    began = datetime.now(UTC) - ABSOLUTE + timedelta(minutes=4)
    stage.access = Access(scenes.session(started_at=began, seen_at=datetime.now(UTC)))
    stage.views.access = stage.access


STATES = (
    State("active", rows=12),
    State("trialing", lambda: scenes.view(scenes.subscription("trialing"), **NOTHING_YET)),
    State("taxed", taxed),
    State("incomplete", incomplete),
    State("incomplete-without-card", lambda: cardless("incomplete")),
    State("ending", lambda: scenes.view(scenes.ending())),
    State("past-due", scenes.owing),
    State("past-due-last-try", lambda: scenes.owing(next_attempt_at=None, access_until=scenes.instant(2023, 5, 19))),
    State("past-due-without-card", lambda: cardless("past_due")),
    State("past-due-being-charged", being_charged),
    State("unpaid", lambda: scenes.owing("unpaid", next_attempt_at=None, access_until=scenes.instant(2023, 5, 19))),
    State("canceled", ended),
    State("paused", lambda: scenes.view(scenes.subscription("paused"))),
    State("invoices-of-every-status", every_invoice_status, rows=7),
    State("card-expiring", lambda: scenes.view(payment_method=card(exp_month=6, exp_year=2023))),
    State("card-expired", lambda: scenes.view(payment_method=card(brand="amex", last4="0005", exp_month=4, exp_year=2023))),
    State("card-of-another-brand", lambda: scenes.view(payment_method=card(brand="other", last4="1117"))),
    State("card-missing", lambda: scenes.view(payment_method=None)),
    State("two-subscriptions", lambda: two("past_due")),
    State("two-subscriptions-second", lambda: two("past_due"), visit(f"/?subscription={scenes.invoice_id(99)}")),
    State("history-empty", lambda: scenes.view(**NOTHING_YET)),
    State("history-without-match", rows=12, steps=visit("/?year=2022&status=void", see=".empty")),
    State("history-of-many-years", many, prepare=keep_many, rows=12),
    State("history-downloading", long_history, download, on_its_way, rows=12),
    State("history-older", many, visit("/", "#older", see="#newest"), keep_many, rows=12),
    State("stale", late, visit("/", see="[data-stale]")),
    State("cancellation-on-its-way", lambda: scenes.view(pending=accepted("cancellation"))),
    State("keeping-on-its-way", lambda: scenes.view(scenes.ending(), pending=accepted("cancellation_withdrawn"))),
    State("card-on-its-way", lambda: scenes.view(pending=accepted("payment_method", **NEW_CARD))),
    State("charge-on-its-way", lambda: replace(scenes.owing(), pending=accepted("charge", invoice_id=scenes.invoice_id(14)))),
    State("session-ends-for-good", steps=visit("/", see="#session-ending"), prepare=about_to_end),
    State("session-changed-meanwhile", steps=visit("/?said=session_changed", see=".notice.warn >> visible=true")),
    State("kept", steps=visit("/?said=kept", see=".notice.good")),
    State("first-arrival", first_arrival),
    State("portal-without-script", many, prepare=keep_many, rows=12, script=False),
)
