"""Shown prices and cards match the charges: taxes, currencies with other decimals, the end of a card's month."""

import csv
import io
import zipfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from pypdf import PdfReader

from support.system_stack import PREMIUM, Json, Stack, shop

IVA: Json = {"name": "IVA", "rate_basis_points": 2100}
EUROS: Json = {**PREMIUM, "price": {"amount_minor": 2999, "currency": "EUR"}}
FEBRUARY = datetime(2024, 2, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("plan", "tax", "quantity", "text", "charged"),
    [
        ({**EUROS, "tax": IVA}, None, 1, "36.29 EUR al mes, incluye 6.30 EUR de IVA (21 %)", 3629),
        (EUROS, IVA, 3, "108.86 EUR al mes, incluye 18.89 EUR de IVA (21 %)", 10886),
        ({**EUROS, "tax": {**IVA, "inclusive": True}}, IVA, 1, "29.99 EUR al mes, incluye 5.20 EUR de IVA (21 %)", 2999),
        (EUROS, None, 1, "29.99 EUR al mes", 2999),
    ],
    ids=["the plan's tax", "the merchant's tax, three", "included", "none"],
)
async def test_the_charge_equals_the_price_on_the_page(
    stack: Stack, plan: Json, tax: Json | None, quantity: int, text: str, charged: int
) -> None:
    async with shop(stack, plan=plan, tax=tax) as taxed:
        lucia = await taxed.customer(quantity=quantity)
        async with lucia.portal() as visit:
            page = await visit.sees(lambda page: page["subscriptions"] and page["subscriptions"][0]["status"] == "active")
            assert page["subscriptions"][0]["frequency_text"] == text
            preview = (await visit.browser.get(f"/api/subscriptions/{lucia.subscription}/cancellation/preview")).json()
            setup = (await visit.browser.post("/api/payment-method/setup")).json()
            assert [preview["frequency_text"], setup["renewals"][0]["frequency_text"]] == [text, text]
        await taxed.clock(FEBRUARY)
        assert [charge["amount_minor"] for charge in await lucia.charges()] == [charged, charged]


async def test_four_decimals_are_shown_everywhere(stack: Stack) -> None:
    plan = {**PREMIUM, "price": {"amount_minor": 12_345, "currency": "CLF"}, "tax": {**IVA, "rate_basis_points": 1900}}
    async with shop(stack, plan=plan) as chilean:
        lucia = await chilean.customer()
        async with lucia.portal() as visit:
            page = await visit.sees(lambda page: page["invoices"]["items"])
            assert page["subscriptions"][0]["frequency_text"] == "1.4691 CLF al mes, incluye 0.2346 CLF de IVA (19 %)"
            assert page["invoices"]["items"][0]["total"]["text"] == "1.4691 CLF"
            assert "1.4691 CLF" in (await visit.browser.get(f"/invoices/{page['invoices']['items'][0]['id']}")).text
            archive = zipfile.ZipFile(BytesIO((await visit.browser.get("/export.zip")).content))
    (name,) = (name for name in archive.namelist() if name.endswith(".pdf"))
    pdf_text = PdfReader(BytesIO(archive.read(name))).pages[0].extract_text().replace("\u00a0", " ")
    assert {amount for amount in ("1.2345 CLF", "0.2346 CLF", "1.4691 CLF") if amount in pdf_text} == {
        "1.2345 CLF",
        "0.2346 CLF",
        "1.4691 CLF",
    }
    (table,) = (name for name in archive.namelist() if name.endswith(".csv"))
    first = next(iter(csv.DictReader(io.StringIO(archive.read(table).decode("utf-8-sig"), newline=""))))
    assert list(first.values())[6:10] == ["1.2345", "0.2346", "1.4691", "CLF"]


@pytest.mark.parametrize(
    ("zone", "clock"),
    [
        ("America/Los_Angeles", datetime(2024, 1, 31, 7, 30, tzinfo=UTC)),  # 23:30 of the 30th
        ("Pacific/Auckland", datetime(2024, 1, 30, 11, 30, tzinfo=UTC)),  # 00:30 of the 31st
    ],
)
async def test_a_card_is_charged_until_its_month_ends_in_the_merchants_zone(stack: Stack, zone: str, clock: datetime) -> None:
    daily = {**PREMIUM, "interval": {"unit": "day", "count": 1}}
    ends = {"America/Los_Angeles": clock + timedelta(days=2), "Pacific/Auckland": clock + timedelta(days=1)}[zone]
    async with shop(stack, time_zone=zone, starts=clock, plan=daily) as local:
        lucia = await local.customer("tok_expiring_soon")
        async with lucia.portal() as visit:
            await local.clock(ends - timedelta(minutes=1))  # the clock continues to run
            page = await visit.sees(lambda page: page["subscriptions"] and page["subscriptions"][0]["status"] == "active")
            assert {invoice["status"] for invoice in page["invoices"]["items"]} == {"paid"}
            paid: list[Any] = await lucia.charges()
            assert len(paid) == (ends - clock) // timedelta(days=1)
            await local.clock(ends)
            page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "past_due")
            assert page["subscriptions"][0]["debt"]["reason"] == "expired_card"
            assert page["payment_method"]["state"] == "expired"
            assert page["payment_method"]["text"].endswith("Venció 01/2024")
            assert await lucia.charges() == paid
