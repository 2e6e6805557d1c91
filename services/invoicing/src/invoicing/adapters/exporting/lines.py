"""The history as NDJSON: one object per movement, in codes and whole minor units, for programs."""

from collections.abc import AsyncGenerator

from billing_contracts.history import HistoryLine
from invoicing.application.history import HistoryRow, Rows


async def as_ndjson(rows: Rows) -> AsyncGenerator[bytes]:
    async for page in rows:
        yield "".join(line(row).model_dump_json() + "\n" for row in page).encode()


def line(row: HistoryRow) -> HistoryLine:
    movement = row.movement
    kind, detail = movement.kind.published
    return HistoryLine.model_validate(
        {
            "date": row.on,
            "at": movement.at,
            "kind": kind,
            "detail": detail,
            "invoice_id": movement.invoice_id,
            "invoice_number": row.number,
            "plan": row.plan_name,
            "period": {"start": row.period_start, "end": row.period_end},
            "net_minor": movement.net,
            "tax_minor": movement.tax,
            "total_minor": movement.total,
            "currency": movement.currency,
            "status": row.status or None,
            "payment_method": {"brand": movement.brand, "last4": movement.last4} if movement.brand else None,
            "reason": movement.reason,
            "reference": movement.reference,
        }
    )
