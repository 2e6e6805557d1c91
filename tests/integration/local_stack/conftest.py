"""External servers for a stack."""

from collections.abc import AsyncIterator

import pytest

from portalctl.local.databases import Database, Role, drop


@pytest.fixture
async def elsewhere(postgres_url: str, kafka_bootstrap: str) -> AsyncIterator[dict[str, str]]:
    """The session's servers as environment variables. The database that a stack creates there is dropped after the test."""
    yield {"PORTAL_POSTGRES_URL": postgres_url, "KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}
    package = "trivial_service"
    await drop(postgres_url, Database(package, Role(f"{package}_owner", ""), Role(package, "")))
