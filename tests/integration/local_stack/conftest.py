"""External servers for a stack. A test that needs no servers of the stack's own uses them, because Kafka starts slowly."""

from collections.abc import AsyncIterator

import pytest

from portalctl.local.databases import Database, Role, drop


@pytest.fixture
def external_kafka(kafka_bootstrap: str) -> dict[str, str]:
    """The session's Kafka as an environment variable. The stack starts its own PostgreSQL."""
    return {"KAFKA_BOOTSTRAP_SERVERS": kafka_bootstrap}


@pytest.fixture
async def elsewhere(postgres_url: str, external_kafka: dict[str, str]) -> AsyncIterator[dict[str, str]]:
    """The session's servers as environment variables. The database that a stack creates there is dropped after the test."""
    yield {"PORTAL_POSTGRES_URL": postgres_url, **external_kafka}
    package = "trivial_service"
    await drop(postgres_url, Database(package, Role(f"{package}_owner", ""), Role(package, "")))
