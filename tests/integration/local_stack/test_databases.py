"""A service's database and roles on an external server."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest

from portalctl.local.databases import Database, Role, create, drop, url_of


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    """With names and passwords that have to be quoted."""
    name = f'o\'hara "{secrets.token_hex(4)}"'
    quoted_database = Database(name, Role(f"{name} owner", r"pass'\word"), Role(f"{name} service", "$a'b\"c"))
    yield quoted_database
    await drop(postgres_url, quoted_database)


@pytest.fixture
async def administrator(postgres_url: str) -> AsyncIterator[str]:
    """No superuser; another one may have created the roles."""
    role = Role(f"admin_{secrets.token_hex(4)}", "only-for-tests")
    connection = await asyncpg.connect(postgres_url)
    await connection.execute(f"CREATE ROLE {role.name} LOGIN CREATEROLE CREATEDB PASSWORD '{role.password}'")
    yield url_of(postgres_url, "postgres", role)
    await connection.execute(f"DROP OWNED BY {role.name}")
    await connection.execute(f"DROP ROLE {role.name}")
    await connection.close()


async def can_connect(postgres_url: str, database: Database, role: Role) -> bool:
    connection = await asyncpg.connect(url_of(postgres_url, database.name, role))
    await connection.close()
    return True


async def test_an_administrator_without_superuser_rights_creates_and_repeats(administrator: str, database: Database) -> None:
    for _ in range(2):
        await create(administrator, database)
        assert await can_connect(administrator, database, database.owner)
        assert await can_connect(administrator, database, database.service)


async def test_a_superuser_removes_superuser_rights_of_the_service_role(postgres_url: str, database: Database) -> None:
    await create(postgres_url, database)
    connection = await asyncpg.connect(postgres_url)
    name = await connection.fetchval("SELECT quote_ident($1)", database.service.name)
    await connection.execute(f"ALTER ROLE {name} SUPERUSER BYPASSRLS")
    await create(postgres_url, database)
    query = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = $1"
    assert await connection.fetchval(query, database.service.name) is False
    await connection.close()
