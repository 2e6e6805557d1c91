"""A service's database: owned by one role, used by another that owns nothing."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import asyncpg

_NO_LIMIT = 86400
# An open write transaction anywhere on the server stops every relay, so a service's may not last.
_SERVICE_LIMITS = {"transaction_timeout": "5s", "lock_timeout": "500ms"}


@dataclass(frozen=True)
class Role:
    name: str
    password: str


@dataclass(frozen=True)
class Database:
    """`owner` applies migrations; `service` reads and writes."""

    name: str
    owner: Role
    service: Role


def url_of(admin_url: str, database: str, role: Role | None = None) -> str:
    """The URL of a database on the same server, as the same user unless a role is given."""
    parts = urlsplit(admin_url)
    user, _, host = parts.netloc.rpartition("@")
    if role is not None:
        user = f"{quote(role.name, safe='')}:{quote(role.password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{host}", path=f"/{quote(database, safe='')}"))


async def connect(url: str, *, own: bool = False, **options: Any) -> asyncpg.Connection:
    """An own server has no TLS, and certificates in the user's home folder do not concern it. The caller bounds the wait."""
    return await asyncpg.connect(url, **({"timeout": _NO_LIMIT} | options), ssl=False if own else None)


async def create(admin_url: str, database: Database, *, own: bool = False) -> None:
    """Create what is missing and set the roles' passwords. `admin_url` may create roles and databases."""
    connection = await connect(admin_url, own=own)
    try:
        for role in (database.owner, database.service):
            await _create_role(connection, role)
        for setting, value in _SERVICE_LIMITS.items():
            await _run(connection, "ALTER ROLE %I SET %I = %L", database.service.name, setting, value)
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database.name):
            # Needed where the administrator is no superuser.
            await _run(connection, "GRANT %I TO CURRENT_USER", database.owner.name)
            await _run(connection, "CREATE DATABASE %I OWNER %I", database.name, database.owner.name)
        await _run(connection, "REVOKE ALL ON DATABASE %I FROM PUBLIC", database.name)
        await _run(connection, "GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I", database.name, database.service.name)
    finally:
        await connection.close()


async def drop(admin_url: str, database: Database) -> None:
    """Also ends the connections that are still open in it."""
    connection = await asyncpg.connect(admin_url)
    try:
        await _run(connection, "DROP DATABASE IF EXISTS %I WITH (FORCE)", database.name)
        for role in (database.owner, database.service):
            await _run(connection, "DROP ROLE IF EXISTS %I", role.name)
    finally:
        await connection.close()


async def _create_role(connection: asyncpg.Connection, role: Role) -> None:
    exists = await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role.name)
    verb = "ALTER" if exists else "CREATE"
    await _run(connection, verb + " ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD %L", role.name, role.password)


async def _run(connection: asyncpg.Connection, statement: str, *names: str) -> None:
    """Names and literals cannot be parameters of these statements: the server quotes them."""
    quoted = ", ".join(f"${position + 2}::text" for position in range(len(names)))
    await connection.execute(await connection.fetchval(f"SELECT format($1, {quoted})", statement, *names))
