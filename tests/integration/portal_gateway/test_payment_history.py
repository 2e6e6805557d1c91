"""The list of invoices, single invoices and their PDFs."""

import re
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.responses import JSONResponse, Response

from billing_contracts import payments
from portal_gateway.application.presentation.invoices import STATUSES
from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant, problem
from support.portal_gateway.story import charge, invoice_id
from support.portal_page import scenes
from support.portal_page.sentences import spanish


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    """Eleven invoices: the last one failed, the one before is processing, the others are paid."""
    await merchant.tell(story.profile(), story.started())
    for month in range(1, 12):
        await merchant.tell(story.issued(month), charge(payments.PaymentStarted, month))
    await merchant.tell(*(story.paid(month) for month in range(1, 10)))
    await merchant.tell(story.payment_failed(11, attempt=1))
    return merchant


async def pages(browser: httpx.AsyncClient, **filters: Any) -> list[dict[str, Any]]:
    items, cursor = [], None
    while True:
        parameters = filters | ({"cursor": cursor} if cursor else {})
        page = (await browser.get("/api/invoices", params=parameters)).json()
        assert len(page["items"]) <= int(filters.get("limit", 12))
        items += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            return items


async def test_the_history_is_complete_and_newest_first_with_any_page_size(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        for limit in (1, 3, 10, 11, 12, 100):
            numbers = [item["number"] for item in await pages(browser, limit=limit)]
            assert numbers == [f"TS-{month:06d}" for month in range(11, 0, -1)]


async def test_the_history_is_filtered_by_year_and_shown_status(ana: Merchant) -> None:
    async with ana.signed_in() as browser:
        assert [it["number"] for it in await pages(browser, status="failed")] == ["TS-000011"]
        assert [it["number"] for it in await pages(browser, status="processing")] == ["TS-000010"]
        assert len(await pages(browser, status="paid", limit=2)) == 9
        assert (len(await pages(browser, year=2023)), await pages(browser, year=2022)) == (11, [])


@pytest.mark.parametrize(
    "parameters",
    [
        {"limit": "-1"},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "1e309"},
        {"year": "x"},
        {"status": "draft"},
        {"cursor": "../.."},
    ],
    ids=lambda parameters: str(parameters)[:30],
)
async def test_an_invalid_page_is_a_clear_error(ana: Merchant, parameters: dict[str, str]) -> None:
    async with ana.signed_in() as browser:
        answer = await browser.get("/api/invoices", params=parameters)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_a_cursor_of_another_customer_or_a_forged_one_is_refused(ana: Merchant) -> None:
    other = await ana.gateway.merchant()
    claudio = uuid4()
    await other.tell(story.profile(), subject=f"customer-{claudio}", customer=claudio)
    async with ana.signed_in() as browser, other.signed_in(claudio) as stranger:
        cursor = (await browser.get("/api/invoices", params={"limit": 2})).json()["next_cursor"]
        changed = cursor[:-2] + ("A" if cursor[-2] != "A" else "B") + cursor[-1]
        for who, refused_cursor in ((browser, changed), (browser, cursor[5:]), (stranger, cursor)):
            answer = await who.get("/api/invoices", params={"cursor": refused_cursor})
            assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_one_invoice_has_the_portals_status(ana: Merchant) -> None:
    invoice = {
        "id": str(invoice_id(10)),
        "subscription_id": str(uuid4()),
        "status": "open",
        "total": {"amount_minor": 2999, "currency": "USD"},
        "bill_to": {"name": "Ana"},
    }
    ana.gateway.owners.answers["GET", f"/v1/invoices/{invoice_id(10)}"] = JSONResponse(invoice)
    async with ana.signed_in() as browser:
        shown = (await browser.get(f"/api/invoices/{invoice_id(10)}")).json()
    assert (shown["status"], shown["total"]["text"]) == ("processing", "29.99 USD")
    assert shown["status_text"] == spanish(STATUSES["processing"])
    assert shown["bill_to"] == {"name": "Ana"}


async def test_an_invoices_page_leads_to_the_ones_before_and_after_it(ana: Merchant) -> None:
    """By number within the day, and never to an invoice of another customer."""
    later = story.issued(11).model_copy(update={"number": "TS-000012"})
    await ana.tell(later, subject=f"invoice-{invoice_id(12)}", customer=uuid4())
    around = {}
    async with ana.signed_in() as browser:
        for month in (1, 5, 11, 12):
            whole = scenes.whole_invoice(id=str(invoice_id(month)), number=f"TS-{month:06d}")
            ana.gateway.owners.answers["GET", f"/v1/invoices/{invoice_id(month)}"] = JSONResponse(whole)
            html = (await browser.get(f"/invoices/{invoice_id(month)}?year=2023")).text
            around[month] = dict(re.findall(r'id="(earlier|later)" href="/invoices/([0-9a-f-]+)\?year=2023"', html))
    assert around == {
        1: {"later": str(invoice_id(2))},
        5: {"earlier": str(invoice_id(4)), "later": str(invoice_id(6))},
        11: {"earlier": str(invoice_id(10))},
        12: {},
    }


async def test_a_pdf_is_forwarded(ana: Merchant) -> None:
    path = f"/v1/invoices/{invoice_id(5)}/pdf"
    named = {"content-disposition": 'inline; filename="TS-000005.pdf"'}
    ana.gateway.owners.answers["GET", path] = Response(b"%PDF-1.7", media_type="application/pdf", headers=named)
    async with ana.signed_in() as browser:
        answer = await browser.get(f"/api/invoices/{invoice_id(5)}/pdf")
        assert (answer.content, answer.headers["content-type"]) == (b"%PDF-1.7", "application/pdf")
        assert answer.headers["content-disposition"] == 'inline; filename="TS-000005.pdf"'
        assert (await browser.get(f"/api/invoices/{invoice_id(6)}/pdf")).json()["code"] == "not_found"
        assert (await browser.get("/api/invoices/..%2f..%2fetc/pdf")).status_code in (404, 422)


async def test_the_list_works_while_invoicing_is_unreachable(ana: Merchant) -> None:
    ana.gateway.owners.answers["GET", f"/v1/invoices/{invoice_id(5)}/pdf"] = problem(503, "service_unavailable")
    async with ana.signed_in() as browser:
        away = await browser.get(f"/api/invoices/{invoice_id(5)}/pdf")
        assert (away.status_code, away.json()["code"]) == (503, "service_unavailable")
        assert away.json()["detail"]
        assert (await browser.get("/api/invoices")).status_code == 200
