"""Growth to a million customers. It takes half an hour, too long to run with the other rows."""

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
"""Disk space for the rows and PostgreSQL's write-ahead log."""


@asynccontextmanager
async def opened() -> AsyncIterator[Row]:
    folder = tempfile.gettempdir()
    if (free := shutil.disk_usage(folder).free) < BYTES:
        raise StackError(f"{folder} needs {BYTES >> 30} GiB and has {free >> 30} GiB free (TMPDIR names another folder)")
    async with growth.opened(CUSTOMERS) as row:
        yield row
