"""An invoice for which no card was charged is unpaid, not failed: in the history, its filter, its page and the API."""

from dataclasses import dataclass
from typing import Any

import pytest

from portal_gateway.adapters.api.representations import overview
from portal_gateway.application.customer_view import Source
from portal_gateway.application.presentation.common import Badge, Reader
from portal_gateway.application.presentation.invoices import invoice, rows
from portal_gateway.application.presentation.language import catalogues
from portal_gateway.application.requests import InvoiceQuery
from portal_gateway.application.view import View
from support.portal_page import scenes
from support.portal_page.fakes import Stage, Views

FACE = {"brand": "visa", "last4": "0341"}
UNPAID = {"es": Badge("Pendiente de pago", "warn", "open"), "en": Badge("Payment due", "warn", "open")}
FAILED = {"es": Badge("Pago fallido", "bad", "failed"), "en": Badge("Payment failed", "bad", "failed")}


def first_payment(face: Any) -> View:
    debt = scenes.debt(reason="insufficient_funds" if face else "no_payment_method", next_attempt_at=None)
    row = scenes.invoice(14, "failed", payment_method=face)
    return scenes.view(scenes.subscription("incomplete", debt=debt), payment_method=None, invoices=[row])


def whole(face: Any) -> dict[str, Any]:
    issued, failed, _ = scenes.whole_invoice()["movements"]
    reason = "insufficient_funds" if face else "no_payment_method"
    return scenes.whole_invoice(status="failed", movements=[issued, {**failed, "payment_method": face, "reason": reason}])


@pytest.mark.parametrize("code", ["es", "en"])
@pytest.mark.parametrize(("face", "expected"), [(None, UNPAID), (FACE, FAILED)], ids=["no card", "a card"])
def test_history_page_and_api_have_the_same_word(code: str, face: Any, expected: dict[str, Badge]) -> None:
    view = first_payment(face)
    reader = Reader.of(view, catalogues().language(code))
    shown = invoice(reader, whole(face), view)
    assert rows(reader, view.facts["invoices"], ())[0].badge == expected[code]
    assert shown.badge == expected[code]
    assert overview(view, reader.language, None)["invoices"]["items"][0]["status_text"] == expected[code].text
    assert shown.pay is not None, "an untried invoice can be paid"


@pytest.mark.parametrize(("code", "what"), [("es", "No se intentó ningún cobro"), ("en", "No charge was attempted")])
def test_a_movement_without_a_card_is_no_failed_charge(code: str, what: str) -> None:
    view = first_payment(None)
    shown = invoice(Reader.of(view, catalogues().language(code)), whole(None), view)
    assert shown.movements[1].what == what


@dataclass
class OneInvoice(Views):
    face: Any = None

    async def invoices(self, *_: Any) -> list[Any]:
        row = scenes.invoice(14, "failed", payment_method=self.face)
        return [(Source(f"invoice-{row['id']}", 2, {**row, "state": "open", "failed_attempt": 1}), None)]


@pytest.mark.parametrize(("face", "status", "other"), [(None, "open", "failed"), (FACE, "failed", "open")])
async def test_the_filter_finds_an_invoice_by_the_status_that_it_shows(face: Any, status: Any, other: Any) -> None:
    stage = Stage(first_payment(face))
    stage.views = OneInvoice(stage.views.shown, stage.access, face)
    portal, session = stage.portal(), stage.access.session_of_ana
    assert len((await portal.invoices(session, InvoiceQuery(status=status))).items) == 1
    assert (await portal.invoices(session, InvoiceQuery(status=other))).items == []
