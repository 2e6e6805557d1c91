"""The history as a ZIP: the CSV and one PDF per invoice, sent while they are written.

Nothing of it is ever whole in memory or on disk. An error midway is raised before the archive's directory is sent, so
that what has arrived is no archive.
"""

import asyncio
import re
import zipfile
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date

from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import ExportWords
from invoicing.application.history import Documents, Render, Rows
from invoicing.application.invoices import Document

RENDERED_AHEAD = 2
"""Documents that are rendered while a previous one is sent."""


class Wire:
    """The output of zipfile: a stream that cannot seek. It holds the bytes that are not sent yet."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """zipfile requires it. The bytes are taken by the reader, so there is nothing to flush."""

    def take(self) -> bytes:
        taken = b"".join(self._chunks)
        self._chunks.clear()
        return taken


async def as_zip(rows: Rows, documents: Documents, render: Render, words: ExportWords, on: date) -> AsyncGenerator[bytes]:
    """`on` is the date of the CSV entry. An invoice's entry has the date of issue."""
    wire = Wire()
    archive = zipfile.ZipFile(wire, "w")  # type: ignore[call-overload]  # writing needs only write and flush
    with archive.open(_entry(f"{words.history}.csv", on, zipfile.ZIP_DEFLATED), "w") as entry:
        async for chunk in as_csv(rows, words):
            entry.write(chunk)
            yield wire.take()
    async with aclosing(_rendered(documents, render)) as rendered:
        async for document, pdf in rendered:
            name = f"{words.invoices}/{file_name(document.issued.number)}.pdf"
            archive.writestr(_entry(name, document.issued.issued_on, zipfile.ZIP_STORED), pdf)
            yield wire.take()
    archive.close()
    yield wire.take()


def file_name(number: str) -> str:
    """An invoice's number as a file name, without a path."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", number)


async def _rendered(documents: Documents, render: Render) -> AsyncGenerator[tuple[Document, bytes]]:
    window: deque[tuple[Document, asyncio.Future[bytes]]] = deque()
    try:
        async for page in documents:
            for document in page:
                window.append((document, asyncio.ensure_future(render(document))))
                if len(window) > RENDERED_AHEAD:
                    yield window[0][0], await window[0][1]
                    window.popleft()
        while window:
            yield window[0][0], await window[0][1]
            window.popleft()
    finally:
        for _, rendering in window:
            rendering.cancel()


def _entry(name: str, on: date, compression: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, (max(on.year, 1980), on.month, on.day, 0, 0, 0))
    entry.compress_type = compression
    entry.external_attr = 0o644 << 16
    return entry
