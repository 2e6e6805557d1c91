"""Buyers' details under AES-256-GCM, with a data key per customer, wrapped by a key-encryption key that its row names.

Destroying a customer's row in `customer_keys` makes all of their invoices' particulars unreadable, backups apart.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from chassis.eventsourcing.event_store import Statement
from chassis.key_encryption import KeyEncryption, Tampered, new_data_key, seal, unseal
from invoicing.application.invoices import InvoiceView
from invoicing.application.ports import Sealed
from invoicing.domain.parties import BillTo


class KeyedBillToEncryption:
    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys`: key-encryption keys of 32 bytes. The first one wraps, all of them unwrap."""
        self._keys = KeyEncryption(keys)

    def use(self, keys: Sequence[bytes]) -> None:
        """From now on the first key wraps, and all of them unwrap."""
        self._keys.use(keys)

    async def keys(self, connection: Any, merchant_id: UUID, customers: Collection[UUID]) -> Mapping[UUID, bytes]:
        customer_ids = list(set(customers))
        if not customer_ids:
            return {}
        rows = await connection.fetch(
            """
            SELECT customer.id, stored.wrapped, stored.wrapped_by FROM unnest($2::uuid[]) AS customer (id) LEFT JOIN LATERAL (
                SELECT wrapped, wrapped_by FROM customer_keys
                WHERE merchant_id = $1 AND customer_keys.customer_id = customer.id LIMIT 1
            ) AS stored ON true
            """,
            merchant_id,
            customer_ids,
        )
        keys, new = {}, []
        for customer_id, wrapped, wrapped_by in rows:
            if wrapped is None:
                keys[customer_id] = new_data_key()
                new.append((merchant_id, customer_id, *self._keys.wrap(keys[customer_id], merchant_id, customer_id)))
            else:
                keys[customer_id] = self._keys.unwrap(wrapped, wrapped_by, merchant_id, customer_id)
        if new:
            sql = "INSERT INTO customer_keys (merchant_id, customer_id, wrapped, wrapped_by) VALUES ($1, $2, $3, $4)"
            await connection.executemany(sql, new)
        return keys

    def seal(self, key: bytes, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, buyer: BillTo) -> Sealed:
        text = json.dumps(asdict(buyer), ensure_ascii=False, sort_keys=True).encode()
        sealed = seal(key, text, "bill-to", merchant_id, customer_id, invoice_id)
        sql = "INSERT INTO bill_to (merchant_id, invoice_id, customer_id, sealed) VALUES ($1, $2, $3, $4)"
        row = Statement(sql, (merchant_id, invoice_id, customer_id, sealed))
        return Sealed(hashlib.sha256(sealed).hexdigest(), row)

    async def open(self, connection: Any, merchant_id: UUID, invoices: Sequence[InvoiceView]) -> Mapping[UUID, BillTo]:
        rows = await connection.fetch(
            """
            SELECT invoice_id, customer_id, sealed, wrapped, wrapped_by
            FROM bill_to JOIN customer_keys USING (merchant_id, customer_id)
            WHERE merchant_id = $1 AND invoice_id = ANY($2::uuid[])
            """,
            merchant_id,
            [invoice.id for invoice in invoices],
        )
        promised = {invoice.id: invoice.issued.bill_to_sha256 for invoice in invoices}
        return {row["invoice_id"]: self._open(merchant_id, promised[row["invoice_id"]], row) for row in rows}

    def _open(self, merchant_id: UUID, promised: str, row: Mapping[str, Any]) -> BillTo:
        if hashlib.sha256(row["sealed"]).hexdigest() != promised:
            raise Tampered(f"the buyer of invoice {row['invoice_id']} is not the one that it was issued to")
        return self.buyer(merchant_id, row)

    def buyer(self, merchant_id: UUID, row: Mapping[str, Any]) -> BillTo:
        """The buyer in a row of `bill_to` with its customer's `wrapped` key and `wrapped_by`. Raises Tampered."""
        customer_id = row["customer_id"]
        key = self._keys.unwrap(row["wrapped"], row["wrapped_by"], merchant_id, customer_id)
        text = unseal(key, row["sealed"], "bill-to", merchant_id, customer_id, row["invoice_id"])
        return BillTo(**json.loads(text))
