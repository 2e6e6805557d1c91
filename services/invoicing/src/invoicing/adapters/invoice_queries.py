"""Queries of the tables `invoices` and `movements`. Each names the merchant, and the customer if the request is a customer's."""

import json
from collections.abc import AsyncIterator
from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from invoicing.application.aggregates import CODEC
from invoicing.application.history import HistoryRow
from invoicing.application.invoices import Document, InvoiceFilter, InvoiceView, Settlement, SortKey
from invoicing.application.movements import CHARGEBACK, Kind, Movement
from invoicing.application.ports import BillToEncryption
from invoicing.domain.invoice.events import Card, Issued
from invoicing.domain.invoice.invoice import Status
from invoicing.domain.parties import BillTo

HISTORY_PAGE = 500
DOCUMENTS_PAGE = 20
_INVOICE = """
    id, version, issued, schema, status, settled_at, card, credited,
    CASE WHEN status = 'void' THEN (
        SELECT max(at) FROM movements
        WHERE movements.merchant_id = invoices.merchant_id AND invoice_id = invoices.id AND kind = 'refund'
          AND reason IS DISTINCT FROM 'dispute_lost'
        HAVING sum(total) > 0 -- none after a refund that has failed
    ) END AS refunded_at,
    CASE WHEN status = 'paid' THEN (
        SELECT reference FROM movements
        WHERE movements.merchant_id = invoices.merchant_id AND movements.customer_id = invoices.customer_id
          AND invoice_id = invoices.id AND kind = 'payment'
        ORDER BY position DESC LIMIT 1
    ) END AS reference,
    CASE WHEN status = 'void' OR credited > 0 THEN (
        SELECT sum(total) FROM movements
        WHERE movements.merchant_id = invoices.merchant_id AND movements.customer_id = invoices.customer_id
          AND invoice_id = invoices.id AND kind = 'refund' AND reason IS DISTINCT FROM 'dispute_lost'
    ) END AS refunded
"""
_MOVEMENT = ", ".join(each.name for each in fields(Movement))


class InvoiceQueries:
    def __init__(self, pool: asyncpg.Pool, vault: BillToEncryption) -> None:
        self._pool, self._vault = pool, vault

    async def page(
        self, merchant_id: UUID, invoice_filter: InvoiceFilter, after: SortKey | None, limit: int
    ) -> list[InvoiceView]:
        """Newest first, after the sort key `after`."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_INVOICE} FROM invoices
            WHERE merchant_id = $1
              AND ($2::uuid IS NULL OR customer_id = $2)
              AND ($3::text IS NULL OR status = $3)
              AND ($4::int IS NULL OR issued_on BETWEEN make_date($4, 1, 1) AND make_date($4, 12, 31))
              AND ($5::date IS NULL OR (issued_on, ordinal, id) < ($5, $6, $7))
            ORDER BY issued_on DESC, ordinal DESC, id DESC LIMIT $8
            """,
            merchant_id,
            invoice_filter.customer_id,
            invoice_filter.status,
            invoice_filter.year,
            *(after or (None, None, None)),
            limit,
        )
        return [_view(merchant_id, row) for row in rows]

    async def one(self, merchant_id: UUID, id: UUID, customer_id: UUID | None) -> InvoiceView | None:
        """The merchant's invoice; the customer's if `customer_id` is given."""
        row = await self._pool.fetchrow(
            f"""
            SELECT {_INVOICE} FROM invoices
            WHERE merchant_id = $1 AND id = $2 AND ($3::uuid IS NULL OR customer_id = $3)
            """,
            merchant_id,
            id,
            customer_id,
        )
        return _view(merchant_id, row) if row else None

    async def bill_to(self, view: InvoiceView) -> BillTo | None:
        async with self._pool.acquire() as connection:
            return (await self._vault.open(connection, view.merchant_id, [view])).get(view.id)

    async def document(self, view: InvoiceView) -> Document:
        return Document(view.issued, view.settlement, await self.bill_to(view))

    async def movements(self, view: InvoiceView) -> list[Movement]:
        """The invoice's movements, in the order of their storage."""
        rows = await self._pool.fetch(
            f"""
            SELECT {_MOVEMENT} FROM movements
            WHERE merchant_id = $1 AND invoice_id = $2 AND customer_id = $3 ORDER BY position
            """,
            view.merchant_id,
            view.id,
            view.issued.customer_id,
        )
        return [_movement(row) for row in rows]

    async def knows(self, merchant_id: UUID, customer_id: UUID) -> bool:
        """Whether the merchant has such a customer, by the profile or, after an erasure, by invoices."""
        sql = """
            SELECT EXISTS (SELECT FROM projection WHERE merchant_id = $1 AND name = 'customer' AND aggregate = $3)
                OR EXISTS (SELECT FROM invoices WHERE merchant_id = $1 AND customer_id = $2)
        """
        return bool(await self._pool.fetchval(sql, merchant_id, customer_id, f"customer-{customer_id}"))

    async def history(
        self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None
    ) -> AsyncIterator[list[HistoryRow]]:
        """The movements recorded by `until` (wall clock), page by page, in the order of their time."""
        after = datetime.min.replace(tzinfo=UTC), 0
        while rows := await self._pool.fetch(
            f"""
            SELECT position, {_MOVEMENT}, invoice.* FROM movements
            CROSS JOIN LATERAL (
                SELECT issued, schema, status AS invoice_status FROM invoices
                WHERE invoices.merchant_id = movements.merchant_id AND invoices.id = movements.invoice_id
                  AND ($6::int IS NULL OR issued_on BETWEEN make_date($6, 1, 1) AND make_date($6, 12, 31))
            ) AS invoice
            WHERE merchant_id = $1 AND customer_id = $2 AND recorded_at <= $3 AND (at, position) > ($4, $5)
            ORDER BY at, position LIMIT {HISTORY_PAGE}
            """,
            merchant_id,
            customer_id,
            until,
            *after,
            year,
        ):
            yield [_history(row) for row in rows]
            after = rows[-1]["at"], rows[-1]["position"]

    async def count(self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None) -> int:
        """The number of documents: invoices, and the credit notes for them."""
        sql = """
            WITH invoice AS (
                SELECT id FROM invoices
                WHERE merchant_id = $1 AND customer_id = $2 AND recorded_at <= $3
                  AND ($4::int IS NULL OR issued_on BETWEEN make_date($4, 1, 1) AND make_date($4, 12, 31))
            )
            SELECT (SELECT count(*) FROM invoice) + (
                SELECT count(*) FROM credit_notes
                WHERE merchant_id = $1 AND customer_id = $2 AND recorded_at <= $3 AND invoice_id IN (SELECT id FROM invoice)
            )
        """
        return int(await self._pool.fetchval(sql, merchant_id, customer_id, until, year))

    async def documents(
        self, merchant_id: UUID, customer_id: UUID, until: datetime, year: int | None = None
    ) -> AsyncIterator[list[Document]]:
        """The customer's invoices recorded by `until` (wall clock), page by page, oldest first."""
        after: SortKey = (date.min, 0, UUID(int=0))
        while rows := await self._pool.fetch(
            f"""
            SELECT {_INVOICE} FROM invoices
            WHERE merchant_id = $1 AND customer_id = $2 AND recorded_at <= $3 AND (issued_on, ordinal, id) > ($4, $5, $6)
              AND ($7::int IS NULL OR issued_on BETWEEN make_date($7, 1, 1) AND make_date($7, 12, 31))
            ORDER BY issued_on, ordinal, id LIMIT {DOCUMENTS_PAGE}
            """,
            merchant_id,
            customer_id,
            until,
            *after,
            year,
        ):
            views = [_view(merchant_id, row) for row in rows]
            async with self._pool.acquire() as connection:
                buyers = await self._vault.open(connection, merchant_id, views)
            yield [Document(view.issued, view.settlement, buyers.get(view.id)) for view in views]
            after = views[-1].sort_key


def _view(merchant_id: UUID, row: asyncpg.Record) -> InvoiceView:
    card = Card(**_card(json.loads(row["card"]))) if row["card"] else None
    settlement = Settlement(
        Status(row["status"]),
        row["settled_at"],
        card,
        row["refunded_at"],
        row["reference"],
        row["credited"],
        int(row["refunded"] or 0),
    )
    return InvoiceView(merchant_id, row["id"], row["version"], _issued(row), settlement)


def _card(fields: dict[str, Any]) -> dict[str, Any]:
    return fields | {"id": UUID(fields["id"])}


def _issued(row: asyncpg.Record) -> Issued:
    event = CODEC.decode("issued", row["schema"], row["issued"])
    assert isinstance(event, Issued)
    return event


def _movement(row: asyncpg.Record) -> Movement:
    fields = {name: row[name] for name in _MOVEMENT.split(", ")}
    kind = Kind(row["kind"])
    if kind is Kind.VOID and row["credit_note_id"] is not None:
        kind = Kind.CREDIT_NOTE
    elif kind is Kind.REFUND and row["reason"] == CHARGEBACK:
        kind = Kind.CHARGEBACK
    return Movement(**fields | {"kind": kind})


def _history(row: asyncpg.Record) -> HistoryRow:
    it, event = _movement(row), _issued(row)
    zone, period_zone = ZoneInfo(event.letterhead.time_zone), ZoneInfo(event.zone_of_period)
    is_invoice = it.kind is Kind.INVOICE
    status = row["invoice_status"] if is_invoice else it.status
    return HistoryRow(
        it,
        event.issued_on if is_invoice else it.at.astimezone(zone).date(),
        event.number,
        event.plan.name,
        event.period.start.astimezone(period_zone).date(),
        event.period.end.astimezone(period_zone).date(),
        "voided" if status == "void" else status or "",
    )
