"""Exports of a thousand invoices over a real connection: constant memory, progress, and errors midway."""

import asyncio
import io
import socket
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import psutil
import pytest
from integration.invoicing.stack import SLOW_LINE_BYTES, Shop, Stack, served

from support.processes import process, python
from support.service import customer_token

TESTS = Path(__file__).parents[2]
ANA, LUIS, EVA = uuid4(), uuid4(), uuid4()
INVOICES = {ANA: 1000, LUIS: 200, EVA: 50}
AT_ONCE = 100


@pytest.fixture(scope="module")
async def shop(stack: Stack) -> Shop:
    """One merchant for all of these tests."""
    shop = Shop()
    await stack.deliver(shop.configured())
    for customer, count in INVOICES.items():
        await issue(stack, shop, customer, count)
    return shop


async def issue(stack: Stack, shop: Shop, customer: UUID, count: int) -> None:
    await stack.deliver(shop.profile(customer))
    subscriptions = [uuid4() for _ in range(10)]
    due = [shop.due(subscription, customer, n) for n in range(count // 10) for subscription in subscriptions]
    for first in range(0, count, AT_ONCE):
        await stack.deliver(*due[first : first + AT_ONCE])


@asynccontextmanager
async def alone(stack: Stack) -> AsyncIterator[tuple[str, psutil.Process]]:
    """The service in a process of its own, on the stack's database: its URL and the process."""
    urls = stack.database.url, stack.database.owner_url, stack.database.admin_url
    pipe = asyncio.subprocess.PIPE
    async with process(
        *python("-m", "integration.invoicing.service_process", *urls), cwd=TESTS, stdin=pipe, stdout=pipe
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield (await child.stdout.readline()).decode().strip(), psutil.Process(child.pid)
        child.stdin.close()
        await asyncio.wait_for(child.wait(), 60)


def client(url: str, shop: Shop, customer: UUID = ANA) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {customer_token('invoicing', shop.id, customer)}"}
    line = httpx.AsyncHTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_LINE_BYTES)])
    return httpx.AsyncClient(base_url=f"{url}/v1/customers/{customer}", headers=headers, timeout=60, transport=line)


async def progress(http: httpx.AsyncClient) -> dict[str, int] | None:
    share: dict[str, int] | None = (await http.get("/export/progress")).json()["progress"]
    return share


@pytest.mark.timeout(600)
async def test_a_thousand_invoices_are_sent_in_the_memory_of_two_hundred(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    peaks: dict[UUID, int] = {}
    async with alone(stack) as (url, process):
        for customer in (LUIS, ANA):
            async with client(url, shop, customer) as http, http.stream("GET", "/export?format=zip") as answer:
                with (tmp_path / f"{customer}.zip").open("wb") as received:
                    async for chunk in answer.aiter_raw():
                        received.write(chunk)
                        peaks[customer] = max(peaks.get(customer, 0), process.memory_info().rss)
    assert peaks[ANA] - peaks[LUIS] < 20_000_000  # 800 documents that were kept would weigh more
    with zipfile.ZipFile(tmp_path / f"{ANA}.zip") as archive:
        assert archive.testzip() is None
        table, *invoices = archive.namelist()
        assert (table, invoices) == ("historial-de-pagos.csv", [f"facturas/TS-{n:06d}.pdf" for n in range(1, 1001)])
        assert archive.read(table).count(b"\r\n") == 1001
        for name in invoices:
            assert f"/Title(Factura {Path(name).stem})".encode() in archive.read(name)
        assert sum(file.file_size for file in archive.infolist()) > 20_000_000


async def test_the_archive_is_streamed_and_its_progress_can_be_read(stack: Stack, shop: Shop) -> None:
    async with served(stack) as url, client(url, shop, LUIS) as http:
        assert await progress(http) is None
        async with http.stream("GET", "/export?format=zip") as answer:
            assert answer.headers["content-disposition"] == 'attachment; filename="historial-de-pagos.zip"'
            assert (answer.headers["cache-control"], answer.headers["x-content-type-options"]) == ("no-store", "nosniff")
            seen = [await progress(http) async for _ in answer.aiter_raw()]
        assert await progress(http) is None
    running = [it for it in seen if it]
    assert {it["total"] for it in running} == {200}
    done = [it["done"] for it in running]
    assert done == sorted(done)
    assert 0 == done[0] < done[-1] <= 200


async def test_another_one_meanwhile_is_refused(stack: Stack, shop: Shop) -> None:
    async with served(stack) as url, client(url, shop) as http, http.stream("GET", "/export?format=zip") as answer:
        arriving = answer.aiter_raw()  # referenced: an unreferenced stream is closed
        await anext(arriving)
        for format in ("zip", "csv", "ndjson"):
            refused = await http.get("/export", params={"format": format})
            assert (refused.status_code, refused.json()["code"]) == (429, "export_running")


async def test_an_error_midway_breaks_the_connection_off(stack: Stack, shop: Shop) -> None:
    last = "(SELECT id FROM invoices WHERE merchant_id = $1 ORDER BY ordinal DESC LIMIT 1)"
    await stack.rows(shop, f"UPDATE bill_to SET sealed = 'tampered' WHERE merchant_id = $1 AND invoice_id = {last}")
    received = bytearray()
    async with served(stack) as url, client(url, shop, EVA) as http:

        async def download() -> None:
            async with http.stream("GET", "/export?format=zip") as answer:
                async for chunk in answer.aiter_raw():
                    received.extend(chunk)

        with pytest.raises(httpx.RemoteProtocolError):
            await download()
    assert b"facturas/TS-001201.pdf" in received
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(received))
    async with asyncio.timeout(30):
        while await stack.count(shop, "running_exports"):
            await asyncio.sleep(0.02)


async def test_a_disconnected_client_stops_the_work_and_can_download_again(stack: Stack, shop: Shop) -> None:
    async with served(stack) as url, client(url, shop) as http:
        async with http.stream("GET", "/export?format=zip") as answer:
            await anext(answer.aiter_raw())
        async with asyncio.timeout(30):
            while await stack.count(shop, "running_exports"):
                await asyncio.sleep(0.02)
        assert (await http.get("/export?format=csv")).status_code == 200
