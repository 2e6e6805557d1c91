"""A restored database is compared with the topics before any service uses it: `portalctl reconcile`."""

import asyncio

import asyncpg

from chassis.runtime.faults import Backoff, is_transient


class NotReconciled(Exception):
    """The database was restored from a backup and has not been reconciled. Run `portalctl reconcile`, then start the service."""


async def require_reconciled(pool: asyncpg.Pool) -> None:
    """Raises NotReconciled for a database with a mark. A database without the table was never restored by this version."""
    try:
        restored = await pool.fetchrow("SELECT restored_at, note FROM restoration")
    except asyncpg.UndefinedTableError:
        return
    if restored is not None:
        raise NotReconciled(f"restored at {restored['restored_at'].isoformat()} {restored['note']}".strip())


async def until_reconciled(pool: asyncpg.Pool, stop: asyncio.Event) -> None:
    """Wait until the database has answered that it is not marked, or until `stop`. Raises NotReconciled."""
    backoff = Backoff()
    while not stop.is_set():
        try:
            await require_reconciled(pool)
        except Exception as error:
            if not is_transient(error):
                raise
            await backoff.wait(stop)
        else:
            return
