"""Servers for the whole session, started when the first test asks for them."""

import gc
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from structlog.dev import ConsoleRenderer, plain_traceback
from xdist.remote import Producer

from chassis.postgres.migrate import CHASSIS, migrate
from support import servers
from support.databases import ServiceDatabase, Template, fresh_database
from support.distribution import Distribution, rank
from support.property_tests import examples
from support.topics import own_topics

# No test is judged by how long it takes: the machine may be busy.
settings.register_profile("untimed", deadline=None, max_examples=examples(100), suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

# structlog's own format draws a table with every variable of each frame, which takes 0.5 s of processor time per exception.
structlog.configure(processors=[*structlog.get_config()["processors"][:-1], ConsoleRenderer(exception_formatter=plain_traceback)])


def pytest_configure() -> None:
    """Nothing that the collection creates is garbage before its end. `pytest_collection_finish` starts the collector again."""
    gc.disable()


def pytest_collection_finish() -> None:
    """The modules and tests stay until the end, and are not searched for garbage with what the tests create."""
    gc.freeze()
    gc.set_threshold(50_000)  # as in a service; the usual 700 costs a tenth of the processor time
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Distribution | None:
    return Distribution(config, log) if config.getoption("dist") == "loadscope" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


@pytest.fixture(scope="session")
async def postgres_url() -> AsyncIterator[str]:
    """A superuser's URL; for tables use `database`, or `support.databases.fresh_database` for several."""
    async with servers.postgres() as url:
        yield url


@pytest.fixture(scope="session")
async def kafka_server() -> AsyncIterator[str]:
    """Bootstrap servers, with topics of other files. Tests use `kafka_bootstrap`."""
    async with servers.kafka() as bootstrap:
        yield bootstrap


@pytest.fixture(scope="module")
async def kafka_bootstrap(kafka_server: str) -> AsyncIterator[str]:
    """Bootstrap servers without any topic. What a file creates is deleted after it, so no other file reads its records."""
    async with own_topics(kafka_server):
        yield kafka_server


@pytest.fixture(scope="session")
async def chassis_tables(postgres_url: str) -> AsyncIterator[Template]:
    """The tables of the chassis without rows."""
    async with fresh_database(postgres_url, "chassis") as database:
        owner = await asyncpg.connect(database.owner_url)
        try:
            await migrate(owner, {"chassis": CHASSIS}, urlsplit(database.url).username or "")
        finally:
            await owner.close()
        yield Template(postgres_url, database)


@pytest.fixture
async def database(postgres_url: str) -> AsyncIterator[ServiceDatabase]:
    """A fresh, empty database for this test alone."""
    async with fresh_database(postgres_url) as database:
        yield database
