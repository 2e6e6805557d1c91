"""Buyers' details under AES-256-GCM, with a data key per customer, wrapped by the key-encryption key.

Destroying a customer's row in `customer_keys` makes all of their invoices' particulars unreadable, backups apart.
"""

import hashlib
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from chassis.eventsourcing.event_store import Statement
from invoicing.application.invoices import InvoiceView
from invoicing.application.ports import Sealed, Tampered
from invoicing.domain.parties import BillTo

_NONCE_BYTES = 12


class KeyedBillToEncryption:
    def __init__(self, key_encryption_key: bytes) -> None:
        """The key has 32 bytes."""
        self._wrapping = AESGCM(key_encryption_key)

    async def keys(self, connection: Any, merchant_id: UUID, customers: Collection[UUID]) -> Mapping[UUID, bytes]:
        customer_ids = list(set(customers))
        if not customer_ids:
            return {}
        rows = await connection.fetch(
            """
            SELECT customer.id, stored.wrapped FROM unnest($2::uuid[]) AS customer (id) LEFT JOIN LATERAL (
                SELECT wrapped FROM customer_keys
                WHERE merchant_id = $1 AND customer_keys.customer_id = customer.id LIMIT 1
            ) AS stored ON true
            """,
            merchant_id,
            customer_ids,
        )
        keys, new = {}, []
        for customer_id, wrapped in rows:
            bound = _bound("key", merchant_id, customer_id)
            if wrapped is None:
                keys[customer_id] = AESGCM.generate_key(256)
                new.append((merchant_id, customer_id, _encrypt(self._wrapping, keys[customer_id], bound)))
            else:
                keys[customer_id] = _decrypt(self._wrapping, wrapped, bound)
        if new:
            await connection.executemany("INSERT INTO customer_keys (merchant_id, customer_id, wrapped) VALUES ($1, $2, $3)", new)
        return keys

    def seal(self, key: bytes, merchant_id: UUID, customer_id: UUID, invoice_id: UUID, buyer: BillTo) -> Sealed:
        text = json.dumps(asdict(buyer), ensure_ascii=False, sort_keys=True).encode()
        sealed = _encrypt(AESGCM(key), text, _bound("bill-to", merchant_id, customer_id, invoice_id))
        sql = "INSERT INTO bill_to (merchant_id, invoice_id, customer_id, sealed) VALUES ($1, $2, $3, $4)"
        row = Statement(sql, (merchant_id, invoice_id, customer_id, sealed))
        return Sealed(hashlib.sha256(sealed).hexdigest(), row)

    async def open(self, connection: Any, merchant_id: UUID, invoices: Sequence[InvoiceView]) -> Mapping[UUID, BillTo]:
        rows = await connection.fetch(
            """
            SELECT invoice_id, customer_id, sealed, wrapped FROM bill_to JOIN customer_keys USING (merchant_id, customer_id)
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
        """The buyer in a row of `bill_to` with its customer's `wrapped` key. Raises Tampered."""
        customer_id = row["customer_id"]
        key = _decrypt(self._wrapping, row["wrapped"], _bound("key", merchant_id, customer_id))
        text = _decrypt(AESGCM(key), row["sealed"], _bound("bill-to", merchant_id, customer_id, row["invoice_id"]))
        return BillTo(**json.loads(text))


def _encrypt(key: AESGCM, text: bytes, bound: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + key.encrypt(nonce, text, bound)


def _decrypt(key: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound)
    except InvalidTag:
        raise Tampered("a ciphertext does not open: another key-encryption key, or not what was sealed") from None


def _bound(purpose: str, *ids: UUID) -> bytes:
    """The associated data, so that a ciphertext cannot be moved to another row."""
    return "/".join((purpose, *map(str, ids))).encode()
