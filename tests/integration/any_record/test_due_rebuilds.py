"""A migration that changes the form of documents marks their projections, until they are rebuilt."""

from collections.abc import AsyncIterator
from pathlib import Path
from shutil import copy
from urllib.parse import urlsplit
from uuid import uuid4

import asyncpg
import pytest

from chassis.postgres.migrate import CHASSIS, migrate
from portalctl.doctor.databases import ExaminedDatabase
from portalctl.rebuild.due import due_rebuilds, remove_due
from support.databases import ServiceDatabase, fresh_database

GATEWAY = Path(__file__).parents[3] / "services/portal-gateway/src/portal_gateway/migrations"
MARKING = "0025_due_rebuilds.sql"


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    async with fresh_database(postgres_url, "portal_gateway") as database:
        yield database


async def migrated(database: ServiceDatabase, folder: Path) -> asyncpg.Connection:
    owner = await asyncpg.connect(database.owner_url)
    await migrate(owner, {"chassis": CHASSIS, "portal-gateway": folder}, urlsplit(database.url).username or "")
    return owner


async def test_a_new_database_has_nothing_to_rebuild(database: ServiceDatabase) -> None:
    await (await migrated(database, GATEWAY)).close()
    assert await due_rebuilds(database.owner_url, own=True) == []


async def test_before_its_migration_nothing_is_due(database: ServiceDatabase) -> None:
    assert await due_rebuilds(database.owner_url, own=True) == []


async def test_documents_of_an_earlier_release_are_due_until_they_are_rebuilt(database: ServiceDatabase, tmp_path: Path) -> None:
    for file in GATEWAY.glob("*.sql"):
        if file.name < MARKING:
            copy(file, tmp_path)
    owner, merchant, customer = await migrated(database, tmp_path), uuid4(), uuid4()
    insert = """
        INSERT INTO projection (merchant_id, name, aggregate, customer_id, sequence, doc) VALUES ($1, 'wallet', $2, $3, 1, '{}')
        """
    await owner.execute(insert, merchant, f"wallet-{customer}", customer)
    await owner.execute("INSERT INTO customer_view (merchant_id, customer_id, doc) VALUES ($1, $2, '{}')", merchant, customer)
    await owner.close()

    owner = await migrated(database, GATEWAY)
    due = "portal-gateway.wallet", "portal-gateway.view"
    assert await due_rebuilds(database.owner_url, own=True) == list(due)
    findings = {it.check: it for it in await ExaminedDatabase("portal_gateway", owner).checks()}
    assert findings["rebuild portal-gateway"].status == "warning"
    assert findings["rebuild portal-gateway"].advice == "portalctl rebuild --due"
    for name in ("subscriptions.merchant", *due):
        await remove_due(database.owner_url, name, own=True)
    assert await due_rebuilds(database.owner_url, own=True) == []
    assert "rebuild portal-gateway" not in {it.check for it in await ExaminedDatabase("portal_gateway", owner).checks()}
    await owner.close()
