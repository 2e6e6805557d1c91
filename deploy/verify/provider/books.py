"""Compares a window of each account's payment intents and refunds with payments, in both directions.

It reads one page at a time and keeps only the ids that it has seen, in a temporary file. It changes nothing, neither here nor at
Stripe. A difference is reported if it remains when both sides are read again.
"""

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from chassis.key_encryption import KeyEncryption, Tampered
from chassis.postgres.connection import Connection
from payments.adapters.stripe.accounts import StoredAccount, opened
from portalctl.local.errors import StackError
from verify.capture import open_database
from verify.consistent_cut import Progress
from verify.provider import rules
from verify.provider.stripe_lists import STRIPE, Kind, NotReadable, Page, StripeLists, lists_of
from verify.rows import Row
from verify.sources import Sources

_DIFFERENCES_MAX = 10_000
_BATCH = 500
_ATTEMPTS = """
SELECT attempt.charge_id, attempt.status, attempt.reference, attempt.amount_minor, attempt.currency, intent.reference AS stored
FROM attempt LEFT JOIN stripe_intent AS intent USING (merchant_id, charge_id)
WHERE merchant_id = $1 AND provider = 'stripe' AND (
    charge_id = ANY($2) OR charge_id IN (SELECT charge_id FROM stripe_intent WHERE merchant_id = $1 AND reference = ANY($3))
)
"""
_REFUNDS = """
SELECT refund_id, status, reference, amount_minor, currency FROM refund
WHERE merchant_id = $1 AND (refund_id = ANY($2) OR reference = ANY($3))
"""
_CHARGES = "SELECT reference, charge_id FROM stripe_intent WHERE merchant_id = $1 AND reference = ANY($2)"
_OURS: dict[Kind, str] = {
    "payment_intents": """
        SELECT reference FROM stripe_intent WHERE merchant_id = $1 AND mode = $2 AND created_at BETWEEN $3 AND $4
        """,
    "refunds": """
        SELECT refund.reference FROM refund JOIN stripe_intent AS intent USING (merchant_id, charge_id)
        WHERE merchant_id = $1 AND intent.mode = $2 AND ended_at BETWEEN $3 AND $4 AND refund.reference IS NOT NULL
        """,
}


@dataclass
class Books:
    """What was compared, and what differs."""

    days: int
    accounts: int = 0
    seen: dict[Kind, int] = field(default_factory=lambda: {"payment_intents": 0, "refunds": 0})
    """Objects at Stripe in the window."""
    differences: list[str] = field(default_factory=list)
    more: int = 0
    """Further differences, beyond the limit."""

    @property
    def clean(self) -> bool:
        return not self.differences

    def note(self, difference: str) -> None:
        if len(self.differences) < _DIFFERENCES_MAX:
            self.differences.append(difference)
        else:
            self.more += 1


def compare_all(sources: Sources, keys: Sequence[bytes], days: int, progress: Progress) -> Books:
    """`compare` for the sources of `verify`."""
    url = sources.databases["payments"]
    return asyncio.run(compare(url, keys, days, base_url=STRIPE, own=sources.own, progress=progress))


async def compare(url: str, keys: Sequence[bytes], days: int, *, base_url: str, own: bool, progress: Progress) -> Books:
    """`keys`: the key-encryption keys of payments. An account that cannot be read is a difference. Raises StackError."""
    books = Books(days)
    try:
        connection = await open_database(url, own=own)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise StackError(f"the database payments cannot be reached: {error or type(error).__name__}") from error
    try:
        await connection.execute("SET default_transaction_read_only = on")
        for number, account in enumerate(await _accounts(connection, keys), 1):
            progress(f"comparing with Stripe, account {number}")
            books.accounts += 1
            await _compare_account(connection, account, books, base_url)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise StackError(f"the database payments could not be read: {error}") from error
    finally:
        await connection.close()
    return books


async def _accounts(connection: Connection, keys: Sequence[bytes]) -> list[StoredAccount]:
    rows = await connection.fetch("SELECT * FROM stripe_account ORDER BY merchant_id")
    if rows and not keys:
        raise StackError("KEY_ENCRYPTION_KEY of payments is not set, and opens the keys of merchants' accounts")
    try:
        return [opened(row, KeyEncryption(keys)) for row in rows]
    except Tampered as error:
        raise StackError("KEY_ENCRYPTION_KEY does not open the keys of merchants' accounts") from error


async def _compare_account(connection: Connection, stored: StoredAccount, books: Books, base_url: str) -> None:
    merchant, mode = stored.account.merchant_id, stored.account.mode
    try:
        async with lists_of(stored.account, base_url) as lists:
            with closing(_Seen()) as seen:
                comparison = _Comparison(connection, lists, merchant, books, seen)
                await comparison.run(mode)
    except NotReadable as reason:
        books.note(f"the {mode} account of merchant {merchant} cannot be read: {reason}")


class _Seen:
    def __init__(self) -> None:
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; CREATE TABLE seen (id PRIMARY KEY);")

    def add(self, ids: Sequence[str]) -> None:
        self._database.executemany("INSERT OR IGNORE INTO seen VALUES (?)", [(id,) for id in ids])

    def __contains__(self, id: str) -> bool:
        return self._database.execute("SELECT 1 FROM seen WHERE id = ?", (id,)).fetchone() is not None

    def close(self) -> None:
        self._database.close()


class _Comparison:
    """Of one account."""

    def __init__(self, connection: Connection, lists: StripeLists, merchant: UUID, books: Books, seen: _Seen) -> None:
        self._connection, self._lists, self._merchant, self._books, self._seen = connection, lists, merchant, books, seen

    async def run(self, mode: str) -> None:
        until = datetime.now(UTC)
        since = until - timedelta(days=self._books.days)
        differing: dict[Kind, Callable[[Page], AsyncIterator[tuple[str, str]]]]
        differing = {"payment_intents": self._intents, "refunds": self._refunds}
        for kind, differences in differing.items():
            async for page in self._lists.pages(kind, int(since.timestamp()), int(until.timestamp())):
                self._books.seen[kind] += len(page)
                self._seen.add([each["id"] for each in page])
                await self._note_what_remains(kind, [id async for id, _ in differences(page)])
            async for id in self._not_seen(kind, mode, since, until):
                await self._note_what_remains(kind, [id])

    async def _note_what_remains(self, kind: Kind, ids: Sequence[str]) -> None:
        """The state at Stripe may be older than the row, which was read after it."""
        for id in ids:
            object = await self._lists.read(kind, id)
            if object is None:
                self._books.note(f"merchant {self._merchant}: {id} is in payments, and unknown to Stripe")
                continue
            compared = self._intents([object]) if kind == "payment_intents" else self._refunds([object])
            async for _, difference in compared:
                self._books.note(f"merchant {self._merchant}: {difference}")

    async def _not_seen(self, kind: Kind, mode: str, since: datetime, until: datetime) -> AsyncIterator[str]:
        async with self._connection.transaction(readonly=True):
            async for row in self._connection.cursor(_OURS[kind], self._merchant, mode, since, until, prefetch=_BATCH):
                if row["reference"] and row["reference"] not in self._seen:
                    yield row["reference"]

    async def _intents(self, page: Page) -> AsyncIterator[tuple[str, str]]:
        named = [id for each in page if (id := _uuid(rules.names(each, "charge_id")))]
        rows = await self._connection.fetch(_ATTEMPTS, self._merchant, named, [each["id"] for each in page])
        by_charge: dict[str, Row] = {str(row["charge_id"]): dict(row) for row in rows}
        by_intent: dict[str, Row] = {row["stored"]: dict(row) for row in rows}
        for intent in page:
            row = by_intent.get(intent["id"]) or by_charge.get(rules.names(intent, "charge_id") or "")
            if difference := rules.of_intent(intent, row, time.time()):
                yield intent["id"], difference

    async def _refunds(self, page: Page) -> AsyncIterator[tuple[str, str]]:
        named = [id for each in page if (id := _uuid(rules.names(each, "refund_id")))]
        rows = await self._connection.fetch(_REFUNDS, self._merchant, named, [each["id"] for each in page])
        intents = [each["payment_intent"] for each in page if isinstance(each.get("payment_intent"), str)]
        charges = {row["reference"]: row["charge_id"] for row in await self._connection.fetch(_CHARGES, self._merchant, intents)}
        by_id: dict[str, Row] = {str(row["refund_id"]): dict(row) for row in rows}
        by_reference: dict[str, Row] = {row["reference"]: dict(row) for row in rows}
        for refund in page:
            row = by_reference.get(refund["id"]) or by_id.get(rules.names(refund, "refund_id") or "")
            difference = rules.of_refund(refund, row, charges.get(refund.get("payment_intent")), time.time())
            if difference:
                yield refund["id"], difference


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def as_json(books: Books, most: int) -> dict[str, Any]:
    return {
        "days": books.days,
        "accounts": books.accounts,
        "payment_intents": books.seen["payment_intents"],
        "refunds": books.seen["refunds"],
        "differences": books.differences[:most],
        "further_differences": len(books.differences[most:]) + books.more,
    }
