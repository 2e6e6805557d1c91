"""The export is forwarded while invoicing produces it."""

import asyncio
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psutil
import pytest
from fastapi import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from billing_contracts.history import HistoryLine
from portal_gateway.application.presentation.problems import BY_CODE
from support.portal_gateway import story
from support.portal_gateway.gateway import Merchant, interrupted, problem
from support.portal_page.sentences import spanish

EXPORT = f"/v1/customers/{story.ANA}/export"
ADDRESSES = ["/export.zip", "/api/invoices/export?format=zip"]
CHUNK = os.urandom(65_536)


@pytest.fixture
async def ana(merchant: Merchant) -> Merchant:
    await merchant.tell(story.profile(), story.started(), story.issued(1))
    return merchant


class Maker:
    """Produces a file of so many chunks, each when it is read."""

    def __init__(self, chunks: int) -> None:
        self.chunks, self.produced_count = chunks, 0
        self.ended = asyncio.Event()

    async def __call__(self, _: Request) -> Response:
        return StreamingResponse(self._body(), media_type="application/zip")

    async def _body(self) -> AsyncIterator[bytes]:
        try:
            while self.produced_count < self.chunks:
                self.produced_count += 1
                yield CHUNK
                await asyncio.sleep(0)  # like a real producer: otherwise it would not notice the closed connection
        finally:
            self.ended.set()


def refusing() -> Response:
    return problem(429, "export_running")


@pytest.mark.parametrize("address", ["/export.csv", "/api/invoices/export?format=csv"])
async def test_the_export_is_forwarded_under_its_name_and_not_stored(ana: Merchant, address: str) -> None:
    queries: list[str] = []

    async def export(request: Request) -> Response:
        queries.append(str(request.url.query))
        named = {"content-disposition": "attachment; filename=\"releve.csv\"; filename*=UTF-8''relev%C3%A9.csv"}
        return Response(b"\xef\xbb\xbfdate,kind\r\n", media_type="text/csv", headers=named)

    ana.gateway.owners.answers["GET", EXPORT] = export
    async with ana.signed_in() as browser:
        answer = await browser.get(address)
    assert answer.content == b"\xef\xbb\xbfdate,kind\r\n"
    assert queries == ["format=csv&locale=es-MX"], "the customer's country, not the merchant's region"
    assert answer.headers["content-disposition"] == "attachment; filename=\"releve.csv\"; filename*=UTF-8''relev%C3%A9.csv"
    assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")


@pytest.mark.parametrize("address", ["/export.csv?year=2021", "/api/invoices/export?format=csv&year=2021"])
async def test_the_export_of_one_year_is_requested(ana: Merchant, address: str) -> None:
    queries: list[str] = []

    async def export(request: Request) -> Response:
        queries.append(str(request.url.query))
        return Response(b"date", media_type="text/csv")

    ana.gateway.owners.answers["GET", EXPORT] = export
    async with ana.signed_in() as browser:
        assert (await browser.get(address)).content == b"date"
    assert queries == ["format=csv&locale=es-MX&year=2021"]


@pytest.mark.parametrize("address", ["/export.csv?year=now", "/api/invoices/export?format=csv&year=now"])
async def test_an_invalid_year_downloads_nothing(ana: Merchant, address: str) -> None:
    async with ana.signed_in() as browser:
        assert (await browser.get(address)).status_code == 422


@pytest.mark.parametrize("address", ADDRESSES)
async def test_an_interrupted_export_is_not_a_valid_file(ana: Merchant, address: str) -> None:
    ana.gateway.owners.answers["GET", EXPORT] = interrupted(b"PK")
    async with ana.signed_in() as browser:
        with pytest.raises(httpx.RemoteProtocolError):
            await browser.get(address)


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_closed_connection_stops_the_export(ana: Merchant, address: str) -> None:
    maker = Maker(10**9)
    ana.gateway.owners.answers["GET", EXPORT] = maker
    async with ana.signed_in() as browser:
        async with browser.stream("GET", address) as answer:
            arriving = answer.aiter_raw()
            assert await anext(arriving)
        async with asyncio.timeout(30):
            await maker.ended.wait()


async def test_a_slow_reader_gets_the_whole_export(ana: Merchant) -> None:
    """Chunks are produced only when they are read; otherwise they would have to be buffered."""
    maker = Maker(4_000)
    ana.gateway.owners.answers["GET", EXPORT] = maker
    async with ana.signed_in() as browser, browser.stream("GET", "/export.zip") as answer:
        arriving = answer.aiter_raw()
        await anext(arriving)
        produced_count = -1
        while produced_count != maker.produced_count:
            produced_count = maker.produced_count
            await asyncio.sleep(1)
        assert maker.produced_count < 1_000


async def test_a_large_export_needs_constant_memory(ana: Merchant) -> None:
    ana.gateway.owners.answers["GET", EXPORT] = Maker(3_000)
    process, received = psutil.Process(), 0
    async with ana.signed_in() as browser, browser.stream("GET", "/export.zip") as answer:
        arriving = answer.aiter_raw()
        received += len(await anext(arriving))
        before = peak = process.memory_info().rss
        async for chunk in arriving:
            received += len(chunk)
            peak = max(peak, process.memory_info().rss)
    assert received == 3_000 * len(CHUNK)
    assert peak - before < 30_000_000


async def test_a_second_export_is_refused_with_a_sentence(ana: Merchant) -> None:
    ana.gateway.owners.answers["GET", EXPORT] = refusing()
    sentence = spanish(BY_CODE["export_running"])
    async with ana.signed_in() as browser:
        response = await browser.get("/api/invoices/export", params={"format": "zip"})
        page = await browser.get("/export.zip")
    assert (response.status_code, response.json()["code"]) == (429, "export_running")
    assert response.json()["detail"] == sentence
    assert (page.status_code, page.headers["content-type"]) == (429, "text/html; charset=utf-8")
    assert "content-disposition" not in page.headers
    assert sentence in page.text


async def test_ten_exports_an_hour_are_the_limit_and_refused_ones_do_not_count(ana: Merchant) -> None:
    owners = ana.gateway.owners.answers
    async with ana.signed_in() as browser:

        async def exported() -> Any:
            return await browser.get("/api/invoices/export", params={"format": "csv"})

        owners["GET", EXPORT] = refusing()
        assert {(await exported()).json()["code"] for _ in range(12)} == {"export_running"}
        owners["GET", EXPORT] = Response(b"done")
        answers = [await exported() for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert int(answers[-1].headers["retry-after"]) > 3000


async def test_the_progress_has_a_sentence(ana: Merchant) -> None:
    async with ana.signed_in() as browser:

        async def progress_of(running: dict[str, int] | None) -> Any:
            ana.gateway.owners.answers["GET", f"{EXPORT}/progress"] = JSONResponse({"progress": running})
            return (await browser.get("/api/invoices/export/progress")).json()["progress"]

        progress = await progress_of({"done": 120, "total": 1000})
        assert (progress["done"], progress["total"]) == (120, 1000)
        assert re.search(r"\b120\b.*\b1,000\b", progress["text"])
        assert await progress_of(None) is None
        browser.headers["cookie"] = ""
        assert (await browser.get("/api/invoices/export/progress")).status_code == 401


async def test_the_schema_of_a_line_is_published(ana: Merchant) -> None:
    published = ana.gateway.app.openapi()
    content = published["paths"]["/api/invoices/export"]["get"]["responses"]["200"]["content"]
    assert content.keys() == {"text/csv", "application/zip", "application/x-ndjson"}
    assert content["application/x-ndjson"]["schema"] == {"$ref": "#/components/schemas/HistoryLine"}
    line = published["components"]["schemas"]["HistoryLine"]
    assert line["properties"].keys() == HistoryLine.model_fields.keys()
    assert "an invoice's lines sum to its balance" in line["properties"]["total_minor"]["description"]
