"""A customer's complete payment history, streamed in constant memory."""

from collections.abc import AsyncGenerator
from datetime import UTC, date, datetime
from uuid import UUID

from invoicing.adapters.exporting.archive import archived, as_zip
from invoicing.adapters.exporting.lines import as_ndjson
from invoicing.adapters.exporting.slots import Slots
from invoicing.adapters.exporting.table import as_csv
from invoicing.adapters.exporting.wording import words_for
from invoicing.application.history import Download, Progress, Render
from invoicing.application.ports import CreditNoteReader, ExportFormat, HistoryReader, RenderCreditNote

_MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "zip": "application/zip",
    "ndjson": "application/x-ndjson",
}


class Exports:
    def __init__(
        self, reader: HistoryReader, notes: CreditNoteReader, slots: Slots, render: Render, render_note: RenderCreditNote
    ) -> None:
        self._reader, self._notes, self._slots = reader, notes, slots
        self._render, self._render_note = render, render_note

    async def begin(
        self, merchant_id: UUID, customer_id: UUID, format: ExportFormat, locale: str, on: date, year: int | None = None
    ) -> Download | None:
        until, words = datetime.now(UTC), words_for(locale)
        total = await self._reader.count(merchant_id, customer_id, until, year) if format == "zip" else 0
        slot = await self._slots.take(merchant_id, customer_id, total)
        if slot is None:
            return None
        rows = self._reader.history(merchant_id, customer_id, until, year)
        stream: AsyncGenerator[bytes]
        match format:
            case "csv":
                stream = as_csv(rows, words)
            case "ndjson":
                stream = as_ndjson(rows)
            case "zip":
                invoices = self._reader.documents(merchant_id, customer_id, until, year)
                notes = self._notes.documents(merchant_id, customer_id, until, year)
                renders = slot.counted(self._render), slot.counted(self._render_note)
                stream = as_zip(rows, archived(invoices, notes, *renders, words), words, on)
        name = f"{words.history}-{year}" if year else words.history
        return Download(slot.hold(stream), slot.release, _MEDIA_TYPES[format], f"{name}.{format}")

    async def progress(self, merchant_id: UUID, customer_id: UUID) -> Progress | None:
        return await self._slots.progress(merchant_id, customer_id)
