"""A cluster loses a broker and its primary database while customers use the portal. `make test-deploy` has more of it."""

import pytest

from support.cluster import brokers
from support.cluster.cluster import SMALL, cluster
from support.cluster.faults import used_by_customers


@pytest.mark.timeout(600)
async def test_a_broker_and_the_primary_database_are_lost() -> None:
    async with (
        cluster(SMALL) as running,
        used_by_customers(running, 3) as used,
        used.fault("a broker and the primary killed"),
    ):
        await running.brokers.kill(brokers.NODES[0])
        await running.postgres.kill(running.postgres.primary)
        await running.postgres.promote()
