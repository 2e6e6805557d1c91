"""The history as NDJSON: one object per movement, in codes and whole minor units, for programs."""

from collections.abc import AsyncGenerator

from billing_contracts.history import HistoryLine
from invoicing.application.history import HistoryRow, Rows


async def as_ndjson(rows: Rows) -> AsyncGenerator[bytes]:
    async for page in rows:
        yield "".join(line(row).model_dump_json() + "\n" for row in page).encode()


def line(row: HistoryRow) -> HistoryLine:
    it = row.movement
    return HistoryLine.model_validate(
        {
            "date": row.on,
            "at": it.at,
            "kind": it.kind.value,
            "invoice_id": it.invoice_id,
            "invoice_number": row.number,
            "plan": row.plan_name,
            "period": {"start": row.period_start, "end": row.period_end},
            "net_minor": it.net,
            "tax_minor": it.tax,
            "total_minor": it.total,
            "currency": it.currency,
            "status": row.status or None,
            "payment_method": {"brand": it.brand, "last4": it.last4} if it.brand else None,
            "reason": it.reason,
            "reference": it.reference,
        }
    )
