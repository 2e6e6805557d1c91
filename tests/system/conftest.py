"""One stack for all system tests; each test creates its own merchants."""

from collections.abc import AsyncIterator

import pytest

from portalctl.local.folder import Folder
from portalctl.local.process_table import read_processes
from support.server_folders import server_folder
from support.system_stack import Shop, Stack, running, shop


@pytest.fixture(scope="session")
async def stack() -> AsyncIterator[Stack]:
    with server_folder() as folder:
        async with running(folder / "portal") as stack:
            yield stack


@pytest.fixture(autouse=True)
async def repair_stack(request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """Repair the stack after a test that failed while a process was stopped or killed."""
    yield
    if "stack" not in request.fixturenames:
        return
    stack: Stack = request.getfixturevalue("stack")
    continued = [stack.resume(name) for name in stack.state["processes"]]
    if any(continued) or not read_processes(Folder(stack.folder)).all_ready:
        await stack.ready()


@pytest.fixture
async def a_shop(stack: Stack) -> AsyncIterator[Shop]:
    async with shop(stack) as a_shop:
        yield a_shop
