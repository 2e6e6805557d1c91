"""A merchant changes its time zone: a subscription's dates stay in the zone in which it began, everywhere."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from io import BytesIO

from pypdf import PdfReader

from support.system_stack import Shop, Stack, Visit, shop

EVENING = datetime(2024, 1, 11, 2, tzinfo=UTC)
"""20:00 of the 10th in Mexico City, and the 11th in Madrid."""
FEBRUARY, MARCH, APRIL = (datetime(2024, month, 20, tzinfo=UTC) for month in (2, 3, 4))


async def test_page_pdf_and_downloads_keep_their_dates(stack: Stack) -> None:
    async with shop(stack, time_zone="America/Mexico_City", starts=EVENING) as mexican:
        lucia = await mexican.customer()
        await change_zone(mexican, "Europe/Madrid")
        await mexican.clock(FEBRUARY)
        async with lucia.portal() as visit:
            page = await visit.sees(lambda page: len(page["invoices"]["items"]) == 2)
            assert page["subscriptions"][0]["renews_on"] == "2024-03-10"
            assert page["subscriptions"][0]["renewal_text"].endswith("10 de marzo de 2024")
            second, first = page["invoices"]["items"]
            assert "10 de febrero – 9 de marzo de 2024" in await text(visit, "/")
            assert "10 de febrero – 9 de marzo de 2024" in await text(visit, f"/invoices/{second['id']}")
            assert "10 de febrero – 9 de marzo de 2024" in await pdf(visit, second["id"])
            assert "10 de enero – 9 de febrero de 2024" in await pdf(visit, first["id"])
            dialog = await text(visit, f"/subscriptions/{lucia.subscription}/cancel")
            assert "10 de marzo de 2024" in dialog
            periods = set(map(period, await table(visit)))
            assert periods == {("2024-01-10", "2024-02-10"), ("2024-02-10", "2024-03-10")}
            lines = (await visit.browser.get("/export.ndjson")).text.splitlines()
            exported_periods = {(line["period"]["start"], line["period"]["end"]) for line in map(json.loads, lines)}
            assert exported_periods == periods
            assert (await visit.cancel()).status_code == 202
            page = await visit.sees(lambda page: page["subscriptions"][0]["cancellation"] is not None)
            assert "10 de marzo de 2024" in page["subscriptions"][0]["renewal_text"]
            await mexican.clock(MARCH)
            page = await visit.sees(lambda page: page["subscriptions"][0]["status"] == "canceled")
            assert page["subscriptions"][0]["renewal_text"].endswith("10 de marzo de 2024")


async def test_invoice_numbers_and_issue_dates_rise_together(stack: Stack) -> None:
    async with shop(stack, time_zone="Europe/Madrid", starts=EVENING) as wandering:
        lucia = await wandering.customer()
        for zone, until in (("Pacific/Honolulu", FEBRUARY), ("Pacific/Auckland", MARCH), ("America/Mexico_City", APRIL)):
            await change_zone(wandering, zone)
            await wandering.clock(until)
        issued = [(it["number"][-1], it["issued_on"]) for it in reversed(await lucia.invoices())]
        assert issued == [("1", "2024-01-11"), ("2", "2024-02-10"), ("3", "2024-03-11"), ("4", "2024-04-10")]
        later = await wandering.customer()
        async with later.portal() as visit:
            page = await visit.sees(lambda page: page["subscriptions"] and page["subscriptions"][0]["status"] == "active")
            assert page["subscriptions"][0]["renews_on"] == "2024-05-19", "this one began in Mexico City"


async def change_zone(shop: Shop, zone: str) -> None:
    await shop.backend.call("subscriptions", "PATCH", f"/v1/merchants/{shop.id}", json={"time_zone": zone})


async def text(visit: Visit, path: str) -> str:
    """The text of a page, without tags."""
    answer = await visit.browser.get(path, headers={"accept-language": "es"})
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub("<[^>]+>", " ", answer.text).split())


async def pdf(visit: Visit, invoice: str) -> str:
    content = (await visit.browser.get(f"/invoices/{invoice}.pdf")).content
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages).split())


def period(row: dict[str, str]) -> tuple[str, ...]:
    """The first and the last day: the second and the third date of a row."""
    return tuple(value for value in row.values() if re.fullmatch(r"\d{4}-\d\d-\d\d", value))[1:3]


async def table(visit: Visit) -> list[dict[str, str]]:
    content = (await visit.browser.get("/export.csv", headers={"accept-language": "es"})).content
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
