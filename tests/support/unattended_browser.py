"""Chromium without a driver: unlike a driven one it prefetches. Only the server observes it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support import chromium
from support.browsing import QUIET
from support.processes import process


@asynccontextmanager
async def browsing(address: str) -> AsyncIterator[None]:
    path = await chromium.executable()
    assert path is not None, "the browser tests need Chromium or Chrome"
    with tempfile.TemporaryDirectory(prefix="customer-portal-", ignore_cleanup_errors=True) as profile:
        arguments = ["--headless=new", f"--user-data-dir={profile}", "--remote-debugging-port=0", *QUIET, address]
        nowhere = asyncio.subprocess.DEVNULL
        async with process(str(path), *arguments, stdout=nowhere, stderr=nowhere) as running:
            yield
            running.terminate()
            await asyncio.wait_for(running.wait(), 30)
