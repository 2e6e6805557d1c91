"""Growing on, to a million customers: half an hour, too long to be run with the other rows."""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from bench.measuring import Row
from bench.rows import growth
from portalctl.local.errors import StackError

CUSTOMERS: Final = 1_000_000
BYTES: Final = 45 * 10**9
"""Of their rows, and of the log that PostgreSQL writes ahead of them."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < BYTES:
        raise StackError(f"{BYTES >> 30} GiB are needed in {folder}, and {free >> 30} are free (TMPDIR names another folder)")
    async with growth.opened(CUSTOMERS) as row:
        yield row
