"""A real browser, and a gateway with two customers."""

from collections.abc import AsyncIterator

import pytest
from browser import two_customers as example
from browser.live_stage import close_servers
from browser.seed import SEED
from browser.two_customers import TwoCustomers
from playwright.async_api import Browser, Page, expect

from support.browsing import chrome, watched_page
from support.portal_gateway.gateway import Gateway

expect.set_options(timeout=15_000)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"SEED={SEED} repeats the samples, FULL=1 runs all of the matrix")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chrome(light=True) as started:
        yield started


@pytest.fixture(scope="session", autouse=True)
async def servers() -> AsyncIterator[None]:
    """The servers of the stages run until the last test."""
    yield
    await close_servers()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Fails when a page breaks its own content policy or a script of it fails."""
    async with watched_page(browser, lambda message: "Content Security Policy" in message.text) as page:
        yield page


@pytest.fixture(scope="session")
async def shared_gateway(postgres_url: str) -> AsyncIterator[Gateway]:
    async with example.gateway(postgres_url) as running:
        yield running


@pytest.fixture
async def two_customers(shared_gateway: Gateway) -> TwoCustomers:
    return await example.create(shared_gateway)
