"""A browser that nobody drives: unlike one that is driven, it looks ahead. Only the server sees what it does."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support import chromium
from support.browsing import QUIET


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[None]:
    found = await chromium.executable()
    assert found is not None, "the browser tests need Chromium or Chrome"
    with tempfile.TemporaryDirectory(prefix="customer-portal-", ignore_cleanup_errors=True) as profile:
        given = ["--headless=new", f"--user-data-dir={profile}", "--remote-debugging-port=0", *QUIET, address]
        nowhere = asyncio.subprocess.DEVNULL
        running = await asyncio.create_subprocess_exec(str(found), *given, stdout=nowhere, stderr=nowhere)
        try:
            yield
        finally:
            running.terminate()
            await running.wait()
