"""A thousand invoices over a real connection: in constant memory, and broken off when something fails midway."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import psutil
import pytest
from integration.invoicing.stack import Shop, Stack, customer_token

from chassis.http.server import listen, serve

ANA = uuid4()
INVOICES = 1000


@asynccontextmanager
async def served(stack: Stack) -> AsyncIterator[str]:
    server = serve(stack.service.app, grace_seconds=1)
    socket = listen("127.0.0.1", 0)
    task = asyncio.create_task(server.serve([socket]))
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


async def issue(stack: Stack, shop: Shop, count: int) -> None:
    await stack.deliver(shop.profile(ANA))
    subscriptions = [uuid4() for _ in range(count // 100)]
    for n in range(100):
        await stack.deliver(*(shop.due(subscription, ANA, n) for subscription in subscriptions))


async def test_a_thousand_invoices_are_sent_in_constant_memory(stack: Stack, shop: Shop, tmp_path: Path) -> None:
    await issue(stack, shop, INVOICES)
    resident: list[int] = []
    async with served(stack) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        headers = {"authorization": f"Bearer {customer_token(shop, ANA)}"}
        async with http.stream("GET", f"/v1/customers/{ANA}/export?format=zip", headers=headers) as answer:
            with (tmp_path / "history.zip").open("wb") as received:
                async for chunk in answer.aiter_raw():
                    received.write(chunk)
                    resident.append(psutil.Process().memory_info().rss)
    files = zipfile.ZipFile(tmp_path / "history.zip")
    assert files.testzip() is None
    assert len(files.namelist()) == INVOICES + 1
    assert sum(file.file_size for file in files.infolist()) > 20_000_000
    assert max(resident) - max(resident[: len(resident) // 4]) < 10_000_000
    files.close()


@pytest.mark.usefixtures("plain_tracebacks")
async def test_an_error_midway_breaks_the_connection_off(stack: Stack, shop: Shop) -> None:
    await issue(stack, shop, 100)
    await stack.rows(
        shop,
        """
        UPDATE bill_to SET sealed = 'tampered' WHERE merchant_id = $1 AND invoice_id =
            (SELECT id FROM invoices WHERE merchant_id = $1 AND ordinal = 90)
        """,
    )
    received = bytearray()
    async with served(stack) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        headers = {"authorization": f"Bearer {customer_token(shop, ANA)}"}

        async def download() -> None:
            async with http.stream("GET", f"/v1/customers/{ANA}/export?format=zip", headers=headers) as answer:
                async for chunk in answer.aiter_raw():
                    received.extend(chunk)

        with pytest.raises(httpx.RemoteProtocolError):
            await download()
    assert b"facturas/TS-000001.pdf" in received
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(received))
    assert await stack.count(shop, "running_exports") == 0


async def test_whoever_hangs_up_can_download_again_at_once(stack: Stack, shop: Shop) -> None:
    await issue(stack, shop, 300)
    async with served(stack) as url, httpx.AsyncClient(base_url=url, timeout=60, trust_env=False) as http:
        headers = {"authorization": f"Bearer {customer_token(shop, ANA)}"}
        async with http.stream("GET", f"/v1/customers/{ANA}/export?format=zip", headers=headers) as answer:
            await anext(answer.aiter_raw())
        async with asyncio.timeout(10):
            while await stack.count(shop, "running_exports"):
                await asyncio.sleep(0.02)
