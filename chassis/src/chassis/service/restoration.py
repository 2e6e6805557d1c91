"""A restored database is compared with the topics before any service uses it: `portalctl reconcile`."""

import asyncpg
import structlog

log = structlog.get_logger()


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
