"""The history as NDJSON: one object per movement, in codes and whole minor units, for programs."""

import json
from collections.abc import AsyncGenerator
from typing import Any

from invoicing.application.history import HistoryRow, Rows


async def as_ndjson(rows: Rows) -> AsyncGenerator[bytes]:
    async for page in rows:
        yield "".join(json.dumps(fields(row), ensure_ascii=False) + "\n" for row in page).encode()


def fields(row: HistoryRow) -> dict[str, Any]:
    it = row.movement
    return {
        "date": row.on.isoformat(),
        "at": it.at.isoformat().replace("+00:00", "Z"),
        "kind": it.kind.value,
        "invoice_id": str(it.invoice_id),
        "invoice_number": row.number,
        "plan": row.plan_name,
        "period": {"start": row.period_start.isoformat(), "end": row.period_end.isoformat()},
        "net_minor": it.net,
        "tax_minor": it.tax,
        "total_minor": it.total,
        "currency": it.currency,
        "status": row.status or None,
        "payment_method": {"brand": it.brand, "last4": it.last4} if it.brand else None,
        "reason": it.reason,
        "reference": it.reference,
    }
