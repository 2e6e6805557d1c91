"""One stack for all tests of the whole system; each test has merchants of its own on it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.portal import Shop, Stack, running, shop


@pytest.fixture(scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("system") / "portal"
    async with running(folder) as stack:
        yield stack


@pytest.fixture
async def a_shop(stack: Stack) -> AsyncIterator[Shop]:
    async with shop(stack) as made:
        yield made
