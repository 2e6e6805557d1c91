"""A customer's complete payment history, streamed in constant memory."""

from datetime import UTC, date, datetime
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from invoicing.adapters.exporting.archive import as_zip
from invoicing.adapters.exporting.lines import as_ndjson
from invoicing.adapters.exporting.slots import Slots
from invoicing.adapters.exporting.table import as_csv, words_for
from invoicing.application.history import Documents, Download, Render, Rows

Format: TypeAlias = Literal["csv", "zip", "ndjson"]


class Source(Protocol):
    """Where the history is read, in pages."""

    def history(self, merchant_id: UUID, customer_id: UUID, until: datetime) -> Rows: ...

    def documents(self, merchant_id: UUID, customer_id: UUID, until: datetime) -> Documents: ...


class Exports:
    def __init__(self, source: Source, slots: Slots, render: Render) -> None:
        self._source, self._slots, self._render = source, slots, render

    async def begin(self, merchant_id: UUID, customer_id: UUID, format: Format, locale: str, on: date) -> Download | None:
        """What is known now, as a file of the day `on`; None while another export of the customer's is running.

        An error on the way is raised out of the stream, which is then no whole file.
        """
        slot = await self._slots.take(merchant_id, customer_id)
        if slot is None:
            return None
        until, words = datetime.now(UTC), words_for(locale)
        rows = self._source.history(merchant_id, customer_id, until)
        name = f"{words.history}.{format}"
        match format:
            case "csv":
                return Download(slot.hold(as_csv(rows, words)), "text/csv; charset=utf-8", name)
            case "ndjson":
                return Download(slot.hold(as_ndjson(rows)), "application/x-ndjson", name)
            case "zip":
                documents = self._source.documents(merchant_id, customer_id, until)
                return Download(slot.hold(as_zip(rows, documents, self._render, words, on)), "application/zip", name)
