"""One cluster for all faults, with 50 customers who use the portal during each."""

import os
import sys
from collections.abc import AsyncIterator

import pytest

from support.cluster import figures
from support.cluster.cluster import cluster
from support.cluster.faults import ClusterInUse, used_by_customers
from support.cluster.release import NoRelease, Release


@pytest.fixture(scope="session")
async def used(previous: Release | NoRelease) -> AsyncIterator[ClusterInUse]:
    """It starts with the previous release, which the first test replaces."""
    python = previous.python if isinstance(previous, Release) else sys.executable
    async with cluster(python=python) as running, used_by_customers(running) as used:
        yield used
        if os.environ.get("RECORD"):
            figures.write(used.rows)
