"""Applies SQL migrations, and grants the service's role its privileges. The role never owns the tables."""

import asyncio
import hashlib
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import structlog

log = structlog.get_logger()

CHASSIS = Path(__file__).parent / "migrations"
"""The migrations of the chassis, which are applied before those of a service."""

_LOCK = 0x6D696772  # arbitrary, but the same in every process that migrates
_LOCK_SECONDS = 3
"""How long a statement of a migration waits for a table. Later queries of the table wait behind it."""
_ATTEMPTS = 20
_PAUSE_SECONDS = 2.0


class MigrationChanged(Exception):
    """A migration file was changed after it was applied. Restore the file, and add a new one."""


class MigrationBlocked(Exception):
    """Other transactions held a lock in every attempt. The named migration and later ones were not applied."""


async def migrate(
    connection: "asyncpg.Connection",
    components: Mapping[str, Path],
    role: str,
    *,
    lock_seconds: float = _LOCK_SECONDS,
    attempts: int = _ATTEMPTS,
    pause_seconds: float = _PAUSE_SECONDS,
) -> list[str]:
    """Apply every pending `NNNN_<name>.sql` in its own transaction, in the order of the components and file names.

    `connection` is the owner's; `role` is the service's. Returns the applied files as `<component>/<file>`. A migration waits
    for a lock at most `lock_seconds`, so that it does not stop the running service, and is then tried again. Raises
    MigrationChanged before it applies any file of that component, and MigrationBlocked after the last attempt.
    """

    async def apply(component: str, file: Path) -> None:
        for attempt in range(1, attempts + 1):
            try:
                await _apply(connection, component, file)
            except asyncpg.LockNotAvailableError:
                log.warning("migration.blocked", file=f"{component}/{file.name}", attempt=attempt, attempts=attempts)
                if attempt < attempts:
                    await asyncio.sleep(pause_seconds)
            else:
                return
        raise MigrationBlocked(f"{component}/{file.name}")

    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute("SELECT set_config('lock_timeout', $1, false)", f"{round(lock_seconds * 1000)}ms")
        await connection.execute(
            """
            CREATE TABLE IF NOT EXISTS migrations (
                component  text NOT NULL,
                file       text NOT NULL,
                sha256     text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(),
                PRIMARY KEY (component, file)
            )
            """
        )
        applied = []
        for component, folder in components.items():
            for file in await _pending(connection, component, folder):
                await apply(component, file)
                applied.append(f"{component}/{file.name}")
        await _grant(connection, role)
        return applied
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def pending_migrations(pool: asyncpg.Pool, components: Mapping[str, Path]) -> list[str]:
    """The packaged migrations that have not been applied, as `<component>/<file>`. Migrations of newer code are ignored."""
    try:
        rows = await pool.fetch("SELECT component, file FROM migrations")
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        rows = []
    applied = {(row["component"], row["file"]) for row in rows}
    return [
        f"{component}/{file.name}"
        for component, folder in components.items()
        for file in sorted(folder.glob("*.sql"))
        if (component, file.name) not in applied
    ]


async def _pending(connection: "asyncpg.Connection", component: str, folder: Path) -> list[Path]:
    rows = await connection.fetch("SELECT file, sha256 FROM migrations WHERE component = $1", component)
    known = {row["file"]: row["sha256"] for row in rows}
    files = sorted(folder.glob("*.sql"))
    for file in files:
        if known.get(file.name, _sha256(file)) != _sha256(file):
            raise MigrationChanged(f"{component}/{file.name}")
    return [file for file in files if file.name not in known]


async def _apply(connection: "asyncpg.Connection", component: str, file: Path) -> None:
    async with connection.transaction():
        await connection.execute(file.read_text())
        insert = "INSERT INTO migrations (component, file, sha256) VALUES ($1, $2, $3)"
        await connection.execute(insert, component, file.name, _sha256(file))


async def _grant(connection: "asyncpg.Connection", role: str) -> None:
    if role == await connection.fetchval("SELECT current_user"):
        return
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    async with connection.transaction():
        await connection.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {name}")
        await connection.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
        # events are immutable
        await connection.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON events FROM {name}")
        for table in ("migrations", "restoration", "blocked_streams"):
            if await connection.fetchval("SELECT to_regclass($1)", table):
                await connection.execute(f"REVOKE INSERT, UPDATE, DELETE ON {table} FROM {name}")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
