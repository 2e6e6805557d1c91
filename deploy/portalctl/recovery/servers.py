"""The servers of a recovery: those that the settings name, or the local stack's, started without its services."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

from chassis.kafka_access import KafkaAccess
from portalctl.local.cleanup import sweep
from portalctl.local.databases import url_of
from portalctl.local.errors import PortTaken, StackError
from portalctl.local.folder import Folder
from portalctl.local.layout import ExternalServers, Layout, layout_for_start
from portalctl.local.locks import Held, held
from portalctl.local.programs import start
from portalctl.local.services import SERVICES
from portalctl.settings import Settings
from portalctl.terminal import progress
from verify.sources import DATABASES, variable_of

_STARTS = 5


@dataclass(frozen=True)
class Servers:
    databases: Mapping[str, str]
    """By name, URLs of the tables' owners."""
    kafka: KafkaAccess
    layout: Layout | None = None
    """Of the local stack, if it has these servers."""


@asynccontextmanager
async def recovery_servers(folder: Folder, settings: Settings) -> AsyncIterator[Servers]:
    """PostgreSQL and Kafka, while no service of the local stack runs. Raises StackError."""
    urls = {name: getattr(settings, variable_of(name).lower()) for name in DATABASES}
    access = settings.kafka_of({})
    if all(urls.values()) and access is not None:
        yield Servers({name: url.get_secret_value() for name, url in urls.items()}, access)
        return
    async with local_layout(folder, settings) as layout, AsyncExitStack() as running:
        layout = await _started(layout, running, settings.portal_deadline_seconds)
        yield Servers(owners_of(layout), layout.kafka_access, layout)


@asynccontextmanager
async def local_layout(folder: Folder, settings: Settings) -> AsyncIterator[Layout]:
    """The layout of a stack that does not run, and does not start meanwhile. Raises StackError."""
    if not folder.lock.exists():
        missing = [variable_of(name) for name in DATABASES]
        raise StackError(f"no stack was started in {folder.root}: set {', '.join(missing)} and KAFKA_BOOTSTRAP_SERVERS")
    with stopped_stack(folder):
        folder.make()
        yield layout_for_start(folder, SERVICES, ExternalServers.of(settings))


@contextmanager
def stopped_stack(folder: Folder) -> Iterator[None]:
    """Keep the stack from starting during the block. Raises StackError if it runs."""
    try:
        stack = ExitStack()
        stack.enter_context(held(folder.lock))
    except Held:
        raise StackError("the stack runs: stop it with `portalctl down` first") from None
    with stack:
        sweep(folder)
        yield


def owners_of(layout: Layout) -> dict[str, str]:
    return {each.name: url_of(layout.admin_url, each.name, each.owner) for each in layout.databases}


async def _started(layout: Layout, running: AsyncExitStack, seconds: float) -> Layout:
    """Start the layout's own servers. If another program takes a port, use another one."""
    for attempt in range(1, _STARTS + 1):
        servers = [server for server in (layout.postgres, layout.kafka) if server]
        children = []
        try:
            for server in servers:
                progress(f"starting {server.name}")
                await server.prepare(progress)
                children.append(await start(server.program(), seconds))
        except PortTaken as taken:
            await asyncio.gather(*(child.stop() for child in children))
            if attempt == _STARTS:
                raise
            layout = layout_for_start(layout.folder, layout.kinds, layout.external, [taken.name])
        except BaseException:
            await asyncio.gather(*(child.stop() for child in children))
            raise
        else:
            for child in children:
                running.push_async_callback(child.stop)
            break
    return layout
