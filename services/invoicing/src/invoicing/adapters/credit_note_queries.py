"""Queries of the table `credit_notes`. Each names the merchant, and the customer if the request is a customer's."""

import json
from collections.abc import AsyncIterator
from datetime import date, datetime
from uuid import UUID

import asyncpg

from invoicing.application.aggregates import CODEC
from invoicing.application.credit_notes import CreditNoteDocument, CreditNoteFilter, CreditNoteView, CreditRefund
from invoicing.application.invoices import InvoiceView, Settlement, SortKey
from invoicing.application.ports import BillToEncryption
from invoicing.domain.invoice.events import Card, Credited, Issued
from invoicing.domain.numbering import Counter

DOCUMENTS_PAGE = 20


class CreditNoteQueries:
    def __init__(self, pool: asyncpg.Pool, vault: BillToEncryption) -> None:
        self._pool, self._vault = pool, vault

    async def page(
        self, merchant_id: UUID, note_filter: CreditNoteFilter, after: SortKey | None, limit: int
    ) -> list[CreditNoteView]:
        return await self._read(merchant_id, note_filter.customer_id, note_filter.invoice_id, after=after, limit=limit)

    async def one(self, merchant_id: UUID, id: UUID, customer_id: UUID | None) -> CreditNoteView | None:
        return next(iter(await self._read(merchant_id, customer_id, id=id)), None)

    async def of_invoice(self, merchant_id: UUID, invoice_id: UUID, customer_id: UUID) -> list[CreditNoteView]:
        return list(reversed(await self._read(merchant_id, customer_id, invoice_id)))

    async def _read(
        self,
        merchant_id: UUID,
        customer_id: UUID | None,
        invoice_id: UUID | None = None,
        id: UUID | None = None,
        after: SortKey | None = None,
        limit: int | None = None,
    ) -> list[CreditNoteView]:
        """Newest first. None matches any value."""
        rows = await self._pool.fetch(
            """
            SELECT note.id, note.invoice_id, note.issued AS credited, note.schema AS credited_schema, invoice.issued,
                   invoice.schema, invoice.card, repaid.status AS refund_status, repaid.at AS refunded_at, repaid.reference
            FROM credit_notes AS note
            JOIN invoices AS invoice ON invoice.merchant_id = note.merchant_id AND invoice.customer_id = note.customer_id
                AND invoice.id = note.invoice_id
            LEFT JOIN LATERAL (
                SELECT status, at, reference FROM movements
                WHERE movements.merchant_id = note.merchant_id AND movements.customer_id = note.customer_id
                  AND movements.invoice_id = note.invoice_id AND movements.kind = 'refund'
                  AND movements.credit_note_id = note.id
                ORDER BY position DESC LIMIT 1
            ) AS repaid ON true
            WHERE note.merchant_id = $1
              AND ($2::uuid IS NULL OR note.customer_id = $2)
              AND ($3::uuid IS NULL OR note.invoice_id = $3)
              AND ($4::uuid IS NULL OR note.id = $4)
              AND ($5::date IS NULL OR (note.issued_on, note.ordinal, note.id) < ($5, $6, $7))
            ORDER BY note.issued_on DESC, note.ordinal DESC, note.id DESC LIMIT $8
            """,
            merchant_id,
            customer_id,
            invoice_id,
            id,
            *(after or (None, None, None)),
            limit,
        )
        return [_view(merchant_id, row) for row in rows]

    async def document(self, view: CreditNoteView) -> CreditNoteDocument:
        invoice = InvoiceView(view.merchant_id, view.invoice_id, 0, view.issued, Settlement())
        async with self._pool.acquire() as connection:
            buyers = await self._vault.open(connection, view.merchant_id, [invoice])
        return CreditNoteDocument(view.credited, view.issued, view.card, buyers.get(view.invoice_id))

    async def documents(
        self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None
    ) -> AsyncIterator[list[CreditNoteDocument]]:
        """The customer's credit notes recorded by `until` (wall clock), page by page, oldest first.

        `year`: only for the invoices issued in that year.
        """
        after: SortKey = (date.min, 0, UUID(int=0))
        while rows := await self._pool.fetch(
            f"""
            SELECT note.id, note.issued_on, note.ordinal, note.invoice_id, note.issued AS credited,
                   note.schema AS credited_schema, invoice.issued, invoice.schema, invoice.card
            FROM credit_notes AS note
            JOIN invoices AS invoice ON invoice.merchant_id = note.merchant_id AND invoice.customer_id = note.customer_id
                AND invoice.id = note.invoice_id
            WHERE note.merchant_id = $1 AND note.customer_id = $2 AND note.recorded_at <= $3
              AND (note.issued_on, note.ordinal, note.id) > ($4, $5, $6)
              AND ($7::int IS NULL OR invoice.issued_on BETWEEN make_date($7, 1, 1) AND make_date($7, 12, 31))
            ORDER BY note.issued_on, note.ordinal, note.id LIMIT {DOCUMENTS_PAGE}
            """,
            merchant_id,
            customer_id,
            until,
            *after,
            year,
        ):
            invoices = [InvoiceView(merchant_id, row["invoice_id"], 0, _issued(row), Settlement()) for row in rows]
            async with self._pool.acquire() as connection:
                buyers = await self._vault.open(connection, merchant_id, invoices)
            yield [
                CreditNoteDocument(_credited(row), invoice.issued, _card(row), buyers.get(invoice.id))
                for row, invoice in zip(rows, invoices, strict=True)
            ]
            after = rows[-1]["issued_on"], rows[-1]["ordinal"], rows[-1]["id"]

    async def counter(self, merchant_id: UUID, series: str) -> Counter:
        sql = "SELECT last, last_issued_on FROM series WHERE merchant_id = $1 AND name = $2"
        row = await self._pool.fetchrow(sql, merchant_id, series)
        return Counter(series, row["last"], row["last_issued_on"]) if row else Counter(series)


def _view(merchant_id: UUID, row: asyncpg.Record) -> CreditNoteView:
    succeeded = row["refund_status"] == "succeeded"
    refund = CreditRefund("made" if succeeded else "failed", row["refunded_at"], row["reference"]) if row["refunded_at"] else None
    return CreditNoteView(
        merchant_id,
        row["id"],
        row["invoice_id"],
        _credited(row),
        _issued(row),
        _card(row),
        refund or CreditRefund(),
    )


def _credited(row: asyncpg.Record) -> Credited:
    event = CODEC.decode("credited", row["credited_schema"], row["credited"])
    assert isinstance(event, Credited)
    return event


def _issued(row: asyncpg.Record) -> Issued:
    event = CODEC.decode("issued", row["schema"], row["issued"])
    assert isinstance(event, Issued)
    return event


def _card(row: asyncpg.Record) -> Card | None:
    fields = json.loads(row["card"]) if row["card"] else None
    return Card(**fields | {"id": UUID(fields["id"])}) if fields else None
