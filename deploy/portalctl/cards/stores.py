"""`cards list` and `cards redact` over all databases, including the wait for derived data."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict

import asyncpg

from chassis.card_numbers.detection import has_card
from chassis.key_encryption import Tampered
from chassis.postgres.pool import create_pool
from invoicing.adapters.bill_to_encryption import KeyedBillToEncryption
from portalctl.cards.locations import Location, Treatment
from portalctl.cards.redaction import redact
from portalctl.cards.search import Finding, find
from portalctl.local.errors import StackError
from verify.capture import open_database

Databases = Mapping[str, str]
"""Name -> URL, with a role that may read and write every table."""
_POLL_SECONDS = 0.5
_BUYERS = Location("invoicing", "bill_to", ("merchant_id", "invoice_id"), ("sealed",), Treatment.UNCHANGED)


async def listed(databases: Databases, key_encryption_keys: Sequence[bytes]) -> list[Finding]:
    """All findings. Buyers of invoices are read only with the keys. Raises StackError if a database cannot be reached."""
    findings: list[Finding] = []
    async with AsyncExitStack() as closing:
        for name, url in databases.items():
            connection = await _opened(name, url)
            closing.push_async_callback(connection.close)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                findings += [finding async for finding in find(connection, name)]
                if name == _BUYERS.database and key_encryption_keys:
                    findings += [finding async for finding in _buyers(connection, KeyedBillToEncryption(key_encryption_keys))]
    return findings


async def redacted(databases: Databases, findings: Sequence[Finding]) -> int:
    """Redact the findings. Returns the number of changed rows."""
    changed = 0
    for name, url in databases.items():
        own = [finding for finding in findings if finding.location.database == name]
        if not any(finding.treatment in (Treatment.REWRITTEN, Treatment.REVISED) for finding in own):
            continue
        async with create_pool(url, name="portalctl cards", min_size=1, max_size=6) as pool:
            for finding in own:
                changed += await redact(pool, finding)
    return changed


async def settled(databases: Databases, patience: float) -> list[Finding]:
    """The remaining findings after the running services have updated derived data, or after `patience` seconds."""
    deadline = time.monotonic() + patience
    while True:
        left = await listed(databases, [])
        if not any(finding.treatment is Treatment.DERIVED for finding in left) or time.monotonic() > deadline:
            return left
        await asyncio.sleep(_POLL_SECONDS)


async def _buyers(connection: asyncpg.Connection, vault: KeyedBillToEncryption) -> AsyncIterator[Finding]:
    rows = connection.cursor(
        """
        SELECT merchant_id, invoice_id, customer_id, sealed, wrapped, wrapped_by
        FROM bill_to JOIN customer_keys USING (merchant_id, customer_id)
        """
    )
    async for row in rows:
        try:
            buyer = asdict(vault.buyer(row["merchant_id"], dict(row)))
        except Tampered as error:
            raise StackError(f"bill_to cannot be read, KEY_ENCRYPTION_KEY may be a different one: {error}") from None
        if fields := tuple(name for name, text in buyer.items() if text and has_card(text)):
            yield Finding(_BUYERS, (str(row["merchant_id"]), str(row["invoice_id"])), fields)


async def _opened(name: str, url: str) -> asyncpg.Connection:
    try:
        return await open_database(url)
    except (OSError, asyncpg.PostgresError) as error:
        raise StackError(f"the database {name} cannot be reached: {error}") from error
