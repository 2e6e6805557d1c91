"""A real browser, and a gateway with two customers."""

from collections.abc import AsyncIterator

import pytest
from browser import neighbours as two_customers
from browser.neighbours import Neighbours
from browser.seed import SEED
from playwright.async_api import Browser, Page, expect

from support.browsing import chrome, watched_page
from support.portal_gateway.gateway import Gateway

expect.set_options(timeout=15_000)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.write_line(f"SEED={SEED} repeats the sample of the axe matrix, FULL=1 runs all of it")


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with chrome() as started:
        yield started


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Fails when a page breaks its own content policy or a script of it fails."""
    async with watched_page(browser, lambda message: "Content Security Policy" in message.text) as page:
        yield page


@pytest.fixture(scope="session")
async def a_gateway(postgres_url: str) -> AsyncIterator[Gateway]:
    async with two_customers.gateway(postgres_url) as running:
        yield running


@pytest.fixture
async def neighbours(a_gateway: Gateway) -> Neighbours:
    return await two_customers.settled(a_gateway)
