"""A customer's complete payment history, streamed in constant memory."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from invoicing.adapters.exporting.archive import as_zip
from invoicing.adapters.exporting.lines import as_ndjson
from invoicing.adapters.exporting.slots import Slots
from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import words_for
from invoicing.application.history import Documents, Download, Progress, Render, Rows

Format: TypeAlias = Literal["csv", "zip", "ndjson"]
_MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "ndjson": "application/x-ndjson",
}


class Source(Protocol):
    """Reads the history, in pages."""

    def history(self, merchant_id: UUID, customer_id: UUID, until: datetime) -> Rows: ...

    def documents(self, merchant_id: UUID, customer_id: UUID, until: datetime) -> Documents: ...

    async def count(self, merchant_id: UUID, customer_id: UUID, until: datetime) -> int:
        """The number of documents."""


class Exports:
    def __init__(self, source: Source, slots: Slots, render: Render) -> None:
        self._source, self._slots, self._render = source, slots, render

    async def begin(self, merchant_id: UUID, customer_id: UUID, format: Format, locale: str, on: date) -> Download | None:
        """The present history as a file of the day `on`. None while another export of the customer runs.

        An error is raised by the stream, so the file is incomplete.
        """
        until, words = datetime.now(UTC), words_for(locale)
        total = await self._source.count(merchant_id, customer_id, until) if format == "zip" else 0
        slot = await self._slots.take(merchant_id, customer_id, total)
        if slot is None:
            return None
        rows = self._source.history(merchant_id, customer_id, until)
        stream: AsyncGenerator[bytes]
        match format:
            case "csv":
                stream = as_csv(rows, words)
            case "ndjson":
                stream = as_ndjson(rows)
            case "zip":
                documents = self._source.documents(merchant_id, customer_id, until)
                stream = as_zip(rows, documents, slot.counted(self._render), words, on)
        return Download(slot.hold(stream), slot.release, _MEDIA_TYPES[format], f"{words.history}.{format}")

    async def progress(self, merchant_id: UUID, customer_id: UUID) -> Progress | None:
        """The progress of the customer's running export, or None."""
        return await self._slots.progress(merchant_id, customer_id)
