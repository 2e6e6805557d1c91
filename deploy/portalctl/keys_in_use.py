"""Links with a pepper, data keys wrapped by a key-encryption key, and whether services have read their keys."""

import asyncio
import base64
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import httpx

from chassis.key_encryption import KeyEncryption, Tampered, name_of
from portalctl.local.errors import StackError
from portalctl.terminal import progress

BATCH = 500
_POLL_SECONDS = 0.2
_READ_SECONDS = 60.0
_CURRENT = "settings_current_timestamp_seconds"
_FIRST = UUID(int=0)


@dataclass(frozen=True)
class WrappedKeys:
    """A table with data keys: `merchant_id`, `owner`, `wrapped`, `wrapped_by`."""

    database: str
    table: str
    owner: str
    """The column that identifies the row of a merchant, a UUID."""


BUYERS = WrappedKeys("invoicing", "customer_keys", "customer_id")
ACCOUNTS = WrappedKeys("payments", "stripe_account", "endpoint")
WRAPPED_KEYS = (BUYERS, ACCOUNTS)
"""Every table with data keys."""


async def links_with(url: str, pepper: str) -> int:
    """The number of links with this pepper that a customer can still open."""
    ids = [hashlib.sha256(part.strip().encode()).hexdigest()[:8] for part in pepper.split(",")]
    async with _Connected(url) as connection:
        count: int = await connection.fetchval(
            """
            SELECT (
                SELECT count(*) FROM portal_link WHERE pepper = ANY($1::text[])
                AND revoked_at IS NULL AND expires_at > now() AND (kind = 'portal' OR used_at IS NULL)
            ) + (
                SELECT count(*) FROM invoice_link WHERE pepper = ANY($1::text[]) AND revoked_at IS NULL AND expires_at > now()
            )
            """,
            ids,
        )
    return count


async def data_keys_without(url: str, key: str, of: WrappedKeys = BUYERS) -> int:
    """The number of data keys that another key-encryption key wraps. Waits for transactions that are writing data keys."""
    async with _Connected(url) as connection, connection.transaction():
        await connection.execute("SET LOCAL lock_timeout = '10s'")
        await connection.execute(f"LOCK TABLE {of.table} IN SHARE MODE")
        sql = f"SELECT count(*) FROM {of.table} WHERE wrapped_by IS DISTINCT FROM $1"
        count: int = await connection.fetchval(sql, name_of(base64.b64decode(key)))
    return count


async def rewrap(url: str, keys: list[str], of: WrappedKeys = BUYERS) -> int:
    """Wrap every data key by the first of the key-encryption keys, one transaction for each batch. Returns their number.

    A repetition continues where an interrupted call ended. Raises StackError if data keys cannot be opened, after all others.
    """
    encryption = KeyEncryption([base64.b64decode(key) for key in keys])
    done, closed, last = 0, [], (_FIRST, _FIRST)
    async with _Connected(url) as connection:
        while True:
            async with connection.transaction():
                rows = await connection.fetch(
                    f"""
                    SELECT merchant_id, {of.owner}, wrapped, wrapped_by FROM {of.table}
                    WHERE wrapped_by IS DISTINCT FROM $1 AND (merchant_id, {of.owner}) > ($2, $3)
                    ORDER BY merchant_id, {of.owner} LIMIT $4 FOR UPDATE
                    """,
                    encryption.newest,
                    *last,
                    BATCH,
                )
                if not rows:
                    break
                changed = []
                for row in rows:
                    last = row["merchant_id"], row[of.owner]
                    try:
                        changed.append((*last, *encryption.rewrapped(row["wrapped"], row["wrapped_by"], *last)))
                    except Tampered:
                        closed.append(f"{last[0]}/{last[1]}")
                sql = f"UPDATE {of.table} SET wrapped = $3, wrapped_by = $4 WHERE merchant_id = $1 AND {of.owner} = $2"
                await connection.executemany(sql, changed)
            done += len(changed)
            progress(f"{done} data keys of {of.database} are wrapped by {encryption.newest}")
    if closed:
        some = ", ".join(closed[:5])
        raise StackError(
            f"{len(closed)} data keys of {of.database} (merchant/{of.owner}) are not wrapped by any of the keys: {some}"
        )
    return done


async def wait_until_read(admin_urls: Mapping[str, str], since: float) -> None:
    """Wait until each service uses the files as they have been since this time. Raises StackError after a minute."""
    deadline = time.monotonic() + _READ_SECONDS
    async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
        for service, url in admin_urls.items():
            while (at := await _current(client, url)) is None or at < since:
                if time.monotonic() > deadline:
                    state = "does not answer" if at is None else "does not use its key files"
                    raise StackError(f"{service} {state}: {url}/health/ready and its log say why. The files are written")
                await asyncio.sleep(_POLL_SECONDS)


async def _current(client: httpx.AsyncClient, url: str) -> float | None:
    """The last time at which a service used what its files contain."""
    try:
        answer = await client.get(f"{url}/metrics")
    except httpx.TransportError:
        return None
    return next((float(line.split()[1]) for line in answer.text.splitlines() if line.startswith(f"{_CURRENT} ")), None)


class _Connected:
    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> asyncpg.Connection:
        try:
            self._connection = await asyncpg.connect(self._url, timeout=10)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StackError(f"the database cannot be reached: {type(error).__name__}: {error}") from error
        return self._connection

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()
