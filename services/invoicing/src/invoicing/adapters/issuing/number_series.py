"""The table `series`: the last number of each of a merchant's series. Its reader must hold the merchant's lock."""

from uuid import UUID

import asyncpg

from invoicing.domain.numbering import Counter

_LOCK = 0x696E766F  # the namespace of the advisory locks of merchants


async def lock(connection: asyncpg.Connection, merchant_id: UUID) -> None:
    """Lock the merchant until the transaction ends.

    The lock takes no transaction id, so the streams may be read before it.
    """
    await connection.execute("SELECT pg_advisory_xact_lock($1, hashtext($2))", _LOCK, str(merchant_id))


async def counter(connection: asyncpg.Connection, merchant_id: UUID, name: str) -> Counter:
    sql = "SELECT last, last_issued_on FROM series WHERE merchant_id = $1 AND name = $2"
    row = await connection.fetchrow(sql, merchant_id, name)
    return Counter(name, row["last"], row["last_issued_on"]) if row else Counter(name)


async def store(connection: asyncpg.Connection, merchant_id: UUID, counter: Counter) -> None:
    await connection.execute(
        """
        INSERT INTO series (merchant_id, name, last, last_issued_on) VALUES ($1, $2, $3, $4)
        ON CONFLICT (merchant_id, name) DO UPDATE SET last = excluded.last, last_issued_on = excluded.last_issued_on
        """,
        merchant_id,
        counter.series,
        counter.last,
        counter.last_issued_on,
    )
